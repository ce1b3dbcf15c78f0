"""Older items out of the tables of the sink `sql`, for whoever asks the gateway for them; writes nothing.

Pages go by (published, id), newest first: what is stored meanwhile moves none of them, and two items of one second are
not lost between two pages.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sql
from sqlalchemy import exc

from streams.errors import TransientError
from streams.sinks.item import read_time
from streams.sinks.sql import database_url, said_by
from streams.sinks.sql_schema import ARTICLES, REGIONS, TOPICS

if TYPE_CHECKING:
    from datetime import datetime

    from streams.kafka.selection import Selection

CONNECTIONS = 4  # so many requests at once; others wait for one
WAIT_SECONDS = 5.0
STATEMENT_SECONDS = 10  # a filter that finds next to nothing walks back a long way


class Older(NamedTuple):
    """Some items, newest first, as JSON; `following`: what to ask with for the next ones, None at the end."""

    items: list[bytes]
    following: str | None


class SqlReader:
    """Reads the database of a URL such as the sink's. Connects when it is asked; used by several threads."""

    def __init__(self, url: str) -> None:
        """Raises InvalidError for a URL that is none of a database that is supported."""
        self._url = database_url(url)
        self._engine = _engine(self._url)

    def older(self, wanted: Selection, before: str, limit: int) -> Older:
        """Up to `limit` items that are older than `before`, of each its newest version.

        `before`: a date of RFC 3339, or `following` of an answer. Raises InvalidError for one that is neither,
        TransientError where the database does not answer or has no tables yet.
        """
        statement = _statement(wanted, _bound(before), self._url.get_backend_name()).limit(limit)
        if self._url.get_backend_name() == "sqlite" and not Path(self._url.database or "").is_file():
            raise TransientError(f"{self._url.database} is not there: the sink sql makes it")
        try:
            with self._engine.connect() as connection:
                rows = connection.execute(statement).all()
        except exc.SQLAlchemyError as error:
            raise TransientError(said_by(self._url, error)) from error
        following = f"{_written(rows[-1].published)},{rows[-1].id}" if len(rows) == limit else None
        return Older([row.item.encode() for row in rows], following)

    def close(self) -> None:
        """Lets go of the connections."""
        self._engine.dispose()


def _bound(before: str) -> tuple[datetime, str]:
    """The time and the id that items must stand before."""
    time, _, key = before.partition(",")
    return read_time(time.replace(" ", "+"), "before"), key  # a "+" that was not escaped comes as a blank


def _written(published: datetime) -> str:
    return published.replace(tzinfo=None).isoformat() + "Z"


def _statement(wanted: Selection, bound: tuple[datetime, str], backend: str) -> sql.Select[Any]:
    """The same selection, with the same meaning, as the gateway's filters have; a test holds both together."""
    later = ARTICLES.alias("later")
    newest = ~sql.exists().where(later.c.uri == ARTICLES.c.uri, later.c.kafka_offset > ARTICLES.c.kafka_offset)
    published: Any = ARTICLES.c.published
    time: Any = bound[0]
    if backend == "sqlite":  # SQLAlchemy would write six digits of a second, which the sink does not where they are 0
        published, time = sql.type_coerce(published, sql.Text), str(time.replace(tzinfo=None))
    chosen = [published <= time, sql.or_(published < time, ARTICLES.c.id < bound[1]), newest]
    if wanted.languages:
        chosen.append(ARTICLES.c.language.in_(wanted.languages))
    if wanted.topics or (wanted.min_confidence and not (wanted.regions or wanted.countries)):
        chosen.append(_labelled(TOPICS, [TOPICS.c.topic.in_(wanted.topics)] if wanted.topics else [], wanted))
    if wanted.regions or wanted.countries:
        places = sql.or_(REGIONS.c.region.in_(wanted.regions), REGIONS.c.country.in_(wanted.countries))
        chosen.append(_labelled(REGIONS, [places], wanted))
    item = sql.cast(ARTICLES.c.item, sql.Text).label("item")
    columns = sql.select(item, ARTICLES.c.published, ARTICLES.c.id)
    return columns.where(*chosen).order_by(ARTICLES.c.published.desc(), ARTICLES.c.id.desc())


def _labelled(table: sql.Table, chosen: list[Any], wanted: Selection) -> Any:
    sure = [table.c.confidence >= wanted.min_confidence] if wanted.min_confidence else []
    return sql.exists().where(table.c.article_id == ARTICLES.c.id, *chosen, *sure)


def _engine(url: sql.URL) -> sql.Engine:
    pool: dict[str, Any] = {"pool_size": CONNECTIONS, "max_overflow": 0, "pool_timeout": WAIT_SECONDS}
    if url.get_backend_name() == "postgresql":
        arguments: dict[str, Any] = {
            "connect_timeout": int(WAIT_SECONDS),
            "options": f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS}s",
            "application_name": "newswire gateway",
        }
        return sql.create_engine(url, connect_args=arguments, pool_pre_ping=True, **pool)
    engine = sql.create_engine(url, connect_args={"timeout": WAIT_SECONDS}, poolclass=sql.QueuePool, **pool)
    sql.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA query_only=ON"))
    return engine
