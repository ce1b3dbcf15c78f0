"""Every member of ninjs 3.1 with its type: what an item may carry beside what the pipeline reads of it.

ninjs is IPTC's JSON for news items. Members have the names and types of the standard's version 3.1; what an item
carries leaves as it came, what the standard does not know is refused. Two readings are ours: a `uri` may hold letters
beyond ASCII (an IRI, RFC 3987), as publishers write them; and `recurrenceDates` is a list of dates, which the
standard's own schema means but cannot match (it asks for an array that is a string).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

# Ranges are spelt out, classes are not used and the end is (?![\s\S]): so Python's re and ECMA 262, which JSON Schema
# speaks, read the same (\d and \s differ between them, and Python's $ also matches before a final line feed).
_END = r"(?![\s\S])"
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]{1,9})?"
_OFFSET = r"(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
# RFC 3339 with the calendar: the months' lengths and the Gregorian leap years. Python's datetime has no year 0.
_DATE = (
    r"(?!0000)(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    r"|02-(?:0[1-9]|1[0-9]|2[0-8]))|(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)"
)
TIMESTAMP_PATTERN = f"^{_DATE}[Tt]{_TIME}{_OFFSET}{_END}"
PARTIAL_DATE_PATTERN = (
    f"^[0-9]{{4}}(?:-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12][0-9]|3[01])(?:T{_TIME.replace('|60', '')}"
    f"{_OFFSET.replace('[Zz]', 'Z')}?)?)?)?{_END}"
)
# A scheme and at least one more character; no white space, control or invisible formatting character, which would break
# logs, headers and the eye that compares two uris.
URI_PATTERN = (
    r"^[A-Za-z][A-Za-z0-9+.-]*:[^\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]+"
    + _END
)

Timestamp = Annotated[str, msgspec.Meta(pattern=TIMESTAMP_PATTERN)]
PartialDate = Annotated[str, msgspec.Meta(pattern=PARTIAL_DATE_PATTERN)]
Uri = Annotated[str, msgspec.Meta(pattern=URI_PATTERN)]
Percent = Annotated[int, msgspec.Meta(ge=0, le=100)]
Urgency = Annotated[int, msgspec.Meta(ge=1, le=9)]
NewsType = Literal["text", "audio", "video", "picture", "graphic", "composite", "component", "event", "planning"]
PubStatus = Literal["usable", "withheld", "canceled"]


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=True, frozen=True, gc=False):
    """Base of all that travels: camelCase, absent members left out, unknown members refused. No value is null."""


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


class RecurrenceRule(Wire, frozen=True, kw_only=True):
    """How often something happens again."""

    frequency: Literal["secondly", "minutely", "hourly", "daily", "weekly", "monthly", "yearly"] | None = None
    interval: int | None = None
    until: Timestamp | None = None
    count: int | None = None


class Recurrence(Wire, frozen=True, kw_only=True):
    """When something happens again."""

    recurrence_dates: list[PartialDate] | None = None
    recurrence_rules: list[RecurrenceRule] | None = None


class Dates(Wire, frozen=True, kw_only=True):
    """When something begins or ends: exactly one of the known and the expected date, for the one or the other."""

    start_date: Timestamp | None = None
    end_date: Timestamp | None = None
    expected_start_date: PartialDate | None = None
    expected_end_date: PartialDate | None = None
    expected_duration: str | None = None
    recurrence: Recurrence | None = None

    def __post_init__(self) -> None:
        """The standard's anyOf of two oneOf."""
        start = (self.start_date is None) != (self.expected_start_date is None)
        end = (self.end_date is None) != (self.expected_end_date is None)
        if not (start or end):
            raise ValueError("`dates` holds one of `startDate` and `expectedStartDate`, or the like of the end")


class EventDetails(Wire, frozen=True, kw_only=True):
    """What an item of type `event` is about."""

    event_status: Uri | None = None
    planned_coverage_status: Uri | None = None
    dates: Dates | None = None
    organiser: Organisation | None = None


class Reference(Wire, frozen=True, kw_only=True):
    """An order number or the like."""

    name: str | None = None
    value: str | None = None


class Commissioned(Wire, frozen=True, kw_only=True):
    """Who ordered the coverage and when."""

    by: str | None = None
    on: Timestamp | None = None
    references: list[Reference] | None = None


class Audience(Wire, frozen=True, kw_only=True):
    """For whom coverage is meant."""

    audience: str | None = None
    significance: int | None = None


class ItemCount(Wire, frozen=True, kw_only=True):
    """How many items are planned."""

    range_from: int | None = None
    range_to: int | None = None


class PlannedCoverage(Wire, frozen=True, kw_only=True):
    """What the publisher means to deliver on an event."""

    uri: Uri | None = None
    title: str | None = None
    pub_status: PubStatus | None = None
    type: NewsType | None = None
    commissioned: Commissioned | None = None
    dates: Dates | None = None
    audiences: list[Audience] | None = None
    excl_audience: list[str] | None = None
    ed_note: str | None = None
    urgency: Urgency | None = None
    language: str | None = None
    item_count: ItemCount | None = None
    word_count: int | None = None
    renditions: list[Rendition] | None = None


class Item(Wire, frozen=True, kw_only=True):
    """All members of an item of ninjs 3.1, of which the standard itself requires only `uri`."""

    uri: Uri
    type: NewsType | None = None
    version_created: Timestamp | None = None
    headlines: list[Headline] | None = None
    bodies: list[Body] | None = None
    info_sources: list[InfoSource] | None = None
    language: str | None = None
    version: str | None = None
    first_created: Timestamp | None = None
    content_created: Timestamp | None = None
    embargoed_until: Timestamp | None = None
    expires: Timestamp | None = None
    pub_status: PubStatus | None = None
    urgency: Urgency | None = None
    subjects: list[Subject] | None = None
    places: list[Place] | None = None
    alt_ids: list[AlternativeId] | None = None
    associations: list[Association] | None = None
    title: str | None = None
    by: str | None = None
    slugline: str | None = None
    located: str | None = None
    ed_note: str | None = None
    copyright_holder: str | None = None
    copyright_notice: str | None = None
    usage_terms: str | None = None
    representation_type: Literal["full", "partial"] | None = None
    profile: str | None = None
    digital_source_type: Concept | None = None
    descriptions: list[Description] | None = None
    people: list[Person] | None = None
    organisations: list[Organisation] | None = None
    events: list[Event] | None = None
    event_details: EventDetails | None = None
    planned_coverage: list[PlannedCoverage] | None = None
    objects: list[RelatedConcept] | None = None
    renditions: list[Rendition] | None = None
    trust_indicators: list[TrustIndicator] | None = None
    standard: Standard | None = None
    genres: list[Genre] | None = None
    rights_info: RightsInfo | None = None


class Association(Item, frozen=True, kw_only=True):
    """An item inside an item: a picture, a sidebar."""

    name: str
    rel: str | None = None
