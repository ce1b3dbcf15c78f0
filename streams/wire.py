"""The map: every Kafka topic with its key, partitions and retention, which label goes to which stream, and the headers.

    news.articles      items as published                       key = uri of the item   12 partitions   7 days
    news.labelled      every item that got an outcome           key = uri of the item   12 partitions   7 days
    news.topic.<slug>  items of one topic                       key = uri of the item    1 partition    7 days
    news.region.<slug> items of one UN M49 sub-region           key = uri of the item    1 partition    7 days
    news.articles.dead items that no retry can label            key as it came           3 partitions  30 days
    news.sources       positions of the sources                 key = source name        1 partition   compacted
    news.duplicates    near-duplicate marks                     key = uri of the item    1 partition   compacted
    news.unique        the first item of each story             key = uri of the item    1 partition    7 days
    news.signatures    state of the near-duplicate stage        key = uri of the item    1 partition   compacted

Label streams have one partition each: every partition that a transaction touches costs a marker at each commit
(one partition a label 20 ms, three 457 ms at the median for a batch of 50; notes on delivery).
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from streams.traces import TRACEPARENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from streams.articles import Article, LabelledArticle

Headers = list[tuple[str, bytes]]

ARTICLES = "news.articles"
LABELLED = "news.labelled"
DEAD_LETTERS = "news.articles.dead"
SOURCES = "news.sources"
DUPLICATES = "news.duplicates"
UNIQUE = "news.unique"
SIGNATURES = "news.signatures"
TOPIC_STREAM = "news.topic."
REGION_STREAM = "news.region."

LABEL_GROUP = "newswire.label"
DUPLICATES_GROUP = "newswire.duplicates"
SINK_GROUP = "newswire.sink."
PUBLISH_TRANSACTIONS = "newswire.publish."

ARTICLE_TYPE = "org.newswire.article.v1"
LABELLED_TYPE = "org.newswire.article.labelled.v1"
ERROR_HEADER = "newswire-error-"
SINK_STAGE = "sink."  # begins the stage of a dead letter that a sink wrote: it holds a labelled item

MAX_TOPICS = 3
MAX_COUNTRIES = 4
MAX_RECORD_BYTES = (
    900_000  # the broker refuses records over 1,048,588 bytes; labels, headers and batch framing need the rest
)

_DAY_MS = 24 * 3600 * 1000


class KafkaTopic(NamedTuple):
    """What a Kafka topic must look like."""

    name: str
    partitions: int
    retention_ms: int | None  # None where compaction keeps the newest record of each key for good
    cleanup_policy: str  # "delete" or "compact"


class TopicLabel(NamedTuple):
    """A class of the topic axis: `code` ("11000000"), `slug` that names its stream, names by BCP 47 tag."""

    code: str
    slug: str
    names: Mapping[str, str]


class RegionLabel(NamedTuple):
    """A UN M49 sub-region: `code` ("145"), `slug` that names its stream, names by BCP 47 tag."""

    code: str
    slug: str
    names: Mapping[str, str]


class CountryLabel(NamedTuple):
    """A country: ISO 3166-1 alpha-2, the M49 code of its sub-region (None for Antarctica), names by BCP 47 tag."""

    code: str
    region: str | None
    names: Mapping[str, str]


class Labels(NamedTuple):
    """The label tables, read from configs/ by settings and handed down by cli."""

    topics: Mapping[str, TopicLabel]  # by code
    regions: Mapping[str, RegionLabel]  # by M49 code
    countries: Mapping[str, CountryLabel]  # by ISO code

    def region_of(self, country: str) -> RegionLabel | None:
        """The sub-region that a country rolls up to."""
        label = self.countries.get(country)
        return self.regions.get(label.region) if label and label.region else None

    def regions_of(self, countries: Iterable[str]) -> list[RegionLabel]:
        """The sub-regions of some countries, in their order, each once."""
        found = (self.region_of(c) for c in countries)
        return list({r.code: r for r in found if r}.values())


def topic_stream(slug: str) -> str:
    """The Kafka topic of a topic's stream."""
    return TOPIC_STREAM + slug


def region_stream(slug: str) -> str:
    """The Kafka topic of a sub-region's stream."""
    return REGION_STREAM + slug


