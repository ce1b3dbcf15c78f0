"""Fits what turns scores into decisions. Apart from the use of it, because scipy.optimize takes 30 MB of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from classifiers.calibration import Curve, probabilities, second_strength

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SECOND_CANDIDATES = tuple(step / 1000 for step in range(20, 201, 4))
_BETA = 0.7


def fit_curve(scores: NDArray[np.float64], truth: NDArray[np.int64]) -> Curve:
    """Fit the curve that makes the true labels most likely.

    `scores` (items, labels) must come from a model that saw neither the items nor, where it can be helped, their
    publishers: fitted on the training outlets the linear tier was over-confident on others.
    """
    chosen = np.arange(len(truth))

    def loss(point: NDArray[np.float64]) -> float:
        found = probabilities(scores, _curve_at(point))
        return float(-np.log(found[chosen, truth] + 1e-9).mean())

    return _curve_at(minimize(loss, (1.4, -2.0), method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-6}).x)


def _curve_at(point: NDArray[np.float64]) -> Curve:
    power, floor = np.exp(np.clip(point, -6, 4)).tolist()
    return Curve(round(power, 4), round(floor, 6))


def fit_second_threshold(values: NDArray[np.float64], truth: Sequence[frozenset[int]]) -> float:
    """Fit the least `second_strength` of a label after the first: the best F-measure over such labels.

    Precision counts every label given after the first; recall those of items that have several. Precision weighs a
    little more (beta .7): a second label that is not true puts an item on a stream where it does not belong.
    """
    first = values.argmax(axis=1)
    rows = np.arange(len(first))
    open_labels = np.zeros(values.shape, bool)
    for row, labels in enumerate(truth):
        open_labels[row, list(labels)] = True
    several = open_labels.sum(axis=1) > 1
    open_labels[rows, first] = False
    strength = second_strength(values, values[rows, first][:, None])
    strength[rows, first] = -1.0
    wanted = int(open_labels[several].sum())

    def measure(threshold: float) -> float:
        """F-beta of what is given from this strength on."""
        given = strength >= threshold
        precision = float((given & open_labels).sum() / max(int(given.sum()), 1))
        recall = float((given & open_labels)[several].sum() / max(wanted, 1))
        return (1 + _BETA**2) * precision * recall / max(_BETA**2 * precision + recall, 1e-9)

    return max(_SECOND_CANDIDATES, key=measure)
