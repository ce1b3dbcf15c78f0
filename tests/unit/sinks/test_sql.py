"""The sink `sql`: its tables, their migrations, its lock, what it does with rows that a database refuses."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy

from streams.errors import InvalidError, TransientError
from streams.kafka.link import Record
from streams.sinks.sql_schema import SCHEMA, VERSION, bring_up_to_date
from tests.contract.sink_cases import NAME, Graveyard, open_sql, record, records, uri
from tests.items import as_bytes, labelled_json

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.sinks.sql import SqlSink

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/newswire.db"
    found: str = request.getfixturevalue("postgresql").database()
    return found


@pytest.fixture
def grave() -> Graveyard:
    return Graveyard()


@pytest.fixture
def sink(url: str, grave: Graveyard) -> Any:
    sink = open_sql(url, grave)
    sink.resume()
    yield sink
    sink.close()


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    """As any client of the database reads it."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            return connection.execute(query).fetchall()
    with psycopg.connect(url) as server:
        return server.execute(query).fetchall()  # type: ignore[call-overload,no-any-return]


def item(offset: int, **changes: Any) -> Record:
    return Record(NAME, 0, offset, b"k", as_bytes(labelled_json(**changes)), [], 0)


def store(sink: SqlSink, *found: Record) -> None:
    sink.write(found)
    sink.settle()


def test_an_item_becomes_a_row_and_its_labels_rows_beside_it(sink: SqlSink, url: str) -> None:
    store(sink, item(5))
    (row,) = rows(
        url,
        "SELECT uri, version, status, abstain_reason, language, topic, country, source, url, headline, model,"
        " kafka_partition, kafka_offset FROM articles",
    )
    assert row == (
        "urn:newswire:example:1",
        "1",
        "labelled",
        None,
        "ar",
        "economy",
        "TR",
        "Örnek Ajansı",
        "https://example.org/1",
        "افتتاح خط قطار جديد بين مدينتين",
        "linear:1.0.0",
        0,
        5,
    )
    assert rows(url, "SELECT rank, topic, code, confidence FROM article_topics ORDER BY rank") == [
        (0, "economy", "04000000", 81),
        (1, "society", "14000000", 44),
    ]
    assert rows(url, "SELECT rank, country, region, confidence FROM article_regions ORDER BY rank") == [
        (0, "TR", "western-asia", 90),
        (1, "EG", "northern-africa", 60),
    ]
    assert rows(url, "SELECT sink, kafka_topic, kafka_partition, next_offset FROM sink_offsets") == [
        ("sql", NAME, 0, 6)
    ]
    ((stored,),) = rows(url, "SELECT item FROM articles")
    assert (stored if isinstance(stored, dict) else json.loads(stored)) == labelled_json()
    ((published, day),) = rows(url, "SELECT published, day FROM articles")
    assert str(published).startswith("2026-03-14 06:30:00")  # 09:30+03:00 in UTC
    assert str(day) == "2026-03-14"


def test_an_abstained_item_has_its_reason_and_no_topics(sink: SqlSink, url: str) -> None:
    made = labelled_json()
    axes = [{**a, "decision": "abstained", "abstainReason": "too_short"} for a in made["classification"]["axes"]]
    block = {**made["classification"], "status": "abstained", "axes": axes}
    store(sink, item(0, classification=block, subjects=None, places=None))
    assert rows(url, "SELECT status, abstain_reason, topic, country FROM articles") == [
        ("abstained", "too_short", None, None)
    ]
    assert rows(url, "SELECT count(*) FROM article_topics") == [(0,)]


def test_a_version_that_is_labelled_anew_takes_the_place_of_the_old_one(sink: SqlSink, url: str) -> None:
    store(sink, item(0))
    store(sink, item(1, subjects=None), item(2, subjects=None, version="2"))  # one known, one new in a batch
    assert rows(url, "SELECT version, topic, kafka_offset FROM articles ORDER BY version") == [
        ("1", None, 1),
        ("2", None, 2),
    ]
    assert rows(url, "SELECT count(*) FROM article_topics") == [(0,)]
    assert rows(url, "SELECT count(*) FROM article_regions") == [(4,)]
    assert rows(url, "SELECT version FROM latest_articles") == [("2",)]


