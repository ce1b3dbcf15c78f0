"""Teaches what the wording of a document says of how many countries it is about (`wording`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import Ridge

from classifiers.terms import fit_terms
from classifiers.wording import MOST, Wording

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from classifiers.region_examples import Examples

ALPHA = 1.0  # ridge penalty, as of the topics
LEAST_ITEMS = 30  # of a language, as of the topics


def wanted(countries: Sequence[Sequence[str]]) -> NDArray[np.float64]:
    """(documents, WORDING_FEATURES): what is to be learnt of documents about these countries."""
    return np.array([(float(not codes), float(min(len(codes), MOST))) for codes in countries]).reshape(-1, 2)


def fit_wording(matrix: sparse.csr_matrix, countries: Sequence[Sequence[str]]) -> Wording:
    """Fit the maps of one language on its rows of terms; deterministic."""
    ridge = Ridge(alpha=ALPHA, solver="sparse_cg", tol=1e-3, max_iter=300)
    ridge.fit(matrix, wanted(countries))
    # The weights that are written are half floats; the ones that the trees learn from are the same.
    weights = ridge.coef_.T.astype(np.float16).astype(np.float32)
    return Wording(np.ascontiguousarray(weights), ridge.intercept_.astype(np.float32))


def unseen_wording(examples: Examples, group: NDArray[np.int64]) -> NDArray[np.float64]:
    """(documents, WORDING_FEATURES): what maps say of each document that have not learnt its group.

    `group` is by document. Whole items teach; their copies are only read. Of a language with too few items: the means.
    """
    is_whole = examples.weight == 1
    languages = np.array([document.language for document in examples.documents])
    found = np.empty((len(languages), 2))
    found[:] = wanted(examples.countries)[is_whole].mean(axis=0)
    for language in np.unique(languages):
        is_own = languages == language
        for left_out in np.unique(group[is_own]).tolist():
            taught = np.flatnonzero(is_own & is_whole & (group != left_out)).tolist()
            asked = np.flatnonzero(is_own & (group == left_out)).tolist()
            if len(taught) >= LEAST_ITEMS:
                terms = fit_terms([examples.documents[at] for at in taught])
                rows = terms.transform([examples.documents[at] for at in taught])
                wording = fit_wording(rows.matrix, [examples.countries[at] for at in taught])
                found[asked] = wording.scores(terms.transform([examples.documents[at] for at in asked]))
    return found
