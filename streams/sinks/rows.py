"""A record of a labelled stream as rows: what the sinks `sql` and `parquet` store."""

from __future__ import annotations

import hashlib
from datetime import UTC
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from streams.articles import TOPIC_PREFIX, decode_labelled, main_headline, main_text, parse_timestamp
from streams.errors import InvalidError

if TYPE_CHECKING:
    from streams.articles import Axis, LabelledArticle
    from streams.kafka.link import Record
    from streams.sinks.base import Bury
    from streams.wire import Labels

Row = dict[str, Any]
_NOTHING = "\ufffd"  # what PostgreSQL gets for U+0000, which it can store in no text


class Rows(NamedTuple):
    """One item: its row, those of its topics and of its countries."""

    article: Row
    topics: list[Row]
    regions: list[Row]


def rows_of(record: Record, labels: Labels) -> Rows:
    """The rows of a record. Raises InvalidError where its value is no labelled article."""
    article = decode_labelled(record.value)
    version = article.version or article.version_created
    key = hashlib.blake2b(f"{article.uri}\n{version}".encode(), digest_size=16).hexdigest()
    published = parse_timestamp(article.version_created, field="versionCreated").astimezone(UTC)
    same = {"article_id": key, "published": published}
    topics = [same | row for row in _topics(article, labels)]
    regions = [same | row for row in _regions(article, labels)]
    block = article.classification
    axis = _axis(article, "topic")
    row = {
        "id": key,
        "uri": article.uri,
        "version": _stored(version),
        "published": published,
        "day": published.date(),
        "labelled_at": parse_timestamp(block.labelled_at, field="labelledAt").astimezone(UTC),
        "status": block.status,
        "abstain_reason": axis.abstain_reason if axis and block.status == "abstained" else None,
        "language": _stored(block.language.tag),
        "topic": topics[0]["topic"] if topics else None,
        "country": regions[0]["country"] if regions else None,
        "source": _stored(article.info_sources[0].name or ""),
        "url": _url(article),
        "headline": _stored(main_headline(article)),
        "text": _stored(main_text(article)),
        "model": _stored(f"{axis.model.name}:{axis.model.version}") if axis else None,
        "item": _json(record.value or b""),
        "kafka_partition": record.partition,
        "kafka_offset": record.offset,
    }
    return Rows(row, topics, regions)


def decoded_rows(record: Record, labels: Labels, bury: Bury) -> Rows | None:
    """The rows of a record; None for a tombstone, and for what is no labelled article, which is buried."""
    if not record.value:
        return None
    try:
        return rows_of(record, labels)
    except InvalidError as error:
        bury(record, str(error))
        return None


def _topics(article: LabelledArticle, labels: Labels) -> list[Row]:
    confidence = {s.literal: s.confidence for s in article.subjects or ()}
    return [
        {
            "rank": rank,
            "topic": labels.topics[code].slug if code in labels.topics else _stored(code),
            "code": _stored(code),
            "confidence": confidence.get(TOPIC_PREFIX + code),
        }
        for rank, code in enumerate(article.topics)
    ]


def _regions(article: LabelledArticle, labels: Labels) -> list[Row]:
    axis = _axis(article, "region")
    confidence = {s.code: round(100 * s.score) for s in axis.scores} if axis else {}
    return [
        {
            "rank": rank,
            "country": _stored(country),
            "region": region.slug if (region := labels.region_of(country)) else None,
            "confidence": confidence.get(country),
        }
        for rank, country in enumerate(article.countries)
    ]


def _axis(article: LabelledArticle, name: str) -> Axis | None:
    return next((axis for axis in article.classification.axes if axis.axis == name), None)


def _url(article: LabelledArticle) -> str | None:
    """The canonical URL, where the item has one."""
    found = next((a.value for a in article.alt_ids or () if a.role == "canonicalUrl"), None)
    return _stored(found) if found else None


def _stored(text: str) -> str:
    return text.replace("\x00", _NOTHING)


def _json(value: bytes) -> str:
    """The JSON of an item as text; PostgreSQL's JSONB takes no U+0000 either."""
    if b"\\u0000" in value:
        value = msgspec.json.encode(_without_nul(msgspec.json.decode(value)))
    return value.decode()


def _without_nul(node: Any) -> Any:
    if isinstance(node, str):
        return _stored(node)
    if isinstance(node, list):
        return [_without_nul(child) for child in node]
    if isinstance(node, dict):
        return {_stored(name): _without_nul(child) for name, child in node.items()}
    return node
