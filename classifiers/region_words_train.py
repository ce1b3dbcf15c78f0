"""Fits the word models of the region classifier, and scores its training items as an unseen outlet would be scored."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from classifiers.region_examples import number_of
from classifiers.region_words import NOT_KNOWN, WORDS, WordModel, WordScorer, to_units
from classifiers.text import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.region_examples import Examples

# On sealed tests of other publishers words gave Turkish +.06 F1 and English +.02, and took .05 from Arabic: nearly all
# Arabic training outlets are Saudi, and "municipality" or "prince" came to say Saudi Arabia. The other languages have
# too few items to tell.
WORD_LANGUAGES = ("tr", "en")
LEAST_ITEMS = 30  # of a country in a language; 15 gave nothing more
LEAST_TEXTS, MOST_WORDS = 3, 40_000
COST = 8.0  # 2 and 1: -.005 to -.01 F1 on held-out outlets
SOURCE_FOLDS = 3
_MIXED = 5_000  # a source of so many items is a collection of many outlets (the Turkish one holds all but 300 items)


def fit_words(documents: Sequence[Document], countries: Sequence[Sequence[str]]) -> dict[str, WordModel]:
    """A word model of each of WORD_LANGUAGES that has countries enough; deterministic."""
    models = {}
    for language in WORD_LANGUAGES:
        at = [index for index, document in enumerate(documents) if document.language == language]
        model = _fit([documents[index] for index in at], [countries[index] for index in at])
        if model is not None:
            models[language] = model
    return models


def unseen_scores(
    rows: Sequence[Mapping[str, Any]], documents: Sequence[Document], examples: Examples, codes: Sequence[str]
) -> NDArray[np.float32]:
    """Scores (examples, codes) by models that saw nothing of the example's source.

    Sources are left out whole where they are outlets: judged by items of the outlets it knows, the words' score looks
    better than it is, and the trees trust it too much. `documents` are the rows' whole documents.
    """
    folds = _outlet_folds(rows)
    fold_of = [folds[row] for row in examples.row.tolist()]
    scores = np.full((len(examples.documents), len(codes)), NOT_KNOWN, np.float32)
    for fold in range(SOURCE_FOLDS):
        seen = [index for index, other in enumerate(folds) if other != fold]
        models = fit_words([documents[index] for index in seen], [rows[index]["countries"] for index in seen])
        at = [index for index, other in enumerate(fold_of) if other == fold]
        scores[at] = WordScorer(models, codes).score([examples.documents[index] for index in at])
    return scores


def _outlet_folds(rows: Sequence[Mapping[str, Any]]) -> list[int]:
    """By source; by item where the source is a collection of outlets: it is large or has several languages."""
    sizes = Counter(row["source"] for row in rows)
    languages: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        languages[row["source"]].add(row["lang"])
    outlets = {source for source, size in sizes.items() if size < _MIXED and len(languages[source]) == 1}
    return [number_of(row["source" if row["source"] in outlets else "id"], "words") % SOURCE_FOLDS for row in rows]


def _words(document: Document) -> set[str]:
    return {normalise(token) for token in document.title_tokens + document.text_tokens[:WORDS]} - {""}


def _fit(documents: Sequence[Document], labels: Sequence[Sequence[str]]) -> WordModel | None:
    from scipy.sparse import csr_matrix  # noqa: PLC0415  (a worker never needs it)
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    items = Counter(code for codes in labels for code in codes)
    countries = tuple(sorted(code for code, count in items.items() if count >= LEAST_ITEMS))
    if not countries:
        return None
    texts = [sorted(_words(document)) for document in documents]
    frequency = Counter(word for words in texts for word in words)
    kept = sorted(frequency, key=lambda word: (-frequency[word], word))[:MOST_WORDS]
    vocabulary = {word: row for row, word in enumerate(word for word in kept if frequency[word] >= LEAST_TEXTS)}
    idf = np.array([np.log((len(texts) + 1) / (frequency[word] + 1)) + 1 for word in vocabulary])
    found = [[vocabulary[word] for word in words if word in vocabulary] for words in texts]
    columns = np.array([row for rows in found for row in rows], np.int64)
    starts = np.cumsum([0, *map(len, found)])
    lengths = np.sqrt([max(1.0, float((idf[rows] ** 2).sum())) for rows in found])
    values = idf[columns] / np.repeat(lengths, np.diff(starts))
    matrix = csr_matrix((values, columns, starts), shape=(len(texts), len(vocabulary)))
    weights, bias = np.zeros((len(vocabulary), 1 + len(countries))), np.zeros(len(countries))
    weights[:, 0] = idf**2
    for number, country in enumerate(countries):
        target = [country in codes for codes in labels]
        model = LogisticRegression(C=COST, solver="liblinear", dual=True, tol=0.05, max_iter=100, random_state=0)
        model.fit(matrix, target)
        weights[:, 1 + number] = model.coef_[0] * idf
        bias[number] = model.intercept_[0]
    return WordModel(vocabulary, to_units(weights), bias, countries)
