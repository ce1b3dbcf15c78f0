"""One feed document, RSS, Atom, RDF or JSON Feed, to plain entries. Meant for a child process: input is a stranger's.

feedparser reads the XML: the one parser that stood every bomb and gave Arabic right in the measurements (notes on
ingestion). It gets text in a charset chosen here; what it calls ill-formed is taken as far as it goes.
"""

from __future__ import annotations

import io
import re
import time
from calendar import timegm
from datetime import UTC, datetime
from typing import Any

import feedparser  # type: ignore[import-untyped]
import feedparser.api  # type: ignore[import-untyped]
import feedparser.mixin  # type: ignore[import-untyped]

from streams.errors import InvalidError
from streams.sources.charset import decoded
from streams.sources.dates import stamp
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
from streams.sources.feed_json import parse_json_feed
from streams.sources.feed_text import plain_line, plain_text

feedparser.api.PREFERRED_XML_PARSERS = ["streams.sources.feed_sax"]


class _Learning(dict[int, Any]):
    """A table for str.translate that learns the letters that it leaves alone.

    A letter that a table lacks costs an exception each time it occurs: a tenth of feedparser's time for Arabic.
    """

    def __missing__(self, letter: int) -> int:
        if len(self) < _LETTERS:
            self[letter] = letter
        return letter


_LETTERS = 70_000  # more than any script uses; a hostile text could hold a million
if isinstance(
    getattr(feedparser.mixin, "_cp1252", None), dict
):  # a private name: without it all is as well, but slower
    feedparser.mixin._cp1252 = _Learning(feedparser.mixin._cp1252)  # noqa: SLF001

_PROLOG = re.compile(r"^\s*<\?xml[^>]*\?>")
# Characters that XML 1.0 forbids (2.2): one of them, pasted from a word processor, would end a strict parser
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_ENTRY = re.compile(r"<(?:[A-Za-z]{1,20}:)?(?:item|entry)\b", re.IGNORECASE)
_ALTERNATE = re.compile(
    r"<link\b[^>]{0,500}\btype=[\"']application/(?:rss\+xml|atom\+xml|feed\+json)[\"'][^>]{0,500}>", re.IGNORECASE
)
_HREF = re.compile(r"\bhref=[\"']([^\"']{1,500})[\"']", re.IGNORECASE)


def parse_feed(body: bytes, url: str, charset: str | None = None) -> ParsedFeed:
    """The feed in some bytes; `charset` as the Content-Type header has it, `url` for links that are relative.

    Raises InvalidError for what is no feed.
    """
    text, read_in = decoded(body, charset)
    text = _ILLEGAL.sub("", text).lstrip("\ufeff\r\n\t ")
    if not text:
        raise InvalidError("the document is empty")
    if text.startswith("{"):
        return parse_json_feed(text, url, read_in)
    made = _parsed(text)
    if not made.get("version") and not made.entries:
        raise InvalidError(_not_a_feed(text, url))
    if made.bozo and not made.entries and _ENTRY.search(text):
        raise InvalidError("the feed is damaged: it has entries, and none can be read")
    feed = made.feed
    # a file has no address of its own: the site that the feed names stands in
    base = url if url.startswith("http") else absolute(feed.get("link"), url) or url
    atom = made.version.startswith("atom")
    entries = tuple(_entry(entry, base, atom=atom) for entry in made.entries[:MAX_ENTRIES])
    return ParsedFeed(
        made.get("version") or "unknown",
        read_in,
        plain_line(feed.get("title", "")),
        tag_or_none(feed.get("language")),
        _ttl(feed),
        entries,
    )


def _parsed(text: str) -> Any:
    """What feedparser makes of it. Raises InvalidError where that breaks, as it does on some damaged name spaces."""
    try:
        return feedparser.parse(
            # never a str: it would be taken for a path or an address
            io.BytesIO(_PROLOG.sub("", text, count=1).encode()),
            # no content-location: relative addresses are joined here, feedparser takes 7 ms a feed for it
            response_headers={"content-type": "application/xml; charset=utf-8"},
            sanitize_html=False,  # three quarters of its time; nothing of the markup is kept here
            resolve_relative_uris=False,
        )
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError, RecursionError) as error:
        raise InvalidError(f"damaged beyond reading: {type(error).__name__}: {error}") from error


def _entry(entry: Any, base: str, *, atom: bool) -> RawEntry:
    texts = [part.get("value") or "" for part in (*entry.get("content", ()), entry.get("summary_detail") or {})]
    title = _of_detail(entry.get("title_detail") or {})
    return RawEntry(
        guid=plain_line(str(entry.get("id") or ""), MAX_URL),
        url=absolute(entry.get("feedburner_origlink"), base) or absolute(entry.get("link"), base),
        title=title,
        text=fullest(texts),
        language=tag_or_none(entry.get("language") or (entry.get("title_detail") or {}).get("language")),
        # dc:date of RSS is a date of publication; feedparser takes it for one of change
        published=_date(entry, "published") or (None if atom else _date(entry, "updated")),
        updated=_date(entry, "updated"),
        author=plain_line(str(entry.get("author") or ""), 200) or None,
        categories=categories_of(tag.get("term") for tag in entry.get("tags", ())),
    )


def _of_detail(detail: Any) -> str:
    """A title, which may be HTML whatever its type says."""
    return " ".join(plain_text((detail.get("value") or "")[:4000]).split())[:1000]


def _date(entry: Any, name: str) -> str | None:
    """Feedparser knows twenty forms of dates; it gives them in UTC."""
    # `updated` of feedparser 6 falls back to `published` with a warning, so the dictionary is asked without its help
    parsed = dict.get(entry, f"{name}_parsed")
    if not isinstance(parsed, time.struct_time):
        return date_or_none(dict.get(entry, name))
    try:
        return date_or_none(stamp(datetime.fromtimestamp(timegm(parsed), UTC)))
    except (ValueError, OverflowError, OSError):
        return None


def _ttl(feed: Any) -> float | None:
    """<ttl> in minutes (RSS 2.0), or the period of the syndication module over its frequency."""
    minutes = str(feed.get("ttl") or "").strip()
    if re.fullmatch(r"\d{1,6}", minutes):
        return float(minutes) * 60
    periods = {"hourly": 3600.0, "daily": 86400.0, "weekly": 604800.0, "monthly": 2592000.0, "yearly": 31536000.0}
    period = periods.get(str(feed.get("sy_updateperiod") or "").strip().lower())
    times = str(feed.get("sy_updatefrequency") or "1").strip()
    return period / max(int(times), 1) if period and re.fullmatch(r"\d{1,4}", times) else None


def _not_a_feed(text: str, url: str) -> str:
    """What to say, with the feeds that a page names, for people give the page."""
    named = [_HREF.search(link.group()) for link in _ALTERNATE.finditer(text[:200_000])]
    feeds = [absolute(found.group(1), url) for found in named if found]
    if feeds:
        return f"this is a web page, not a feed; the feeds that it names: {', '.join(feeds[:5])}"
    return (
        "this is a web page, not a feed" if "<html" in text[:2000].lower() else "this is no feed of RSS, Atom or JSON"
    )
