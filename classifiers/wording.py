"""What the wording of a document says of how many countries it is about, whichever names it holds.

Names cannot tell advice by a doctor of Harvard from a story about the United States; the words around them can, in
part. Two linear maps of the topics' rows are enough: on outlets that taught nothing, items about no place that get none
.81 for .68, countries F1 .872 for .866. Which countries, words alone must not say: they know the outlets that taught
them (`regions`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classifiers.terms import Rows

# Of a document: how far it is about no place (learnt from 0 and 1), and of how many countries (from 0 to MOST).
WORDING_FEATURES = ("wording_none", "wording_countries")
MOST = 3
WORDING_WORD = "[wording]"  # stands among the words of an explanation for what all the words together changed
_STEPS = 1024.0  # scores are multiples of its inverse: the last bit of a sum decides nothing


class Wording(NamedTuple):
    """The linear maps of one language, a column a feature."""

    weights: NDArray[np.float32]  # (terms, WORDING_FEATURES)
    offsets: NDArray[np.float32]  # (WORDING_FEATURES,)

    def scores(self, rows: Rows) -> NDArray[np.float64]:
        """(documents, WORDING_FEATURES). A row depends on its document alone, to the last bit."""
        found = np.asarray(rows.matrix @ self.weights, np.float64) + self.offsets
        return np.asarray(np.round(found * _STEPS) / _STEPS)
