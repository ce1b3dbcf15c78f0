"""Labelled items in a database, SQLite or PostgreSQL; exactly once.

The rows of a batch and the offsets behind it are one transaction of the database. An offset is only moved on from where
this process knows it to be, so a second process, or one that slept while another took over, cannot store anything.
Tables and migrations: sql_schema.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import sqlalchemy as sql
from sqlalchemy import exc
from sqlalchemy.dialects import postgresql, sqlite

from streams.errors import InvalidError, TransientError
from streams.sinks.base import POLL_RECORDS, Bury, Place, Settled
from streams.sinks.rows import Rows, fresh_rows
from streams.sinks.sql_schema import OFFSETS, bring_up_to_date
from streams.sinks.sql_store import store_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from streams.kafka.link import Offsets, Record
    from streams.wire import Labels

WAIT_SECONDS = 30  # for a lock that somebody else holds: a backup or a migration, or a process that is frozen
CONNECT_SECONDS = 10

_INSERTS: Mapping[str, Callable[[sql.Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
# what the database says of a row that it can never take
_REFUSED = (exc.DataError, exc.IntegrityError)


class SqlSink:
    """Writes to the database of a URL such as sqlite:///var/newswire.db or postgresql://user:password@host/name."""

    name = "sql"
    guarantee: Literal["exactly once", "at least once"] = "exactly once"
    group_counts = False

    def __init__(self, url: str, labels: Labels, now: Callable[[], datetime], bury: Bury) -> None:
        """`now` gives aware datetimes. Raises InvalidError for a URL that is none of a database that is supported."""
        self._url = database_url(url)
        self._labels = labels
        self._now = now
        self._bury = bury
        self._engine: sql.Engine | None = None
        self._stored: dict[Place, int] = {}  # as the database has it
        self._next: dict[Place, int] = {}  # behind what was written
        self._rows: list[tuple[Record, Rows]] = []

    def resume(self) -> Offsets:
        """See Sink. Creates the tables or migrates them."""
        self._engine = _engine(self._url)
        with self._transaction() as connection:
            bring_up_to_date(connection, self._now())
            rows = connection.execute(sql.select(OFFSETS).where(OFFSETS.c.sink == self.name)).mappings()
            self._stored = {(row["kafka_topic"], row["kafka_partition"]): row["next_offset"] for row in rows}
        self._next = dict(self._stored)
        return dict(self._stored)

    def room(self) -> int:
        """See Sink."""
        return POLL_RECORDS

    def write(self, records: Sequence[Record]) -> None:
        """See Sink. What is no labelled article is buried."""
        taken = fresh_rows(records, self._next, self._labels, self._bury)
        self._rows += [(record, rows) for record, rows in taken if rows]

    def settle(self, *, everything: bool = False) -> Settled:  # noqa: ARG002 - everything is always due
        """See Sink."""
        moved = {place: offset for place, offset in self._next.items() if self._stored.get(place) != offset}
        if not moved:
            return Settled({}, 0)
        rows = [rows for _, rows in self._rows]
        try:
            with self._transaction() as connection:
                self._advance(connection, moved)
                store_rows(connection, rows)
        except _REFUSED:
            with self._transaction() as connection:
                self._advance(connection, moved)
                self._store_one_by_one(connection)
        self._stored |= moved
        settled = Settled(moved, len(self._rows))
        self._rows = []
        return settled

    def close(self) -> None:
        """See Sink."""
        self._rows, self._next = [], dict(self._stored)
        if self._engine is not None:
            self._engine.dispose()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sql.Connection]:
        """One transaction; what goes wrong in it is an error of ours, but for what is wrong with a row."""
        assert self._engine is not None  # noqa: S101 - resume() comes first
        try:
            with self._engine.begin() as connection:
                yield connection
        except _REFUSED:
            raise
        except (exc.OperationalError, exc.InterfaceError, exc.InternalError, exc.TimeoutError) as error:
            raise TransientError(self._said(error)) from error
        except exc.SQLAlchemyError as error:
            raise InvalidError(self._said(error)) from error

    def _said(self, error: exc.SQLAlchemyError) -> str:
        return f"sink sql: {said_by(self._url, error)}"

    def _advance(self, connection: sql.Connection, offsets: Offsets) -> None:
        """Moves the offsets on, from where this process knows them to be only: first, for it locks others out."""
        for place, offset in sorted(offsets.items()):
            key = {"sink": self.name, "kafka_topic": place[0], "kafka_partition": place[1]}
            values = {"next_offset": offset, "updated_at": self._now()}
            known = self._stored.get(place)
            statement: Any
            if known is None:
                statement = _INSERTS[connection.dialect.name](OFFSETS).values(key | values).on_conflict_do_nothing()
            else:
                same = [OFFSETS.c[name] == value for name, value in (key | {"next_offset": known}).items()]
                statement = sql.update(OFFSETS).where(*same).values(values)
            if connection.execute(statement.returning(OFFSETS.c.next_offset)).first() is None:
                raise InvalidError(
                    f"sink sql: another process stores {place[0]}-{place[1]} in this database; run one only"
                )

    def _store_one_by_one(self, connection: sql.Connection) -> None:
        """For a batch with a row that the database refuses: that one is buried, the others are stored."""
        for record, rows in self._rows:
            try:
                with connection.begin_nested():
                    store_rows(connection, [rows])
            except _REFUSED as error:
                self._bury(record, self._said(error))


