"""Dates as publishers write them, to RFC 3339 with offset."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from streams.articles import parse_timestamp
from streams.errors import InvalidError

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_RFC2822 = re.compile(r"[A-Za-z]{3}, |\d{1,2} [A-Za-z]{3} \d")


def rfc3339(value: str, field: str) -> str:
    """A date of RFC 3339 as it is, one of ISO 8601 (no offset = UTC, a day = its midnight) or RFC 2822 converted.

    Raises InvalidError naming the field.
    """
    value = value.strip()
    if _RFC3339.fullmatch(value):
        parse_timestamp(value, field=field)
        return value
    try:
        parsed = parsedate_to_datetime(value) if _RFC2822.match(value) else datetime.fromisoformat(value)
        if parsed.tzinfo is None:
            parsed = parsed.replace(tzinfo=UTC)
        return stamp(parsed)
    except (ValueError, TypeError, IndexError, OverflowError) as error:
        raise InvalidError(f"{field}: {value[:60]!r} is not a date; write it as 2025-10-12T14:30:00+03:00") from error


def stamp(moment: datetime) -> str:
    """An aware datetime in RFC 3339, whole seconds. Raises ValueError for an offset with seconds, which it lacks."""
    text = moment.isoformat(timespec="seconds")
    if not _RFC3339.fullmatch(text):
        raise ValueError(text)
    return text
