"""JSON Feed, versions 1 and 1.1 (jsonfeed.org/version/1.1)."""

from __future__ import annotations

from typing import Any

import msgspec

from streams.errors import InvalidError
from streams.sources.feed_fields import (
    MAX_ENTRIES,
    MAX_URL,
    ParsedFeed,
    RawEntry,
    absolute,
    categories_of,
    date_or_none,
    fullest,
    tag_or_none,
)
from streams.sources.feed_text import plain_line, plain_text

VERSION = "jsonfeed.org/version/"
_DECODER = msgspec.json.Decoder()


def parse_json_feed(text: str, url: str, charset: str) -> ParsedFeed:
    """The feed; items that are no objects are left out. Raises InvalidError: not JSON, not a JSON Feed."""
    try:
        feed = _DECODER.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidError(f"not JSON: {error}") from error
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list) or VERSION not in str(feed.get("version")):
        raise InvalidError("this is JSON, but no JSON Feed: it lacks `version` or `items`")
    return ParsedFeed(
        "json1",
        charset,
        plain_line(_text(feed, "title")),
        tag_or_none(feed.get("language")),
        None,
        tuple(_entry(item, url) for item in items[:MAX_ENTRIES] if isinstance(item, dict)),
    )


def _entry(item: dict[str, Any], base: str) -> RawEntry:
    texts = [_text(item, name) for name in ("content_html", "content_text", "summary")]
    return RawEntry(
        # the standard wants a string and feeds give numbers too
        guid=plain_line(str(item["id"]) if isinstance(item.get("id"), str | int | float) else "", MAX_URL),
        url=absolute(item.get("url") or item.get("external_url"), base),
        title=" ".join(plain_text(_text(item, "title")[:4000]).split())[:1000],
        text=fullest(texts),
        language=tag_or_none(item.get("language")),
        published=date_or_none(item.get("date_published")),
        updated=date_or_none(item.get("date_modified")),
        author=plain_line(_author(item), 200) or None,
        categories=categories_of(item["tags"] if isinstance(item.get("tags"), list) else ()),
    )


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""


def _author(item: dict[str, Any]) -> str:
    authors = item.get("authors")
    first = authors[0] if isinstance(authors, list) and authors else item.get("author")
    return _text(first, "name") if isinstance(first, dict) else ""
