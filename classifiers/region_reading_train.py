"""Teaches a head what an encoder's vectors say of countries, from items whose countries are known."""

from __future__ import annotations

import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from classifiers.encoder import text_of
from classifiers.region_reading import Head, Read, suggests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.encoder import Encoder
    from classifiers.region_examples import Examples
    from classifiers.region_features import Places

LEAST_ITEMS = 8  # of a country that the head learns
PENALTY = 100.0  # of squared weights, on vectors of mean 0 and deviation 1; at 300 the same F1 behind the trees
STEPS = 120  # of L-BFGS, at most
_AT_ONCE = 200  # documents a thread is given


class Vectors:
    """The vectors of one encoder; each text is read once, however often it is asked for.

    `digest` is the SHA-256 of the encoder's graph.
    """

    def __init__(self, encoder: Encoder, digest: str) -> None:
        self.digest = digest
        self._encoder = encoder
        self._known: dict[str, bytes] = {}

    def of(self, documents: Sequence[Document]) -> list[bytes]:
        """One vector a document (float32), in order, on all cores: about 90 documents a second and core."""
        texts = [text_of(document.item) for document in documents]
        new = {text: document for text, document in zip(texts, documents, strict=True) if text not in self._known}
        parts = [list(new.values())[start : start + _AT_ONCE] for start in range(0, len(new), _AT_ONCE)]
        with ThreadPoolExecutor(os.cpu_count()) as threads:  # onnxruntime leaves the interpreter while it computes
            read = [vector for reading in threads.map(self._encoder.read, parts) for vector in reading.vectors]
        self._known.update(zip(new, read, strict=True))
        return [self._known[text] for text in texts]


def teach_reading(
    examples: Examples, vectors: Sequence[bytes], places: Places, group: NDArray[np.int64]
) -> tuple[Head, Read] | None:
    """The head that all items teach, and what of each document heads say that have not learned its group.

    `vectors` and `group` are by document. Whole items teach; their copies are only read. None where fewer than two
    countries have enough items.
    """
    countries = _learnable(examples, places)
    if len(countries) < 2:
        return None
    is_whole = examples.weight == 1
    inputs = np.stack([np.frombuffer(vector, np.float32) for vector in vectors])
    targets = _targets(examples, places, countries)
    scores = np.empty((len(vectors), len(countries) + 1))
    for left_out in np.unique(group).tolist():
        is_seen = (group != left_out) & is_whole
        head = Head(countries, *fit_head(inputs[is_seen], targets[is_seen]))
        unseen = np.flatnonzero(group == left_out)
        scores[unseen] = head.scores([vectors[at] for at in unseen.tolist()])
    languages = [document.language for document in examples.documents]
    read = Read(countries, scores, suggests(languages))
    return Head(countries, *fit_head(inputs[is_whole], targets[is_whole])), read


def _learnable(examples: Examples, places: Places) -> NDArray[np.int64]:
    """Index of each country with enough whole items, ascending."""
    counts = Counter(
        code for codes, weight in zip(examples.countries, examples.weight, strict=True) if weight == 1 for code in codes
    )
    return np.array([index for index, code in enumerate(places.codes) if counts[code] >= LEAST_ITEMS], np.int64)


def _targets(examples: Examples, places: Places, countries: NDArray[np.int64]) -> NDArray[np.float32]:
    """(documents, countries + 1): 1 for each country of a document, in the last column for one about no place."""
    column = {places.codes[country]: at for at, country in enumerate(countries.tolist())}
    targets = np.zeros((len(examples.countries), len(countries) + 1), np.float32)
    for row, codes in enumerate(examples.countries):
        targets[row, [column[code] for code in codes if code in column]] = 1
        targets[row, -1] = not codes
    return targets


def fit_head(
    inputs: NDArray[np.float32], targets: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (width, columns) and offsets of logistic regressions, one a column, with squared weights penalised."""
    mean, deviation = inputs.mean(axis=0), inputs.std(axis=0) + 1e-6
    rows = np.hstack([(inputs - mean) / deviation, np.ones((len(inputs), 1), np.float32)]).astype(np.float32)
    rate = targets.mean(axis=0)
    start = np.zeros((rows.shape[1], targets.shape[1]))
    start[-1] = np.log((rate + 1e-4) / (1 - rate + 1e-4))

    def loss(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Summed log loss with its penalty, and the slope; the offsets, in the last row, are not penalised."""
        weights = flat.reshape(start.shape).astype(np.float32)
        logits = rows @ weights
        value = np.logaddexp(0, logits).sum() - (targets * logits).sum() + PENALTY / 2 * (weights[:-1] ** 2).sum()
        slope = rows.T @ (expit(logits) - targets)
        slope[:-1] += PENALTY * weights[:-1]
        return float(value), slope.ravel().astype(np.float64)

    found = minimize(loss, start.ravel(), jac=True, method="L-BFGS-B", options={"maxiter": STEPS}).x
    found = found.reshape(start.shape)
    weights = found[:-1] / deviation[:, None]
    return weights.astype(np.float32), (found[-1] - mean @ weights).astype(np.float32)
