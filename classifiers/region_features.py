"""Candidates (document, country) of a batch, and their features, computed with numpy for the whole batch at once.

Nothing here depends on what else stands in the batch: sums run in the order of a document's own words, and no feature
needs a logarithm (trees split where they like), whose last bit may depend on a value's place in an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.gazetteer import KINDS, NULL
from classifiers.region_columns import Rows, context_columns, position_columns, rank_in_document
from classifiers.region_reading import READ_FEATURES, reading_columns
from classifiers.wording import WORDING_FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifiers.gazetteer import FormTable
    from classifiers.region_hits import Hits
    from classifiers.region_reading import Read

LEAD_WORDS = 45  # of the text; about the first two sentences
ZONES = ("title", "lead", "body")
PLACE_KINDS = KINDS[:NULL]
# Weight of a hit in "share" and "rank": a name in the title says most. By hand; the trees see the counts as well.
_KIND_WEIGHTS = (1.0, 0.8, 0.6, 0.5)
_ZONE_WEIGHTS = (3.0, 1.5, 1.0)
_FAR = 10_000.0  # first position of a candidate that came without a hit, from the feed's country

FEATURES = (
    *(f"{zone}_{kind}" for zone in ZONES for kind in PLACE_KINDS),
    "share",
    "ratio",
    "rank",
    "first",
    "candidates",
    "total",
    "words",
    "density",
    "title_share",
    "missing",
    "best",
    "best_title",
    "best_lead",
    "reliable_share",
    "reliable_rank",
    "against_other",
    "forms",
    "no_title",
    "home",
    "home_known",
    "first_word",
    "first_word_title",
    "first_word_text",
    "first_rank",
    "first_rank_title",
    "first_rank_text",
    "context",
    "context_mean",
    "context_best",
    "context_worst",
)
# Trees that accept a country read features up to here and those of the whole document, which stand behind the others
# (`accepting`); trees that order what was accepted read all: a feature costs its time for every candidate, and most are
# not accepted.
ACCEPTING = FEATURES.index("home_known") + 1


class Candidates(NamedTuple):
    """One row a (document, country) that names, the feed's country or a reading suggest, ordered by document."""

    document: NDArray[np.int64]
    country: NDArray[np.int64]
    in_text: NDArray[np.bool_]  # False: nothing but the feed's country suggests it
    features: NDArray[np.float32]  # (features, candidates)


class Evidence(NamedTuple):
    """What was learnt of every hit."""

    reliability: NDArray[np.float64]  # (hits,): P(country | form), 0 < value < 1
    context: NDArray[np.float64]  # (hits,): what the words beside it add (`region_context`)


class Places(NamedTuple):
    """The form table as arrays. `country` is an index into `codes`, -1 for a blocking phrase."""

    codes: tuple[str, ...]  # ISO 3166-1 alpha-2, sorted
    country: NDArray[np.int64]  # by form
    kind: NDArray[np.int64]  # by form

    @classmethod
    def of(cls, table: FormTable) -> Places:
        """-1 for the country of a form that stands for none."""
        codes = tuple(sorted(set(table.countries) - {""}))
        number = {code: index for index, code in enumerate(codes)}
        return cls(
            codes,
            np.array([number.get(code, -1) for code in table.countries], np.int64),
            np.array(table.kinds, np.int64),
        )


