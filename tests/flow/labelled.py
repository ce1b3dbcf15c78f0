"""Labelled streams of a test's own, written as the worker writes them: one record on each stream, in one transaction."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Self

from kafka import KafkaProducer

from streams.articles import decode_labelled
from streams.kafka.admin import create_topics
from streams.wire import (
    LABELLED,
    CountryLabel,
    KafkaTopic,
    Labels,
    RegionLabel,
    TopicLabel,
    labelled_headers,
    record_key,
    region_stream,
    streams_of,
    topic_stream,
)
from tests.flow.kafka_records import Decisions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

AUTHOR = "urn:newswire:model:test:1"


def labels_of(unique: str) -> Labels:
    """Three topics, two regions and three countries; the slugs, and so the streams, are the test's own."""
    topics = [
        TopicLabel(f"0{n}000000", f"{unique}-{slug}", {}) for n, slug in enumerate(("sport", "politics", "war"), 1)
    ]
    regions = [RegionLabel("145", f"{unique}-west", {}), RegionLabel("030", f"{unique}-east", {})]
    countries = [CountryLabel("SY", "145", {}), CountryLabel("TR", "145", {}), CountryLabel("CN", "030", {})]
    return Labels({t.code: t for t in topics}, {r.code: r for r in regions}, {c.code: c for c in countries})


def labelled(
    uri: str, topics: Sequence[tuple[str, int]], countries: Sequence[tuple[str, int]] = (), language: str = "tr"
) -> dict[str, Any]:
    """An item with (code, confidence) of its topics and (country, confidence) of its countries."""
    model = {"name": "test", "version": "1"}

    def axis(name: str, found: Sequence[tuple[str, int]]) -> dict[str, Any]:
        scores = [{"code": code, "score": confidence / 100} for code, confidence in found]
        return {
            "axis": name,
            "model": model,
            "decision": "assigned" if found else "none",
            "threshold": 0.1,
            "scores": scores,
        }

    return {
        "uri": uri,
        "type": "text",
        "versionCreated": "2026-03-01T10:00:00Z",
        "headlines": [{"value": f"Headline of {uri}"}],
        "bodies": [{"value": "Text."}],
        "infoSources": [{"name": "test"}],
        "subjects": [{"literal": f"medtop:{c}", "creator": AUTHOR, "rel": "about", "confidence": n} for c, n in topics],
        "places": [{"literal": f"iso3166-1a2:{c}", "rel": "about"} for c, _ in countries],
        "classification": {
            "status": "labelled" if topics else "abstained",
            "labelledAt": "2026-03-01T10:00:01Z",
            "language": {"tag": language, "confidence": 0.9},
            "axes": [axis("topic", topics), axis("region", countries)],
        },
    }


class Streams:
    """The label streams of `labels` and `news.labelled`, and somebody who writes to them."""

    def __init__(self, bootstrap_servers: str, labels: Labels, transactional_id: str) -> None:
        self.labels = labels
        names = [topic_stream(t.slug) for t in labels.topics.values()] + [
            region_stream(r.slug) for r in labels.regions.values()
        ]
        week = 7 * 24 * 3600 * 1000
        specs = [KafkaTopic(name, 1, week, "delete") for name in names] + [KafkaTopic(LABELLED, 12, week, "delete")]
        create_topics(bootstrap_servers, specs)
        self._producer = KafkaProducer(
            bootstrap_servers=bootstrap_servers.split(","), transactional_id=transactional_id, retry_backoff_ms=5
        )
        self._producer.init_transactions()
        self._decisions = Decisions(bootstrap_servers)

    def write(self, items: Iterable[dict[str, Any]], *, commit: bool = True) -> None:
        """In one transaction; readers see how it ended when this returns."""
        self._producer.begin_transaction()
        sent = []
        for item in items:
            value = json.dumps(item).encode()
            article = decode_labelled(value)
            headers = labelled_headers(article, self.labels)
            key, names = record_key(article), streams_of(article, self.labels)
            sent += [self._producer.send(name, value, key=key, headers=headers) for name in names]
        self._producer.flush()
        if commit:
            self._producer.commit_transaction()
        else:
            self._producer.abort_transaction()
        self._decisions.wait(sent)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close(timeout=10)
        self._decisions.close()
