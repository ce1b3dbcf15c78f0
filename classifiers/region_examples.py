"""Training material of the region classifier: rows made into documents, and what they say of forms and candidates."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.contract import Document, Item
from classifiers.region_features import PLACE_KINDS
from classifiers.region_hits import OPENING_WORDS
from classifiers.text import tokenise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.region_features import Candidates, Places
    from classifiers.region_hits import Hits

    Row = Mapping[str, Any]

FOLDS = 5
SHRINK = 4.0  # a form seen in n items keeps n / (n + 4) of its own rate, the rest is the mean of its kind
LEAST_RATE, MOST_RATE = 0.01, 0.985  # no form is certain: its product with others must stay a number
TITLE_LEAST, LEAD_LEAST, LEAD_CHARACTERS = 25, 300, 250
COPY_WEIGHT = 0.5  # of every copy but the whole; without title-only and lead-only ones a headline alone gets F1 .34
HOME_LEAST, HOME_SHARE = 20, 0.45  # a source has a home when so many items, and so large a share, name it first


class Examples(NamedTuple):
    """Documents with what is known of them; `row` is the item's, `fold` the same for all copies of an item."""

    documents: list[Document]
    countries: list[list[str]]
    row: NDArray[np.int64]
    fold: NDArray[np.int64]
    weight: NDArray[np.float64]


def number_of(text: str, purpose: str) -> int:
    """A number that depends on the text alone, another one for every purpose."""
    return int.from_bytes(hashlib.blake2b(f"{purpose}:{text}".encode(), digest_size=8).digest(), "big")


def document_of(language: str, title: str | None, text: str | None, home: str | None = None) -> Document:
    """A document of a row; its language is believed."""
    title_tokens, text_tokens = tokenise(title or "", text or "")
    return Document(Item(title or "", text or "", None, home), language, 1.0, title_tokens, text_tokens)


def region_homes(rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """The country most of a source's items are about, by (source, language), where there is one."""
    by_source: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    items: Counter[tuple[str, str]] = Counter()
    for row in rows:
        key = row["source"], row["lang"]
        by_source[key].update(row["countries"][:1])
        items[key] += 1
    tops = {key: counts.most_common(1)[0] for key, counts in by_source.items() if counts}
    return {
        key: country
        for key, (country, count) in tops.items()
        if items[key] >= HOME_LEAST and count >= HOME_SHARE * items[key]
    }


def copies(rows: Sequence[Row]) -> Examples:
    """Every item whole, its title alone, its lead alone, and whole with its home known: each form of input met."""
    homes = region_homes(rows)
    documents: list[Document] = []
    row_of: list[int] = []
    weights: list[float] = []
    for index, row in enumerate(rows):
        title, text = row["title"] or "", row["text"] or ""
        home = row.get("home") or homes.get((row["source"], row["lang"]))
        forms: list[tuple[str, str, str | None, float]] = [(title, text, None, 1.0)]
        if len(title) > TITLE_LEAST:
            forms.append((title, "", None, COPY_WEIGHT))
        if len(text) > LEAD_LEAST:
            forms.append(("", text[:LEAD_CHARACTERS], None, COPY_WEIGHT))
        if home is not None:
            forms.append((title, text, home, COPY_WEIGHT))
        for copied_title, copied_text, known_home, weight in forms:
            documents.append(document_of(row["lang"], copied_title, copied_text, known_home))
            row_of.append(index)
            weights.append(weight)
    folds = np.array([number_of(rows[index]["id"], "fold") % FOLDS for index in row_of])
    return Examples(documents, [list(rows[i]["countries"]) for i in row_of], np.array(row_of), folds, np.array(weights))


def opening(hits: Hits) -> Hits:
    """The hits in headlines and in the first 75 words of texts."""
    kept = hits.position < hits.title_words[hits.document] + OPENING_WORDS
    return hits.where(kept)


def reliability_of(
    hits: Hits, places: Places, gold: Sequence[Sequence[str]], used: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """P(country among the labels | form in the item), by form, from the documents that are `used`."""
    forms = len(places.country)
    keep = used[hits.document] & (places.country[hits.form] >= 0)
    pairs = np.unique(hits.document[keep] * forms + hits.form[keep])
    document, form = pairs // forms, pairs % forms
    labels = {(index, code) for index, codes in enumerate(gold) for code in codes}
    rows = zip(document.tolist(), places.country[form].tolist(), strict=True)
    right = np.array([(index, places.codes[country]) in labels for index, country in rows], np.float64)
    seen = np.bincount(form, minlength=forms)
    hit = np.bincount(form, right, forms)
    kinds = [places.kind == kind for kind in range(len(PLACE_KINDS) + 1)]
    of_kind = np.array([(hit[kind].sum() + 1) / (seen[kind].sum() + 2) for kind in kinds])
    rates = (hit + SHRINK * of_kind[places.kind]) / (seen + SHRINK)
    result: NDArray[np.float64] = np.clip(rates, LEAST_RATE, MOST_RATE)
    return result


def targets(
    found: Candidates, places: Places, countries: Sequence[Sequence[str]]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Is the candidate among the labels; is it the first of them."""
    rows = zip(found.document.tolist(), found.country.tolist(), strict=True)
    pairs = [(countries[document], places.codes[country]) for document, country in rows]
    return np.array([code in codes for codes, code in pairs]), np.array([[code] == codes[:1] for codes, code in pairs])


def source_folds(rows: Sequence[Row], folds: int) -> NDArray[np.int64]:
    """Whole sources together, the largest spread first; items by their id where there are fewer sources than folds."""
    sizes = Counter(row["source"] for row in rows)
    if len(sizes) < folds:
        return np.array([number_of(row["id"], "group") % folds for row in rows])
    load = [0] * folds
    fold = {}
    for source, size in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])):
        fold[source] = load.index(min(load))
        load[fold[source]] += size
    return np.array([fold[row["source"]] for row in rows])
