"""What an encoder learns from examples: their topics, their weight, and what a linear tier that knew them not says."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers import dataset
from classifiers.calibration import probabilities
from classifiers.topic_train import (
    LEAST_EXAMPLES,
    RARE_POWER,
    documents_of,
    soft_targets,
    train_language,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.dataset import Example
    from classifiers.encoder_training.sequences import Pieces
    from classifiers.linear import LinearModel
    from classifiers.train import Progress

_LEAST_PROBABILITY = 1e-6  # what the linear tier says of a label at least, so that it is no veto


class Teacher(NamedTuple):
    """What a larger encoder says of labelled items, by heads that have not learned them, and of others behind them."""

    logarithms: NDArray[np.float64]  # (items, labels), of probabilities
    vectors: NDArray[np.float32]  # (items, width), without the mean, of length 1


class Lessons(NamedTuple):
    """What is learned, one row an item; items without labels stand last, and ask for a teacher."""

    pieces: Sequence[Pieces]
    targets: NDArray[np.float64]  # (items, labels), rows of sum 1; of sum 0 without labels
    importance: NDArray[np.float64]  # (items,), mean 1 over those with labels
    linear: NDArray[np.float64]  # (items, labels), logarithms of what the linear tier says
    teacher: Teacher | None = None

    @property
    def labelled(self) -> int:
        """How many items have labels."""
        return int(self.targets.any(axis=1).sum())


class Tier(NamedTuple):
    """A linear tier, and what models that saw neither an item nor, where it can be, its source say of its items."""

    models: Mapping[str, LinearModel]
    unseen: Mapping[str, NDArray[np.float64]]  # id of an item: probabilities (labels,)
    labels: int

    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        """Shape (examples, labels), of examples that it has not learned; the same for all labels without a model."""
        found = np.full((len(examples), self.labels), 1 / self.labels)
        for at, document in enumerate(documents_of(examples)):
            if document.language in self.models:
                found[at] = self.models[document.language].probabilities([document]).values[0]
        return found


def taught_tier(examples: Sequence[Example], codes: Sequence[str], seed: int, progress: Progress) -> Tier:
    """Train the linear tier as `train` does: a model for each language with enough examples, cross-fitted by source."""
    groups = {
        language: group for language, group in dataset.by_language(examples).items() if len(group) >= LEAST_EXAMPLES
    }
    models: dict[str, LinearModel] = {}
    unseen: dict[str, NDArray[np.float64]] = {}
    for done, (language, group) in enumerate(groups.items()):
        progress(f"linear tier, {language}: {len(group)} examples", done, len(groups))
        models[language], held_out = train_language(group, codes, seed=seed)
        values = probabilities(held_out.scores, models[language].thresholds.curve)
        unseen.update((one.id, row) for one, row in zip(group, values, strict=True))
    return Tier(models, unseen, len(codes))


def lessons_of(examples: Sequence[Example], codes: Sequence[str], pieces: Sequence[Pieces], tier: Tier) -> Lessons:
    """The lessons of examples that `tier` has learned too; rare topics count more, as in the linear tier."""
    targets = soft_targets(examples, codes)
    share = targets.sum(axis=0) + 1
    importance = (targets * (share.mean() / share) ** RARE_POWER).sum(axis=1)
    even = np.full(len(codes), 1 / len(codes))
    linear = np.array([tier.unseen.get(one.id, even) for one in examples])
    return Lessons(pieces, targets, importance / importance.mean(), np.log(np.maximum(linear, _LEAST_PROBABILITY)))


def with_unlabelled(
    lessons: Lessons, unlabelled: Sequence[Example], pieces: Sequence[Pieces], tier: Tier, importance: float
) -> Lessons:
    """The lessons, and behind them items that nobody labelled, each of the importance given; the teacher is to come."""
    labels = lessons.targets.shape[1]
    linear = np.log(np.maximum(tier.probabilities(unlabelled), _LEAST_PROBABILITY))
    return lessons._replace(
        pieces=[*lessons.pieces, *pieces],
        targets=np.concatenate([lessons.targets, np.zeros((len(unlabelled), labels))]),
        importance=np.concatenate([lessons.importance, np.full(len(unlabelled), importance)]),
        linear=np.concatenate([lessons.linear, linear]),
    )
