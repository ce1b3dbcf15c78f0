"""The pieces of a text are those that the tokenizer gives for the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from classifiers.encoder import PIECES, TOKENIZER_FILE, text_of
from classifiers.model import SHIPPED
from classifiers.word_pieces import WordPieces

if TYPE_CHECKING:
    from classifiers.dataset import Example

BEGIN, END = 0, 2


@pytest.fixture(scope="module")
def whole() -> Tokenizer:
    tokenizer = Tokenizer.from_file(str(SHIPPED / TOKENIZER_FILE))
    tokenizer.enable_truncation(PIECES)
    return tokenizer


@pytest.fixture(scope="module")
def pieces() -> WordPieces:
    return WordPieces(Tokenizer.from_file(str(SHIPPED / TOKENIZER_FILE)), PIECES)


_BITS = st.sampled_from([" ", "  ", "\n", "\t", "\u00a0", "\u2581", "\u0301", "\u00b4", "\u200b", "\r\n", ".", "中国"])
_TEXTS = st.lists(_BITS | st.sampled_from(["court", "مجلس", "hükümet", "ﷺ"]) | st.text(max_size=8), max_size=40)


@given(parts=_TEXTS)
@example(parts=[])
@example(parts=[" "])
@example(parts=["  ", "court"])
@example(parts=["\u00a0", " ", "court"])
@example(parts=["court", " ", "\u00a0court"])
@example(parts=["court", " ", "\u2581court"])
@example(parts=["\u2581court"])
@example(parts=["court", " ", "\u0301"])
@example(parts=["court\n\ncourt "])
@example(parts=["court "] * 200)
def test_any_text(whole: Tokenizer, pieces: WordPieces, parts: list[str]) -> None:
    text = "".join(parts).encode(errors="replace").decode()
    assert pieces.of(text) == whole.encode(text).ids
    assert pieces.of(text) == whole.encode(text).ids  # now all of its words are remembered


def test_real_texts(whole: Tokenizer, pieces: WordPieces, examples: list[Example]) -> None:
    texts = [text_of(one.item) for one in examples]
    assert [pieces.of(text) for text in texts] == [whole.encode(text).ids for text in texts]


@pytest.mark.parametrize("limit", [2, 3, 4, 5, 100])
def test_the_limit_counts_both_marks(limit: int) -> None:
    pieces = WordPieces(Tokenizer.from_file(str(SHIPPED / TOKENIZER_FILE)), limit)
    found = pieces.of("storm over the coast " * 50)
    assert len(found) == limit
    assert (found[0], found[-1]) == (BEGIN, END)


def test_what_is_remembered_is_bounded() -> None:
    pieces = WordPieces(Tokenizer.from_file(str(SHIPPED / TOKENIZER_FILE)), PIECES, remembered=10)
    for number in range(100):
        pieces.of(f"one {number} {number + 1}")
    assert 0 < pieces.remembered() <= 20
