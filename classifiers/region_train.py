"""Trains the region classifier on rows {id, lang, title, text, countries, source, split}: see `train_regions`."""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.contract import Document, Item
from classifiers.gazetteer import Matcher, read_table
from classifiers.gazetteer_build import OUTPUT as FORM_TABLE
from classifiers.region_features import PLACE_KINDS, Candidates, Hits, Places, candidates, find
from classifiers.region_trees import Ensemble, Nodes, export_nodes
from classifiers.regions import FORMS_FILE, load_regions, save_model
from classifiers.text import tokenise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    Row = Mapping[str, Any]

FOLDS = 5
SHRINK = 4.0  # a form seen in n items keeps n / (n + 4) of its own rate, the rest is the mean of its kind
TREES, LEAVES, LEARNING_RATE = 150, 15, 0.12  # 250 trees: +.001 F1, and as many more microseconds
TITLE_LEAST, LEAD_LEAST, LEAD_CHARACTERS = 25, 300, 250
COPY_WEIGHT = 0.5  # of the title-only and the lead-only copy of an item; without them a headline alone gets F1 .34
HOME_LEAST, HOME_SHARE = 20, 0.45  # a source has a home when so many items, and so large a share, name it first
CALIBRATION_KNOTS = 24


class Examples(NamedTuple):
    """Documents with what is known of them; `fold` is the same for all copies of an item."""

    documents: list[Document]
    countries: list[list[str]]
    fold: NDArray[np.int64]
    weight: NDArray[np.float64]


class Fitted(NamedTuple):
    accept: tuple[Nodes, float]
    order: tuple[Nodes, float]


def train_regions(rows: Sequence[Row], out_dir: Path, *, seed: int) -> dict[str, Any]:
    """Fit on the rows whose `split` is not "dev", write the region files to `out_dir`, score them on the dev rows.

    Returns {"dev": {"all" or a language: {"f1", "precision", "recall", "exact", "first", "none_kept", "items"}}}; empty
    where there is no dev row. A row may carry `home`, the ISO code of its source's country; where no row does, a
    source's home is the country that most of its items are about. About 90 s on two cores for 24,000 rows.
    """
    training = [row for row in rows if row.get("split") != "dev"]
    dev = [row for row in rows if row.get("split") == "dev"]
    out_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FORM_TABLE, out_dir / FORMS_FILE)
    fit_regions(training, out_dir, seed=seed)
    return {"dev": score_regions(dev, out_dir)} if dev else {}


def fit_regions(rows: Sequence[Row], out_dir: Path, *, seed: int) -> None:
    """Fit both ensembles and the calibration; `out_dir` holds the form table."""
    table = read_table(out_dir / FORMS_FILE)
    places = Places.of(table)
    matchers = {language: Matcher(table, language) for language in table.languages}
    fold = np.array([_number(row["id"], "fold") % FOLDS for row in rows])
    whole = find(matchers, [_document(row["lang"], row["title"], row["text"], None) for row in rows])
    gold = [list(row["countries"]) for row in rows]
    reliability = _reliability(whole, places, gold, np.ones(len(rows), np.bool_))
    out_of_fold = np.stack([_reliability(whole, places, gold, fold != k) for k in range(FOLDS)])
    examples = _copies(rows, fold)
    hits = find(matchers, examples.documents)
    numbers = {code: number for number, code in enumerate(places.codes)}
    home = np.array([numbers.get(document.item.home or "", -1) for document in examples.documents], np.int64)
    found = candidates(hits, places, out_of_fold[examples.fold[hits.document], hits.form], home)
    targets = _targets(found, places, examples.countries)
    weight = examples.weight[found.document]
    group = _source_folds(rows)[np.concatenate([np.arange(len(rows)), *_copied(rows)])][found.document]
    raw = np.zeros(len(found.document))
    for k in range(FOLDS):
        left_out = group == k
        nodes, baseline = _fit(found.features[:, ~left_out], targets[0][~left_out], weight[~left_out], seed)
        raw[left_out] = Ensemble(nodes, baseline).score(found.features[:, left_out])
    knots = _calibrate(raw, targets[0], weight)
    trees = {
        name: _fit(found.features, target, weight, seed)
        for name, target in zip(("accept", "order"), targets, strict=True)
    }
    save_model(out_dir, trees, {"reliability": reliability, "raw": knots[0], "probability": knots[1]})


