from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import InvalidError
from streams.gateway.cursor import decode_cursor, encode_cursor


@given(st.dictionaries(st.integers(0, 99), st.integers(0, 2**63 - 1), min_size=1))
def test_reads_what_it_writes(positions):
    assert decode_cursor(encode_cursor(positions)) == positions


def test_form():
    assert encode_cursor({1: 88, 0: 153}) == "0:153,1:88"


@pytest.mark.parametrize(
    "text", ["", "0", "0:", "0:1,", "0:-1", "a:1", "0:1;1:2", "0:1\n", "٠:١", "0:1," * 2000 + "0:1"]
)
def test_refuses_what_is_none(text):
    with pytest.raises(InvalidError, match="Last-Event-ID"):
        decode_cursor(text)
