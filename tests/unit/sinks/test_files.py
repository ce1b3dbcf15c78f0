"""Files: their names, what is unfinished, who may write."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest
import zstandard

from streams.errors import InvalidError, TransientError
from streams.kafka.link import Record
from streams.sinks.files import FilesSink
from streams.sinks.folder import Rotation
from tests.contract.sink_cases import Clock
from tests.items import as_bytes, labelled_json

LIMITS = Rotation(100, 1 << 20, 60.0)


def record(offset: int, value: bytes = b"{}", partition: int = 3) -> Record:
    return Record("news.labelled", partition, offset, None, value, [], 0)


if TYPE_CHECKING:
    from streams.sinks.files import Compression


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sink(tmp_path: Path, clock: Clock) -> FilesSink:
    return FilesSink(tmp_path / "labelled", LIMITS, clock)


def test_a_name_says_partition_first_offset_and_the_next(sink: FilesSink, tmp_path: Path) -> None:
    sink.resume()
    sink.write([record(1200), record(1201), record(1205)])
    assert [p.name for p in (tmp_path / "labelled").glob("*.jsonl")] == []
    sink.settle(everything=True)
    (path,) = (tmp_path / "labelled").glob("*.jsonl")
    assert path.name == "news.labelled-3.00000000000000001200-00000000000000001206.jsonl"
    sink.write([record(1206)])
    sink.settle(everything=True)
    assert sorted(p.name for p in (tmp_path / "labelled").glob("*.jsonl")) == [
        "news.labelled-3.00000000000000001200-00000000000000001206.jsonl",
        "news.labelled-3.00000000000000001206-00000000000000001207.jsonl",
    ]
    sink.close()


def test_a_file_ends_after_a_time_too(sink: FilesSink, clock: Clock) -> None:
    sink.resume()
    sink.write([record(0)])
    clock.now += 59.9
    assert sink.settle() == ({}, 0)
    clock.now += 0.1
    assert sink.settle() == ({("news.labelled", 3): 1}, 1)
    sink.close()


def test_a_file_ends_after_a_size_too(sink: FilesSink) -> None:
    sink.resume()
    sink.write([record(0, b"x" * (1 << 19))])
    assert sink.settle() == ({}, 0)
    sink.write([record(1, b"x" * (1 << 19))])
    assert sink.settle() == ({("news.labelled", 3): 2}, 2)
    sink.close()


@pytest.mark.parametrize(("compression", "suffix"), [("gzip", ".jsonl.gz"), ("zstd", ".jsonl.zst")])
def test_compressed_files_are_what_common_tools_read(
    tmp_path: Path, clock: Clock, compression: Compression, suffix: str
) -> None:
    sink = FilesSink(tmp_path, LIMITS, clock, compression)
    sink.resume()
    sink.write([record(n, b'{"n":%d}' % n) for n in range(50)])
    sink.settle(everything=True)
    (path,) = tmp_path.glob("*.jsonl*")
    assert path.name == f"news.labelled-3.{0:020d}-{50:020d}{suffix}"
    data = gzip.decompress(path.read_bytes()) if compression == "gzip" else zstd(path.read_bytes())
    assert [json.loads(line)["n"] for line in data.splitlines()] == list(range(50))
    sink.close()
    other = FilesSink(tmp_path, LIMITS, clock)  # the setting was changed
    assert other.resume() == {("news.labelled", 3): 50}
    other.close()


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_duckdb_and_pandas_read_it(tmp_path: Path, clock: Clock, compression: Compression) -> None:
    sink = FilesSink(tmp_path, LIMITS, clock, compression)
    sink.resume()
    values = [as_bytes(labelled_json(uri=f"urn:n:{number}")) for number in range(20)]
    for partition in (3, 4):
        sink.write([record(number, values[number], partition) for number in range(10 * (partition - 3), 20)])
    sink.settle(everything=True)
    sink.close()
    query = f"SELECT uri, classification.language.tag, len(subjects) FROM read_json('{tmp_path}/*.jsonl*') ORDER BY uri"
    rows = duckdb.sql(query).fetchall()
    assert rows[0] == ("urn:n:0", "ar", 3)
    assert len(rows) == 30
    frame = pd.concat(pd.read_json(path, lines=True) for path in tmp_path.glob("*.jsonl*"))
    assert sorted(frame["uri"]) == [row[0] for row in rows]
    assert frame["headlines"].iloc[0][0]["value"] == "افتتاح خط قطار جديد بين مدينتين"


def zstd(data: bytes) -> bytes:
    return zstandard.ZstdDecompressor().stream_reader(data).read()


def test_a_value_over_several_lines_becomes_one(sink: FilesSink, tmp_path: Path) -> None:
    sink.resume()
    sink.write([record(0, b'{\n  "title": "a\\nb",\n  "n": [1,\n 2]\n}'), record(1, b'{"n":2}')])
    sink.settle(everything=True)
    (path,) = (tmp_path / "labelled").glob("*.jsonl")
    assert [json.loads(line) for line in path.read_bytes().splitlines()] == [{"title": "a\nb", "n": [1, 2]}, {"n": 2}]
    sink.close()


def test_what_is_unfinished_is_removed_and_what_is_foreign_stays(sink: FilesSink, tmp_path: Path) -> None:
    folder = tmp_path / "labelled"
    folder.mkdir()
    (folder / ".news.labelled-3.00000000000000000000.jsonl.tmp").write_text("half a l")
    (folder / "notes.txt").write_text("mine")
    (folder / "news.labelled-x.jsonl").write_text("mine too")
    assert sink.resume() == {}
    assert sorted(p.name for p in folder.iterdir()) == [".lock", "news.labelled-x.jsonl", "notes.txt"]
    sink.close()


def test_files_that_overlap_are_refused(sink: FilesSink, tmp_path: Path) -> None:
    folder = tmp_path / "labelled"
    folder.mkdir()
    for first, behind in ((0, 10), (9, 20)):
        (folder / f"news.labelled-3.{first:020d}-{behind:020d}.jsonl").touch()
    with pytest.raises(InvalidError, match="two files hold offset 9"):
        sink.resume()
    sink.close()


def test_one_process_a_directory(sink: FilesSink, tmp_path: Path, clock: Clock) -> None:
    sink.resume()
    other = FilesSink(tmp_path / "labelled", LIMITS, clock)
    with pytest.raises(InvalidError, match="another process writes to"):
        other.resume()
    other.close()
    sink.close()
    again = FilesSink(tmp_path / "labelled", LIMITS, clock)
    assert again.resume() == {}
    again.close()


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").touch()
    sink = FilesSink(tmp_path / "file" / "labelled", LIMITS, clock)
    with pytest.raises(TransientError, match="Not a directory"):
        sink.resume()
    sink.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_disk_is_told_and_what_was_written_is_not_settled(sink: FilesSink, tmp_path: Path) -> None:
    sink.resume()
    folder = tmp_path / "labelled"
    (folder / ".news.labelled-3.00000000000000000000.jsonl.tmp").symlink_to("/dev/full")
    with pytest.raises(TransientError, match="No space left on device"):
        sink.write([record(n, b"x" * 100_000) for n in range(3)])
    assert sink.settle(everything=True) == ({}, 0)
    assert [p.name for p in folder.iterdir()] == [".lock"]
    sink.close()
