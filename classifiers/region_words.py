"""What the words of a document, places or not, say of its country: one linear model a country and language.

Half of the countries that the gazetteer misses are the outlet's own, which local news never names: "the governor", "the
playoffs", "Shr 24 cts". A linear model of words knows them, but knows its outlets too. Its score is only one more
feature of a candidate, and only in the languages where it helped on outlets it had not seen (`region_train`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.text import Memo, normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document

WORDS = 60  # of the text, after the title's: the labels that taught it were given by headline and opening
NOT_KNOWN = -8.0  # score of a country that the language's model does not have
REMEMBERED = 50_000  # surface forms a language, times two generations
_UNIT = 2.0**-16  # weights are multiples of this and added as integers, so that the order of words changes nothing


class WordModel(NamedTuple):
    """Weights of one language: score = sum of the words' weights / square root of the sum of idf squared + bias."""

    vocabulary: dict[str, int]  # normal form: row
    weights: NDArray[np.int32]  # (words, 1 + countries), in units of 2**-16; column 0 is idf squared
    bias: NDArray[np.float64]  # by country
    countries: tuple[str, ...]  # ISO 3166-1 alpha-2


class WordScorer:
    """Scores the documents of a batch. Its only state is a bounded memo a language."""

    def __init__(self, models: Mapping[str, WordModel], codes: Sequence[str]) -> None:
        number = {code: index for index, code in enumerate(codes)}
        self._size = len(codes)
        self._models = dict(models)
        self._columns = {
            lang: np.array([number[c] for c in model.countries], np.int64) for lang, model in models.items()
        }
        self._rows = {lang: _rows_of(model) for lang, model in models.items()}

    def score(self, documents: Sequence[Document]) -> NDArray[np.float32]:
        """Decision values (documents, codes); NOT_KNOWN where the language has no model of the country."""
        scores = np.full((len(documents), self._size), NOT_KNOWN, np.float32)
        for language, model in self._models.items():
            at = [index for index, document in enumerate(documents) if document.language == language]
            if at:
                scores[np.ix_(np.array(at), self._columns[language])] = self._score(
                    model, language, [documents[i] for i in at]
                )
        return scores

    def _score(self, model: WordModel, language: str, documents: Sequence[Document]) -> NDArray[np.float64]:
        row_of = self._rows[language].__getitem__
        words: list[int] = []  # rows of all documents, one after the other
        ends: list[int] = []
        for document in documents:
            rows = set(map(row_of, _opening(document)))
            rows.discard(-1)
            words += rows
            ends.append(len(words))
        running = np.zeros((len(words) + 1, model.weights.shape[1]), np.int64)
        np.cumsum(model.weights[np.array(words, np.int64)], axis=0, out=running[1:])
        sums = np.diff(running[[0, *ends]], axis=0)
        length = np.sqrt(np.maximum(sums[:, :1] * _UNIT, 1.0))
        scored: NDArray[np.float64] = sums[:, 1:] * _UNIT / length + model.bias
        return scored

    def telling(self, document: Document, numbers: Sequence[int], most: int) -> list[str]:
        """The words of a document, as they stand, that speak most for any of the countries `numbers`."""
        model = self._models.get(document.language)
        if model is None:
            return []
        columns = 1 + np.flatnonzero(np.isin(self._columns[document.language], numbers))
        rows = {word: self._rows[document.language][word] for word in _opening(document)}
        weight = {word: int(model.weights[row, columns].max(initial=0)) for word, row in rows.items() if row >= 0}
        return sorted((word for word in weight if weight[word] > 0), key=lambda word: -weight[word])[:most]

    def without(self, document: Document, word: str) -> Document:
        """The document without any word that has the same normal form as `word`."""
        form = normalise(word)
        return replace(
            document,
            title_tokens=[token for token in document.title_tokens if normalise(token) != form],
            text_tokens=[token for token in document.text_tokens[:WORDS] if normalise(token) != form],
        )


def _opening(document: Document) -> list[str]:
    return document.title_tokens + document.text_tokens[:WORDS]


def _rows_of(model: WordModel) -> Memo[int]:
    vocabulary = model.vocabulary
    return Memo(lambda surface: vocabulary.get(normalise(surface), -1), REMEMBERED)


def to_units(values: NDArray[np.float64]) -> NDArray[np.int32]:
    """Values in the fixed point of the weights."""
    return np.round(values / _UNIT).astype(np.int32)
