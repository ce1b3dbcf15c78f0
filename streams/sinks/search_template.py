"""The index of the sink `search`, for OpenSearch and Elasticsearch: its fields and how its texts are taken apart."""

from __future__ import annotations

from typing import Any

# language as detected: the analyzer that both servers have built in; "other" takes every language without one
ANALYZERS = {
    "ar": "arabic",
    "tr": "turkish",
    "en": "english",
    "fa": "persian",
    "de": "german",
    "es": "spanish",
    "fr": "french",
    "it": "italian",
    "ru": "russian",
    "other": "standard",
}
TEMPLATE_PRIORITY = 200  # above the catch-all templates that both servers bring along, which have 100 at most


def index_template(index: str) -> dict[str, Any]:
    """The body of `_index_template` for an index; a text stands under its language: `headline.ar`, `text.tr`."""
    texts = {"properties": {language: {"type": "text", "analyzer": name} for language, name in ANALYZERS.items()}}
    keyword = {"type": "keyword"}
    properties = {
        "uri": {"type": "keyword", "ignore_above": 2048},
        "version": keyword,
        "published": {"type": "date"},
        "labelled_at": {"type": "date"},
        "status": keyword,
        "abstain_reason": keyword,
        "language": keyword,
        "topic": keyword,
        "topics": keyword,
        "country": keyword,
        "countries": keyword,
        "regions": keyword,
        "source": keyword,
        "url": {"type": "keyword", "index": False},
        "headline": texts,
        "text": texts,
        "model": keyword,
    }
    return {
        "index_patterns": [index],
        "priority": TEMPLATE_PRIORITY,
        "template": {"mappings": {"dynamic": "strict", "properties": properties}},
        "_meta": {"description": "labelled news items, written by newswire sink search"},
    }
