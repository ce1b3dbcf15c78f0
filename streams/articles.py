"""What travels on the wire: an article (ninjs 3.1 profile), a labelled article, and their JSON codec.

ninjs 3.1 is IPTC's JSON for news items. The profile requires uri, type, versionCreated, headlines, bodies and
infoSources; every other member of the standard is carried through unchanged, a member that the standard does not
know is refused. A labelled article is the article unchanged plus our subjects and places and one `classification`
block; without that block it is valid ninjs 3.1 again. The JSON Schemas in configs/schemas say the same; a test holds
both together.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec

from streams.errors import InvalidError

_RFC3339 = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)$"
Uri = Annotated[str, msgspec.Meta(min_length=3, max_length=2048, pattern=r"^[A-Za-z][A-Za-z0-9+.-]*:\S+$")]
Timestamp = Annotated[str, msgspec.Meta(pattern=_RFC3339)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]

COUNTRY_PREFIX = "iso3166-1a2:"
TOPIC_PREFIX = "medtop:"
MODEL_PREFIX = "urn:newswire:model:"


class _Wire(msgspec.Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=True, frozen=True, gc=False):
    pass


class Headline(_Wire, frozen=True, kw_only=True):
    """`role` and `contentType` as the publisher gives them; plain text unless `contentType` says HTML."""

    value: str
    role: str | None = None
    content_type: str | None = None


class Body(_Wire, frozen=True, kw_only=True):
    """The text of the item or a part of it."""

    value: str
    role: str | None = None
    content_type: str | None = None
    char_count: int | None = None
    word_count: int | None = None


class InfoSource(_Wire, frozen=True, kw_only=True):
    """Who supplied the item; `contactInfo` may carry the country of the source."""

    name: str | None = None
    role: str | None = None
    uri: Uri | None = None
    literal: str | None = None
    contact_info: list[dict[str, Any]] | None = None


class Subject(_Wire, frozen=True, kw_only=True):
    """What the item is about; ours carry our model as `creator`, the publisher's stay as they came."""

    name: str | None = None
    rel: str | None = None
    uri: Uri | None = None
    literal: str | None = None
    creator: str | None = None
    relevance: Percent | None = None
    confidence: Percent | None = None


class Place(_Wire, frozen=True, kw_only=True):
    """A place; ours are countries the item is about, literal `iso3166-1a2:<code>`."""

    name: str | None = None
    rel: str | None = None
    uri: Uri | None = None
    literal: str | None = None
    contact_info: list[dict[str, Any]] | None = None
    geo_json: Annotated[Any, msgspec.Meta()] = msgspec.field(default=None, name="geoJSON")


class AlternativeId(_Wire, frozen=True, kw_only=True):
    """Another identifier of the item, for example role `canonicalUrl`."""

    role: str | None = None
    value: str | None = None


class Article(_Wire, frozen=True, kw_only=True):
    """A news item as published on `news.articles`."""

    uri: Uri
    type: Literal["text", "audio", "video", "picture", "graphic", "composite", "component", "event", "planning"]
    version_created: Timestamp
    headlines: Annotated[list[Headline], msgspec.Meta(min_length=1)]
    bodies: Annotated[list[Body], msgspec.Meta(min_length=1)]
    info_sources: Annotated[list[InfoSource], msgspec.Meta(min_length=1)]
    language: str | None = None
    version: str | None = None
    first_created: Timestamp | None = None
    content_created: str | None = None
    embargoed_until: Timestamp | None = None
    expires: Timestamp | None = None
    pub_status: Literal["usable", "withheld", "canceled"] | None = None
    urgency: int | None = None
    subjects: list[Subject] | None = None
    places: list[Place] | None = None
    alt_ids: list[AlternativeId] | None = None
    associations: list[dict[str, Any]] | None = None
    title: str | None = None
    by: str | None = None
    slugline: str | None = None
    located: str | None = None
    ed_note: str | None = None
    copyright_holder: str | None = None
    copyright_notice: str | None = None
    usage_terms: str | None = None
    representation_type: str | None = None
    profile: str | None = None
    digital_source_type: str | None = None
    descriptions: list[dict[str, Any]] | None = None
    people: list[dict[str, Any]] | None = None
    organisations: list[dict[str, Any]] | None = None
    events: list[dict[str, Any]] | None = None
    event_details: dict[str, Any] | None = None
    planned_coverage: Any = None
    objects: list[dict[str, Any]] | None = None
    renditions: list[dict[str, Any]] | None = None
    trust_indicators: Any = None
    standard: dict[str, Any] | None = None
    genres: list[dict[str, Any]] | None = None
    rights_info: Any = None


class DetectedLanguage(_Wire, frozen=True, kw_only=True):
    """BCP 47 primary tag as detected, its probability; what the publisher declared stays in the item's `language`."""

    tag: str
    confidence: Probability


class LabelScore(_Wire, frozen=True, kw_only=True):
    """One label that the model considered: `code` as in the label table, calibrated probability, how it was reached."""

    code: str
    score: Probability
    method: str | None = None


class Evidence(_Wire, frozen=True, kw_only=True):
    """A word that spoke for (or, negative, against) a label."""

    code: str
    word: str
    weight: float


class Model(_Wire, frozen=True, kw_only=True):
    """Who made the claim."""

    name: str
    version: str