def test_one_version_twice_in_a_batch_is_one_row_with_the_later_labels(sink: SqlSink, url: str) -> None:
    store(sink, item(0), item(1, places=None))
    assert rows(url, "SELECT kafka_offset, country FROM articles") == [(1, None)]
    assert rows(url, "SELECT count(*) FROM article_topics") == [(2,)]


def test_deleting_an_article_deletes_its_labels(sink: SqlSink, url: str) -> None:
    store(sink, item(0))
    assert sink._engine is not None
    with sink._engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM articles")
    assert rows(url, "SELECT count(*) FROM article_topics") == [(0,)]
    assert rows(url, "SELECT count(*) FROM article_regions") == [(0,)]


def test_what_is_no_labelled_article_is_buried_and_its_neighbours_are_stored(
    sink: SqlSink, url: str, grave: Graveyard
) -> None:
    store(sink, record(0, 0), record(0, 1, b'{"uri": "urn:n:bad"}'), record(0, 2))
    assert [(r.offset, "ninjs" in why) for r, why in grave.buried] == [(1, True)]
    assert rows(url, "SELECT uri FROM articles ORDER BY uri") == [(uri(0, 0),), (uri(0, 2),)]
    assert rows(url, "SELECT next_offset FROM sink_offsets") == [(3,)]


def test_a_row_that_the_database_refuses_is_buried_and_its_neighbours_are_stored(
    sink: SqlSink, url: str, grave: Graveyard
) -> None:
    assert sink._engine is not None
    with sink._engine.begin() as connection:  # what a database of one's own may demand
        if url.startswith("sqlite"):
            connection.exec_driver_sql(
                "CREATE TRIGGER strict BEFORE INSERT ON articles WHEN NEW.source = 'refused' "
                "BEGIN SELECT RAISE(ABORT, 'no such source'); END"
            )
        else:
            connection.exec_driver_sql("ALTER TABLE articles ADD CONSTRAINT strict CHECK (source <> 'refused')")
    refused = item(1, uri="urn:n:refused", infoSources=[{"name": "refused"}])
    store(sink, record(0, 0), refused, record(0, 2))
    assert [r.offset for r, _ in grave.buried] == [1]
    assert rows(url, "SELECT uri FROM articles ORDER BY uri") == [(uri(0, 0),), (uri(0, 2),)]
    assert rows(url, "SELECT next_offset FROM sink_offsets") == [(3,)]


def test_two_processes_on_one_database_cannot_store_the_same_items(url: str, grave: Graveyard) -> None:
    first, second = open_sql(url, grave), open_sql(url, grave)
    first.resume()
    second.resume()
    store(first, *records(0, 0, 3))
    second.write(records(0, 0, 4))
    with pytest.raises(InvalidError, match=r"another process stores news\.labelled-0 in this database"):
        second.settle()
    store(first, *records(0, 3, 4))
    second.close()
    third = open_sql(url, grave)
    assert third.resume() == {(NAME, 0): 4}
    third.write(records(0, 4, 5))
    third.settle()
    first.write(records(0, 4, 6))  # it slept meanwhile
    with pytest.raises(InvalidError, match="another process"):
        first.settle()
    assert rows(url, "SELECT count(*) FROM articles") == [(5,)]
    first.close()
    third.close()


# --- the schema


def test_an_older_database_gets_the_steps_that_it_has_not_had(sink: SqlSink, url: str) -> None:
    store(sink, item(0))
    steps = {
        VERSION + 1: lambda c: c.exec_driver_sql("ALTER TABLE articles ADD COLUMN editor TEXT"),
        VERSION + 2: lambda c: c.exec_driver_sql("UPDATE articles SET editor = 'nobody'"),
    }
    assert sink._engine is not None
    for _ in range(2):  # the second time there is nothing to do
        with sink._engine.begin() as connection:
            bring_up_to_date(connection, NOW, VERSION + 2, steps)
    assert rows(url, "SELECT editor FROM articles") == [("nobody",)]
    assert rows(url, "SELECT version FROM newswire_schema ORDER BY version") == [
        (VERSION,),
        (VERSION + 1,),
        (VERSION + 2,),
    ]


