"""The plain values of ninjs 3.1, such as times, uris and closed lists, and the base of all that travels."""

from __future__ import annotations

from typing import Annotated, Literal

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
