"""What a head says of documents, and the candidates and features that it makes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.region_reading import LEAST_UNNAMED, READ_FEATURES, Head, Read, reading_columns, suggests

# Countries 4 and 7 of ten, and "no place".
HEAD = Head(np.array([4, 7]), np.array([[1, 0, -1], [0, 2, 0]], np.float32), np.array([0.5, -3, 0], np.float32))


def vector(*numbers: float) -> bytes:
    return np.array(numbers, np.float32).tobytes()


def read(*scores: tuple[float, float, float], languages: tuple[str, ...] = ("en", "en", "en")) -> Read:
    return Read(np.array([4, 7]), np.array(scores), suggests(languages[: len(scores)]))


def test_scores_are_the_product_and_the_offsets() -> None:
    assert HEAD.scores([vector(1, 2), vector(0, 0)]).tolist() == [[1.5, 1, -1], [0.5, -3, 0]]


@given(st.lists(st.tuples(*[st.floats(-9, 9, width=32)] * 40), min_size=1, max_size=8))
def test_scores_depend_on_their_document_alone(numbers: list[tuple[float, ...]]) -> None:
    random = np.random.default_rng(3)
    head = Head(np.arange(90), random.normal(size=(40, 91)).astype(np.float32), np.zeros(91, np.float32))
    vectors = [vector(*one) for one in numbers]
    alone = np.vstack([head.scores([one]) for one in vectors])
    assert (head.scores(vectors) == alone).all()
    assert (head.scores(vectors[::-1])[::-1] == alone).all()
    assert (alone * 1024 == np.round(alone * 1024)).all()


def test_likely_countries_are_candidates_without_a_name() -> None:
    found = read((LEAST_UNNAMED + 0.1, -4, 9), (LEAST_UNNAMED, 3, 0), (-5, -5, -5)).keys(10)
    assert found.tolist() == [4, 17]


def test_in_arabic_only_what_is_named_is_a_candidate() -> None:
    assert read((5, 5, 0), (5, 5, 0), languages=("ar", "tr")).keys(10).tolist() == [14, 17]


def test_columns_of_candidates() -> None:
    said = read((2, -0.5, -3), (-4, -6, 1))
    document, country = np.array([0, 0, 0, 1]), np.array([2, 4, 7, 7])
    named = np.array([True, True, False, True])
    columns = reading_columns(said, document, country, named)
    assert tuple(columns) == READ_FEATURES
    assert columns["read"].tolist() == [-9, 2, -0.5, -6]  # the head has not learnt country 2
    assert columns["read_margin"].tolist() == [-11, 2.5, -2.5, -2]
    assert columns["read_rank"].tolist() == [2, 0, 1, 1]
    assert columns["read_none"].tolist() == [-3, -3, -3, 1]
    assert columns["read_countries"].tolist() == [2, 2, 2, 0]
    assert columns["unnamed"].tolist() == [False, False, True, False]


def test_no_candidate_has_no_columns_to_fill() -> None:
    nothing = np.empty(0, np.int64)
    assert all(len(values) == 0 for values in reading_columns(read((0, 0, 0)), nothing, nothing, nothing > 0).values())


@pytest.mark.parametrize(("language", "is_suggested"), [("en", True), ("tr", True), ("ar", False)])
def test_languages(language: str, is_suggested: object) -> None:
    assert suggests([language]).tolist() == [is_suggested]
