"""Fits what turns scores into decisions. Apart from the use of it, because scipy.optimize takes 30 MB of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize

from classifiers.calibration import Curve, probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

_SECOND_CANDIDATES = tuple(step / 100 for step in range(10, 41))
_PLATEAU = 0.005


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
    """Fit the probability from which a label after the first is added: the lowest of near-best F1 over label sets.

    That F1 is flat at its best (within .005 from .16 to .25), while the share of true second labels that are found
    falls from .40 to .23 over it; so the low end of the plateau is taken.
    """
    first = values.argmax(axis=1)
    wanted = np.zeros(values.shape, bool)
    for row, labels in enumerate(truth):
        wanted[row, list(labels)] = True
    scores = {}
    for threshold in _SECOND_CANDIDATES:
        given = values >= threshold
        given[np.arange(len(first)), first] = True
        scores[threshold] = float(2 * (given & wanted).sum() / (given.sum() + wanted.sum()))
    best = max(scores.values())
    return min(threshold for threshold, score in scores.items() if score >= best - _PLATEAU)
