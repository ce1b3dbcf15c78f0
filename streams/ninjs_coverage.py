"""The part of ninjs 3.1 that looks ahead: events and their dates, and the coverage that is planned of them."""

from __future__ import annotations

from typing import Literal

from streams.ninjs_members import Organisation, Rendition  # noqa: TC001 - msgspec reads them
from streams.ninjs_values import NewsType, PartialDate, PubStatus, Timestamp, Urgency, Uri, Wire


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