def kafka_topics(labels: Labels) -> list[KafkaTopic]:
    """Every Kafka topic that the pipeline needs for these labels."""
    week = 7 * _DAY_MS
    streams = [topic_stream(t.slug) for t in labels.topics.values()] + [
        region_stream(r.slug) for r in labels.regions.values()
    ]
    return [
        KafkaTopic(ARTICLES, 12, week, "delete"),
        KafkaTopic(LABELLED, 12, week, "delete"),
        KafkaTopic(DEAD_LETTERS, 3, 30 * _DAY_MS, "delete"),
        KafkaTopic(SOURCES, 1, None, "compact"),
        KafkaTopic(DUPLICATES, 1, None, "compact"),
        KafkaTopic(UNIQUE, 1, week, "delete"),
        KafkaTopic(SIGNATURES, 1, None, "compact"),
        *(KafkaTopic(name, 1, week, "delete") for name in streams),
    ]


def streams_of(article: LabelledArticle, labels: Labels) -> list[str]:
    """The Kafka topics that a labelled article goes to: `news.labelled`, then each of its topics and regions."""
    topics = [topic_stream(labels.topics[code].slug) for code in article.topics if code in labels.topics]
    regions = [region_stream(region.slug) for region in labels.regions_of(article.countries)]
    return [LABELLED, *topics, *regions]


def record_key(article: Article) -> bytes:
    """The uri: keeps all versions of one item in order, in one partition."""
    return article.uri.encode()


def article_headers(article: Article, source: str) -> Headers:
    """CloudEvents (Kafka protocol binding 1.0, binary mode) headers of an item; `source` is a class such as `jsonl`."""
    event = _event_id(article, "publish")
    headers = _cloud_event(article, event, ARTICLE_TYPE, f"urn:newswire:{source}", article.version_created)
    headers.append(("traceparent", _traceparent(event, event).encode()))
    if article.language:
        headers.append(("news-language", article.language.encode()))
    return headers


def labelled_headers(article: LabelledArticle, labels: Labels, incoming: Sequence[tuple[str, bytes]] = ()) -> Headers:
    """Headers of a labelled item: CloudEvents, the trace of `incoming`, and copies of the labels to filter by."""
    event = _event_id(article, "label")
    block = article.classification
    headers = _cloud_event(article, event, LABELLED_TYPE, "urn:newswire:label", block.labelled_at)
    trace = _trace_of(incoming) or event
    headers.append(("traceparent", _traceparent(trace, event).encode()))
    countries = article.countries
    topics = [labels.topics[code].slug for code in article.topics if code in labels.topics]
    headers += [
        ("news-topic", ",".join(topics).encode()),
        ("news-region", ",".join(r.slug for r in labels.regions_of(countries)).encode()),
        ("news-country", ",".join(countries).encode()),
        ("news-language", block.language.tag.encode()),
        ("news-status", block.status.encode()),
    ]
    return headers


def dead_letter_headers(incoming: Sequence[tuple[str, bytes]], error: Mapping[str, str]) -> Headers:
    """The headers as they came and `newswire-error-<field>` for each field.

    Fields: topic, partition, offset, stage, class, message, stacktrace, attempts, time. An item that is replayed and
    fails again carries the newest error only.
    """
    kept = [(name, value) for name, value in incoming if not name.startswith(ERROR_HEADER)]
    return kept + [(ERROR_HEADER + field, value.encode("utf-8", "replace")) for field, value in error.items()]


def _cloud_event(article: Article, event: str, kind: str, source: str, time: str) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_id", event.encode()),
        ("ce_source", source.encode()),
        ("ce_type", kind.encode()),
        ("ce_subject", article.uri.encode()),
        ("ce_time", time.encode()),
        ("content-type", b"application/json"),
    ]


def _event_id(article: Article, stage: str) -> str:
    """The same version of the same item at the same stage gives the same id, so a consumer may tell repeats."""
    name = f"{article.uri}\n{article.version or article.version_created}\n{stage}"
    return hashlib.blake2b(name.encode(), digest_size=16).hexdigest()


def _trace_of(incoming: Sequence[tuple[str, bytes]]) -> str | None:
    """The trace id of a valid `traceparent` header; None where there is none or it is damaged."""
    for name, value in incoming:
        if name == "traceparent":
            found = TRACEPARENT.fullmatch(value)
            trace = found.group(1).decode() if found else ""
            return trace if trace.strip("0") else None
    return None


def _traceparent(trace: str, event: str) -> str:
    """W3C Trace Context level 1: version, 16-byte trace id, 8-byte parent id, sampled. Both are given as 16 bytes."""
    return f"00-{trace}-{event[:16]}-01"
