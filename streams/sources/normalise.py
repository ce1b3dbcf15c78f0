"""From items as people write them, ninjs 3.1 or the short form {"title", "text", ...}, to articles of the wire."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, TypeVar

import msgspec

from streams.articles import (
    MAX_URI,
    AlternativeId,
    Article,
    Body,
    Headline,
    InfoSource,
    ItemUri,
    decode_article,
    parse_timestamp,
)
from streams.errors import InvalidError
from streams.sources.dates import rfc3339, stamp
from streams.sources.identity import canonical_url, text_uri, url_uri
from streams.sources.text import clean, clean_line

if TYPE_CHECKING:
    from datetime import datetime

# BCP 47 as far as news uses it: language, script, region, variants; underscores are put right
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{2,8})*")
_NINJS_MEMBERS = frozenset({"headlines", "bodies", "versionCreated", "infoSources", "pubStatus"})
# A lead stands in for a missing headline, cut where a headline would end: agencies keep theirs under 120 letters
_LEAD_LETTERS = 120
_SENTENCE_END = re.compile(r"(?<=[.!?؟。…])\s")
_DECODER = msgspec.json.Decoder()

Part = TypeVar("Part", Headline, Body)


class Defaults(NamedTuple):
    """What an item gets that does not say it itself."""

    source: str  # name of the information source
    language: str | None = None  # BCP 47


class ShortItem(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The short form. `published` as rfc3339() reads it; `source` is the publisher's name."""

    text: str
    title: str = ""
    uri: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    url: Annotated[str, msgspec.Meta(max_length=2048)] | None = None
    language: str | None = None
    published: str | None = None
    source: str | None = None


_SHORT_DECODER = msgspec.json.Decoder(ShortItem)
_source_name = lru_cache(maxsize=4096)(clean_line)  # a file has few sources and many items


def article_of_json(line: bytes, defaults: Defaults, now: datetime) -> Article:
    """An article from one JSON object of either form. Raises InvalidError: not UTF-8, not JSON, not an item."""
    try:
        if b'"headlines"' not in line and b'"bodies"' not in line:  # the faster way for what is surely not ninjs
            return article_of_short(_SHORT_DECODER.decode(line), defaults, now)
        item = _DECODER.decode(line)
    except msgspec.ValidationError as error:
        raise InvalidError(f"not an item of the short form {{title, text, ...}} nor of ninjs 3.1: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"not JSON in UTF-8: {error}") from error
    except RecursionError as error:
        raise InvalidError("JSON nested too deep") from error
    if not isinstance(item, dict):
        raise InvalidError(f"an item is a JSON object, this is {type(item).__name__}")
    return article_of(item, defaults, now)


def article_of(item: dict[str, Any], defaults: Defaults, now: datetime) -> Article:
    """An article from a decoded object, ninjs 3.1 or short form. Raises InvalidError."""
    if not _NINJS_MEMBERS.isdisjoint(item):
        return _from_ninjs(item, defaults)
    try:
        return article_of_short(msgspec.convert(item, ShortItem), defaults, now)
    except msgspec.ValidationError as error:
        raise InvalidError(f"not an item of the short form {{title, text, ...}} nor of ninjs 3.1: {error}") from error


def article_of_short(item: ShortItem, defaults: Defaults, now: datetime) -> Article:
    """An article from the short form; versionCreated is when it was published, else `now`. Raises InvalidError."""
    text = clean(item.text)
    if not text:
        raise InvalidError("`text` is empty: nothing to label")
    title = clean_line(item.title) or _lead(text)
    published = rfc3339(item.published, "published") if item.published else None
    named = _source_name(item.source or "")
    url = canonical_url(item.url) if item.url else None
    uri = _checked(item.uri) if item.uri else url_uri(url) if url else text_uri(named, title, published, text)
    future = published is not None and parse_timestamp(published) > now
    made: dict[str, Any] = {
        "uri": uri,
        "type": "text",
        "version_created": stamp(now) if future or published is None else published,
        "first_created": published,
        "headlines": [Headline(value=title, role="main", content_type="text/plain")],
        "bodies": [Body(value=text, role="main", content_type="text/plain")],
        "info_sources": [InfoSource(name=named or defaults.source)],
        "language": language_tag(item.language) if item.language else defaults.language,
        "alt_ids": [AlternativeId(role="canonicalUrl", value=url)] if url else None,
        "ed_note": "firstCreated lies in the future, as the publisher gave it" if future else None,
    }
    return Article(**made)


def language_tag(value: str) -> str:
    """A BCP 47 tag with hyphens. Raises InvalidError."""
    tag = value.strip().replace("_", "-")
    if not _LANGUAGE.fullmatch(tag):
        raise InvalidError(f"language: {value[:40]!r} is not a tag of BCP 47 such as ar or tr-TR")
    return tag


def _from_ninjs(item: dict[str, Any], defaults: Defaults) -> Article:
    """The item as it came, but headlines and bodies cleaned, and infoSources added where nobody is named."""
    if not item.get("infoSources"):
        item = {**item, "infoSources": [{"name": defaults.source}]}
    article = decode_article(msgspec.json.encode(item))
    article = msgspec.structs.replace(
        article,
        headlines=[h if _is_html(h.content_type) else _with_value(h, clean_line(h.value)) for h in article.headlines],
        bodies=[b if _is_html(b.content_type) else _with_value(b, clean(b.value)) for b in article.bodies],
    )
    if not any(body.value.strip() for body in article.bodies):
        raise InvalidError("every body is empty: nothing to label")
    return article


def _is_html(content_type: str | None) -> bool:
    return content_type is not None and "html" in content_type.lower()


def _with_value(part: Part, value: str) -> Part:
    return part if part.value == value else msgspec.structs.replace(part, value=value)


def _checked(uri: str) -> str:
    """The publisher's own uri as it is. Raises InvalidError where the wire cannot carry it."""
    try:
        return msgspec.convert(uri, ItemUri)
    except msgspec.ValidationError as error:
        raise InvalidError(f"uri: {uri[:80]!r} is not a URI of at most {MAX_URI:,} characters") from error


def _lead(text: str) -> str:
    first = _SENTENCE_END.split(text.partition("\n")[0], maxsplit=1)[0]
    if len(first) <= _LEAD_LETTERS:
        return first
    return first[:_LEAD_LETTERS].rsplit(None, 1)[0] + "…"