def test_a_step_that_fails_leaves_the_database_as_it_was(sink: SqlSink, url: str) -> None:
    steps: dict[int, Callable[[Any], Any]] = {
        VERSION + 1: lambda c: c.exec_driver_sql("ALTER TABLE articles ADD COLUMN editor TEXT"),
        VERSION + 2: lambda c: c.exec_driver_sql("ALTER TABLE nowhere ADD COLUMN editor TEXT"),
    }
    assert sink._engine is not None
    with pytest.raises(sqlalchemy.exc.SQLAlchemyError), sink._engine.begin() as connection:
        bring_up_to_date(connection, NOW, VERSION + 2, steps)
    assert rows(url, "SELECT max(version) FROM newswire_schema") == [(VERSION,)]
    assert "editor" not in {c["name"] for c in sqlalchemy.inspect(sink._engine).get_columns("articles")}


def test_a_database_of_a_newer_newswire_is_refused(sink: SqlSink, url: str, grave: Graveyard) -> None:
    assert sink._engine is not None
    with sink._engine.begin() as connection:
        connection.execute(sqlalchemy.insert(SCHEMA).values(version=VERSION + 1, applied_at=NOW))
    other = open_sql(url, grave)
    with pytest.raises(InvalidError, match="upgrade Newswire"):
        other.resume()
    other.close()


def test_tables_of_somebody_else_are_left_alone(tmp_path: Path, grave: Graveyard) -> None:
    url = f"sqlite:///{tmp_path}/shop.db"
    with closing(sqlite3.connect(tmp_path / "shop.db")) as connection:
        connection.execute("CREATE TABLE articles (price INTEGER)")
    sink = open_sql(url, grave)
    with pytest.raises(InvalidError, match="has a table articles of its own"):
        sink.resume()
    sink.close()


# --- where it is


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("mysql://host/name", "'mysql' is not supported; sqlite and postgresql are"),
        ("nonsense", "no URL of a database"),
    ],
)
def test_a_url_that_is_none_is_told(text: str, complaint: str, grave: Graveyard) -> None:
    with pytest.raises(InvalidError, match=complaint):
        open_sql(text, grave)


def test_a_server_that_is_not_there_is_told_without_the_password(grave: Graveyard) -> None:
    sink = open_sql("postgres://me:hidden@127.0.0.1:1/news", grave)
    with pytest.raises(TransientError, match=r"postgresql\+psycopg://me:\*\*\*@127\.0\.0\.1:1/news: ") as caught:
        sink.resume()
    assert "hidden" not in str(caught.value)
    sink.close()


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, grave: Graveyard) -> None:
    (tmp_path / "file").touch()
    sink = open_sql(f"sqlite:///{tmp_path}/file/x.db", grave)
    with pytest.raises(TransientError, match=r"file/x\.db"):
        sink.resume()
    sink.close()


def test_a_file_that_is_no_database_is_told(tmp_path: Path, grave: Graveyard) -> None:
    (tmp_path / "x.db").write_text("a letter to the editor, " * 100)
    sink = open_sql(f"sqlite:///{tmp_path}/x.db", grave)
    with pytest.raises(InvalidError, match="file is not a database"):
        sink.resume()
    sink.close()


def test_the_obvious_questions_have_an_index(sink: SqlSink, url: str) -> None:
    explain = "EXPLAIN QUERY PLAN" if url.startswith("sqlite") else "EXPLAIN"
    planned = url if url.startswith("sqlite") else f"{url}?options=-c%20enable_seqscan%3Doff"  # for one row it would
    store(sink, item(0))
    questions = {
        "article_topics_topic": "article_topics WHERE topic = 'sport' AND published > '2026-01-01'",
        "article_regions_country": "article_regions WHERE country = 'TR' AND published > '2026-01-01'",
        "article_regions_region": "article_regions WHERE region = 'western-asia' AND published > '2026-01-01'",
        "articles_uri": "articles WHERE uri = 'urn:n:1'",
        "articles_published": "articles WHERE published > '2026-01-01'",
    }
    for index, question in questions.items():
        assert index in str(rows(planned, f"{explain} SELECT * FROM {question}"))
