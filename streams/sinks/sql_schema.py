"""The tables of the sink `sql`, and how an older database becomes one of today.

    articles          one row a version of an item
    article_topics    its topics, main first (rank 0)
    article_regions   its countries with their regions, main first
    sink_offsets      how far each partition has been stored: written in the transaction of the rows
    newswire_schema   the version of these tables
    latest_articles   a view: the newest version of each item

A fresh database gets the tables as they stand here. One of an older version gets the steps of MIGRATIONS that it has
not had, each in the one transaction that also writes the version down: what Alembic does, for one straight line of
versions and without a second tool to install and run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import sqlalchemy as sql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.types import UserDefinedType

from streams.errors import InvalidError

if TYPE_CHECKING:
    from datetime import datetime

VERSION = 1
Step = Callable[[sql.Connection], None]
MIGRATIONS: Mapping[int, Step] = {}  # version that a step leads to: the step
_LOCK = 0x6E657773  # of PostgreSQL's advisory locks: two sinks that start together migrate one after the other


class RawJson(UserDefinedType[str]):
    """JSON that is handed over as text: the item as it came, decoded and encoded by nobody."""

    cache_ok = True


@compiles(RawJson)
def _plain(*_: Any, **__: Any) -> str:
    return "TEXT"


@compiles(RawJson, "postgresql")
def _postgresql(*_: Any, **__: Any) -> str:
    return "JSONB"


METADATA = sql.MetaData()
_Time = sql.DateTime(timezone=True)  # UTC; in SQLite without an offset

ARTICLES = sql.Table(
    "articles",
    METADATA,
    # BLAKE2b-128 of uri and version: a uri may have 8,192 bytes, an index of PostgreSQL takes 2,704
    sql.Column("id", sql.String(32), primary_key=True),
    sql.Column("uri", sql.Text, nullable=False),
    sql.Column("version", sql.Text, nullable=False),  # the item's own, else its versionCreated
    sql.Column("published", _Time, nullable=False),  # versionCreated
    sql.Column("day", sql.Date, nullable=False),  # of published, in UTC
    sql.Column("labelled_at", _Time, nullable=False),
    sql.Column("status", sql.String(9), nullable=False),  # labelled or abstained
    sql.Column("abstain_reason", sql.Text),
    sql.Column("language", sql.Text, nullable=False),  # as detected
    sql.Column("topic", sql.Text),  # slug of the main topic
    sql.Column("country", sql.Text),  # ISO 3166-1 alpha-2 of the main country
    sql.Column("source", sql.Text, nullable=False),
    sql.Column("url", sql.Text),
    sql.Column("headline", sql.Text, nullable=False),
    sql.Column("text", sql.Text, nullable=False),
    sql.Column("model", sql.Text),  # name:version of the topic model
    sql.Column("item", RawJson, nullable=False),
    sql.Column("kafka_partition", sql.Integer, nullable=False),
    sql.Column("kafka_offset", sql.BigInteger, nullable=False),
    sql.Index("articles_published", "published"),
    sql.Index("articles_uri", "uri", postgresql_using="hash"),  # a hash has no limit of length
)


def _label_table(name: str, *columns: sql.Column[Any] | sql.Index) -> sql.Table:
    return sql.Table(
        name,
        METADATA,
        sql.Column("article_id", sql.ForeignKey(ARTICLES.c.id, ondelete="CASCADE"), primary_key=True),
        sql.Column("rank", sql.SmallInteger, primary_key=True, autoincrement=False),
        sql.Column("confidence", sql.SmallInteger),  # per cent; NULL where the item does not say
        sql.Column("published", _Time, nullable=False),  # that of the article: topic and time in one index
        *columns,
    )


TOPICS = _label_table(
    "article_topics",
    sql.Column("topic", sql.Text, nullable=False),  # slug
    sql.Column("code", sql.Text, nullable=False),  # of IPTC Media Topics
    sql.Index("article_topics_topic", "topic", "published"),
)
REGIONS = _label_table(
    "article_regions",
    sql.Column("country", sql.Text, nullable=False),
    sql.Column("region", sql.Text),  # slug of the UN M49 sub-region; NULL for Antarctica
    sql.Index("article_regions_country", "country", "published"),
    sql.Index("article_regions_region", "region", "published"),
)
OFFSETS = sql.Table(
    "sink_offsets",
    METADATA,
    sql.Column("sink", sql.String(50), primary_key=True),
    sql.Column("kafka_topic", sql.String(249), primary_key=True),
    sql.Column("kafka_partition", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("next_offset", sql.BigInteger, nullable=False),
    sql.Column("updated_at", _Time, nullable=False),
)
SCHEMA = sql.Table(
    "newswire_schema",
    METADATA,
    sql.Column("version", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("applied_at", _Time, nullable=False),
)
# versions of an item are in one partition in the order in which they were published
LATEST = """
CREATE VIEW latest_articles AS SELECT * FROM articles AS a WHERE NOT EXISTS (
    SELECT 1 FROM articles AS b WHERE b.uri = a.uri AND b.kafka_offset > a.kafka_offset)
"""


def bring_up_to_date(
    connection: sql.Connection, now: datetime, version: int = VERSION, migrations: Mapping[int, Step] = MIGRATIONS
) -> None:
    """Creates the tables or migrates them, in the caller's transaction.

    Raises InvalidError where the database is of a newer Newswire, or holds tables of these names that are not its own.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sql.select(sql.func.pg_advisory_xact_lock(_LOCK)))
    there = set(sql.inspect(connection).get_table_names())
    if SCHEMA.name not in there:
        foreign = sorted(there & set(METADATA.tables))
        if foreign:
            raise InvalidError(f"sink sql: the database has a table {foreign[0]} of its own; give the sink another one")
        METADATA.create_all(connection)
        connection.execute(sql.text(LATEST))
        connection.execute(sql.insert(SCHEMA).values(version=version, applied_at=now))
        return
    found: int = connection.execute(sql.select(sql.func.max(SCHEMA.c.version))).scalar_one()
    if found > version:
        raise InvalidError(
            f"sink sql: the database has version {found} of the tables, this Newswire knows {version}: upgrade Newswire"
        )
    for step in range(found + 1, version + 1):
        migrations[step](connection)
        connection.execute(sql.insert(SCHEMA).values(version=step, applied_at=now))
