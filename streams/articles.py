"""What travels on the wire: an article (ninjs 3.1 profile), a labelled article, and their JSON codec.

ninjs 3.1 is IPTC's JSON for news items. The profile requires uri, type, versionCreated, headlines, bodies and
infoSources; every other member of the standard (streams/ninjs.py) is carried through unchanged, a member that the
standard does not know is refused. A labelled article is the article unchanged plus our subjects and places and one
`classification` block; without that block it is valid ninjs 3.1 again. The JSON Schemas in configs/schemas say the
same; a test holds both together.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from streams.articles_types import (
    COUNTRY_PREFIX,
    MAX_URI,
    MODEL_PREFIX,
    TOPIC_PREFIX,
    Article,
    Axis,
    Classification,
    DetectedLanguage,
    Evidence,
    ItemUri,
    LabelledArticle,
    LabelScore,
    Model,
)
from streams.errors import InvalidError
from streams.ninjs import (
    PARTIAL_DATE_PATTERN,
    TIMESTAMP_PATTERN,
    URI_PATTERN,
    AlternativeId,
    Body,
    ContactInfo,
    Headline,
    InfoSource,
    Place,
    Subject,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "COUNTRY_PREFIX",
    "MAX_URI",
    "MODEL_PREFIX",
    "TOPIC_PREFIX",
    "AlternativeId",
    "Article",
    "Axis",
    "Body",
    "Classification",
    "ContactInfo",
    "DetectedLanguage",
    "Evidence",
    "Headline",
    "InfoSource",
    "ItemUri",
    "LabelScore",
    "LabelledArticle",
    "Model",
    "Place",
    "Readable",
    "Subject",
    "Text",
    "article_of",
    "decode_article",
    "decode_labelled",
    "encode",
    "home_country",
    "main_headline",
    "main_text",
    "parse_timestamp",
]


class Text(Protocol):
    """A headline or a body."""

    @property
    def value(self) -> str: ...
    @property
    def role(self) -> str | None: ...
    @property
    def content_type(self) -> str | None: ...


class Readable(Protocol):
    """What has headlines and bodies: an Article, and what a sink reads of one."""

    @property
    def headlines(self) -> Sequence[Text]: ...
    @property
    def bodies(self) -> Sequence[Text]: ...


_encoder = msgspec.json.Encoder()
_article_decoder = msgspec.json.Decoder(Article)
_labelled_decoder = msgspec.json.Decoder(LabelledArticle)
_any_decoder = msgspec.json.Decoder()
_TAG = re.compile(r"<[^<>]{1,2000}>")
_EXPECTED = {
    f"matching regex {pattern!r}": meaning
    for pattern, meaning in (
        (TIMESTAMP_PATTERN, "of RFC 3339 with offset, such as 2026-01-31T08:00:00+03:00,"),
        (PARTIAL_DATE_PATTERN, "that is a date, such as 2026-01-31,"),
        (URI_PATTERN, "that is a URI, such as urn:example:1,"),
    )
}


def encode(article: Article) -> bytes:
    """JSON, UTF-8, of an article or a labelled article; absent members are left out.

    Raises InvalidError where a text holds a lone surrogate, which UTF-8 cannot carry, or where it is nested too deep.
    """
    try:
        return _encoder.encode(article)
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"{article.uri!r}: a text holds a lone surrogate (U+{ord(error.object[error.start]):04X})"
        ) from error
    except RecursionError as error:
        raise InvalidError(f"{article.uri!r}: nested too deep") from error


def decode_article(value: bytes | None) -> Article:
    """An Article from the value of a record. Raises InvalidError: tombstone, not UTF-8, not JSON, not the profile."""
    if not value:
        raise InvalidError("the record has no value (a tombstone): nothing to label")
    article: Article = _decode(_article_decoder, value)
    return article


def decode_labelled(value: bytes | None) -> LabelledArticle:
    """A LabelledArticle from the value of a record of a labelled stream. Raises InvalidError."""
    if not value:
        raise InvalidError("the record has no value (a tombstone): not a labelled article")
    labelled: LabelledArticle = _decode(_labelled_decoder, value)
    return labelled


def article_of(item: Any) -> Article:
    """An Article from what JSON decoded to, a dict; judged as decode_article judges bytes. Raises InvalidError."""
    try:
        _refuse_nulls(item)
        return msgspec.convert(item, Article)
    except msgspec.ValidationError as error:
        raise InvalidError(f"not an article of the ninjs 3.1 profile: {_readable(error)}") from error
    except RecursionError as error:
        raise InvalidError("JSON nested too deep") from error


def _decode(decoder: msgspec.json.Decoder[Any], value: bytes) -> Any:
    try:
        decoded = decoder.decode(value)
        if b"null" in value:  # None stands for an absent member here, so msgspec would let a null of the wire pass
            _refuse_nulls(_any_decoder.decode(value))
    except msgspec.ValidationError as error:
        raise InvalidError(f"not an article of the ninjs 3.1 profile: {_readable(error)}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"not JSON in UTF-8: {error}") from error
    except RecursionError as error:
        raise InvalidError("JSON nested too deep") from error
    return decoded


def _readable(error: msgspec.ValidationError) -> str:
    """The message with what a pattern means in place of the pattern."""
    text = str(error)
    for pattern, meaning in _EXPECTED.items():
        text = text.replace(pattern, meaning)
    return text.replace(", - at", " - at")


def _refuse_nulls(item: Any) -> None:
    """No member of ninjs is null; what is inside a geoJSON may be (RFC 7946 writes unlocated features so)."""
    below = [("$", item)]
    while below:
        path, node = below.pop()
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            at = f"{path}[{key}]" if isinstance(key, int) else f"{path}.{key}"
            if child is None:
                raise msgspec.ValidationError(f"A member is absent or has a value, never null - at `{at}`")
            if key != "geoJSON":
                below.append((at, child))


def parse_timestamp(value: str, *, field: str = "timestamp") -> datetime:
    """A date of RFC 3339 with offset as an aware datetime. Raises InvalidError for one that no calendar has."""
    text = value.upper().replace(":60", ":59", 1) if value[17:19] == "60" else value.upper()  # a leap second
    if "." in text:  # datetime reads six digits of a second, RFC 3339 allows more
        head, _, tail = text.partition(".")
        digits = re.match(r"\d+", tail)
        cut = digits.group() if digits else ""
        text = f"{head}.{cut[:6].ljust(6, '0')}{tail[len(cut) :]}"
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"{field}: {value!r} is not a date of RFC 3339: {error}") from error


def main_headline(article: Readable) -> str:
    """The headline to read: the one of role `main`, else the first; markup removed."""
    chosen = next((h for h in article.headlines if h.role == "main"), article.headlines[0])
    return _plain(chosen.value, chosen.content_type)


def main_text(article: Readable) -> str:
    """The text to read: the body of role `main`, else all bodies in order; markup removed."""
    main = [b for b in article.bodies if b.role == "main"]
    return "\n".join(_plain(b.value, b.content_type) for b in main or article.bodies)


def home_country(article: Article) -> str | None:
    """ISO 3166-1 alpha-2 of the source's country, where `infoSources[].contactInfo[].address.country` says so."""
    for source in article.info_sources:
        for contact in source.contact_info or ():
            country = contact.address.country if contact.address else None
            if country and len(country) == len("SA"):
                return country.upper()
    return None


def _plain(value: str, content_type: str | None) -> str:
    return _TAG.sub(" ", value) if content_type and "html" in content_type.lower() else value
