"""JSON lines: every line one outcome, memory bounded, places to go on from."""

from __future__ import annotations

import gzip
import io
import json
import random
import tracemalloc
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import InvalidError
from streams.sources.base import KEPT_BYTES, Rejected
from streams.sources.jsonl import JsonLines, open_json_lines
from streams.sources.normalise import Defaults
from streams.wire import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from pathlib import Path

    from streams.sources.base import Position, Step


class Raw(io.BytesIO):
    """Bytes as an unbuffered file gives them."""


def read(data: bytes, position: Position | None = None) -> list[Step]:
    source = JsonLines(Raw(data), "test", Defaults("test"), lambda: datetime(2026, 3, 1, tzinfo=UTC))  # type: ignore[arg-type]
    with closing(source):
        return list(source.steps(position))


def line(number: int) -> bytes:
    return json.dumps({"uri": f"urn:x:{number}", "text": f"Text {number}."}).encode() + b"\n"


def places(steps: list[Step]) -> list[str]:
    return [s.outcome.place if isinstance(s.outcome, Rejected) else s.outcome.uri for s in steps]


@pytest.mark.parametrize("packed", [False, True])
def test_bad_lines_cost_themselves_alone(*, packed: bool) -> None:
    data = line(1) + b"{bad\n\n" + line(2) + b"\xff\xfe\n   \n" + line(3).strip()
    steps = read(gzip.compress(data) if packed else data)
    assert places(steps) == ["urn:x:1", "line 2", "urn:x:2", "line 5", "urn:x:3"]
    assert steps[1].outcome.value == b"{bad"  # type: ignore[union-attr]


def test_a_byte_order_mark_and_windows_line_ends_are_no_fault() -> None:
    assert places(read(b"\xef\xbb\xbf" + line(1).replace(b"\n", b"\r\n") + line(2))) == ["urn:x:1", "urn:x:2"]


@pytest.mark.parametrize("packed", [False, True])
def test_closing_closes_what_reads_the_file(tmp_path: Path, *, packed: bool) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(gzip.compress(line(1) * 3) if packed else line(1) * 3)
    source = open_json_lines(path, Defaults("test"), lambda: datetime(2026, 3, 1, tzinfo=UTC))
    next(iter(source.steps(None)))
    buffered = source._buffered
    source.close()
    assert buffered is not None
    assert buffered.closed


def test_an_empty_file_holds_nothing() -> None:
    assert read(b"") == []


@pytest.mark.parametrize("size", [MAX_RECORD_BYTES + 1, 2_000_000, 5_000_000])
def test_a_line_too_long_is_one_rejected_and_the_rest_goes_on(size: int) -> None:
    steps = read(line(1) + b'{"text": "' + b"x" * (size - 12) + b'"}\n' + line(2) + b"y" * size)
    assert places(steps) == ["urn:x:1", "line 2", "urn:x:2", "line 4"]
    rejected = steps[1].outcome
    assert isinstance(rejected, Rejected)
    assert (len(rejected.value), rejected.size) == (KEPT_BYTES, size)
    assert "at most 900,000" in rejected.message
    assert steps[2].position == {"line": 3, "offset": len(line(1)) + size + 1 + len(line(2))}


def test_the_longest_line_that_fits_is_read() -> None:
    longest = b'{"text": "' + b"x" * (MAX_RECORD_BYTES - 12) + b'"}'
    assert len(longest) == MAX_RECORD_BYTES
    assert places(read(longest + b"\r\n" + line(2)))[1] == "urn:x:2"
    assert not isinstance(read(longest + b"\n")[0].outcome, Rejected)


def test_a_bomb_of_one_line_takes_the_memory_of_one_record() -> None:
    bomb = gzip.compress(b"x" * 200_000_000, 9)
    tracemalloc.start()
    steps = read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(steps) == 1
    assert isinstance(steps[0].outcome, Rejected)
    assert peak < 10 * MAX_RECORD_BYTES


def test_damaged_gzip_is_told_with_the_line_it_comes_after() -> None:
    rng = random.Random(5)
    data = b"".join(json.dumps({"uri": f"urn:x:{n}", "text": str(rng.random())}).encode() + b"\n" for n in range(2000))
    packed = gzip.compress(data)
    with pytest.raises(InvalidError, match=r"test: the gzip data is damaged after line \d+"):
        read(packed[: len(packed) // 2])
    with pytest.raises(InvalidError, match="damaged after line"):
        read(packed[:50] + b"\x00" * 50 + packed[100:])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from([line(7), b"\n", b"bad\n", b"  \r\n", b'{"text": ""}\n']), max_size=12),
    st.booleans(),
    st.data(),
)
def test_from_every_position_the_rest_comes(parts: list[bytes], packed: bool, data: st.DataObject) -> None:
    raw = b"".join(parts)
    raw = gzip.compress(raw) if packed else raw
    whole = read(raw)
    if whole:
        cut = data.draw(st.integers(0, len(whole) - 1))
        assert read(raw, whole[cut].position) == whole[cut + 1 :]


@pytest.mark.parametrize("position", [{}, {"line": 1}, {"line": "1", "offset": 2}, {"pages": 3}])
def test_a_position_of_something_else_is_refused(position: Position) -> None:
    with pytest.raises(InvalidError, match="is not a position in JSON lines"):
        read(line(1), position)


def test_a_file_that_became_shorter_is_told() -> None:
    with pytest.raises(InvalidError, match="is shorter than what was read of it before"):
        read(line(1), {"line": 9, "offset": 900})


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match=r"cannot read .*nothing\.jsonl: No such file"):
        open_json_lines(tmp_path / "nothing.jsonl", Defaults("x"), lambda: datetime.now(UTC))


def test_progress_ends_at_the_size_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(line(1) * 1000)
    source = open_json_lines(path, Defaults("x"), lambda: datetime.now(UTC))
    assert source.progress() == (0, len(line(1)) * 1000, "bytes")
    assert sum(1 for _ in source.steps(None)) == 1000
    assert source.progress().done == len(line(1)) * 1000
    source.close()
    source.close()
