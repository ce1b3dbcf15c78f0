"""TF-IDF rows of documents over words and stems; each surface form is turned into its columns once (`words`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

from classifiers.text import FIRST_CJK, Memo, cjk_runs, normalise, stem
from classifiers.words import REMEMBERED, Words, occurrences_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.words import Occurrences

# Documents a term must stand in; 3 and 4 halve the topics' model and lose .006 and .011 on held-out sources.
LEAST_DOCUMENTS = 2
TITLE_WEIGHT = 2  # the headline counts twice; 1 and 3 gave .761, 2 gave .760: nothing hangs on it, headlines alone do
# A memo holds twice as many surface forms a generation as the vocabulary has terms, within this and `REMEMBERED`.
MEMO_LEAST = 10_000
_LONGEST_COUNT = 1000  # a word can stand at most 2 * 60 + 300 times, a bigram of Chinese at most 400 + 2,600 times
_LARGEST = 2**31
_STEM = "^"  # marks a stem, so that it never meets a word: "^" is in no word


def terms_of(surface: str) -> list[str]:
    """The terms of one surface form: its normal form and its stem; of Chinese and Japanese every two characters.

    Without bigrams Chinese, which has no spaces, reached top-1 .19; with them .53.
    """
    runs = cjk_runs(surface)
    if runs:
        return [run[at : at + 2] for run in runs for at in range(len(run) - 1)]
    word = normalise(surface)
    return [word, _STEM + stem(word)] if len(word) > 1 else []


def weighted_words(document: Document) -> Iterator[str]:
    """The words of a document, those of the headline as often as it counts."""
    for _ in range(TITLE_WEIGHT):
        yield from document.title_tokens
    yield from document.text_tokens


def document_frequencies(documents: Iterable[Document]) -> dict[str, int]:
    """In how many documents each term stands."""
    memo = Memo(terms_of, 1_000_000)  # training only: every form of the training set may stay
    frequencies: dict[str, int] = {}
    for document in documents:
        present: set[str] = set()
        for surface in {*document.title_tokens, *document.text_tokens}:
            present.update(memo[surface])
        for term in present:
            frequencies[term] = frequencies.get(term, 0) + 1
    return frequencies


class Rows(NamedTuple):
    """Documents as numbers."""

    matrix: sparse.csr_matrix  # (documents, terms): (1 + log tf) x idf, L2 norm 1, float32
    known: NDArray[np.float64]  # (documents,): share of the words' terms that the vocabulary holds, 0..1


class TermRows:
    """The vocabulary of one language and the way from documents to rows.

    `words` looks the words up; a model puts its own there, which serve the gazetteer too.
    """

    def __init__(self, columns: Mapping[str, int], idf: NDArray[np.float32]) -> None:
        self.columns = columns
        self.idf = idf
        self.words = Words(self.columns_of, remembered=min(max(2 * len(columns), MEMO_LEAST), REMEMBERED))
        # Looked up rather than computed: a vectorised logarithm may differ in its last bit with the batch's length.
        self._damped = np.array([0.0, *(1.0 + np.log(np.arange(1, _LONGEST_COUNT)))])

    def columns_of(self, surface: str, word: str) -> Sequence[int]:
        """Columns of a surface form whose normal form is `word`: what `terms_of` says, as far as they are known."""
        find = self.columns.get
        if surface[0] >= FIRST_CJK or surface[-1] >= FIRST_CJK:
            return [at for at in map(find, terms_of(surface)) if at is not None]
        if len(word) < 2:
            return ()
        whole, part = find(word), find(_STEM + stem(word))
        if whole is None:
            return () if part is None else (part,)
        return (whole,) if part is None else (whole, part)

    def transform(self, documents: Sequence[Document]) -> Rows:
        """Each row depends on its document alone, to the last bit."""
        found = occurrences_of(list(map(self.words.of, documents)), TITLE_WEIGHT)
        words = [len(document.title_tokens) * TITLE_WEIGHT + len(document.text_tokens) for document in documents]
        sizes = np.bincount(found.document, minlength=len(documents))
        known = np.minimum(sizes / (2 * np.maximum(words, 1)), 1.0)
        return Rows(self._weigh(found, len(documents)), known)

    def _weigh(self, found: Occurrences, documents: int) -> sparse.csr_matrix:
        """Make rows of columns that may repeat."""
        width = len(self.idf)
        # 32 bits are sorted in half the time of 64: 10 us an item for batches of 500 and vocabularies of 90,000.
        kind: Any = np.int32 if documents * width < _LARGEST else np.int64  # Any: of either, an integer
        cells = found.document.astype(kind) * kind(width) + found.column
        cells.sort()
        first = np.flatnonzero(np.diff(cells, prepend=kind(-1)))
        counts = np.diff(first, append=len(cells))
        cells = cells[first]
        starts = np.searchsorted(cells, np.arange(documents + 1, dtype=kind) * kind(width))
        rows = np.repeat(np.arange(documents, dtype=kind), np.diff(starts))
        columns = cells - rows * kind(width)
        values = self._damped[np.minimum(counts, _LONGEST_COUNT - 1)] * self.idf[columns]
        norms = np.sqrt(np.bincount(rows, values * values, documents))
        values /= norms[rows]
        return sparse.csr_matrix(
            (values.astype(np.float32), columns.astype(np.int32), starts.astype(np.int32)), shape=(documents, width)
        )


def fit_terms(documents: Sequence[Document], least: int = LEAST_DOCUMENTS) -> TermRows:
    """Build the vocabulary of terms that stand in at least `least` documents, in sorted order, with smoothed idf."""
    frequencies = document_frequencies(documents)
    kept = sorted(term for term, count in frequencies.items() if count >= least)
    counts = np.array([frequencies[term] for term in kept], np.float64)
    idf = np.log((1 + len(documents)) / (1 + counts)) + 1  # scikit-learn's smooth_idf
    return TermRows({term: column for column, term in enumerate(kept)}, idf.astype(np.float32))
