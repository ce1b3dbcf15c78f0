"""An entry and a feed as plain values, and the cleaning of single fields that all formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import yarl

from streams.errors import InvalidError
from streams.sources.dates import rfc3339
from streams.sources.feed_text import plain_line, plain_text
from streams.sources.normalise import language_tag

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_ENTRIES = 2000  # of one document, the newest first as they stand; Media Cloud's fetchers cut there too
MAX_URL = 2048
MAX_CATEGORIES = 20
SHORT_LETTERS = 500  # a text under it may be the caption of the pictures that made it the longest
EARLIEST = "1990"  # feeds date entries at 1970 or in the year 1 when they do not know


class RawEntry(NamedTuple):
    """An entry as the feed gives it, cleaned; "" and None where it says nothing. Dates in RFC 3339."""

    guid: str
    url: str
    title: str
    text: str
    language: str | None
    published: str | None
    updated: str | None
    author: str | None
    categories: tuple[str, ...]


class ParsedFeed(NamedTuple):
    """A feed document. `ttl_seconds`: how long it may be kept, as the feed says itself."""

    kind: str  # "rss20", "atom10", "json1"
    charset: str
    title: str
    language: str | None
    ttl_seconds: float | None
    entries: tuple[RawEntry, ...]


def fullest(texts: list[str]) -> str:
    """The plain text of the one that says most: the longest, unless that is mostly markup."""
    best = ""
    for text in sorted(texts, key=len, reverse=True):
        if len(best) < min(SHORT_LETTERS, len(text)):
            best = max(best, plain_text(text), key=len)
    return best


def tag_or_none(value: Any) -> str | None:
    """A BCP 47 tag, if it is one."""
    try:
        return language_tag(value) if isinstance(value, str) and value.strip() else None
    except InvalidError:
        return None


def absolute(url: Any, base: str) -> str:
    """An address of http or https, relative ones joined to the feed's; "" for what is none."""
    if not isinstance(url, str) or not (url := url.strip()) or len(url) > MAX_URL:
        return ""
    try:
        made = yarl.URL(url)
        if not made.is_absolute():
            made = yarl.URL(base).join(made)
        return str(made) if made.scheme in ("http", "https") and made.raw_host and len(str(made)) <= MAX_URL else ""
    except ValueError:
        return ""


def date_or_none(value: Any) -> str | None:
    """A date as written, in RFC 3339; None for what is none or cannot be meant."""
    try:
        made = rfc3339(str(value), "date") if value else None
    except InvalidError:
        return None
    return made if made and made >= EARLIEST else None


def categories_of(terms: Iterable[Any]) -> tuple[str, ...]:
    """Clean names, each once."""
    cleaned = (plain_line(term, 100) for term in terms if isinstance(term, str))
    return tuple(dict.fromkeys(term for term in cleaned if term))[:MAX_CATEGORIES]
