"""What headers say about coming again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.http_outcomes import MAX_RETRY_SECONDS, fresh_seconds, retry_after

NOW = 1_750_000_000.0  # Sun, 15 Jun 2025 15:06:40 GMT


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("0", 0.0),
        ("99999999", MAX_RETRY_SECONDS),
        ("Sun, 15 Jun 2025 15:07:40 GMT", 60.0),
        ("Sun, 15 Jun 2025 15:00:00 GMT", 0.0),
        ("Sun, 15 Jun 2035 15:00:00 GMT", MAX_RETRY_SECONDS),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": value}, NOW) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Cache-Control": "public, max-age=600"}, 600.0),
        ({"Cache-Control": "max-age=600, no-cache"}, None),
        ({"Cache-Control": "max-age=60", "Expires": "Sun, 15 Jun 2025 16:06:40 GMT"}, 60.0),
        ({"Expires": "Sun, 15 Jun 2025 16:06:40 GMT"}, 3600.0),
        # a server with a wrong clock: Expires counts from its own Date
        ({"Expires": "Sun, 15 Jun 2020 16:06:40 GMT", "Date": "Sun, 15 Jun 2020 16:01:40 GMT"}, 300.0),
        ({"Expires": "0"}, None),
        ({"Expires": "Sun, 15 Jun 2025 10:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_freshness_comes_from_max_age_else_from_expires(headers: dict[str, str], seconds: float | None) -> None:
    assert fresh_seconds(headers, NOW) == seconds


@given(st.text(max_size=40))
def test_no_header_value_is_an_error(value: str) -> None:
    retry_after({"Retry-After": value}, NOW)
    fresh_seconds({"Cache-Control": value, "Expires": value, "Date": value}, NOW)
