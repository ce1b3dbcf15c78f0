"""Counts and names in the form in which the page and other programs read them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from streams.gateway.window import MINUTES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.gateway.window import Counts
    from streams.wire import Labels


def counts_table(counts: Counts, labels: Labels, *, listeners: int) -> dict[str, Any]:
    """Every topic and region with its count of the last hour, also those with none, in the order of the tables."""
    return {
        "items": counts.items,
        "abstained": counts.abstained,
        "listeners": listeners,
        "minutes": counts.minutes,
        "languages": dict(counts.languages),
        "topics": [
            {
                "slug": label.slug,
                "code": label.code,
                "items": counts.topics.get(label.slug, 0),
                "minutes": counts.topic_minutes.get(label.slug, [0] * MINUTES),
            }
            for label in labels.topics.values()
        ],
        "regions": [
            {"slug": label.slug, "code": label.code, "items": counts.regions.get(label.slug, 0)}
            for label in labels.regions.values()
        ],
    }


def names_table(labels: Labels, language: str) -> dict[str, Any]:
    """Names by slug (topics, regions) and ISO code (countries)."""

    def named(names: Mapping[str, str], fallback: str) -> str:
        return names.get(language) or names.get("en") or fallback

    return {
        "language": language,
        "topics": {label.slug: named(label.names, label.slug) for label in labels.topics.values()},
        "regions": {label.slug: named(label.names, label.slug) for label in labels.regions.values()},
        "countries": {label.code: named(label.names, label.code) for label in labels.countries.values()},
    }
