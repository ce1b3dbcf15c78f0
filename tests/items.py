"""Example items of the wire, as plain JSON values; each call gives a fresh one that a test may change."""

from __future__ import annotations

import json
from typing import Any


def article_json(**changes: Any) -> dict[str, Any]:
    """A plain article; keywords replace members, a value of None takes one away."""
    item = {
        "uri": "urn:newswire:example:1",
        "type": "text",
        "version": "1",
        "versionCreated": "2026-03-14T09:30:00+03:00",
        "language": "ar",
        "headlines": [{"role": "main", "contentType": "text/plain", "value": "افتتاح خط قطار جديد بين مدينتين"}],
        "bodies": [{"role": "main", "contentType": "text/plain", "value": "بدأ الخط عمله صباح اليوم بعشر رحلات."}],
        "infoSources": [{"name": "Örnek Ajansı", "contactInfo": [{"address": {"country": "tr"}}]}],
        "altIds": [{"role": "canonicalUrl", "value": "https://example.org/1"}],
    } | changes
    return {name: value for name, value in item.items() if value is not None}


def labelled_json(**changes: Any) -> dict[str, Any]:
    """The same, labelled: two topics, two countries."""
    model = {"name": "linear", "version": "1.0.0"}
    author = "urn:newswire:model:linear:1.0.0"
    topic = {"uri": "http://cv.iptc.org/newscodes/mediatopic/04000000", "rel": "about", "creator": author}
    return article_json(
        **{
            "subjects": [
                {"name": "publisher's own", "literal": "medtop:20000001"},
                {**topic, "literal": "medtop:04000000", "name": "economy", "relevance": 100, "confidence": 81},
                {**topic, "literal": "medtop:14000000", "name": "society", "relevance": 60, "confidence": 44},
            ],
            "places": [
                {"name": "Berlin", "rel": "mentions"},
                {"name": "Türkiye", "rel": "about", "literal": "iso3166-1a2:TR"},
                {"name": "Egypt", "rel": "about", "literal": "iso3166-1a2:EG"},
            ],
            "classification": {
                "status": "labelled",
                "labelledAt": "2026-03-14T06:30:01Z",
                "language": {"tag": "ar", "confidence": 0.99},
                "axes": [
                    {
                        "axis": "topic",
                        "model": model,
                        "decision": "assigned",
                        "threshold": 0.4,
                        "scores": [{"code": "04000000", "score": 0.81}, {"code": "14000000", "score": 0.44}],
                    },
                    {
                        "axis": "region",
                        "model": model,
                        "decision": "assigned",
                        "threshold": 0.5,
                        "scores": [
                            {"code": "TR", "score": 0.9, "method": "text"},
                            {"code": "EG", "score": 0.6, "method": "text"},
                        ],
                    },
                ],
            },
            **changes,
        }
    )


def as_bytes(item: Any) -> bytes:
    """JSON in UTF-8."""
    return json.dumps(item, ensure_ascii=False).encode()
