"""How rows get into the tables of the sink `sql`: what is new in bulk, what is known one by one.

What is known is asked for first. Rows of new versions then need no look at what they might replace: PostgreSQL takes
them by COPY, three times as fast as what can upsert. Whoever stores the same version in between gets this transaction
refused as a whole.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sql
from sqlalchemy import exc

from streams.sinks.sql_schema import ARTICLES, REGIONS, TOPICS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from streams.sinks.rows import ArticleRow, Rows

Values = tuple[Any, ...]


def store_rows(connection: sql.Connection, batch: Sequence[Rows]) -> None:
    """Upserts items: a version that is there already gets its new labels."""
    last = {_identity(rows.article): rows for rows in batch}  # of a version that is there twice the later one
    if not last:
        return
    known = _known(connection, list(last))
    for table in (TOPICS, REGIONS) if known else ():
        connection.execute(sql.delete(table).where(table.c.article_id.in_(known)))
    articles, topics, regions = _values(last, in_sqlite=connection.dialect.name == "sqlite")
    insert = _insert_each if connection.dialect.name == "sqlite" else _copy
    _upsert(connection, [row for row in articles if row[0] in known])
    insert(connection, ARTICLES, [row for row in articles if row[0] not in known])
    insert(connection, TOPICS, topics)
    insert(connection, REGIONS, regions)


def _known(connection: sql.Connection, identities: list[str]) -> set[str]:
    """Those that are there; asked with one parameter, for a thousand of them cost 20 us an item."""
    if connection.dialect.name == "sqlite":
        statement = "SELECT id FROM articles WHERE id IN (SELECT value FROM json_each(?))"
        return set(connection.exec_driver_sql(statement, (json.dumps(identities),)).scalars())
    return set(connection.exec_driver_sql("SELECT id FROM articles WHERE id = ANY(%s)", (identities,)).scalars())


def _identity(article: ArticleRow) -> str:
    """BLAKE2b-128 of uri and version: the same whenever this version comes."""
    return hashlib.blake2b(f"{article.uri}\n{article.version}".encode(), digest_size=16).hexdigest()


def _values(batch: Mapping[str, Rows], *, in_sqlite: bool) -> tuple[list[Values], list[Values], list[Values]]:
    """What goes into articles, article_topics and article_regions, each in the order of the columns.

    SQLite gets times as text, in the form that SQLAlchemy reads.
    """
    articles: list[Values] = []
    topics: list[Values] = []
    regions: list[Values] = []
    for key, (article, of_topics, of_regions) in batch.items():
        published: Any = article.published
        item = article.item.decode()
        if in_sqlite:
            published = str(published.replace(tzinfo=None))  # takes 2 us: once an item, not at each label
            labelled = str(article.labelled_at.replace(tzinfo=None))
            articles.append(
                (key, *article[:2], published, str(article.day), labelled, *article[5:-3], item, *article[-2:])
            )
        else:
            articles.append((key, *article[:-3], item, *article[-2:]))
        topics += [(key, rank, t.confidence, published, t.topic, t.code) for rank, t in enumerate(of_topics)]
        regions += [(key, rank, r.confidence, published, r.country, r.region) for rank, r in enumerate(of_regions)]
    return articles, topics, regions


def _copy(connection: sql.Connection, table: sql.Table, rows: Sequence[Values]) -> None:
    """PostgreSQL's COPY, which SQLAlchemy has no word for; its errors as SQLAlchemy's."""
    if not rows:
        return
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table.name} ({_columns(table)}) FROM STDIN"
    with _sqlalchemys_errors(statement), driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


@contextlib.contextmanager
def _sqlalchemys_errors(statement: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise exc.DBAPIError.instance(statement, None, error, psycopg.Error) from error


def _insert_each(connection: sql.Connection, table: sql.Table, rows: Sequence[Values]) -> None:
    if rows:
        statement = f"INSERT INTO {table.name} ({_columns(table)}) VALUES ({_marks(connection, table)})"  # noqa: S608 - no input
        connection.exec_driver_sql(statement, list(rows))


def _upsert(connection: sql.Connection, rows: Sequence[Values]) -> None:
    """Articles that are there already; what others have added to their rows stays."""
    if rows:
        changed = ", ".join(f"{c.name} = excluded.{c.name}" for c in ARTICLES.c if not c.primary_key)
        statement = (
            f"INSERT INTO {ARTICLES.name} ({_columns(ARTICLES)}) VALUES ({_marks(connection, ARTICLES)})"  # noqa: S608 - no input
            f" ON CONFLICT (id) DO UPDATE SET {changed}"
        )
        connection.exec_driver_sql(statement, list(rows))


def _columns(table: sql.Table) -> str:
    return ", ".join(column.name for column in table.c)


def _marks(connection: sql.Connection, table: sql.Table) -> str:
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    return ", ".join(mark for _ in table.c)
