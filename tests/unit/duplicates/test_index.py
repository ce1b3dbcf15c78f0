"""The index: finds what overlaps, forgets the oldest, stays right when its numbers grow beyond 32 bits."""

from __future__ import annotations

import numpy as np
import pytest

from streams.duplicates import index as module
from streams.duplicates.index import Candidate, SignatureIndex
from streams.duplicates.signature import signature_of
from tests.unit.duplicates.examples import changed, story


def signature(number: int, places: int = 0):
    return signature_of("", " ".join(changed(story(number), places)))


def test_what_overlaps_is_found_and_nothing_else() -> None:
    index = SignatureIndex(1000)
    for number in range(500):
        assert index.candidates(signature(number), 0) == []
        assert index.add(signature(number)) == number
    assert index.candidates(signature(7), 0) == [Candidate(7, 1.0, same_text=True)]
    found = [index.candidates(signature(number, 6), 0) for number in range(500)]
    assert [[c.number for c in candidates] for candidates in found] == [[number] for number in range(500)]
    assert all(0.6 < candidates[0].similarity < 1 and not candidates[0].same_text for candidates in found)


def test_what_has_left_the_window_is_not_found() -> None:
    index = SignatureIndex(10)
    for number in range(25):
        index.add(signature(number))
    assert [bool(index.candidates(signature(number), 0)) for number in range(25)] == [False] * 15 + [True] * 10
    assert [bool(index.candidates(signature(number), 20)) for number in range(25)] == [False] * 20 + [True] * 5


def test_the_newest_of_many_alike_are_found() -> None:
    index = SignatureIndex(1000)
    for _ in range(300):
        index.add(signature(1))
    found = index.candidates(signature(1), 0)
    assert [c.number for c in found] == list(range(300 - module.CHAIN, 300))


def test_short_texts_are_alike_only_where_they_are_the_same() -> None:
    index = SignatureIndex(10)
    index.add(signature_of("", "rain in the north today"))
    assert [c.same_text for c in index.candidates(signature_of("", "Rain in the north, today"), 0)] == [True]
    assert index.candidates(signature_of("", "rain in the north tomorrow"), 0) == []


@pytest.mark.parametrize("end", [100, 107])
def test_numbers_beyond_32_bits(monkeypatch: pytest.MonkeyPatch, end: int) -> None:
    monkeypatch.setattr(module, "_LAST", end)
    index, plain = SignatureIndex(7), SignatureIndex(500)
    for number in range(450):
        like = signature(number - 3, 2)
        assert index.candidates(like, 0) == plain.candidates(like, number - 7)
        assert index.add(signature(number)) == plain.add(signature(number)) == number
    assert index._heads.max() <= end


def test_memory_of_an_item_is_bounded() -> None:
    index = SignatureIndex(50_000)
    tables = (index._heads, index._next, index._places, index._texts, index._near)
    assert sum(table.nbytes for table in tables) / 50_000 < 1100
    assert index._places.dtype == np.uint32
