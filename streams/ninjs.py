"""Every member of ninjs 3.1 with its type: what an item may carry beside what the pipeline reads of it.

ninjs is IPTC's JSON for news items. Members have the names and types of the standard's version 3.1; what an item
carries leaves as it came, what the standard does not know is refused. Two readings are ours: a `uri` may hold letters
beyond ASCII (an IRI, RFC 3987), as publishers write them; and `recurrenceDates` is a list of dates, which the
standard's own schema means but cannot match (it asks for an array that is a string).
"""

from __future__ import annotations

from typing import Literal

from streams.ninjs_coverage import EventDetails, PlannedCoverage
from streams.ninjs_members import (
    Address,
    AlternativeId,
    Body,
    Concept,
    ContactInfo,
    Description,
    Event,
    Genre,
    Headline,
    InfoSource,
    Organisation,
    Person,
    Place,
    RelatedConcept,
    Rendition,
    RightsInfo,
    Standard,
    Subject,
    TrustIndicator,
)
from streams.ninjs_values import (
    PARTIAL_DATE_PATTERN,
    TIMESTAMP_PATTERN,
    URI_PATTERN,
    NewsType,
    PubStatus,
    Timestamp,
    Urgency,
    Uri,
    Wire,
)

__all__ = [
    "PARTIAL_DATE_PATTERN",
    "TIMESTAMP_PATTERN",
    "URI_PATTERN",
    "Address",
    "AlternativeId",
    "Association",
    "Body",
    "ContactInfo",
    "EventDetails",
    "Headline",
    "InfoSource",
    "Item",
    "NewsType",
    "Place",
    "PlannedCoverage",
    "Subject",
    "Timestamp",
    "Wire",
]


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
