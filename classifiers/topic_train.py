"""Trains the topic models: ridge regression on soft targets, one model a language, calibrated on held-out sources."""

from __future__ import annotations

import hashlib
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from sklearn.linear_model import Ridge

from classifiers.calibration import Curve, probabilities
from classifiers.calibration_fit import fit_curve, fit_second_threshold
from classifiers.contract import Document
from classifiers.linear import LinearModel, Thresholds
from classifiers.terms import fit_terms
from classifiers.text import tokenise
from classifiers.wording_train import fit_wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifiers.dataset import Example

ALPHA = 1.0  # ridge penalty; .4 / .7 / 1.2 / 2 gave .528 / .539 / .541 / .541 on held-out sources, .786 to .790 on dev
RARE_POWER = 0.5  # rows are weighted by (class share)^-.5; .3 and .7 differ by .004
LEAST_EXAMPLES = 30  # of one language; under that no model is made of it
FOLDS = 5
_DOMINANT = 0.6  # a source with more of a language than this cannot be held out whole: its items are dealt singly
_ABSTAIN_QUANTILE = 0.003  # share of held-out articles under the first label's threshold ...
# ... which is never higher than this, at which one guess in five is right. Teasers have smaller probabilities than
# articles: at the quantile alone, .26 in Arabic and .30 in Turkish, 1 to 3 % of headlines abstained. What is no news
# is turned away by other rules (abstention, known terms); this threshold adds 3 code samples in 237 to them.
_ABSTAIN_MOST = 0.2
_KNOWN_QUANTILE = 0.01  # half of what 99 of 100 held-out items reach of known terms is asked for
_MARGIN_QUANTILE = 0.3  # share of held-out news that a second tier should see


class HeldOut(NamedTuple):
    """What models that saw neither an example nor (where it can be) its source say of it."""

    scores: NDArray[np.float64]  # (examples, labels), before the calibration curve
    known: NDArray[np.float64]  # (examples,)


def documents_of(examples: Sequence[Example]) -> list[Document]:
    """Examples as documents of the language that their label says."""
    return [Document(one.item, one.language, 1.0, *tokenise(one.title, one.text)) for one in examples]


def train_language(
    examples: Sequence[Example], codes: Sequence[str], *, seed: int, teach_places: bool = False
) -> tuple[LinearModel, HeldOut]:
    """Fit the model of one language on examples that all have topics of `codes`; deterministic by `seed`.

    `teach_places`: the examples' countries count too, an example without any is about no place (`wording`).
    """
    held_out = _cross_fit(examples, codes, seed)
    thresholds = _thresholds(held_out, examples, codes)
    documents = documents_of(examples)
    model = _fit(examples, documents, codes, thresholds, seed)
    if teach_places:
        matrix = model.terms.transform(documents).matrix
        model.wording = fit_wording(matrix, [example.countries for example in examples])
    return model, held_out


def source_folds(examples: Sequence[Example], folds: int = FOLDS) -> NDArray[np.int64]:
    """Give each example a fold so that a source lies in one fold; a dominant source is dealt by a hash of the ids."""
    sizes = Counter(example.source for example in examples)
    dominant = {source for source, size in sizes.items() if size > _DOMINANT * len(examples)}
    load = [0] * folds
    place: dict[str, int] = {}
    for source, size in sorted(sizes.items(), key=lambda entry: (-entry[1], entry[0])):
        if source not in dominant:
            place[source] = load.index(min(load))
            load[place[source]] += size
    return np.array([place.get(one.source, _dealt(one.id, folds)) for one in examples], np.int64)


def _dealt(name: str, folds: int) -> int:
    return hashlib.blake2b(name.encode(errors="surrogatepass")).digest()[1] % folds


def soft_targets(examples: Sequence[Example], codes: Sequence[str]) -> NDArray[np.float64]:
    """Shape (examples, labels): main topic 1, second .5, third .25, each row divided by its sum."""
    number = {code: column for column, code in enumerate(codes)}
    targets = np.zeros((len(examples), len(codes)))
    for row, example in enumerate(examples):
        for rank, code in enumerate(example.topics):
            targets[row, number[code]] = 1.0 if rank == 0 else 0.5 / rank
    return np.asarray(targets / targets.sum(axis=1, keepdims=True))


def main_labels(examples: Sequence[Example], codes: Sequence[str]) -> NDArray[np.int64]:
    """Column of the main topic of each example."""
    number = {code: column for column, code in enumerate(codes)}
    return np.array([number[example.topics[0]] for example in examples], np.int64)


def _fit(
    examples: Sequence[Example], documents: Sequence[Document], codes: Sequence[str], limits: Thresholds, seed: int
) -> LinearModel:
    terms = fit_terms(documents)
    targets = soft_targets(examples, codes)
    share = targets.sum(axis=0) + 1
    weight = (targets * (share.mean() / share) ** RARE_POWER).sum(axis=1)
    ridge = Ridge(alpha=ALPHA, solver="sparse_cg", tol=1e-3, max_iter=300, random_state=seed)
    ridge.fit(terms.transform(documents).matrix, targets, sample_weight=weight)
    # The weights that are written are half floats; the ones that are measured are the same.
    weights = ridge.coef_.T.astype(np.float16).astype(np.float32)
    return LinearModel(terms, np.ascontiguousarray(weights), ridge.intercept_.astype(np.float32), limits)


def _cross_fit(examples: Sequence[Example], codes: Sequence[str], seed: int) -> HeldOut:
    folds = source_folds(examples)
    documents = documents_of(examples)
    held_out = HeldOut(np.zeros((len(examples), len(codes))), np.zeros(len(examples)))
    unset = Thresholds(Curve(1.0, 1.0), 0.0, 1.0, 0.0, 0.0)
    for fold in np.unique(folds):
        inside, outside = np.flatnonzero(folds == fold).tolist(), np.flatnonzero(folds != fold).tolist()
        learned = outside or inside
        model = _fit([examples[at] for at in learned], [documents[at] for at in learned], codes, unset, seed)
        rows = model.terms.transform([documents[at] for at in inside])
        held_out.scores[inside] = model.scores(rows)
        held_out.known[inside] = rows.known
    return held_out


def _thresholds(held_out: HeldOut, examples: Sequence[Example], codes: Sequence[str]) -> Thresholds:
    number = {code: column for column, code in enumerate(codes)}
    curve = fit_curve(held_out.scores, main_labels(examples, codes))
    values = probabilities(held_out.scores, curve)
    two = np.sort(values, axis=1)[:, -2:]
    return Thresholds(
        curve=curve,
        first=round(min(float(np.quantile(two[:, 1], _ABSTAIN_QUANTILE)), _ABSTAIN_MOST), 4),
        second=fit_second_threshold(values, [frozenset(number[code] for code in one.topics) for one in examples]),
        margin=round(float(np.quantile(two[:, 1] - two[:, 0], _MARGIN_QUANTILE)), 4),
        known=round(float(np.quantile(held_out.known, _KNOWN_QUANTILE)) / 2, 4),
    )