def _number(identity: str, purpose: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{purpose}:{identity}".encode(), digest_size=8).digest(), "big")


def _document(language: str, title: str | None, text: str | None, home: str | None) -> Document:
    title_tokens, text_tokens = tokenise(title or "", text or "")
    return Document(Item(title or "", text or "", None, home), language, 1.0, title_tokens, text_tokens)


def _homes(rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """The country most of a source's items are about, where there is one."""
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


def _has_title(row: Row) -> bool:
    return len(row["title"] or "") > TITLE_LEAST


def _has_lead(row: Row) -> bool:
    return len(row["text"] or "") > LEAD_LEAST


def _copied(rows: Sequence[Row]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    titled = np.array([index for index, row in enumerate(rows) if _has_title(row)], np.int64)
    leads = np.array([index for index, row in enumerate(rows) if _has_lead(row)], np.int64)
    return titled, leads


def _copies(rows: Sequence[Row], fold: NDArray[np.int64]) -> Examples:
    """Every item whole, its title alone, its lead alone: each form of input that is met. Half know their home."""
    homes = _homes(rows)
    titled, leads = _copied(rows)
    documents, countries = [], []
    order = [*((i, 0) for i in range(len(rows))), *((i, 1) for i in titled), *((i, 2) for i in leads)]
    for index, form in order:
        row = rows[index]
        title = "" if form == 2 else row["title"]
        text = (row["text"], "", (row["text"] or "")[:LEAD_CHARACTERS])[form]
        is_told = _number(row["id"], "home") % 2 == 0
        home = (row.get("home") or homes.get((row["source"], row["lang"]))) if is_told else None
        documents.append(_document(row["lang"], title, text, home))
        countries.append(list(row["countries"]))
    at = np.array([index for index, _ in order], np.int64)
    weight = np.array([1.0 if form == 0 else COPY_WEIGHT for _, form in order])
    return Examples(documents, countries, fold[at], weight)


def _reliability(
    hits: Hits, places: Places, gold: Sequence[Sequence[str]], used: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """P(country among the labels | form in the item), by form, from the documents that are `used`."""
    forms = len(places.country)
    keep = used[hits.document] & (places.country[hits.form] >= 0)
    pairs = np.unique(hits.document[keep] * forms + hits.form[keep])
    document, form = pairs // forms, pairs % forms
    labels = {(index, code) for index, codes in enumerate(gold) for code in codes}
    right = np.array(
        [(d, places.codes[c]) in labels for d, c in zip(document.tolist(), places.country[form].tolist(), strict=True)],
        np.float64,
    )
    seen = np.bincount(form, minlength=forms)
    hit = np.bincount(form, right, forms)
    of_kind = np.array(
        [
            (hit[places.kind == kind].sum() + 1) / (seen[places.kind == kind].sum() + 2)
            for kind in range(len(PLACE_KINDS) + 1)
        ]
    )
    result: NDArray[np.float64] = np.clip((hit + SHRINK * of_kind[places.kind]) / (seen + SHRINK), 0.01, 0.985)
    return result


def _targets(
    found: Candidates, places: Places, countries: Sequence[Sequence[str]]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Is the candidate among the labels; is it the first of them."""
    pairs = [
        (countries[d], places.codes[c]) for d, c in zip(found.document.tolist(), found.country.tolist(), strict=True)
    ]
    return np.array([code in codes for codes, code in pairs]), np.array([[code] == codes[:1] for codes, code in pairs])


def _fit(
    features: NDArray[np.float32], target: NDArray[np.bool_], weight: NDArray[np.float64], seed: int
) -> tuple[Nodes, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415  (a worker never needs it)

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=LEARNING_RATE,
        max_leaf_nodes=LEAVES,
        l2_regularization=1,
        early_stopping=False,
        random_state=seed,
    ).fit(features.T, target, sample_weight=weight)
    return export_model(model)


def export_model(model: Any) -> tuple[Nodes, float]:
    """Nodes and baseline of a fitted binary HistGradientBoostingClassifier.

    scikit-learn has no public access to its trees; a test compares the export with its own decision function.
    """
    trees = [iteration[0].nodes for iteration in model._predictors]  # noqa: SLF001
    return export_nodes(trees), float(model._baseline_prediction.ravel()[0])  # noqa: SLF001


def _source_folds(rows: Sequence[Row]) -> NDArray[np.int64]:
    """Whole sources together, so that the calibration is that of an outlet not seen; largest sources spread first."""
    sizes = Counter(row["source"] for row in rows)
    load = [0] * FOLDS
    fold = {}
    for source, size in sorted(sizes.items(), key=lambda pair: (-pair[1], pair[0])):
        fold[source] = load.index(min(load))
        load[fold[source]] += size
    if len(sizes) < FOLDS:
        return np.array([_number(row["id"], "group") % FOLDS for row in rows])
    return np.array([fold[row["source"]] for row in rows])


def _calibrate(
    raw: NDArray[np.float64], target: NDArray[np.bool_], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Increasing knots (score, probability): isotonic means of groups of equal weight."""
    from sklearn.isotonic import IsotonicRegression  # noqa: PLC0415

    order = np.argsort(raw, kind="stable")
    parts = np.array_split(order, CALIBRATION_KNOTS)
    scores = np.array([np.average(raw[part], weights=weight[part]) for part in parts])
    rates = np.array([np.average(target[part], weights=weight[part]) for part in parts])
    smooth = IsotonicRegression(y_min=0.002, y_max=0.998).fit_transform(scores, rates)
    return scores, np.asarray(smooth, np.float64)


def score_regions(rows: Sequence[Row], directory: Path, *, with_home: bool = False) -> dict[str, dict[str, float]]:
    """Scores of the stored classifier on labelled rows, over all and by language."""
    classifier = load_regions(directory)
    documents = [
        _document(row["lang"], row["title"], row["text"], row.get("home") if with_home else None) for row in rows
    ]
    predicted = [
        [label.code for label in verdict.labels]
        for start in range(0, len(documents), 500)
        for verdict in classifier.classify(documents[start : start + 500])
    ]
    by: dict[str, list[tuple[list[str], list[str]]]] = defaultdict(list)
    for row, answer in zip(rows, predicted, strict=True):
        by[row["lang"]].append((list(row["countries"]), answer))
        by["all"].append((list(row["countries"]), answer))
    return {name: measure(pairs) for name, pairs in by.items()}


def measure(pairs: Sequence[tuple[list[str], list[str]]]) -> dict[str, float]:
    """How good answers are, from pairs (labels, answer), each in order of importance.

    Micro "f1", "precision", "recall"; shares of "exact" sets, of right "first" countries, of right "order" of the first
    two where both are answered, and of items about no place that got none ("none_kept").
    """
    right = sum(len(set(gold) & set(answer)) for gold, answer in pairs)
    answered = sum(len(answer) for _, answer in pairs)
    labelled = sum(len(gold) for gold, _ in pairs)
    ordered = [
        [code for code in answer if code in gold[:2]] == gold[:2]
        for gold, answer in pairs
        if len(gold) > 1 and set(gold[:2]) <= set(answer)
    ]
    return {
        "f1": 2 * right / max(1, answered + labelled),
        "precision": right / max(1, answered),
        "recall": right / max(1, labelled),
        "exact": _mean([set(gold) == set(answer) for gold, answer in pairs]),
        "first": _mean([answer[:1] == gold[:1] for gold, answer in pairs if gold]),
        "order": _mean(ordered),
        "none_kept": _mean([not answer for gold, answer in pairs if not gold]),
        "items": float(len(pairs)),
    }


def _mean(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else 0.0
