"""What a `traceparent` header names."""

from __future__ import annotations

import pytest

from streams.traces import Place, place_of, traceparent_of

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_header_names_a_span() -> None:
    headers = [("ce_id", b"1"), ("traceparent", f"00-{TRACE}-{SPAN}-01".encode())]
    assert place_of(headers) == Place(int(TRACE, 16), int(SPAN, 16))
    assert traceparent_of(headers) == f"00-{TRACE}-{SPAN}-01"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xff",
        f"00-{TRACE}-{SPAN}".encode(),
        f"00-{TRACE}-{'0' * 16}-01".encode(),
        f"00-{'0' * 32}-{SPAN}-01".encode(),
        f"00-{TRACE.upper()}-{SPAN}-01".encode(),
    ],
)
def test_a_damaged_one_names_none(value: bytes) -> None:
    assert place_of([("traceparent", value)]) is None


def test_there_need_not_be_one() -> None:
    assert place_of([]) is None
    assert traceparent_of([("ce_id", b"1")]) == ""