class Axis(_Wire, frozen=True, kw_only=True):
    """The claim on one axis: decision, its threshold and the best few scores."""

    axis: Literal["topic", "region"]
    model: Model
    decision: Literal["assigned", "none", "abstained"]
    abstain_reason: Literal["too_short", "not_news", "unsupported_language", "low_confidence"] | None = None
    threshold: Probability
    tier: str | None = None
    scores: list[LabelScore] = msgspec.field(default_factory=list)
    explanation: list[Evidence] | None = None


class Classification(_Wire, frozen=True, kw_only=True):
    """What we say of the item. `labelled` = it has at least one topic; `abstained` = none, its countries may stand."""

    status: Literal["labelled", "abstained"]
    labelled_at: Timestamp
    language: DetectedLanguage
    axes: list[Axis]


class LabelledArticle(Article, frozen=True, kw_only=True):
    """An article with its labels, as published on `news.labelled` and the label streams."""

    classification: Classification

    @property
    def topics(self) -> list[str]:
        """Codes of our topics, main first."""
        return [
            (s.literal or "").removeprefix(TOPIC_PREFIX)
            for s in self.subjects or ()
            if (s.creator or "").startswith(MODEL_PREFIX)
        ]

    @property
    def countries(self) -> list[str]:
        """ISO 3166-1 alpha-2 codes of the countries that we assigned, most important first."""
        axis = next((a for a in self.classification.axes if a.axis == "region"), None)
        ours = {s.code for s in axis.scores} if axis and axis.decision == "assigned" else set()
        codes = [(p.literal or "").removeprefix(COUNTRY_PREFIX) for p in self.places or () if p.rel == "about"]
        return [c for c in codes if c in ours]


_encoder = msgspec.json.Encoder()
_article_decoder = msgspec.json.Decoder(Article)
_labelled_decoder = msgspec.json.Decoder(LabelledArticle)
_TAG = re.compile(r"<[^<>]{1,2000}>")


def encode(article: Article) -> bytes:
    """JSON, UTF-8, of an article or a labelled article; absent members are left out.

    Raises InvalidError where a text holds a lone surrogate, which UTF-8 cannot carry.
    """
    try:
        return _encoder.encode(article)
    except UnicodeEncodeError as error:
        raise InvalidError(
            f"{article.uri!r}: a text holds a lone surrogate (U+{ord(error.object[error.start]):04X})"
        ) from error


def decode_article(value: bytes | None) -> Article:
    """An Article from the value of a record. Raises InvalidError: tombstone, not UTF-8, not JSON, not the profile."""
    if not value:
        raise InvalidError("the record has no value (a tombstone): nothing to label")
    article: Article = _decode(_article_decoder, value)
    _check_dates(article)
    return article


def decode_labelled(value: bytes | None) -> LabelledArticle:
    """A LabelledArticle from the value of a record of a labelled stream. Raises InvalidError."""
    if not value:
        raise InvalidError("the record has no value (a tombstone): not a labelled article")
    labelled: LabelledArticle = _decode(_labelled_decoder, value)
    return labelled


def _decode(decoder: msgspec.json.Decoder[Any], value: bytes) -> Any:
    try:
        return decoder.decode(value)
    except msgspec.ValidationError as error:
        raise InvalidError(f"not an article of the ninjs 3.1 profile: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"not JSON in UTF-8: {error}") from error
    except RecursionError as error:
        raise InvalidError("JSON nested too deep") from error


def _check_dates(article: Article) -> None:
    for name in ("version_created", "first_created", "embargoed_until", "expires"):
        value = getattr(article, name)
        if value is not None:
            parse_timestamp(value, field=name)


def parse_timestamp(value: str, *, field: str = "timestamp") -> datetime:
    """A date of RFC 3339 with offset as an aware datetime. Raises InvalidError for one that no calendar has."""
    text = value.upper()
    if "." in text:  # datetime reads six digits of a second, RFC 3339 allows more
        head, _, tail = text.partition(".")
        digits = re.match(r"\d+", tail)
        cut = digits.group() if digits else ""
        text = f"{head}.{cut[:6].ljust(6, '0')}{tail[len(cut) :]}"
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidError(f"{field}: {value!r} is not a date of RFC 3339: {error}") from error


def main_headline(article: Article) -> str:
    """The headline to read: the one of role `main`, else the first; markup removed."""
    chosen = next((h for h in article.headlines if h.role == "main"), article.headlines[0])
    return _plain(chosen.value, chosen.content_type)


def main_text(article: Article) -> str:
    """The text to read: the body of role `main`, else all bodies in order; markup removed."""
    main = [b for b in article.bodies if b.role == "main"]
    return "\n".join(_plain(b.value, b.content_type) for b in main or article.bodies)


def home_country(article: Article) -> str | None:
    """ISO 3166-1 alpha-2 of the source's country, where `infoSources[].contactInfo[].address.country` says so."""
    for source in article.info_sources:
        for contact in source.contact_info or ():
            address = contact.get("address")
            country = address.get("country") if isinstance(address, dict) else None
            if isinstance(country, str) and len(country) == len("SA"):
                return country.upper()
    return None


def _plain(value: str, content_type: str | None) -> str:
    return _TAG.sub(" ", value) if content_type and "html" in content_type.lower() else value