def candidates(
    hits: Hits,
    places: Places,
    evidence: Evidence,
    home: NDArray[np.int64],
    read: Read | None = None,
    wording: NDArray[np.float64] | None = None,
) -> Candidates:
    """The candidates of a batch; `home` is the index of the feed's country by document, -1 where it does not say.

    `read`: what an encoder says of the documents; `wording`: what their words say (`Wording.scores`). READ_FEATURES and
    WORDING_FEATURES then stand behind the others.
    """
    country = places.country[hits.form] if len(hits.form) else hits.form
    is_place = country >= 0
    hits, evidence = hits.where(is_place), Evidence(evidence.reliability[is_place], evidence.context[is_place])
    size = len(places.codes)
    key = hits.document * size + country[is_place]
    at_home = np.flatnonzero(home >= 0)
    at_home = at_home * size + home[at_home]
    suggested = read.keys(size) if read is not None else at_home[:0]
    unique = np.unique(np.concatenate((key, at_home, suggested)))
    row = np.searchsorted(unique, key)
    found = Candidates(unique // size, unique % size, np.zeros(len(unique), np.bool_), np.empty((0, 0), np.float32))
    found.in_text[row] = True
    found.in_text[np.searchsorted(unique, suggested)] = True
    rows = Rows(row, found.document)
    columns = _columns(hits, found, row, places.kind)
    columns |= _reliability_columns(hits, found, row, evidence.reliability)
    columns |= position_columns(hits, rows) | context_columns(hits, rows, evidence.context)
    columns["home"] = home[found.document] == found.country
    columns["home_known"] = home[found.document] >= 0
    if read is not None:
        is_named = np.zeros(len(unique), np.bool_)
        is_named[row] = True
        is_named[np.searchsorted(unique, at_home)] = True
        columns |= reading_columns(read, found.document, found.country, is_named)
    if wording is not None:
        columns |= dict(zip(WORDING_FEATURES, wording[found.document].T, strict=True))
    return found._replace(features=_stacked(columns, len(unique)))


def _stacked(columns: dict[str, NDArray[Any]], rows: int) -> NDArray[np.float32]:
    """The columns in the order of their names' lists."""
    names = [name for name in (*FEATURES, *READ_FEATURES, *WORDING_FEATURES) if name in columns]
    features = np.empty((len(names), rows), np.float32)
    for index, name in enumerate(names):
        features[index] = columns[name]
    return features


def accepting(features: NDArray[np.float32]) -> NDArray[np.float32]:
    """The rows of `Candidates.features` that trees read which accept a country."""
    return np.concatenate((features[:ACCEPTING], features[len(FEATURES) :]))


def _zone(hits: Hits) -> NDArray[np.int64]:
    after_title = hits.position - hits.title_words[hits.document]
    return (after_title >= 0).astype(np.int64) + (after_title >= LEAD_WORDS)


def _columns(hits: Hits, found: Candidates, row: NDArray[np.int64], kind: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    documents, rows = len(hits.words), len(found.document)
    document, zone = found.document, _zone(hits)
    cells = len(ZONES) * len(PLACE_KINDS)
    cell = zone * len(PLACE_KINDS) + kind[hits.form]
    counts = np.bincount(row * cells + cell, minlength=rows * cells).reshape(rows, cells)
    weights = np.outer(_ZONE_WEIGHTS, _KIND_WEIGHTS).ravel()
    weight = np.bincount(row, weights[cell], rows)
    in_title = np.bincount(row, weights[cell] * (zone == 0), rows)
    total = np.bincount(document, weight, documents)
    title_total = np.bincount(document, in_title, documents)
    first = np.full(rows, _FAR)
    np.minimum.at(first, row, hits.position)
    words = hits.words[document]
    columns: dict[str, NDArray[Any]] = {
        "share": weight / np.maximum(total[document], 1e-9),
        "ratio": weight / np.maximum(_by_document(np.maximum, document, weight, documents)[document], 1e-9),
        "rank": rank_in_document(document, weight - first * 1e-6),
        "first": first / np.maximum(words, 1),
        "candidates": np.bincount(document, minlength=documents)[document],
        "total": total[document],
        "words": words,
        "density": weight / np.maximum(words, 20),
        "title_share": in_title / np.maximum(title_total[document], 1e-9),
        "no_title": hits.title_words[document] == 0,
    }
    for index, name in enumerate(FEATURES[:cells]):
        columns[name] = counts[:, index]
    return columns


def _reliability_columns(
    hits: Hits, found: Candidates, row: NDArray[np.int64], reliability: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    documents, rows, zone = len(hits.words), len(found.document), _zone(hits)
    # Each distinct form of a candidate speaks once; `missing` is the chance that all of them mislead (noisy or).
    forms = int(hits.form.max()) + 1 if len(hits.form) else 1
    _, distinct = np.unique(row * forms + hits.form, return_index=True)
    missing = np.ones(rows)
    np.multiply.at(missing, row[distinct], 1 - reliability[distinct])
    best = np.zeros((3, rows))
    for index, last_zone in enumerate((2, 0, 1)):
        inside = zone <= last_zone
        np.maximum.at(best[index], row[inside], reliability[inside])
    present = 1 - missing
    least = _by_document(np.minimum, found.document, missing, documents)
    is_least = missing == least[found.document]
    others = np.ones(documents)
    np.minimum.at(others, found.document[~is_least], missing[~is_least])
    other = np.where(is_least, others[found.document], least[found.document])
    return {
        "missing": missing,
        "best": best[0],
        "best_title": best[1],
        "best_lead": best[2],
        "reliable_share": present / np.maximum(np.bincount(found.document, present, documents)[found.document], 1e-9),
        "reliable_rank": rank_in_document(found.document, present),
        "against_other": np.minimum(missing / np.maximum(other, 1e-9), 1e6),
        "forms": np.bincount(row[distinct], minlength=rows),
    }


def _by_document(
    best: np.ufunc, document: NDArray[np.int64], values: NDArray[Any], documents: int
) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.full(documents, 0.0 if best is np.maximum else 1.0)
    best.at(result, document, values)
    return result
