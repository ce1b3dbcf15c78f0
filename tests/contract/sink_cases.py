"""The sinks as the shared suite drives them: how each is opened, what it has stored, and what a kill leaves of it."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from streams.kafka.link import Record
from streams.settings import load_labels
from streams.sinks.files import FilesSink
from streams.sinks.sql import SqlSink
from tests.flow.labelled import labelled

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streams.sinks.base import Sink

NAME = "news.labelled"
LABELS = load_labels()
BATCH = 3  # after so many items a sink that gathers them has something due


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


def lines(directory: Path) -> list[str]:
    found = [line for path in directory.glob("*.jsonl") for line in path.read_bytes().splitlines()]
    return sorted(json.loads(line)["uri"] for line in found)


def files_killed(sink: Any) -> None:
    """Its files and locks are closed, as they are on the disk."""
    for file in sink._open.values():
        os.close(os.dup(file.file.fileno()))
        file.file.detach().close()
    sink._open.clear()
    sink.close()


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


CASES = {
    "files": Case(lambda path, _: FilesSink(path, BATCH, 60.0, lambda: 0.0), lines, gathers=True, killed=files_killed),
    "sqlite": Case(lambda path, bury: open_sql(sqlite_url(path), bury), sqlite_stored),
    "postgresql": Case(open_sql, postgresql_stored),
}
