"""The sinks as the shared suite drives them: how each is opened, what it has stored, and what a kill leaves of it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg
import pyarrow.parquet as pq
import zstandard

from streams.http_guard import allow_list
from streams.kafka.link import Record
from streams.settings import load_labels
from streams.sinks.delivery import DeliverySink, Limits, Patience
from streams.sinks.files import FilesSink
from streams.sinks.folder import Rotation
from streams.sinks.parquet import Layout, ParquetSink
from streams.sinks.posting import Poster
from streams.sinks.search import Search
from streams.sinks.sql import SqlSink
from streams.sinks.webhook import Webhook
from tests.flow.labelled import labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streams.sinks.base import Sink

NAME = "news.labelled"
LABELS = load_labels()
BATCH = 3  # after so many items a sink that gathers them has something due


class Clock:
    """Seconds, as the test sets them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Graveyard:
    """Where a sink buries what it can never store."""

    def __init__(self) -> None:
        self.buried: list[tuple[Record, str]] = []

    def __call__(self, record: Record, why: str) -> None:
        self.buried.append((record, why))


class Case(NamedTuple):
    """`place`: a folder, and for some sinks more; made anew for every test."""

    open: Callable[[Any, Graveyard], Sink]
    stored: Callable[[Any], list[str]]  # uris of every item that is durable, sorted; twice what is there twice
    once: bool = False  # whether what is sent twice is there once, though the guarantee is weaker
    gathers: bool = False  # whether it waits for a few items, or settles whatever it has
    killed: Callable[[Any], None] = lambda _: None  # what the kernel does for a killed process


def uri(partition: int, number: int) -> str:
    return f"urn:n:{partition}-{number}"


def record(partition: int, offset: int, value: bytes | None = None, **changes: Any) -> Record:
    if value is None:
        item = labelled(uri(partition, offset), [("15000000", 90), ("11000000", 60)], [("TR", 80), ("SY", 50)])
        value = json.dumps(item | changes).encode()
    return Record(NAME, partition, offset, b"k", value, [("ce_id", b"%d-%d" % (partition, offset))], 0)


def records(partition: int, first: int, behind: int) -> list[Record]:
    return [record(partition, n) for n in range(first, behind)]


def uris(of: Sequence[Record]) -> list[str]:
    return sorted(json.loads(r.value)["uri"] for r in of if r.value)


# --- files


LIMITS = Rotation(BATCH, 1 << 20, 60.0)


def lines(directory: Path) -> list[str]:
    found = [line for path in directory.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    return sorted(json.loads(line)["uri"] for line in found)


def zstd_lines(directory: Path) -> list[str]:
    files = [zstandard.ZstdDecompressor().stream_reader(p.read_bytes()).read() for p in directory.glob("*.jsonl.zst")]
    return sorted(json.loads(line)["uri"] for data in files for line in data.splitlines())


def files_killed(sink: Any) -> None:
    """Its files and locks are closed, as they are on the disk."""
    for file in sink._open.values():
        os.close(os.dup(file.raw.fileno()))
        file.raw.detach().close()
        file._out = file.raw  # a compressor has nothing to write to any more
    sink._open.clear()
    sink.close()


# --- parquet


def open_parquet(directory: Path, bury: Graveyard) -> ParquetSink:
    return ParquetSink(Layout(directory, ("day", "topic"), LIMITS), LABELS, lambda: 0.0, bury)


def parquet_stored(directory: Path) -> list[str]:
    found: list[str] = []
    for path in directory.rglob("*.parquet"):
        with contextlib.suppress(FileNotFoundError):  # a start removes what does not count
            found += pq.ParquetFile(path).read(["uri"]).column(0).to_pylist()
    return sorted(found)


# --- sql


def sqlite_url(directory: Path) -> str:
    return f"sqlite:///{directory}/newswire.db"


def open_sql(url: str, bury: Graveyard) -> SqlSink:
    return SqlSink(url, LABELS, lambda: datetime.now(UTC), bury)


def sqlite_stored(directory: Path) -> list[str]:
    with closing(sqlite3.connect(f"{directory}/newswire.db")) as connection:
        return sorted(row[0] for row in connection.execute("SELECT uri FROM articles"))


def postgresql_stored(url: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return sorted(row[0] for row in connection.execute("SELECT uri FROM articles").fetchall())


# --- deliveries


class Receiver(NamedTuple):
    """A server of the test and where it is."""

    url: str
    server: Any


def delivery(target: Any, bury: Graveyard) -> DeliverySink:
    return DeliverySink(target, Limits(BATCH, 1 << 20), Patience(lambda: 0.0, random.Random(1)), bury, lambda: None)


def open_webhook(place: Receiver, bury: Graveyard) -> DeliverySink:
    return delivery(Webhook(place.url, "secret", poster(), lambda: 0.0), bury)


def open_search(place: Receiver, bury: Graveyard) -> DeliverySink:
    return delivery(Search(place.url, "news", LABELS, poster()), bury)


def poster() -> Poster:
    return Poster(allow_list(["127.0.0.1"]), 30.0)


CASES = {
    "files": Case(lambda path, _: FilesSink(path, LIMITS, lambda: 0.0), lines, gathers=True, killed=files_killed),
    "files zstd": Case(
        lambda path, _: FilesSink(path, LIMITS, lambda: 0.0, "zstd"), zstd_lines, gathers=True, killed=files_killed
    ),
    "parquet": Case(open_parquet, parquet_stored, gathers=True),
    "sqlite": Case(lambda path, bury: open_sql(sqlite_url(path), bury), sqlite_stored),
    "postgresql": Case(open_sql, postgresql_stored),
    "webhook": Case(open_webhook, lambda place: place.server.uris()),
    "search": Case(open_search, lambda place: place.server.uris(), once=True),
}
