"""How rows get into the tables of the sink `sql`: upserts in bulk, a way for each database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import sqlalchemy as sql

from streams.sinks.sql_schema import ARTICLES, REGIONS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.sinks.rows import Row, Rows

STATEMENT_BYTES = 8 << 20  # PostgreSQL takes no value of 1 GB, which a thousand of the largest items come near to


def store_rows(connection: sql.Connection, batch: Sequence[Rows]) -> None:
    """Upserts items: a version that is there already gets its new labels."""
    last = {rows.article["id"]: rows for rows in batch}  # a statement of PostgreSQL may touch a row once only
    if not last:
        return
    known = connection.execute(sql.select(ARTICLES.c.id).where(ARTICLES.c.id.in_(last))).scalars().all()
    for table in (TOPICS, REGIONS) if known else ():
        connection.execute(sql.delete(table).where(table.c.article_id.in_(known)))
    upsert = _insert_json if connection.dialect.name == "postgresql" else _insert_rows
    upsert(connection, ARTICLES, [rows.article for rows in last.values()])
    upsert(connection, TOPICS, [row for rows in last.values() for row in rows.topics])
    upsert(connection, REGIONS, [row for rows in last.values() for row in rows.regions])


def _insert(table: sql.Table, values: str) -> str:
    """The statement that inserts into a table, and overwrites what is there under the same key."""
    keys = [column.name for column in table.primary_key]
    changed = ", ".join(f"{c.name} = excluded.{c.name}" for c in table.c if c.name not in keys)
    columns = ", ".join(column.name for column in table.c)
    return f"INSERT INTO {table.name} ({columns}) {values} ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {changed}"


def _insert_json(connection: sql.Connection, table: sql.Table, rows: Sequence[Row]) -> None:
    """Some MB of rows in one statement, as JSON that PostgreSQL takes apart.

    The cheapest on this side of the ways that can upsert: 150 us of CPU an item on a busy machine, where the driver's
    own loop over rows took 190 and arrays for unnest(), which psycopg writes in Python, 770.
    """
    columns = ", ".join(column.name for column in table.c)
    values = f"SELECT {columns} FROM json_populate_recordset(NULL::{table.name}, %s::json)"  # noqa: S608 - no input in it
    statement = _insert(table, values)
    for part in _parts([msgspec.json.encode(_with_raw_item(row)) for row in rows]):
        connection.exec_driver_sql(statement, (f"[{b','.join(part).decode()}]",))


def _with_raw_item(row: Row) -> Row:
    return row | {"item": msgspec.Raw(row["item"].encode())} if "item" in row else row


def _parts(rows: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Rows in their order, so many together as STATEMENT_BYTES hold."""
    part: list[bytes] = []
    size = 0
    for row in rows:
        if part and size + len(row) > STATEMENT_BYTES:
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row)
    if part:
        yield part


def _insert_rows(connection: sql.Connection, table: sql.Table, rows: Sequence[Row]) -> None:
    """The driver's own loop. To SQLite times go as text, in the form that SQLAlchemy reads."""
    if not rows:
        return
    columns = [(c.name, isinstance(c.type, sql.DateTime), isinstance(c.type, sql.Date)) for c in table.c]
    values = [
        tuple(
            str(row[name].replace(tzinfo=None)) if is_time else str(row[name]) if is_date else row[name]
            for name, is_time, is_date in columns
        )
        for row in rows
    ]
    connection.exec_driver_sql(_insert(table, f"VALUES ({', '.join('?' for _ in columns)})"), values)
