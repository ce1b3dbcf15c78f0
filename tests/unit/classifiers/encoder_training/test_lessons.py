"""What the encoder learns beside: answers of a linear tier that had not seen the item."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.encoder_training.lessons import Tier, lessons_of, taught_tier, with_unlabelled
from classifiers.encoder_training.sequences import Pieces
from classifiers.topic_train import main_labels

if TYPE_CHECKING:
    from classifiers.dataset import Example

NONE = Pieces(np.zeros(0, np.int64), np.zeros(0, np.int64))


def silent(_doing: str, _done: int, _total: int) -> None:
    """A progress that nobody watches."""


@pytest.fixture(scope="module")
def codes(examples: list[Example]) -> list[str]:
    return sorted({code for one in examples for code in one.topics})


@pytest.fixture(scope="module")
def tier(examples: list[Example], codes: list[str]) -> Tier:
    return taught_tier([one for one in examples if one.language == "en"], codes, 0, silent)


def test_what_it_says_of_an_item_comes_from_models_that_had_not_seen_it(
    examples: list[Example], codes: list[str], tier: Tier
) -> None:
    english = [one for one in examples if one.language == "en"]
    truth = main_labels(english, codes)
    unseen = np.array([tier.unseen[one.id] for one in english])
    seen = tier.probabilities(english)
    assert unseen.sum(axis=1) == pytest.approx(1.0)
    assert (unseen.argmax(axis=1) == truth).mean() < (seen.argmax(axis=1) == truth).mean()


def test_without_a_model_of_the_language_it_says_nothing(examples: list[Example], codes: list[str], tier: Tier) -> None:
    turkish = [one for one in examples if one.language == "tr"][:3]
    assert tier.probabilities(turkish) == pytest.approx(1 / len(codes))
    found = lessons_of(turkish, codes, [NONE] * 3, tier)
    assert found.linear == pytest.approx(-np.log(len(codes)))


def test_a_language_with_few_examples_gets_no_model(examples: list[Example], codes: list[str]) -> None:
    few = [one for one in examples if one.language == "en"][:20]
    assert taught_tier(few, codes, 0, silent) == Tier({}, {}, len(codes))


def test_rare_topics_count_more(examples: list[Example], codes: list[str], tier: Tier) -> None:
    english = [one for one in examples if one.language == "en"]
    common, rare = english[0], next(one for one in english if one.topics[0] != english[0].topics[0])
    found = lessons_of([common] * 9 + [rare], codes, [NONE] * 10, tier)
    assert found.importance.mean() == pytest.approx(1.0)
    assert found.importance[9] > 1.5 * found.importance[0]
    assert found.targets.sum(axis=1) == pytest.approx(1.0)
    assert found.linear.min() >= np.log(1e-6) - 1e-9


def test_items_without_labels_stand_behind_the_labelled(examples: list[Example], codes: list[str], tier: Tier) -> None:
    english, turkish = ([one for one in examples if one.language == language][:4] for language in ("en", "tr"))
    found = with_unlabelled(lessons_of(english, codes, [NONE] * 4, tier), turkish, [NONE] * 4, tier, 0.6)
    assert found.labelled == 4
    assert [len(part) for part in found[:4]] == [8] * 4
    assert not found.targets[4:].any()
    assert found.importance[4:] == pytest.approx(0.6)
    assert found.linear[4:] == pytest.approx(-np.log(len(codes)))  # no model of that language
