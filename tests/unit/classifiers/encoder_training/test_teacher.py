"""The teacher, on an encoder of two layers; needs torch, of the extra encoder-training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.encoder_training.teacher import sentence_vectors, teach
from tests.unit.classifiers.encoder_training.test_lessons import silent
from tests.unit.classifiers.encoder_training.tiny import WORDS, logits_of, tiny_weights

if TYPE_CHECKING:
    from classifiers.encoder_training.lessons import Teacher

LABELLED, ITEMS = 600, 800
TRUTH = np.random.default_rng(0).integers(0, 3, ITEMS)


@pytest.fixture(scope="module")
def taught() -> Teacher:
    """Three topics, each told by the words that an item has most of."""
    random = np.random.default_rng(1)
    weights = tiny_weights()
    items = [
        np.concatenate([[0], random.permutation([*[5 + topic] * 4, *random.integers(8, len(WORDS), 3)]), [2]])
        for topic in TRUTH.tolist()
    ]
    return teach(weights, items, np.eye(3)[TRUTH[:LABELLED]], np.ones(LABELLED), silent)


def test_a_vector_is_the_mean_of_the_last_layer() -> None:
    weights = tiny_weights(labels=64)
    weights.state["head.weight"], weights.state["head.bias"] = np.eye(64, dtype=np.float32), np.zeros(64, np.float32)
    items = [[0, 7, 9, 2], [0, 8, 2], [0, 7, 9, 2]]
    found = sentence_vectors(weights, [np.array(one) for one in items], silent)
    for row, ids in zip(found, items, strict=True):
        mean = logits_of(weights, ids)
        assert row == pytest.approx(mean / np.linalg.norm(mean), abs=0.02)  # the layers compute in bfloat16
    assert (found[0] == found[2]).all()


def test_it_knows_items_that_its_heads_have_not_learned(taught: Teacher) -> None:
    right = taught.logarithms.argmax(axis=1) == TRUTH
    assert right[:LABELLED].mean() > 0.8
    assert right[LABELLED:].mean() > 0.8
    assert np.exp(taught.logarithms).sum(axis=1) == pytest.approx(1.0, abs=1e-4)


def test_labelled_items_are_judged_by_heads_that_did_not_see_them() -> None:
    """Labels by chance cannot be known: who has seen them would be right more often."""
    random = np.random.default_rng(2)
    items = [np.array([0, *random.integers(5, len(WORDS), 6), 2]) for _ in range(LABELLED)]
    labels = random.integers(0, 3, LABELLED)
    found = teach(tiny_weights(), items, np.eye(3)[labels], np.ones(LABELLED), silent)
    assert (found.logarithms.argmax(axis=1) == labels).mean() < 0.42


def test_vectors_have_no_mean(taught: Teacher) -> None:
    assert np.linalg.norm(taught.vectors, axis=1) == pytest.approx(1.0, abs=1e-4)
    assert np.abs(taught.vectors[:LABELLED].mean(axis=0)).max() < 0.1
