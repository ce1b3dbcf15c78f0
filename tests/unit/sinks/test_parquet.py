"""Parquet: folders by day and topic, what counts, and other people's programs reading it."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import duckdb
import pandas as pd
import pytest

from streams.errors import InvalidError, TransientError
from streams.kafka.link import Record
from streams.sinks.folder import Rotation
from streams.sinks.parquet import NOTHING, Layout, ParquetSink, layout_keys
from tests.contract.sink_cases import LABELS, NAME, Clock, Graveyard
from tests.flow.labelled import labelled

if TYPE_CHECKING:
    from pathlib import Path

SPORT, POLITICS = "15000000", "11000000"
ITEMS = [
    labelled("urn:n:0", [(SPORT, 90), (POLITICS, 60)], [("TR", 90), ("SY", 60), ("DE", 50)]),
    labelled("urn:n:1", [(SPORT, 80)]) | {"versionCreated": "2026-03-02T00:30:00+03:00"},  # still the first in UTC
    labelled("urn:n:2", [(POLITICS, 80)], [("SY", 80)], "ar") | {"versionCreated": "2026-03-02T10:00:00Z"},
    labelled("urn:n:3", []),
]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def grave() -> Graveyard:
    return Graveyard()


def opened(
    folder: Path, clock: Clock, grave: Graveyard, keys: tuple[str, ...] = ("day", "topic"), items: int = 100
) -> ParquetSink:
    sink = ParquetSink(Layout(folder, keys, Rotation(items, 1 << 20, 60.0)), LABELS, clock, grave)
    sink.resume()
    return sink


def item(number: int) -> Record:
    return Record(NAME, 3, number, b"k", json.dumps(ITEMS[number % 4]).encode(), [], 0)


def filled(folder: Path, clock: Clock, grave: Graveyard, keys: tuple[str, ...] = ("day", "topic")) -> None:
    sink = opened(folder, clock, grave, keys)
    sink.write([item(n) for n in range(4)])
    sink.settle(everything=True)
    sink.close()


def test_folders_say_day_and_topic_and_names_the_offsets(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    filled(tmp_path, clock, grave)
    name = f"{NAME}-3.{0:020d}-{4:020d}"
    assert sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.parquet")) == [
        f"day=2026-03-01/topic={NOTHING}/{name}.parquet",
        f"day=2026-03-01/topic=sport/{name}.parquet",
        f"day=2026-03-02/topic=politics/{name}.parquet",
    ]
    assert [path.name for path in (tmp_path / "_offsets").iterdir()] == [name]
    assert not list((tmp_path / ".unfinished").iterdir())


def test_duckdb_reads_it(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    filled(tmp_path, clock, grave)
    found = duckdb.sql(
        f"SELECT day, topic, uri, topics, countries, regions, topic_confidences, item->>'uri'"
        f" FROM read_parquet('{tmp_path}/**/*.parquet', hive_partitioning = true) ORDER BY uri"
    ).fetchall()
    assert found[0] == (
        date(2026, 3, 1),
        "sport",
        "urn:n:0",
        ["sport", "politics"],
        ["TR", "SY", "DE"],
        ["western-asia", "western-europe"],
        [90, 60],
        "urn:n:0",
    )
    assert [row[:3] for row in found[1:]] == [
        (date(2026, 3, 1), "sport", "urn:n:1"),
        (date(2026, 3, 2), "politics", "urn:n:2"),
        (date(2026, 3, 1), "none", "urn:n:3"),
    ]


def test_pandas_reads_it(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    filled(tmp_path, clock, grave)
    frame = pd.read_parquet(tmp_path).sort_values("uri")
    assert list(frame["uri"]) == [f"urn:n:{n}" for n in range(4)]
    assert list(frame["topic"].astype(str)) == ["sport", "sport", "politics", "none"]
    assert str(frame["published"].iloc[0]) == "2026-03-01 10:00:00+00:00"
    assert list(frame["language"]) == ["tr", "tr", "ar", "tr"]


@pytest.mark.parametrize("keys", [(), ("day",), ("topic",)])
def test_what_is_no_folder_is_a_column(tmp_path: Path, clock: Clock, grave: Graveyard, keys: tuple[str, ...]) -> None:
    filled(tmp_path, clock, grave, keys)
    found = duckdb.sql(
        f"SELECT day, topic FROM read_parquet('{tmp_path}/**/*.parquet', hive_partitioning = true) ORDER BY uri"
    ).fetchall()
    assert found[2] == (date(2026, 3, 2), "politics")


def test_what_did_not_come_to_an_end_does_not_count(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    filled(tmp_path, clock, grave)
    half = tmp_path / "day=2026-03-01" / "topic=sport" / f"{NAME}-3.{4:020d}-{9:020d}.parquet"
    half.write_bytes(b"PAR1")
    mine = tmp_path / "mine.parquet"
    mine.touch()
    sink = opened(tmp_path, clock, grave)
    assert not half.exists()
    assert mine.exists()
    assert sink.resume  # it goes on behind what counts:
    sink.write([item(3), item(4)])
    assert sink.settle(everything=True) == ({(NAME, 3): 5}, 1)
    sink.close()


def test_files_may_be_moved_away(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    filled(tmp_path, clock, grave)
    for path in tmp_path.rglob("*.parquet"):
        path.unlink()
    sink = ParquetSink(Layout(tmp_path, (), Rotation(9, 9, 9.0)), LABELS, clock, grave)
    assert sink.resume() == {(NAME, 3): 4}
    sink.close()


def test_files_end_after_a_number_a_size_or_a_time(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    sink = opened(tmp_path, clock, grave, items=3)
    sink.write([item(0), item(1)])
    assert sink.settle() == ({}, 0)
    clock.now += 60.0
    assert sink.settle() == ({(NAME, 3): 2}, 2)
    sink.write([item(2), item(3)])
    assert sink.settle() == ({}, 0)
    sink.write([item(4)])
    assert sink.settle() == ({(NAME, 3): 5}, 3)
    big = json.dumps(ITEMS[0] | {"bodies": [{"value": "x" * (1 << 20)}]}).encode()
    sink.write([Record(NAME, 3, 5, b"k", big, [], 0)])
    assert sink.settle() == ({(NAME, 3): 6}, 1)
    sink.close()


def test_what_is_no_labelled_article_is_buried(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    sink = opened(tmp_path, clock, grave)
    sink.write([item(0), Record(NAME, 3, 1, b"k", b"{}", [], 0)])
    assert sink.settle(everything=True) == ({(NAME, 3): 2}, 1)
    assert [record.offset for record, _ in grave.buried] == [1]
    sink.close()


def test_one_process_a_folder_and_ranges_that_overlap_are_refused(
    tmp_path: Path, clock: Clock, grave: Graveyard
) -> None:
    sink = opened(tmp_path, clock, grave)
    with pytest.raises(InvalidError, match="sink parquet: another process writes to"):
        opened(tmp_path, clock, grave)
    sink.close()
    for first, behind in ((0, 10), (9, 20)):
        (tmp_path / "_offsets" / f"{NAME}-3.{first:020d}-{behind:020d}").touch()
    broken = ParquetSink(Layout(tmp_path, (), Rotation(9, 9, 9.0)), LABELS, clock, grave)
    with pytest.raises(InvalidError, match="two files hold offset 9"):
        broken.resume()
    broken.close()


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, clock: Clock, grave: Graveyard) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(TransientError, match="Not a directory"):
        opened(tmp_path / "file" / "x", clock, grave)


@pytest.mark.parametrize("text", ["hour", "day,day", "day;topic"])
def test_a_layout_that_is_none_is_told(text: str) -> None:
    with pytest.raises(InvalidError, match="it takes day and topic"):
        layout_keys(text)
    assert layout_keys("day, topic") == ("day", "topic")
    assert layout_keys("") == ()
