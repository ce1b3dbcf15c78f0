"""What the training items teach of forms and of the words beside them, all of it, and what each fifth did not teach."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.gazetteer import Matcher, read_table
from classifiers.region_context import Context, Lesson, context_of, learn_context, words_beside
from classifiers.region_examples import FOLDS, document_of, number_of, opening, reliability_of
from classifiers.region_features import Evidence, Places
from classifiers.region_hits import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.region_hits import Hits

    Row = Mapping[str, Any]


class Taught(NamedTuple):
    """Forms and contexts learnt from items."""

    places: Places
    matchers: dict[str, Matcher]
    reliability: NDArray[np.float64]  # by form
    context: Context
    folds: list[tuple[NDArray[np.float64], NDArray[np.float64]]]  # without each fold: reliability, rates by number

    def unseen(self, hits: Hits, fold: NDArray[np.int64]) -> Evidence:
        """What was learnt of every hit without the fold of its document; `fold` is by document."""
        evidence = Evidence(np.empty(len(hits.form)), np.empty(len(hits.form)))
        for left_out, (reliability, rates) in enumerate(self.folds):
            is_left = fold[hits.document] == left_out
            some = hits.where(is_left)
            evidence.reliability[is_left] = reliability[some.form]
            evidence.context[is_left] = context_of(some, rates)
        return evidence


def teach(rows: Sequence[Row], form_table: Path) -> Taught:
    """Learn from the headlines and openings of labelled items."""
    table = read_table(form_table)
    places = Places.of(table)
    documents = [document_of(row["lang"], row["title"], row["text"]) for row in rows]
    words = words_beside({language: Matcher(table, language) for language in table.languages}, documents)
    table.number(words)  # before the matchers are made that are to know them
    matchers = {language: Matcher(table, language) for language in table.languages}
    gold = [list(row["countries"]) for row in rows]
    hits = opening(find(matchers, documents))
    fold = np.array([number_of(row["id"], "fold") % FOLDS for row in rows])
    rates = [reliability_of(hits, places, gold, fold != left_out) for left_out in range(FOLDS)]
    lesson = Lesson(hits, gold, np.stack(rates)[fold[hits.document], hits.form], places)
    everything = np.ones(len(rows), np.bool_)
    return Taught(
        places,
        matchers,
        reliability_of(hits, places, gold, everything),
        learn_context(lesson, words, table, everything),
        [
            (rates[left_out], learn_context(lesson, words, table, fold != left_out).by_number(table))
            for left_out in range(FOLDS)
        ],
    )
