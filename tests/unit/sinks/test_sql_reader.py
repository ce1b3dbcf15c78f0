"""Older items out of the tables: page by page with none lost, by the same filters as the gateway's recent ones."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from streams.articles import decode_labelled
from streams.errors import InvalidError, TransientError
from streams.gateway.filters import passes, selection_of
from streams.gateway.items import Labelled, entry_of
from streams.kafka.link import Record
from streams.kafka.selection import Selection
from streams.sinks.sql_reader import SqlReader
from tests.contract.sink_cases import LABELS, NAME, Graveyard, open_sql
from tests.flow.labelled import labelled

if TYPE_CHECKING:
    from collections.abc import Iterator

SPORT, POLITICS, WAR = "15000000", "11000000", "16000000"
EVERYTHING = Selection()
LATER = "2027-01-01T00:00:00Z"
TOPICS = [[], [(SPORT, 90)], [(POLITICS, 40), (WAR, 80)], [(SPORT, 30), (POLITICS, 95)]]
PLACES = [[], [("TR", 90)], [("TR", 35), ("DE", 85)]]
ITEMS = [
    labelled(f"urn:n:{number}", topics, places, language)
    | {"versionCreated": f"2026-03-01T10:00:0{number // 6}{'.5' if number % 5 == 0 else ''}Z"}
    for number, (topics, places, language) in enumerate(
        (topics, places, language) for topics in TOPICS for places in PLACES for language in ("ar", "tr")
    )
]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    sqlite = request.param == "sqlite"
    folder = tmp_path_factory.mktemp("older")
    found = f"sqlite:///{folder}/x.db" if sqlite else request.getfixturevalue("postgresql").database()
    store(found, ITEMS)
    return str(found)


@pytest.fixture
def reader(url: str) -> Iterator[SqlReader]:
    reader = SqlReader(url)
    yield reader
    reader.close()


def store(url: str, items: list[dict[str, Any]]) -> None:
    sink = open_sql(url, Graveyard())
    sink.resume()
    sink.write([Record(NAME, 0, n, b"k", json.dumps(item).encode(), [], 0) for n, item in enumerate(items)])
    sink.settle()
    sink.close()


def uris(items: list[bytes]) -> list[str]:
    return [json.loads(item)["uri"] for item in items]


def everything(reader: SqlReader, wanted: Selection, before: str = LATER, limit: int = 500) -> list[str]:
    found: list[str] = []
    following: str | None = before
    while following:
        items, following = reader.older(wanted, following, limit)
        found += uris(items)
    return found


@pytest.mark.parametrize("limit", [1, 4, 24, 500])
def test_page_by_page_every_item_comes_once_newest_first(reader: SqlReader, limit: int) -> None:
    found = everything(reader, EVERYTHING, limit=limit)
    assert sorted(found) == sorted(item["uri"] for item in ITEMS)
    times = {item["uri"]: item["versionCreated"].removesuffix("Z") for item in ITEMS}
    assert [times[one] for one in found] == sorted(times.values(), reverse=True)


def test_only_what_is_older_and_at_most_the_limit(reader: SqlReader) -> None:
    before = ITEMS[6]["versionCreated"]
    assert sorted(everything(reader, EVERYTHING, before)) == sorted(f"urn:n:{n}" for n in range(6))
    assert everything(reader, EVERYTHING, "2026-03-01T13:00:01 03:00") == everything(reader, EVERYTHING, before)
    assert len(reader.older(EVERYTHING, LATER, 7).items) == 7


@pytest.mark.parametrize("topics", [[], ["sport"], ["politics", "conflict"]])
@pytest.mark.parametrize("regions", [[], ["TR"], ["western-europe"], ["DE", "western-asia"]])
@pytest.mark.parametrize("languages", [[], ["ar"]])
@pytest.mark.parametrize("sure", [0, 50, 92])
def test_filters_mean_what_they_mean_for_recent_items(
    reader: SqlReader, topics: list[str], regions: list[str], languages: list[str], sure: int
) -> None:
    wanted = selection_of(LABELS, topics=topics, regions=regions, languages=languages, min_confidence=sure)
    entries = [entry_of(Labelled(0, 0, decode_labelled(json.dumps(item).encode())), LABELS) for item in ITEMS]
    assert sorted(everything(reader, wanted)) == sorted(e.uri for e in entries if passes(wanted, e))


def test_of_an_item_the_newest_version_comes(url: str, reader: SqlReader, tmp_path: Any) -> None:
    own = f"sqlite:///{tmp_path}/x.db"
    store(own, [ITEMS[0], ITEMS[0] | {"version": "2", "headlines": [{"value": "corrected"}]}])
    (item,) = SqlReader(own).older(EVERYTHING, LATER, 9).items
    assert json.loads(item)["headlines"] == [{"value": "corrected"}]
    assert json.loads(reader.older(EVERYTHING, LATER, 1).items[0]) in ITEMS


@pytest.mark.parametrize("before", ["", "yesterday", "2026-03-01", "2026-03-01T10:00:00", "x,y"])
def test_a_date_that_is_none_is_told(reader: SqlReader, before: str) -> None:
    with pytest.raises(InvalidError, match="before"):
        reader.older(EVERYTHING, before, 1)


def test_nothing_can_be_written(reader: SqlReader) -> None:
    from sqlalchemy import exc

    with pytest.raises(exc.DBAPIError, match=r"readonly|read-only"), reader._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM articles")


def test_a_database_that_is_not_there_is_not_made_and_told_without_the_password(tmp_path: Any) -> None:
    with pytest.raises(TransientError, match=r"x\.db is not there"):
        SqlReader(f"sqlite:///{tmp_path}/x.db").older(EVERYTHING, LATER, 1)
    assert not list(tmp_path.iterdir())
    with pytest.raises(TransientError, match=r"me:\*\*\*@127\.0\.0\.1:1"):
        SqlReader("postgresql://me:hidden@127.0.0.1:1/news").older(EVERYTHING, LATER, 1)


def test_tables_that_are_not_made_yet_are_told(postgresql: Any) -> None:
    reader = SqlReader(postgresql.database())
    with pytest.raises(TransientError, match='relation "articles" does not exist'):
        reader.older(EVERYTHING, LATER, 1)
    reader.close()
