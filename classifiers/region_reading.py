"""What an encoder's vector of a document says of countries: features of candidates, and candidates without a name.

Names cannot tell advice by a doctor of Harvard from a story about the United States, and say nothing of a story whose
country goes without saying. A linear head on the encoder's vector knows both: on outlets that taught
neither, countries F1 .886 for .866, items about no place that get none .81 for .68; beside the wording .890 for .872.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

READ_FEATURES = ("read", "read_margin", "read_rank", "read_none", "read_countries", "unnamed")
LEAST_UNNAMED = (
    -1.0
)  # log-odds from which a country without a name is a candidate; -2 brings as many again, F1 the same
# Languages of many countries whose training items come from one. There the head takes the language's turns of phrase
# for the country: Emirati outlets got Saudi Arabia (Arabic F1 .854 with candidates by the head, .879 without).
NAMED_ALONE = frozenset({"ar"})
_UNKNOWN = -9.0  # log-odds of a country that the head has not learnt; of those it has, -8 is about the least
_STEPS = 1024.0  # scores are multiples of its inverse: the last bit of a sum decides nothing


class Head(NamedTuple):
    """A linear map from an encoder's vector to the log-odds of countries, the last column of "no place"."""

    countries: NDArray[np.int64]  # index into `Places.codes`, of every column but the last
    weights: NDArray[np.float32]  # (width, columns)
    offsets: NDArray[np.float32]  # (columns,)

    def scores(self, vectors: Sequence[bytes]) -> NDArray[np.float64]:
        """(documents, columns). One product a document: a row does not depend on its neighbours."""
        found = np.empty((len(vectors), len(self.offsets)))
        for row, vector in enumerate(vectors):
            found[row] = np.frombuffer(vector, np.float32) @ self.weights
        return np.asarray(np.round((found + self.offsets) * _STEPS) / _STEPS)


class Read(NamedTuple):
    """What a head says of a batch."""

    countries: NDArray[np.int64]  # as in `Head`
    scores: NDArray[np.float64]  # (documents, columns)
    suggests: NDArray[np.bool_]  # (documents,): a country without a name may be a candidate

    def keys(self, size: int) -> NDArray[np.int64]:
        """The candidates that the head suggests, each as document * `size` + country."""
        likely = (self.scores[:, :-1] > LEAST_UNNAMED) & self.suggests[:, None]
        document, column = np.nonzero(likely)
        return np.asarray(document * size + self.countries[column], np.int64)


def suggests(languages: Sequence[str]) -> NDArray[np.bool_]:
    """`Read.suggests` of documents in these languages."""
    return np.array([language not in NAMED_ALONE for language in languages], np.bool_)


def reading_columns(
    read: Read, document: NDArray[np.int64], country: NDArray[np.int64], named: NDArray[np.bool_]
) -> dict[str, NDArray[Any]]:
    """READ_FEATURES of candidates; `named` are those that a form or the feed's country brought."""
    known = np.full(max(int(read.countries.max(initial=-1)), int(country.max(initial=-1))) + 1, -1)
    known[read.countries] = np.arange(len(read.countries))
    column, scores = known[country], read.scores[:, :-1]
    value = np.where(column >= 0, scores[document, column], _UNKNOWN)
    best = np.sort(scores, axis=1)[:, -2:]
    other = np.where(value >= best[document, -1], best[document, 0], best[document, -1])
    return {
        "read": value,
        "read_margin": value - other,
        "read_rank": (scores[document] > value[:, None]).sum(axis=1),
        "read_none": read.scores[document, -1],
        "read_countries": (scores > LEAST_UNNAMED).sum(axis=1)[document],
        "unnamed": ~named,
    }
