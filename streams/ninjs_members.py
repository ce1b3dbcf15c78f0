"""What an item of ninjs 3.1 is made of: its texts, who and what it names, its pictures, its rights."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from streams.ninjs_values import Percent, Uri, Wire


class Headline(Wire, frozen=True, kw_only=True):
    """`role` and `contentType` as the publisher gives them; plain text unless `contentType` says HTML."""

    value: str
    role: str | None = None
    content_type: str | None = None


class Description(Headline, frozen=True, kw_only=True):
    """A summary."""


class Body(Headline, frozen=True, kw_only=True):
    """The text of the item or a part of it."""

    char_count: int | None = None
    word_count: int | None = None


class Address(Wire, frozen=True, kw_only=True):
    """A postal address; `country` as the publisher writes it."""

    lines: list[str] | None = None
    locality: str | None = None
    area: str | None = None
    postal_code: str | None = None
    country: str | None = None


class ContactInfo(Wire, frozen=True, kw_only=True):
    """A way to reach somebody: `value` or `address`, one of the two."""

    type: str | None = None
    role: str | None = None
    lang: str | None = None
    name: str | None = None
    value: str | None = None
    address: Address | None = None

    def __post_init__(self) -> None:
        """The standard's oneOf; msgspec reports a ValueError with the place."""
        if (self.value is None) == (self.address is None):
            raise ValueError("`contactInfo` holds either `value` or `address`")


class Concept(Wire, frozen=True, kw_only=True):
    """Something named: an object or a digital source type."""

    name: str | None = None
    uri: Uri | None = None
    literal: str | None = None


class Genre(Wire, frozen=True, kw_only=True):
    """A genre; the standard leaves its `uri` free."""

    name: str | None = None
    uri: str | None = None
    literal: str | None = None


class RelatedConcept(Concept, frozen=True, kw_only=True):
    """Something named and how the item relates to it."""

    rel: str | None = None


class Person(RelatedConcept, frozen=True, kw_only=True):
    """A person."""

    contact_info: list[ContactInfo] | None = None


class Symbol(Wire, frozen=True, kw_only=True):
    """A financial symbol of an organisation."""

    exchange: str | None = None
    symbol_type: Uri | None = None
    symbol: str | None = None


class Organisation(Person, frozen=True, kw_only=True):
    """An organisation."""

    symbols: list[Symbol] | None = None


class InfoSource(Wire, frozen=True, kw_only=True):
    """Who supplied the item; `contactInfo` may carry the country of the source."""

    name: str | None = None
    role: str | None = None
    uri: Uri | None = None
    literal: str | None = None
    contact_info: list[ContactInfo] | None = None


class Subject(RelatedConcept, frozen=True, kw_only=True):
    """What the item is about; ours carry our model as `creator`, the publisher's stay as they came."""

    creator: str | None = None
    relevance: Percent | None = None
    confidence: Percent | None = None


class Place(Person, frozen=True, kw_only=True):
    """A place; ours are countries the item is about, literal `iso3166-1a2:<code>`. `geoJSON` is carried unread."""

    geo_json: dict[str, Any] | None = msgspec.field(default=None, name="geoJSON")


class Event(RelatedConcept, frozen=True, kw_only=True):
    """An event that the item reports."""

    id: str | None = None


class AlternativeId(Wire, frozen=True, kw_only=True):
    """Another identifier of the item, for example role `canonicalUrl`."""

    role: str | None = None
    value: str | None = None


class PointOfInterest(Wire, frozen=True, kw_only=True):
    """Pixels from the left and from the top."""

    x: int | None = None
    y: int | None = None


class Rendition(Wire, frozen=True, kw_only=True):
    """A picture, video or other form of the item; sizes in pixels and bytes, `duration` in seconds."""

    name: str
    href: Uri | None = None
    content_type: str | None = None
    title: str | None = None
    width: int | None = None
    height: int | None = None
    size_in_bytes: int | None = None
    duration: int | float | None = None
    format: str | None = None
    aspect_ratio: str | None = None
    video_codec: str | None = None
    frame_rate: int | float | None = None
    poi: PointOfInterest | None = None
    transport_protocol: str | None = None
    scan_type: Literal["progressive", "interlaced"] | None = None
    bitrate: str | None = None


class TrustIndicator(Wire, frozen=True, kw_only=True):
    """A link to a document on how the publisher works."""

    role: Uri | None = None
    title: str | None = None
    href: Uri | None = None


class Standard(Wire, frozen=True, kw_only=True):
    """What the item says it conforms to."""

    name: str | None = None
    version: str | None = None
    schema: Uri | None = None


class RightsInfo(Wire, frozen=True, kw_only=True):
    """Rights in a language for them: linked or encoded, one of the two."""

    lang_id: Uri | None = None
    linked_rights: Uri | None = None
    encoded_rights: str | None = None

    def __post_init__(self) -> None:
        """The standard's oneOf."""
        if (self.linked_rights is None) == (self.encoded_rights is None):
            raise ValueError("`rightsInfo` holds either `linkedRights` or `encodedRights`")
