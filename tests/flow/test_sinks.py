"""Sinks on a real Kafka: killed at any moment, slow, away for a while, several in one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.kafka.broker import KafkaBroker
from tests.contract.sink_cases import lines, postgresql_stored, sqlite_stored
from tests.flow.edges import SECONDS
from tests.flow.labelled import Streams, labels_of
from tests.flow.sinks import Running, end, items, kill_again_and_again, start, uris
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.postgresql import Postgresql

pytestmark = pytest.mark.kafka


@pytest.fixture
def own(tmp_path: Path, unique: str) -> Iterator[tuple[KafkaBroker, Streams]]:
    """A Kafka of one's own: a sink reads the whole of news.labelled."""
    with (
        KafkaBroker(tmp_path / "kafka") as broker,
        Streams(broker.bootstrap_servers, labels_of(unique), unique) as streams,
    ):
        yield broker, streams


@pytest.fixture
def everything(tmp_path: Path, postgresql: Postgresql) -> Running:
    """Every sink that there is, each with a place of its own."""
    url = postgresql.database()
    sql = Sql(url)
    return Running(
        ("files", "sql"),
        {
            "FILES__DIRECTORY": str(tmp_path / "files"),
            "FILES__MAX_ITEMS": "20",
            "FILES__MAX_SECONDS": "0.3",
            "SQL__URL": url,
        },
        {"files": lambda: lines(tmp_path / "files"), "sql": sql.stored},
    )


class Sql:
    """What stands in a database, asked also before there are tables in it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def stored(self) -> list[str]:
        import sqlite3

        import psycopg

        try:
            if self._url.startswith("sqlite:///"):
                return sqlite_stored(self._url.removeprefix("sqlite:///").removesuffix("/newswire.db"))  # type: ignore[arg-type]
            return postgresql_stored(self._url)
        except (psycopg.errors.UndefinedTable, sqlite3.OperationalError):
            return []


def account(running: Running, written: int) -> None:
    """Nothing lost anywhere; nothing twice where the sink says exactly once."""
    for stored in running.stored.values():
        assert stored() == uris(written)


def test_killed_three_times_every_sink_has_every_item_once(
    own: tuple[KafkaBroker, Streams], everything: Running
) -> None:
    broker, streams = own
    account(everything, kill_again_and_again(broker.bootstrap_servers, streams, everything, kills=3, seed=21))


@pytest.mark.chaos
@pytest.mark.long
def test_killed_thirty_times_every_sink_has_every_item_once(
    own: tuple[KafkaBroker, Streams], everything: Running
) -> None:
    broker, streams = own
    account(everything, kill_again_and_again(broker.bootstrap_servers, streams, everything, kills=30, seed=22))


@pytest.mark.chaos
@pytest.mark.long
def test_killed_thirty_times_sqlite_has_every_item_once(own: tuple[KafkaBroker, Streams], tmp_path: Path) -> None:
    broker, streams = own
    url = f"sqlite:///{tmp_path}/newswire.db"
    running = Running(("sql",), {"SQL__URL": url}, {"sql": Sql(url).stored})
    account(running, kill_again_and_again(broker.bootstrap_servers, streams, running, kills=30, seed=23))


def test_a_database_that_comes_back_gets_what_it_missed_and_the_other_sinks_go_on(
    own: tuple[KafkaBroker, Streams], everything: Running, postgresql: Postgresql
) -> None:
    broker, streams = own
    streams.write(items(0, 50))
    process = start(broker.bootstrap_servers, *everything.names, **everything.settings)
    wait_for(lambda: len(everything.stored["sql"]()) == 50, SECONDS, "50 items are not in the database")
    postgresql.stop()
    try:
        streams.write(items(50, 100))
        wait_for(lambda: len(everything.stored["files"]()) == 100, SECONDS, "the files do not go on")
    finally:
        postgresql.start()
    wait_for(lambda: len(everything.stored["sql"]()) == 100, SECONDS, "the database does not catch up")
    said = end(process)
    assert process.returncode == 0, said
    assert b"begins anew" in said
    account(everything, 100)
