"""What the words of one language mean to all classifiers: every surface form is worked out once and remembered.

A code is four 32-bit numbers: two columns of the topic model's vocabulary (the word's and its stem's, -1 for none),
what the gazetteer does with the word (0: nothing), and the word's number among those that continue a phrase (-1: none).
Codes are remembered as bytes, so that a document is one `bytes.join` over its words: no integer object is made between
the text and numpy, and a word that nobody met before is folded once, not once a classifier. The words of 500 articles
outgrow a processor's cache, so that a look-up costs up to 0.5 us, and a word that is new 5 to 10.
"""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.contract import Codes
from classifiers.text import Memo, normalise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document

    # Both are given a word as it stands in the text and its normal form.
    Columns = Callable[[str, str], Sequence[int]]
    Actions = Callable[[str, str], tuple[int, int]]

# Surface forms a generation, of which there are two; an entry takes about 230 bytes. Arabic news has 15 forms an
# article that are new after 2,000 articles, at 5 us each; 50,000 forms instead cost 11 more.
REMEMBERED = 120_000
CONTINUED = -2  # in the place of an action: more columns of the word before (a run of Chinese has many)
_CODE = Struct("=4i").pack
_NOTHING = _CODE(-1, -1, 0, -1)
_FIELDS = 4
_BYTES = 4 * _FIELDS


class Words:
    """The codes of one language. Its only state is a bounded memo; any thread may ask.

    Args:
        columns: gives the columns of a word in the topic model's vocabulary.
        actions: gives what the gazetteer does with a word, and its number as one that continues a phrase.
        remembered: surface forms a generation of the memo.

    """

    def __init__(
        self, columns: Columns | None = None, actions: Actions | None = None, remembered: int = REMEMBERED
    ) -> None:
        self.columns = columns
        self.actions = actions
        self.limit = remembered
        self._memo: Memo[bytes] = Memo(self._code, remembered)

    def of(self, document: Document) -> Codes:
        """The codes of a document: those it was prepared with where they are these words' own."""
        codes = document.codes
        if codes is None or codes.words is not self:
            codes = Codes(self, self.look_up(document.title_tokens), self.look_up(document.text_tokens))
        return codes

    def look_up(self, tokens: Sequence[str]) -> bytes:
        """The codes of some words, one after the other."""
        return b"".join(map(self._memo.__getitem__, tokens))

    def remembered(self) -> int:
        """How many surface forms are held, both generations together."""
        return self._memo.remembered()

    def _code(self, surface: str) -> bytes:
        word = normalise(surface)
        columns = self.columns(surface, word) if self.columns is not None else ()
        action, continues = self.actions(surface, word) if self.actions is not None else (0, -1)
        if len(columns) == 2:
            return _CODE(*columns, action, continues)
        if not columns:
            return _CODE(-1, -1, action, continues) if action or continues >= 0 else _NOTHING
        padded = (*columns, -1) if len(columns) % 2 else columns
        actions = (action, *[CONTINUED] * (len(padded) // 2 - 1))
        return b"".join(map(_CODE, padded[::2], padded[1::2], actions, [continues] * len(actions)))


class Marks(NamedTuple):
    """What the gazetteer says of the words of a text, one entry a word."""

    action: NDArray[np.int32]
    continues: NDArray[np.int32]


def marks_of(codes: bytes) -> Marks:
    """The gazetteer's half of some codes."""
    table = np.frombuffer(codes, np.int32).reshape(-1, _FIELDS)
    action = table[:, 2]
    if action.size and action.min() < 0:
        table = table[action != CONTINUED]
    return Marks(table[:, 2], table[:, 3])


class Occurrences(NamedTuple):
    """Columns found in documents, in the order of their words."""

    document: NDArray[np.int64]
    column: NDArray[np.int32]


def occurrences_of(codes: Sequence[Codes], title_weight: int) -> Occurrences:
    """Every column of every document as often as its word stands there; the title's `title_weight` times over."""
    parts = [part for one in codes for part in (one.title, one.text)]
    sizes = np.fromiter(map(len, parts), np.int64, len(parts)) // _BYTES
    columns = np.frombuffer(b"".join(parts), np.int32).reshape(-1, _FIELDS)[:, :2]
    times = np.tile([title_weight, 1], len(codes))
    document = np.repeat(np.arange(len(codes)), sizes.reshape(-1, 2).sum(axis=1))
    repeated = np.repeat(times, sizes)
    is_title = np.flatnonzero(repeated != 1)
    if len(is_title):
        more = np.repeat(is_title, title_weight - 1)
        columns, document = np.concatenate((columns, columns[more])), np.concatenate((document, document[more]))
    known = columns.ravel() >= 0
    return Occurrences(np.repeat(document, 2)[known], columns.ravel()[known])
