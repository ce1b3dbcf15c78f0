"""What every sink keeps: one suite over all of them."""

from __future__ import annotations

import os
import random
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from streams.errors import InvalidError
from streams.kafka.link import Record
from streams.sinks.base import places_to_begin, run_sink
from streams.sinks.files import FilesSink

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from streams.kafka.link import Offsets
    from streams.sinks.base import Sink

NAME = "news.labelled"


class Case(NamedTuple):
    open: Callable[[Path], Sink]
    stored: Callable[[Path], list[bytes]]  # every item that is durable, in order within a partition


def _lines(directory: Path) -> list[bytes]:
    return [line for path in sorted(directory.glob("*.jsonl")) for line in path.read_bytes().splitlines()]


CASES = {"files": Case(lambda path: FilesSink(path, 3, 60.0, lambda: 0.0), _lines)}


@pytest.fixture(params=CASES.values(), ids=CASES.keys())
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.param
    return found


def records(partition: int, first: int, behind: int) -> list[Record]:
    return [Record(NAME, partition, n, b"k", b'{"n":"%d-%d"}' % (partition, n), [], 0) for n in range(first, behind)]


def values(of: Sequence[Record]) -> list[bytes]:
    return [r.value or b"" for r in of]


def test_nothing_is_stored_before_it_settles_and_everything_after(case: Case, tmp_path: Path) -> None:
    sink = case.open(tmp_path)
    assert sink.resume() == {}
    sink.write(records(0, 0, 2))
    assert sink.settle() == ({}, 0)
    assert case.stored(tmp_path) == []
    sink.write(records(1, 5, 9))
    assert sink.settle(everything=True) == ({(NAME, 0): 2, (NAME, 1): 9}, 6)
    assert case.stored(tmp_path) == values(records(0, 0, 2)) + values(records(1, 5, 9))
    sink.close()


def test_what_is_due_settles_by_itself(case: Case, tmp_path: Path) -> None:
    sink = case.open(tmp_path)
    sink.resume()
    sink.write(records(0, 0, 3) + records(1, 0, 1))
    assert sink.settle() == ({(NAME, 0): 3}, 3)
    sink.close()


def test_what_did_not_settle_is_gone_and_asked_for_again(case: Case, tmp_path: Path) -> None:
    sink = case.open(tmp_path)
    sink.resume()
    sink.write(records(0, 0, 3))
    sink.settle()
    sink.write(records(0, 3, 5))
    sink.close()
    again = case.open(tmp_path)
    assert again.resume() == {(NAME, 0): 3}
    assert case.stored(tmp_path) == values(records(0, 0, 3))
    again.close()


def test_records_that_come_again_are_stored_once(case: Case, tmp_path: Path) -> None:
    sink = case.open(tmp_path)
    sink.resume()
    sink.write(records(0, 0, 4))
    sink.settle(everything=True)
    sink.write(records(0, 2, 6))
    sink.settle(everything=True)
    assert case.stored(tmp_path) == values(records(0, 0, 6))
    sink.close()


def test_offsets_may_have_gaps_and_values_may_be_absent(case: Case, tmp_path: Path) -> None:
    sink = case.open(tmp_path)
    sink.resume()
    gap = [*records(0, 0, 1), Record(NAME, 0, 1, b"k", None, [], 0), *records(0, 7, 8)]
    sink.write(gap)
    assert sink.settle(everything=True) == ({(NAME, 0): 8}, 2)
    assert case.stored(tmp_path) == [gap[0].value, gap[2].value]
    sink.close()


def test_closing_twice_is_no_fault(case: Case, tmp_path: Path) -> None:
    sink = case.open(tmp_path)
    sink.resume()
    sink.close()
    sink.close()


