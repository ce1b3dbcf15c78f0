"""Signatures: equal texts equal, overlap estimated, writing that outlets vary made one."""

from __future__ import annotations

import numpy as np
import pytest

from streams.duplicates.signature import LEAST_TRIPLES, PLACES, signature_of, words_of
from tests.unit.duplicates.examples import changed, story


def similarity(one: str, other: str) -> float:
    return float((signature_of("", one).places == signature_of("", other).places).mean())


def triples(words: list[str]) -> set[tuple[str, ...]]:
    return set(zip(words, words[1:], words[2:], strict=False))


@pytest.mark.parametrize("places", [0, 5, 15, 30, 60])
def test_the_share_of_equal_places_estimates_the_overlap(places: int) -> None:
    errors = []
    for number in range(50):
        one = story(number)
        other = changed(one, places)
        common = triples(one) & triples(other)
        exact = len(common) / len(triples(one) | triples(other))
        errors.append(similarity(" ".join(one), " ".join(other)) - exact)
    assert abs(np.mean(errors)) < 0.02
    assert np.std(errors) < 0.06


def test_what_outlets_write_either_way_is_one() -> None:
    assert words_of("أُعلِنَ في الكويـــت إلى القاهرة") == words_of("اعلن فى الكويت الي القاهره")
    assert words_of("Rain, RAIN: rain!") == ["rain"] * 3
    assert signature_of("A", "Rain in Ankara.").text == signature_of("B", "rain in   Ankara").text
    assert signature_of("A", "Rain in Ankara.").text != signature_of("A", "Rain in Izmir.").text


def test_a_text_of_few_words_is_no_ground_for_an_overlap() -> None:
    assert not signature_of("", " ".join(story(1, LEAST_TRIPLES + 1))).near
    assert signature_of("", " ".join(story(1, LEAST_TRIPLES + 2))).near


@pytest.mark.parametrize("text", ["", "!?", "\ud800", "one", "one two", "😀😀"])
def test_there_is_a_signature_of_everything(text: str) -> None:
    assert signature_of("title", text).places.shape == (PLACES,)
    assert signature_of("", text).text == signature_of("", text).text
