"""Candidates (document, country) of a batch, and their features, computed with numpy for the whole batch at once.

Nothing here depends on what else stands in the batch: sums run in the order of a document's own words, and no feature
needs a logarithm (trees split where they like), whose last bit may depend on a value's place in an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.gazetteer import KINDS, NULL

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.gazetteer import FormTable, Matcher

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
)


class Hits(NamedTuple):
    """Forms found in a batch, ordered by document and position. Arrays of one length, but for the last two."""

    document: NDArray[np.int64]
    form: NDArray[np.int64]
    position: NDArray[np.int64]  # of the first word; the title's words come first
    title_words: NDArray[np.int64]  # by document
    words: NDArray[np.int64]  # by document, title and text


class Candidates(NamedTuple):
    """One row a (document, country) that names or the feed's country suggest, ordered by document."""

    document: NDArray[np.int64]
    country: NDArray[np.int64]
    in_text: NDArray[np.bool_]  # False: nothing but the feed's country suggests it
    features: NDArray[np.float32]  # (features, candidates)


class Places(NamedTuple):
    """The form table as arrays. `country` is an index into `codes`, -1 for a blocking phrase."""

    codes: tuple[str, ...]  # ISO 3166-1 alpha-2, sorted
    country: NDArray[np.int64]  # by form
    kind: NDArray[np.int64]  # by form

    @classmethod
    def of(cls, table: FormTable) -> Places:
        codes = tuple(sorted(set(table.countries) - {""}))
        number = {code: index for index, code in enumerate(codes)}
        return cls(
            codes,
            np.array([number.get(code, -1) for code in table.countries], np.int64),
            np.array(table.kinds, np.int64),
        )


def find(matchers: Mapping[str, Matcher], documents: Sequence[Document]) -> Hits:
    """All forms in the documents; a document of a language without a matcher has none."""
    forms: list[int] = []
    positions: list[int] = []
    counts: list[int] = []
    titles: list[int] = []
    lengths: list[int] = []
    for document in documents:
        title = headline(document)
        tokens = title + document.text_tokens
        matcher = matchers.get(document.language)
        found, where = _match(matcher, document, title, tokens) if matcher is not None else ([], [])
        forms += found
        positions += where
        counts.append(len(found))
        titles.append(len(title))
        lengths.append(len(tokens))
    return Hits(
        np.repeat(np.arange(len(documents)), counts),
        np.array(forms, np.int64),
        np.array(positions, np.int64),
        np.array(titles, np.int64),
        np.array(lengths, np.int64),
    )


def _match(matcher: Matcher, document: Document, title: list[str], tokens: list[str]) -> tuple[list[int], list[int]]:
    codes = matcher.words.of(document)
    return matcher.match(tokens, codes.title + codes.text if title else codes.text)


def headline(document: Document) -> list[str]:
    """The words of the title, none where it only repeats how the text begins.

    A teaser on a page has no headline, so its first words are given as one; counted as a headline they doubled China
    and lost the Philippines, which the sentence names second.
    """
    title = document.title_tokens
    return [] if title == document.text_tokens[: len(title)] else title


def candidates(
    hits: Hits,
    places: Places,
    reliability: NDArray[np.float64],
    home: NDArray[np.int64],
) -> Candidates:
    """The candidates of a batch.

    `reliability` is P(country | form) of every hit (one value a hit, 0 < value < 1); `home` the index of the feed's
    country of every document, -1 where the feed does not say.
    """
    country = places.country[hits.form] if len(hits.form) else hits.form
    is_place = country >= 0
    hits = hits._replace(document=hits.document[is_place], form=hits.form[is_place], position=hits.position[is_place])
    reliability = reliability[is_place]
    size = len(places.codes)
    key = hits.document * size + country[is_place]
    at_home = np.flatnonzero(home >= 0)
    unique = np.unique(np.concatenate((key, at_home * size + home[at_home])))
    row = np.searchsorted(unique, key)
    found = Candidates(unique // size, unique % size, np.zeros(len(unique), np.bool_), np.empty((0, 0), np.float32))
    found.in_text[row] = True
    columns = _columns(hits, found, row, places.kind, reliability)
    columns["home"] = home[found.document] == found.country
    columns["home_known"] = home[found.document] >= 0
    features = np.empty((len(FEATURES), len(unique)), np.float32)
    for index, name in enumerate(FEATURES):
        features[index] = columns[name]
    return found._replace(features=features)


def _columns(
    hits: Hits, found: Candidates, row: NDArray[np.int64], kind: NDArray[np.int64], reliability: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    documents, rows = len(hits.words), len(found.document)
    document = found.document
    after_title = hits.position - hits.title_words[hits.document]
    zone = (after_title >= 0).astype(np.int64) + (after_title >= LEAD_WORDS)
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
        "rank": _rank(document, weight - first * 1e-6),
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
    columns |= _reliability_columns(hits, found, row, zone, reliability)
    return columns


def _reliability_columns(
    hits: Hits, found: Candidates, row: NDArray[np.int64], zone: NDArray[np.int64], reliability: NDArray[np.float64]
) -> dict[str, NDArray[Any]]:
    documents, rows = len(hits.words), len(found.document)
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
        "reliable_rank": _rank(found.document, present),
        "against_other": np.minimum(missing / np.maximum(other, 1e-9), 1e6),
        "forms": np.bincount(row[distinct], minlength=rows),
    }


def _by_document(
    best: np.ufunc, document: NDArray[np.int64], values: NDArray[Any], documents: int
) -> NDArray[np.float64]:
    result: NDArray[np.float64] = np.full(documents, 0.0 if best is np.maximum else 1.0)
    best.at(result, document, values)
    return result


def _rank(document: NDArray[np.int64], score: NDArray[np.float64]) -> NDArray[np.int64]:
    """0 for the highest score of a document, 1 for the next; equal scores in order of country."""
    order = np.lexsort((-score, document))
    sorted_document = document[order]
    index = np.arange(len(order))
    is_start = np.ones(len(order), np.bool_)
    is_start[1:] = sorted_document[1:] != sorted_document[:-1]
    rank = np.empty(len(order), np.int64)
    rank[order] = index - np.maximum.accumulate(np.where(is_start, index, 0))
    return rank
