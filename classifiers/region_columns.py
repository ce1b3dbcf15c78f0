"""Features of candidates from where their names stand and what stands beside them: who acts, and where it happens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifiers.region_hits import Hits

_FAR = 500  # words; where no name stands


class Rows(NamedTuple):
    """Which candidate each hit speaks for, and the document of each candidate."""

    of_hit: NDArray[np.int64]
    document: NDArray[np.int64]


def position_columns(hits: Hits, rows: Rows) -> dict[str, NDArray[Any]]:
    """Where each candidate is first named (word), and its rank in that: at all, in the title, after the title."""
    after_title = hits.position - hits.title_words[hits.document]
    in_title = after_title < 0
    everywhere = np.ones(len(in_title), np.bool_)
    columns: dict[str, NDArray[Any]] = {}
    for suffix, word, is_meant in (
        ("", hits.position, everywhere),
        ("_title", hits.position, in_title),
        ("_text", after_title, ~in_title),
    ):
        first = np.full(len(rows.document), _FAR)
        np.minimum.at(first, rows.of_hit[is_meant], word[is_meant])
        columns["first_word" + suffix] = first
        columns["first_rank" + suffix] = rank_in_document(rows.document, -first)
    return columns


def context_columns(hits: Hits, rows: Rows, context: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
    """What the words beside a name add (`region_context`): at the first name of a candidate, mean, most and least."""
    count = len(rows.document)
    first = np.full(count, _FAR)
    np.minimum.at(first, rows.of_hit, hits.position)
    is_first = hits.position == first[rows.of_hit]
    seen = np.maximum(np.bincount(rows.of_hit, minlength=count), 1)
    lead = np.zeros(count)
    lead[rows.of_hit[is_first]] = context[is_first]
    # From -3 to 3: those of a candidate without a name stay where no name can be.
    best, worst = np.full(count, -4.0), np.full(count, 4.0)
    np.maximum.at(best, rows.of_hit, context)
    np.minimum.at(worst, rows.of_hit, context)
    mean = np.bincount(rows.of_hit, context, count) / seen
    return {"context": lead, "context_mean": mean, "context_best": best, "context_worst": worst}


def rank_in_document(document: NDArray[np.int64], score: NDArray[Any]) -> NDArray[np.int64]:
    """0 for the highest score of a document, 1 for the next; equal scores in order of country."""
    order = np.lexsort((-score, document))
    sorted_document = document[order]
    index = np.arange(len(order))
    is_start = np.ones(len(order), np.bool_)
    is_start[1:] = sorted_document[1:] != sorted_document[:-1]
    rank = np.empty(len(order), np.int64)
    rank[order] = index - np.maximum.accumulate(np.where(is_start, index, 0))
    return rank
