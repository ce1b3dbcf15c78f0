"""What sinks of rows read of a labelled item; the rest of its JSON is passed over unread.

A sink takes what the worker has written, which was checked member by member when it came in. Checking it all again, as
streams.articles does for whoever it hands an item to, costs 12 to 25 us an item; this costs 5 and takes every item that
the full codec takes (a test holds both together). What is stored is read in full: dates, labels, UTF-8 of the whole.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from streams.articles import COUNTRY_PREFIX, MODEL_PREFIX, TOPIC_PREFIX, decode_labelled, parse_timestamp
from streams.errors import InvalidError


class _Read(msgspec.Struct, rename="camel", frozen=True, gc=False):
    """Members that are not named are passed over; one of them may be anything that is JSON."""


class Text(_Read, frozen=True):
    """A headline or a body."""

    value: str
    role: str | None = None
    content_type: str | None = None


class Source(_Read, frozen=True):
    """Who supplied the item."""

    name: str | None = None


class Identifier(_Read, frozen=True):
    """Another identifier of the item."""

    role: str | None = None
    value: str | None = None


class Subject(_Read, frozen=True):
    """A subject, ours or the publisher's."""

    literal: str | None = None
    creator: str | None = None
    confidence: int | None = None


class Place(_Read, frozen=True):
    """A place, ours or the publisher's."""

    literal: str | None = None
    rel: str | None = None


class Model(_Read, frozen=True):
    """Who made a claim."""

    name: str
    version: str


class Score(_Read, frozen=True):
    """A label that the model considered, and its probability."""

    code: str
    score: float


class Axis(_Read, frozen=True):
    """The claim on one axis, `topic` or `region`."""

    axis: str
    model: Model
    decision: str
    abstain_reason: str | None = None
    scores: list[Score] = []


class Language(_Read, frozen=True):
    """The language as detected."""

    tag: str


class Classification(_Read, frozen=True):
    """The block of the worker."""

    status: str
    labelled_at: str
    language: Language
    axes: list[Axis]

    def axis(self, name: str) -> Axis | None:
        """The claim on an axis."""
        for axis in self.axes:
            if axis.axis == name:
                return axis
        return None


class Item(_Read, frozen=True):
    """A labelled item. Labels as of LabelledArticle, with the confidence of each in per cent where the item says."""

    uri: str
    version_created: str
    headlines: list[Text]
    bodies: list[Text]
    info_sources: list[Source]
    classification: Classification
    version: str | None = None
    subjects: list[Subject] | None = None
    places: list[Place] | None = None
    alt_ids: list[Identifier] | None = None

    def topics(self) -> list[tuple[str, int | None]]:
        """Codes of our topics, main first."""
        return [
            ((s.literal or "").removeprefix(TOPIC_PREFIX), s.confidence)
            for s in self.subjects or ()
            if s.creator is not None and s.creator.startswith(MODEL_PREFIX)
        ]

    def countries(self) -> list[tuple[str, int | None]]:
        """ISO 3166-1 alpha-2 codes of our countries, main first."""
        axis = self.classification.axis("region")
        if axis is None or axis.decision != "assigned":
            return []
        scores = {score.code: score.score for score in axis.scores}
        found: dict[str, int | None] = {}
        for place in self.places or ():
            if place.rel == "about" and place.literal:
                code = place.literal.removeprefix(COUNTRY_PREFIX)
                if code in scores:
                    found[code] = round(100 * scores[code])
        return list(found.items())


_decoder = msgspec.json.Decoder(Item)


def read_item(value: bytes) -> Item:
    """The item of a record's value. Raises InvalidError where it is no labelled article, with the place as the codec.

    UTF-8 is checked in what is read alone.
    """
    try:
        item = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        decode_labelled(value)  # says it better
        raise InvalidError(f"not a labelled article: {error}") from error
    if not (item.headlines and item.bodies and item.info_sources):
        decode_labelled(value)
    return item


def read_time(text: str, field: str) -> datetime:
    """A date of RFC 3339 with offset, in UTC. Raises InvalidError."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:  # a leap second, a lower-case z, or no date at all
        found = parse_timestamp(text, field=field)
    if found.tzinfo is None:
        raise InvalidError(f"{field}: {text!r} is not a date of RFC 3339: it has no offset")
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise InvalidError(f"{field}: {text!r} is no date in UTC: {error}") from error
