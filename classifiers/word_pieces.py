"""What the encoder reads of a text: its word pieces, each word cut by the tokenizer once and remembered.

The tokenizer cuts at blanks before anything else, so the pieces of a word do not depend on its neighbours, and most
words of news have been met before: .15 to .25 ms an article of 600 letters instead of .63.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classifiers.text import Memo

if TYPE_CHECKING:
    from collections.abc import Sequence

# Words a generation of the memo, of which there are two; an entry takes about 200 bytes.
REMEMBERED = 60_000
_BEFORE = "a"  # any word: the tokenizer treats what stands at the start of a text unlike the rest


class WordPieces:
    """The pieces of texts by one tokenizer, `limit` a text. Its only state is a bounded memo; any thread may ask.

    Args:
        tokenizer: of `tokenizers`, without truncation; takes a line's end for a blank, cuts there and puts a mark in
            the place of the blank (Metaspace).
        limit: most pieces of a text, its mark of beginning and of end among them.

    """

    def __init__(self, tokenizer: Any, limit: int, remembered: int = REMEMBERED) -> None:
        self.tokenizer = tokenizer
        self.limit = limit
        self._fold = tokenizer.normalizer.normalize_str
        self._split = tokenizer.model.tokenize
        self._mark = tokenizer.pre_tokenizer.replacement
        self._memo: Memo[Sequence[int]] = Memo(self._behind, remembered)
        self._skipped = len(self._cut(_BEFORE))
        self._begin, self._end = tokenizer.encode("").ids

    def of(self, text: str) -> list[int]:
        """The ids of the beginning mark, of the pieces and of the end mark; what is beyond the limit is cut away."""
        first, *words = text.replace("\n", " ").split(" ")
        ids = [self._begin, *self._cut(first)]
        room = self.limit - 1
        for word in words:
            if len(ids) >= room:
                break
            ids += self._memo[word]
        return [*ids[:room], self._end]

    def remembered(self) -> int:
        """How many words are held, both generations together."""
        return self._memo.remembered()

    def _behind(self, word: str) -> Sequence[int]:
        """The pieces of a word that is not the first of its text."""
        folded = self._fold(word)
        if " " not in folded and self._mark not in folded:
            return [piece.id for piece in self._split(self._mark + folded)]  # 11 us; the line below takes 16
        return self._cut(f"{_BEFORE} {word}")[self._skipped :]

    def _cut(self, text: str) -> Sequence[int]:
        found: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return found
