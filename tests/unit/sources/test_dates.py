"""Dates as publishers write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.articles import parse_timestamp
from streams.errors import InvalidError
from streams.sources.dates import rfc3339, stamp


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2025-10-12T14:30:00+03:00", "2025-10-12T14:30:00+03:00"),
        ("2025-10-12T14:30:00.123456789Z", "2025-10-12T14:30:00.123456789Z"),
        ("2025-10-12t14:30:00z", "2025-10-12t14:30:00z"),
        (" 2025-10-12 14:30 ", "2025-10-12T14:30:00+00:00"),
        ("2025-10-12", "2025-10-12T00:00:00+00:00"),
        ("20251012T143000Z", "2025-10-12T14:30:00+00:00"),
        ("2025-10-12T14:30:00,5+0300", "2025-10-12T14:30:00+03:00"),
        ("Sun, 12 Oct 2025 14:30:00 +0300", "2025-10-12T14:30:00+03:00"),
        ("Sun, 12 Oct 2025 14:30:00 GMT", "2025-10-12T14:30:00+00:00"),
        ("12 Oct 2025 14:30:00 -0000", "2025-10-12T14:30:00+00:00"),
        ("Mon, 12 Oct 25 14:30 EST", "2025-10-12T14:30:00-05:00"),
    ],
)
def test_a_date_becomes_rfc_3339_with_its_offset(written: str, read: str) -> None:
    assert rfc3339(written, "published") == read


@pytest.mark.parametrize(
    "written",
    [
        "",
        "yesterday",
        "2025-13-01",
        "2025-02-30T10:00:00Z",
        "2025-10-12T25:00:00Z",
        "12/10/2025",
        "1760270000",
        "Sun, 99 Oct 2025 14:30:00",
        "٢٠٢٥-١٠-١٢",
        "Sun, 12 Oct 2025 14:30:00 +9999999",
    ],
)
def test_what_is_no_date_is_refused_by_name(written: str) -> None:
    with pytest.raises(InvalidError, match=r"^published: .* is not a date"):
        rfc3339(written, "published")


def test_an_offset_with_seconds_has_no_form() -> None:
    with pytest.raises(ValueError, match="36"):
        stamp(datetime(2025, 1, 1, tzinfo=timezone(timedelta(hours=2, seconds=36))))


@given(st.datetimes(min_value=datetime.fromisoformat("1000-01-01"), timezones=st.just(UTC)))
def test_every_moment_survives(moment: datetime) -> None:
    assert parse_timestamp(rfc3339(moment.isoformat(), "x")).replace(microsecond=0) == moment.replace(microsecond=0)
