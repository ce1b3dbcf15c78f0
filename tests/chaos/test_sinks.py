"""Sinks on a real Kafka: killed at any moment, slow, away for a while, several in one process."""

from __future__ import annotations

import urllib.request
from typing import TYPE_CHECKING

import pytest

from streams.kafka.broker import KafkaBroker
from tests.contract.sink_cases import lines, parquet_stored, postgresql_stored, sqlite_stored
from tests.flow.edges import SECONDS
from tests.flow.labelled import Streams, labels_of
from tests.flow.sinks import Running, end, items, kill_again_and_again, started, uris
from tests.helpers import kept_port, wait_for
from tests.servers.background import site_of
from tests.servers.receivers import BulkApi, Hook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.servers.postgresql import Postgresql

pytestmark = [pytest.mark.kafka, pytest.mark.chaos]


@pytest.fixture
def own(tmp_path: Path, unique: str) -> Iterator[tuple[KafkaBroker, Streams]]:
    """A Kafka of one's own: a sink reads the whole of news.labelled."""
    with (
        KafkaBroker(tmp_path / "kafka") as broker,
        Streams(broker.bootstrap_servers, labels_of(unique), unique) as streams,
    ):
        yield broker, streams


@pytest.fixture
def everything(tmp_path: Path, postgresql: Postgresql) -> Iterator[Running]:
    """Every sink that there is, each with a place of its own."""
    url = postgresql.database()
    hook, api = Hook(), BulkApi()
    handlers = {"/hook": hook, "/_bulk": api.bulk, "/_index_template/news": api.template}
    with site_of(handlers) as (site,):
        settings = {
            "RUN": "files,sql,parquet,webhook,search",
            "FILES__DIRECTORY": str(tmp_path / "files"),
            "FILES__MAX_ITEMS": "20",
            "FILES__MAX_SECONDS": "0.3",
            "PARQUET__DIRECTORY": str(tmp_path / "parquet"),
            "PARQUET__MAX_ITEMS": "100",
            "PARQUET__MAX_SECONDS": "0.3",
            "SEARCH__URL": site.url(""),
            "SQL__URL": url,
            "WEBHOOK__URL": site.url("/hook"),
            "WEBHOOK__ALLOW": "127.0.0.1",
        }
        stored: dict[str, Callable[[], list[str]]] = {
            "files": lambda: lines(tmp_path / "files"),
            "parquet": lambda: parquet_stored(tmp_path / "parquet"),
            "search": api.uris,
            "sql": Sql(url).stored,
            "webhook": hook.uris,
        }
        yield Running(("all",), settings, stored, hook)


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
    """Nothing lost anywhere; nothing twice but at the webhook, and there with the id that it had before.

    With -s it is read aloud.
    """
    wrong = []
    for name, stored in running.stored.items():
        found, expected = stored(), uris(written)
        lost, twice = len(set(expected) - set(found)), len(found) - len(set(found))
        print(f"\n{name}: {written} items, {lost} lost, {twice} twice, {len(set(found) - set(expected))} too many")
        if (sorted(set(found)) if name == "webhook" else found) != expected:
            wrong.append(name)
    assert not wrong
    if running.hook is not None:
        assert len({event["id"] for event in running.hook.events}) == written


def test_killed_three_times_every_sink_has_every_item_once(
    own: tuple[KafkaBroker, Streams], everything: Running
) -> None:
    broker, streams = own
    account(everything, kill_again_and_again(broker.bootstrap_servers, streams, everything, kills=3, seed=21))


@pytest.mark.long
def test_killed_thirty_times_every_sink_has_every_item_once(
    own: tuple[KafkaBroker, Streams], everything: Running
) -> None:
    broker, streams = own
    account(everything, kill_again_and_again(broker.bootstrap_servers, streams, everything, kills=30, seed=22))


@pytest.mark.long
def test_killed_thirty_times_sqlite_has_every_item_once(own: tuple[KafkaBroker, Streams], tmp_path: Path) -> None:
    broker, streams = own
    url = f"sqlite:///{tmp_path}/newswire.db"
    running = Running(("sql",), {"SQL__URL": url}, {"sql": Sql(url).stored}, None)
    account(running, kill_again_and_again(broker.bootstrap_servers, streams, running, kills=30, seed=23))


def test_a_receiver_that_comes_back_gets_what_it_missed_and_the_other_sinks_go_on(
    own: tuple[KafkaBroker, Streams], everything: Running, postgresql: Postgresql
) -> None:
    broker, streams = own
    hook = everything.hook
    assert hook is not None
    streams.write(items(0, 50))
    with (
        kept_port() as port,
        started(broker.bootstrap_servers, "all", **everything.settings, METRICS_PORT=str(port)) as process,
    ):
        wait_for(lambda: len(everything.stored["sql"]()) == 50, SECONDS, "50 items are not in the database")
        wait_for(lambda: len(hook.uris()) == 50, SECONDS, "50 items are not posted")
        postgresql.stop()
        hook.away = True
        try:
            # more than the webhook keeps in memory
            streams.write(items(50, 1500))
            wait_for(lambda: len(everything.stored["files"]()) == 1500, SECONDS, "the files do not go on")
            paused = 'newswire_sink_paused_partitions{sink="webhook"}'
            wait_for(lambda: shown(port).get(paused) == 12, SECONDS, "the webhook does not pause its partitions")
            assert shown(port)['newswire_sink_lag_items{sink="webhook"}'] >= 1450
            assert shown(port)['newswire_sink_errors_total{kind="again",sink="webhook"}'] > 0
            assert shown(port)['newswire_sink_paused_partitions{sink="files"}'] == 0
        finally:
            postgresql.start()
        hook.away = False
        for name, stored in everything.stored.items():
            wait_for(lambda stored=stored: len(set(stored())) == 1500, SECONDS, f"{name} does not catch up")  # type: ignore[misc]
        for name in everything.stored:
            lag = f'newswire_sink_lag_items{{sink="{name}"}}'
            # markers of transactions take offsets too: one a partition may look unread
            wait_for(lambda lag=lag: shown(port)[lag] <= 12, SECONDS, f"{name} says that it is behind")  # type: ignore[misc]
        assert shown(port)['newswire_sink_items_total{sink="sql"}'] == 1500
        said = end(process)
        assert process.returncode == 0, said
    assert b"begins anew" in said
    account(everything, 1500)


def shown(port: int) -> dict[str, float]:
    """What /metrics says."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=SECONDS) as answer:
        rows = [line.rpartition(" ") for line in answer.read().decode().splitlines() if line.startswith("newswire_")]
    return {name: float(value) for name, _, value in rows}