def said_by(url: sql.URL, error: exc.SQLAlchemyError) -> str:
    """The first line of what a database says, after its URL without the password."""
    lines = str(getattr(error, "orig", None) or error).strip().splitlines() or [type(error).__name__]
    return f"{url.render_as_string(hide_password=True)}: {lines[0]}"


def database_url(text: str) -> sql.URL:
    """The URL of a database that is supported, with its driver. Raises InvalidError."""
    try:
        url = sql.make_url(text)
    except exc.ArgumentError as error:
        raise InvalidError("sinks.sql.url is no URL of a database, such as sqlite:///var/newswire.db") from error
    name = url.get_backend_name()
    backend = "postgresql" if name == "postgres" else name
    if backend not in _INSERTS:
        raise InvalidError(f"sinks.sql.url: {backend!r} is not supported; sqlite and postgresql are")
    return url.set(drivername="postgresql+psycopg" if backend == "postgresql" else "sqlite")


def _engine(url: sql.URL) -> sql.Engine:
    """An engine; connects to nothing yet. Raises InvalidError, TransientError."""
    if url.get_backend_name() == "postgresql":
        options = f"-c lock_timeout={WAIT_SECONDS}s -c idle_in_transaction_session_timeout={2 * WAIT_SECONDS}s"
        arguments = {
            "connect_timeout": CONNECT_SECONDS,
            "options": options,
            "application_name": "newswire sink",
        }
        engine = sql.create_engine(url, connect_args=arguments, pool_size=1)
        sql.event.listen(engine, "connect", _prepare_postgresql)
        return engine
    if url.database and url.database != ":memory:":
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TransientError(f"sink sql: {url.database}: {error.strerror}") from error
    engine = sql.create_engine(url, connect_args={"timeout": WAIT_SECONDS, "isolation_level": None})
    sql.event.listen(engine, "connect", _prepare_sqlite)
    sql.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_postgresql(connection: Any, _record: Any) -> None:
    """Texts compressed by LZ4 where the server knows it (14 and later, as distributions build it): PostgreSQL's own
    algorithm takes a third of the time that a row takes.
    """  # noqa: D205 - one sentence
    connection.execute(
        "SELECT set_config('default_toast_compression', 'lz4', false) FROM pg_settings"
        " WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)"
    )
    connection.commit()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    """Readers do not stop the writer (WAL). NORMAL may lose the last transactions to a power cut, rows and offsets
    alike: they come again.
    """  # noqa: D205 - two sentences
    # 40 MB of log before it goes into the file: at SQLite's 4 MB every batch would wait for the disk
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", "wal_autocheckpoint=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sql.Connection) -> None:
    """sqlite3 begins a transaction at the first write by itself, which is too late to see what others write."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