class Log:
    """A Kafka topic of two partitions in memory, with the reader's part of it."""

    def __init__(self, log: Mapping[int, Sequence[Record]], rng: random.Random, first: int = 0) -> None:
        self._log = log
        self._rng = rng
        self._first = first
        self._at = {(NAME, p): first for p in log}
        self.committed: dict[tuple[str, int], int] = {}
        self.dies_at = -1  # before this poll or commit
        self.stop = threading.Event()

    def _step(self) -> None:
        self.dies_at -= 1
        if self.dies_at == 0:
            raise KeyboardInterrupt

    def poll(self, seconds: float, limit: int) -> list[Record]:
        self._step()
        found: list[Record] = []
        for place, at in self._at.items():
            taken = self._log[place[1]][at : at + self._rng.randrange(4)]
            self._at[place] += len(taken)
            found += taken
        if all(at == len(self._log[p]) for (_, p), at in self._at.items()):
            self.stop.set()
        return found

    def commit(self, offsets: Offsets) -> None:
        self._step()
        self.committed |= offsets

    def go_to(self, offsets: Offsets) -> None:
        self._at |= offsets

    def places(self) -> Offsets:
        return {place: self.committed.get(place, self._first) for place in self._at}

    def bounds(self) -> dict[tuple[str, int], tuple[int, int]]:
        return {(NAME, p): (self._first, len(log)) for p, log in self._log.items()}


@pytest.mark.parametrize("seed", range(25))
def test_whenever_it_dies_the_next_run_goes_on_and_every_item_is_stored(case: Case, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    log = {p: records(p, 0, 40) for p in (0, 1)}
    committed: dict[tuple[str, int], int] = {}
    runs = 0
    done = False
    while not done:
        runs += 1
        kafka = Log(log, rng)
        kafka.committed = committed
        kafka.dies_at = rng.randrange(1, 12) if runs < 12 else -1
        sink: Any = case.open(tmp_path)
        sink.close_for_real, sink.close = sink.close, lambda: None  # a process that is killed closes nothing
        try:
            run_sink(sink, kafka, kafka.stop, lambda _: None)  # type: ignore[arg-type]
            done = True
        except KeyboardInterrupt:
            done = False
        _let_go(sink)
    stored = case.stored(tmp_path)
    expected = values(log[0]) + values(log[1])
    if sink.guarantee == "exactly once":
        assert sorted(stored) == sorted(expected)
    else:
        assert set(stored) == set(expected)


def _let_go(sink: Any) -> None:
    """What the kernel does for a killed process: its files and locks are closed, as they are on the disk."""
    for file in sink._open.values():
        os.close(os.dup(file.file.fileno()))
        file.file.detach().close()
    sink._open.clear()
    sink.close_for_real()


def test_the_run_counts_what_is_durable(case: Case, tmp_path: Path) -> None:
    kafka = Log({0: records(0, 0, 10), 1: records(1, 0, 10)}, random.Random(1))
    counted: list[int] = []
    assert run_sink(case.open(tmp_path), kafka, kafka.stop, counted.append) == 20  # type: ignore[arg-type]
    assert sum(counted) == 20
    assert kafka.committed == {(NAME, 0): 10, (NAME, 1): 10}


def test_a_sink_ahead_of_kafka_is_refused() -> None:
    with pytest.raises(
        InvalidError, match=r"offset 500 of news\.labelled-3, which ends at 17: they are of another Kafka"
    ):
        places_to_begin({(NAME, 3): 500}, {(NAME, 3): (0, 17)}, {}, "files")


def test_it_begins_behind_what_is_stored_or_committed_whichever_is_further(caplog: pytest.LogCaptureFixture) -> None:
    bounds = {(NAME, p): (10, 100) for p in range(4)}
    known, committed = {(NAME, 0): 50, (NAME, 1): 20, (NAME, 3): 4}, {(NAME, 0): 40, (NAME, 1): 30}
    assert places_to_begin(known, bounds, committed, "files") == {
        (NAME, 0): 50,
        (NAME, 1): 30,
        (NAME, 2): 10,
        (NAME, 3): 10,
    }
    assert "news.labelled-3: 6 records expired unread" in caplog.text
