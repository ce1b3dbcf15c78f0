"""The linear model of one language: weights over words and stems, and the numbers that turn scores into decisions."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.calibration import Curve, probabilities
from classifiers.terms import terms_of, weighted_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.terms import Rows, TermRows
    from classifiers.wording import Wording


@dataclass(slots=True, frozen=True)
class Thresholds:
    """What turns the probabilities of one language into a decision; all fitted on held-out sources."""

    curve: Curve  # from scores to probabilities
    first: float  # least probability of the first label; under it the model abstains
    second: float  # least strength of a label after the first (`calibration.second_strength`)
    margin: float  # first minus second probability under which 30 % of the items lie: those a second tier should see
    known: float  # least share of a text's terms that the vocabulary must hold; under it the text is no language


class Probabilities(NamedTuple):
    """The answer of one linear model for a batch."""

    values: NDArray[np.float64]  # (documents, labels), each row sums to 1
    known: NDArray[np.float64]  # (documents,) share of the terms that the vocabulary holds, 0..1
    wording: list[tuple[float, ...]]  # by document, as in `Verdict.wording`


@dataclass(slots=True)
class LinearModel:
    """One language. `weights` has shape (terms, labels); scores are `rows @ weights + intercepts`."""

    terms: TermRows
    weights: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    thresholds: Thresholds
    wording: Wording | None = None  # what the same rows say of countries

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        """Raw scores of shape (documents, labels). A row depends on its document alone, to the last bit."""
        # scipy adds up a sparse row term by term in the order of its columns; BLAS, whose order of addition changes
        # with the number of rows, is not asked.
        return np.asarray(rows.matrix @ self.weights, np.float64) + self.intercepts

    def probabilities(self, documents: Sequence[Document]) -> Probabilities:
        """Calibrated probabilities of each label, how much of each text is known, and what its words say of places."""
        rows = self.terms.transform(documents)
        values = probabilities(self.scores(rows), self.thresholds.curve)
        if self.wording is None:
            return Probabilities(values, rows.known, [()] * len(documents))
        return Probabilities(values, rows.known, list(map(tuple, self.wording.scores(rows).tolist())))

    def contributions(self, document: Document, label: int) -> dict[str, float]:
        """What each surface form adds to the score (about 0..1) of `label` against the mean of all labels."""
        row = self.terms.transform([document]).matrix
        centred = self.weights[row.indices, label] - self.weights[row.indices].mean(axis=1)
        shares = dict(zip(row.indices.tolist(), (row.data * centred).tolist(), strict=True))
        return _by_surface(document, self.terms.columns, shares)


def _by_surface(document: Document, columns: Mapping[str, int], shares: Mapping[int, float]) -> dict[str, float]:
    """Give each column's share to the surface forms it came from, in equal parts, as often as they stand."""
    carriers: dict[int, list[str]] = {}
    for surface in weighted_words(document):
        for term in terms_of(surface):
            column = columns.get(term)
            if column is not None:
                carriers.setdefault(column, []).append(surface)
    found: dict[str, list[float]] = {}
    for column, surfaces in carriers.items():
        for surface in surfaces:
            found.setdefault(surface, []).append(shares[column] / len(surfaces))
    return {surface: math.fsum(parts) for surface, parts in found.items()}
