"""A record of a labelled stream as a row and its labels: what the sinks `sql`, `parquet` and `search` store."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from streams.articles import main_headline, main_text
from streams.errors import InvalidError
from streams.sinks.item import read_item, read_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date, datetime

    from streams.kafka.link import Record
    from streams.sinks.base import Bury, Place
    from streams.sinks.item import Item
    from streams.wire import Labels

_NOTHING = "\ufffd"  # what PostgreSQL gets for U+0000, which it can store in no text


class ArticleRow(NamedTuple):
    """A version of an item; times in UTC. The fields are columns of `articles` (sql_schema), in their order."""

    uri: str
    version: str
    published: datetime
    day: date
    labelled_at: datetime
    status: str
    abstain_reason: str | None
    language: str
    topic: str | None
    country: str | None
    source: str
    url: str | None
    headline: str
    text: str
    model: str | None
    item: bytes  # JSON in UTF-8
    kafka_partition: int
    kafka_offset: int


class Topic(NamedTuple):
    """A topic of an item: slug, code, confidence in per cent where the item says."""

    topic: str
    code: str
    confidence: int | None


class Region(NamedTuple):
    """A country of an item, the slug of its sub-region, confidence in per cent where the item says."""

    country: str
    region: str | None
    confidence: int | None


class Rows(NamedTuple):
    """One item: its row, its topics and its countries, main first."""

    article: ArticleRow
    topics: list[Topic]
    regions: list[Region]


def fresh_rows(
    records: Iterable[Record], places: dict[Place, int], labels: Labels, bury: Bury
) -> Iterator[tuple[Record, Rows | None]]:
    """Records that are not behind their place, with their rows; `places` moves on behind each.

    No rows: a tombstone, or no labelled article, which is buried.
    """
    for record in records:
        place = record.kafka_topic, record.partition
        if record.offset < places.get(place, 0):
            continue
        rows = None
        if record.value:
            try:
                rows = rows_of(record, labels)
            except InvalidError as error:
                bury(record, str(error))
        places[place] = record.offset + 1
        yield record, rows


def rows_of(record: Record, labels: Labels) -> Rows:
    """The rows of a record. Raises InvalidError where its value is no labelled article."""
    value = _without_nul(record.value or b"")
    item = read_item(value)
    _check_text(value)
    published = read_time(item.version_created, "versionCreated")
    topics = _topics(item, labels)
    regions = _regions(item, labels)
    block = item.classification
    axis = block.axis("topic")
    row = ArticleRow(
        item.uri,
        item.version or item.version_created,
        published,
        published.date(),
        read_time(block.labelled_at, "labelledAt"),
        block.status,
        axis.abstain_reason if axis and block.status == "abstained" else None,
        block.language.tag,
        topics[0].topic if topics else None,
        regions[0].country if regions else None,
        item.info_sources[0].name or "",
        _url(item),
        main_headline(item),
        main_text(item),
        f"{axis.model.name}:{axis.model.version}" if axis else None,
        value,
        record.partition,
        record.offset,
    )
    return Rows(row, topics, regions)


def _topics(item: Item, labels: Labels) -> list[Topic]:
    known = labels.topics
    return [Topic(known[code].slug if code in known else code, code, sure) for code, sure in item.topics()]


def _regions(item: Item, labels: Labels) -> list[Region]:
    found = []
    for country, sure in item.countries():
        region = labels.region_of(country)
        found.append(Region(country, region.slug if region else None, sure))
    return found


def _url(item: Item) -> str | None:
    """The canonical URL, where the item has one."""
    for one in item.alt_ids or ():
        if one.role == "canonicalUrl":
            return one.value or None
    return None


def _check_text(value: bytes) -> None:
    """Raises InvalidError where what was passed over unread is not UTF-8."""
    try:
        value.decode()
    except UnicodeDecodeError as error:
        raise InvalidError(f"not JSON in UTF-8: {error}") from error


def _without_nul(value: bytes) -> bytes:
    """The JSON of an item without U+0000, which JSON can hold in this form alone; what is no JSON as it is."""
    if b"\\u0000" not in value:
        return value
    try:
        return msgspec.json.encode(_replaced(msgspec.json.decode(value)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return value


def _replaced(node: Any) -> Any:
    if isinstance(node, str):
        return node.replace("\x00", _NOTHING)
    if isinstance(node, list):
        return [_replaced(child) for child in node]
    if isinstance(node, dict):
        return {_replaced(name): _replaced(child) for name, child in node.items()}
    return node
