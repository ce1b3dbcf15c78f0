"""What an item passed through, as spans: one for each stage, joined by the `traceparent` header (W3C Trace Context).

The identity of a span is not made here: publishing and labelling write it into the header (wire.py), whether or not
anybody traces, so that any stage may be traced alone and all of them choose the same items. OpenTelemetry is in
traces_otel.py; without the extra nothing of it is imported.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

HEADER = "traceparent"
TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}")  # W3C Trace Context, version 00

log = logging.getLogger(__name__)


class Place(NamedTuple):
    """A span as a `traceparent` names it: ids of 16 and 8 bytes as numbers, neither of them 0."""

    trace: int
    span: int


class Stage(NamedTuple):
    """One item in one stage; times are Unix times in nanoseconds."""

    name: str  # "publish", "label" or "sink <name>"
    place: Place | None  # None: the stage writes no header, and its span needs an id
    parent: Place | None
    began: int
    ended: int
    attributes: Mapping[str, str]


class Spans(Protocol):
    """Where spans go."""

    def record(self, stages: Iterable[Stage]) -> None:
        """Takes spans that are over. Never waits and never raises: a trace is worth less than an item."""
        ...

    def wants(self, trace: int) -> bool:
        """Whether a trace is among those that are kept: the same answer in every process of the same settings."""
        ...

    def close(self) -> None:
        """Sends what is left, for some seconds at most."""
        ...


def place_of(headers: Sequence[tuple[str, bytes]]) -> Place | None:
    """The span that a record's headers name; None where there is none or it is damaged."""
    for name, value in headers:
        if name == HEADER:
            found = TRACEPARENT.fullmatch(value)
            place = Place(int(found[1], 16), int(found[2], 16)) if found else Place(0, 0)
            return place if all(place) else None
    return None


def traceparent_of(headers: Sequence[tuple[str, bytes]]) -> str:
    """The header itself, for the log; "" where there is none."""
    return next((value.decode("latin-1") for name, value in headers if name == HEADER), "")


def uri_of(key: bytes | None) -> str:
    """The uri that a record is keyed by, as readable as it is: also of what could not be read as an article."""
    return (key or b"").decode("utf-8", "replace")
