"""Trains and measures the region classifier on rows {id, lang, title, text, countries, source, split[, home]}."""

from __future__ import annotations

import shutil
from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from classifiers.dataset import DatasetError
from classifiers.gazetteer_build import OUTPUT as FORM_TABLE
from classifiers.region_evidence import teach
from classifiers.region_examples import FOLDS, copies, document_of, source_folds, targets
from classifiers.region_features import accepting, candidates
from classifiers.region_files import FORMS_FILE, Learnt, LearntReader, LearntTrees, write_model
from classifiers.region_hits import find
from classifiers.region_reading_train import teach_reading
from classifiers.region_trees import Ensemble, Nodes, export_nodes
from classifiers.regions import load_regions
from classifiers.wording_train import unseen_wording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.region_features import Candidates, Places
    from classifiers.region_reading_train import Vectors

    Row = Mapping[str, Any]

TREES, LEAVES, LEARNING_RATE = 150, 15, 0.12  # 250 trees: +.001 F1, and as many more microseconds
LEAST_CANDIDATES = 80  # of a leaf; 20 gave held-out outlets .866, 80 .869
CALIBRATION_KNOTS = 24


def train_regions(rows: Sequence[Row], out_dir: Path, *, seed: int, vectors: Vectors | None = None) -> dict[str, Any]:
    """Fit on the rows whose `split` is not "dev", write the region files to `out_dir`, score them on the dev rows.

    Returns {"dev": {"all" or a language: `measure` of it}}, without an encoder; empty where there is no dev row. A row
    may carry `home`, the ISO code of its source's country; where no row does, a source's home is the country that most
    of its items are about. With `vectors` of an encoder the files hold also how to judge what it has read. The same
    rows and seed give the same files. About two minutes of CPU for 24,000 rows; with an encoder fifteen.
    """
    training = [row for row in rows if row.get("split") != "dev"]
    dev = [row for row in rows if row.get("split") == "dev"]
    out_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(FORM_TABLE, out_dir / FORMS_FILE)
    # scikit-learn's threads wait for each other spinning: of three small trainings at once on two cores each took 4 s
    # with one thread, 16 s with two. One also adds up in the same order on every machine.
    with threadpool_limits(1):
        write_model(out_dir, fit_regions(training, out_dir / FORMS_FILE, seed=seed, vectors=vectors))
    return {"dev": score_regions(dev, out_dir)} if dev else {}


class _Seen(NamedTuple):
    """What the ensembles learn from, besides the candidates."""

    countries: list[list[str]]
    places: Places
    weight: NDArray[np.float64]  # by document
    group: NDArray[np.int64]  # by document
    seed: int


def fit_regions(rows: Sequence[Row], form_table: Path, *, seed: int, vectors: Vectors | None = None) -> Learnt:
    """Fit both ensembles and the calibration: by names alone, with the wording, and with `vectors` for what was read.

    Raises DatasetError where the rows name no country that they are labelled with, or no other. Whatever a candidate is
    judged by was learnt without its item: the reliability of forms in five folds; the calibration, what the wording and
    what the encoder's vectors say, without its source.
    """
    taught = teach(rows, form_table)
    examples = copies(rows)
    hits = find(taught.matchers, examples.documents)
    numbers = {code: number for number, code in enumerate(taught.places.codes)}
    home = np.array([numbers.get(document.item.home or "", -1) for document in examples.documents], np.int64)
    evidence = taught.unseen(hits, examples.fold)
    group = source_folds(rows, FOLDS)[examples.row]
    seen = _Seen(examples.countries, taught.places, examples.weight, group, seed)
    names = hits, taught.places, evidence, home
    trees = _fit_trees(candidates(*names), seen)
    wording = unseen_wording(examples, group)
    worded = _fit_trees(candidates(*names, wording=wording), seen)
    learnt = Learnt(taught.reliability, trees, taught.context, worded)
    if vectors is None:
        return learnt
    reading = teach_reading(examples, vectors.of(examples.documents), taught.places, group)
    if reading is None:
        return learnt
    head, read = reading
    read_trees = _fit_trees(candidates(*names, read, wording), seen)
    return learnt._replace(reader=LearntReader(head, read_trees), encoder=vectors.digest)


def _fit_trees(found: Candidates, seen: _Seen) -> LearntTrees:
    is_label, is_first = targets(found, seen.places, seen.countries)
    if is_label.all() or not is_first.any():
        raise DatasetError(
            "no item names a country that it is labelled with, or none that it is not: there is nothing to learn of "
            "countries; check `lang` and `countries` (ISO 3166-1 alpha-2), or leave `countries` out"
        )
    weight, group = seen.weight[found.document], seen.group[found.document]
    features = accepting(found.features)
    knots = _calibrate(_unseen_raw(features, is_label, weight, group, seen.seed), is_label, weight)
    return LearntTrees(
        _fit(features, is_label, weight, seen.seed), _fit(found.features, is_first, weight, seen.seed), *knots
    )


def _fit(
    features: NDArray[np.float32], target: NDArray[np.bool_], weight: NDArray[np.float64], seed: int
) -> tuple[Nodes, float]:
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415  (a worker never needs it)

    model = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=LEARNING_RATE,
        max_leaf_nodes=LEAVES,
        min_samples_leaf=LEAST_CANDIDATES,
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


def _unseen_raw(
    features: NDArray[np.float32],
    target: NDArray[np.bool_],
    weight: NDArray[np.float64],
    group: NDArray[np.int64],
    seed: int,
) -> NDArray[np.float64]:
    """Scores of every candidate by trees that saw none of its source."""
    raw = np.zeros(len(target))
    for left_out in np.unique(group).tolist():
        is_seen = group != left_out
        nodes, baseline = _fit(features[:, is_seen], target[is_seen], weight[is_seen], seed)
        raw[~is_seen] = Ensemble(nodes, baseline).score(np.ascontiguousarray(features[:, ~is_seen]))
    return raw


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
    """`measure` of the stored classifier on labelled rows, over all and by language."""
    classifier = load_regions(directory)
    documents = [
        document_of(row["lang"], row["title"], row["text"], row.get("home") if with_home else None) for row in rows
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
