from __future__ import annotations

import numpy as np
import pytest

from classifiers.region_columns import Rows, context_columns, position_columns, rank_in_document
from classifiers.region_hits import Hits

# One document with a title of four words: candidate 0 at words 1 and 6, candidate 1 at 0 and 200; candidate 2 has no
# name, only the feed's country suggests it.
HITS = Hits(
    np.zeros(4, np.int64),
    np.array([7, 8, 9, 9]),
    np.array([1, 0, 6, 200]),
    np.full((4, 3), -1),
    np.array([4]),
    np.array([300]),
)
ROWS = Rows(np.array([0, 1, 0, 1]), np.zeros(3, np.int64))


def test_who_is_named_first() -> None:
    found = {name: column.tolist() for name, column in position_columns(HITS, ROWS).items()}
    assert found == {
        "first_word": [1, 0, 500],
        "first_rank": [1, 0, 2],
        "first_word_title": [1, 0, 500],
        "first_rank_title": [1, 0, 2],
        "first_word_text": [2, 196, 500],
        "first_rank_text": [0, 1, 2],
    }


def test_what_the_words_beside_the_names_say() -> None:
    found = context_columns(HITS, ROWS, np.array([-0.1, 0.0, 0.5, 0.2]))
    assert found["context"].tolist() == [-0.1, 0.0, 0.0]
    assert found["context_mean"].tolist() == pytest.approx([0.2, 0.1, 0.0])
    assert found["context_best"].tolist() == [0.5, 0.2, -4.0]
    assert found["context_worst"].tolist() == [-0.1, 0.0, 4.0]


def test_ranks_start_anew_in_every_document() -> None:
    document = np.array([0, 0, 0, 1, 1])
    assert rank_in_document(document, np.array([1, 3, 1, 5, 9])).tolist() == [1, 0, 2, 1, 0]
