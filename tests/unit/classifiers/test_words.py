from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifiers import text
from classifiers.contract import Codes, Document, Item
from classifiers.gazetteer import KINDS, Form, FormTable, Matcher
from classifiers.terms import TermRows
from classifiers.text import tokenise
from classifiers.words import Words, marks_of, occurrences_of

if TYPE_CHECKING:
    from classifiers.dataset import Example
    from classifiers.model import Model

COLUMNS = {"alpha": [0], "beta": [1, 2], "runs": [3, 4, 5], "many": [3, 4, 5, 6]}
ACTIONS = {"beta": (7, 1), "runs": (4, -1), "gamma": (0, 2)}


def columns_of(_surface: str, word: str) -> list[int]:
    return COLUMNS.get(word, [])


def actions_of(_surface: str, word: str) -> tuple[int, int]:
    return ACTIONS.get(word, (0, -1))


def document(title: str, body: str) -> Document:
    return Document(Item(title, body), "en", 1.0, *tokenise(title, body))


def test_a_word_may_have_any_number_of_columns_and_still_is_one_word() -> None:
    words = Words(columns_of, actions_of)
    codes = words.of(document("", "alpha Beta runs many gamma omega"))
    assert occurrences_of([codes], 2).column.tolist() == [0, 1, 2, 3, 4, 5, 3, 4, 5, 6]
    marks = marks_of(codes.text)
    assert marks.action.tolist() == [0, 7, 4, 0, 0, 0]
    assert marks.continues.tolist() == [-1, 1, -1, -1, 2, -1]


def test_columns_of_the_title_come_as_often_as_it_counts() -> None:
    words = Words(columns_of, actions_of)
    found = occurrences_of([words.of(document("beta", "alpha")), words.of(document("", "runs"))], 3)
    assert sorted(zip(found.document.tolist(), found.column.tolist(), strict=True)) == sorted(
        [(0, 1), (0, 2)] * 3 + [(0, 0), (1, 3), (1, 4), (1, 5)]
    )


def test_either_half_may_be_missing() -> None:
    asked = document("", "alpha beta")
    assert marks_of(Words(columns_of).of(asked).text).action.tolist() == [0, 0]
    assert occurrences_of([Words(actions=actions_of).of(asked)], 2).column.size == 0
    assert marks_of(b"").action.size == occurrences_of([], 2).column.size == 0


def test_codes_of_other_words_are_not_read() -> None:
    words = Words(columns_of, actions_of)
    asked = document("alpha", "beta")
    foreign = replace(asked, codes=Codes(Words(), b"", b""))
    own = words.of(asked)
    assert words.of(foreign) == own
    assert words.of(replace(asked, codes=own)) is own


def test_the_memo_stays_bounded() -> None:
    words = Words(columns_of, actions_of, remembered=100)
    for number in range(1000):
        words.look_up([f"word{number}"])
    assert words.remembered() <= 202


def test_shared_words_give_what_each_classifier_finds_alone(shipped_model: Model, examples: list[Example]) -> None:
    documents = shipped_model.prepare([example.item for example in examples])
    shared = [one for one in documents if one.codes is not None]
    assert len(shared) > 0.8 * len(documents)
    bare = [replace(one, codes=None) for one in documents]
    for classifier in (shipped_model.topics, shipped_model.regions):
        assert classifier.classify(documents) == classifier.classify(bare)


def test_a_phrase_across_a_run_of_chinese_keeps_its_place() -> None:
    names = [("new york", "US"), ("york", "GB")]
    forms = [Form(tuple(n.split()), c, KINDS.index("city"), "cap", ("en",), is_stem=False) for n, c in names]
    table = FormTable(forms)
    matcher = Matcher(table, "en")
    terms = TermRows({"\u4e2d\u56fd": 0, "\u56fd\u653f": 1, "\u653f\u5e9c": 2}, np.ones(3, np.float32))
    matcher.words = Words(terms.columns_of, matcher.actions_of)
    found = matcher.match(["\u4e2d\u56fd\u653f\u5e9c", "New", "York", "and", "York"])
    assert [table.countries[number] for number in found.forms] == ["US", "GB"]
    assert found.positions == [1, 4]


@given(st.text(st.characters(max_codepoint=0xFFFF, exclude_categories=()), max_size=80))
@example("caf\u00e9 U.S. 2024 \u0627\u0644\u0652\u0648 x\u200cy \ud800a \u00b2a a\u00b2")
def test_the_fast_scan_finds_the_words_of_the_plain_one(written: str) -> None:
    assert text._WORDS(written) == text._ANY_WORDS(written)


@pytest.mark.parametrize("letter", ["\U00020000", "\U0001d400"])
def test_letters_beyond_the_basic_plane_are_words(letter: str) -> None:
    assert tokenise("", f"one {letter}{letter} two") == ([], ["one", letter * 2, "two"])
