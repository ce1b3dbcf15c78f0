"""What each path answers, as /openapi.json tells it; a test asks every path at random and holds it to that."""

from __future__ import annotations

from typing import Any

from streams.gateway.access import OPEN_PATHS
from streams.gateway.problems import documented

_TEXT = {"type": "string"}
_OBJECT = {"type": "object"}
_ITEMS = {"type": "array", "items": _OBJECT}
_STATUS = {"type": "object", "required": ["status"], "properties": {"status": _TEXT}}
_ARTICLES = {
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": _ITEMS,
        "cursor": {"type": "string", "description": "of recent items: a Last-Event-ID to go on from"},
        "following": {"type": ["string", "null"], "description": "of older items: the `before` of the next page"},
    },
}
_TOPICS = {
    "type": "object",
    "required": ["items", "abstained", "topics", "regions", "languages"],
    "properties": {
        "items": {"type": "integer"},
        "abstained": {"type": "integer"},
        "topics": _ITEMS,
        "regions": _ITEMS,
        "languages": _OBJECT,
    },
}
_NAMES = {"type": "object", "required": ["topics", "regions", "countries"]}
_FEED = {"application/atom+xml": {"schema": _TEXT}, "application/feed+json": {"schema": _OBJECT}}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}


_CONTENT: dict[str, dict[str, Any]] = {
    "/feeds/topic/{slug}.{format}": _FEED,
    "/feeds/region/{slug}.{format}": _FEED,
    "/feeds/all.{format}": _FEED,
    "/stream": {"text/event-stream": {"schema": _TEXT}},
    "/articles": _json(_ARTICLES),
    "/article": _json(_OBJECT),
    "/topics": _json(_TOPICS),
    "/names": _json(_NAMES),
    "/healthz": _json(_STATUS),
    "/readyz": _json(_STATUS),
    "/metrics": {"text/plain": {"schema": _TEXT}, "application/openmetrics-text": {"schema": _TEXT}},
}
# beside 200, and what Access answers everywhere but at the open paths
_PROBLEMS = {"/stream": (422, 503), "/articles": (404, 422, 503), "/article": (404, 422), "/names": (422,)}


def responses_of(path: str) -> dict[int | str, dict[str, Any]]:
    """The responses to GET, by status."""
    found: dict[int | str, dict[str, Any]] = {200: {"description": "as asked for", "content": _CONTENT.get(path, {})}}
    if path in OPEN_PATHS:
        return found | {503: {"description": "not now", "content": _json(_STATUS)}}
    if _CONTENT.get(path) is _FEED:
        found[304] = {"description": "not changed since"}
        found |= documented(422)
    return found | documented(401, 429, *_PROBLEMS.get(path, ()))
