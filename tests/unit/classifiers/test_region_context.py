from __future__ import annotations

import numpy as np
import pytest

from classifiers.gazetteer import END, KINDS, START, Form, FormTable, Matcher
from classifiers.region_context import LEAST_SEEN, NO_CONTEXT, Context, Lesson, context_of, learn_context, words_beside
from classifiers.region_examples import document_of
from classifiers.region_features import Places
from classifiers.region_hits import Hits, find

NAMES = {"france": "FR", "spain": "ES", "kenya": "KE"}
WORDS = ("from", "in")


def table() -> FormTable:
    return FormTable(
        Form((name,), code, KINDS.index("name"), "any", ("en",), is_stem=False) for name, code in NAMES.items()
    )


def read(known: FormTable, *texts: str) -> Hits:
    return find({"en": Matcher(known, "en")}, [document_of("en", "", text) for text in texts])


@pytest.fixture
def taught() -> tuple[FormTable, Context]:
    """Forty stories in one country, with somebody from another."""
    known = table()
    known.number(WORDS)
    names = list(NAMES)
    pairs = [(names[number % 3], names[(number + 1) % 3]) for number in range(40)]
    hits = read(known, *(f"A storm in {where} hurts people from {whence}" for where, whence in pairs))
    lesson = Lesson(hits, [[NAMES[where]] for where, _ in pairs], np.full(len(hits.form), 0.5), Places.of(known))
    return known, learn_context(lesson, WORDS, known, np.ones(40, np.bool_))


def test_the_word_before_a_name_tells_the_place_from_the_passer_by(taught: tuple[FormTable, Context]) -> None:
    known, context = taught
    said = context_of(read(known, "Snow in Kenya", "Guests from Kenya", "Near Kenya"), context.by_number(known))
    # 40 of 40 right where .5 were expected, shrunk by 20; the end of the text was not asked for
    assert said.tolist() == pytest.approx([1 / 3, -1 / 3, 0.0])


def test_documents_that_are_not_used_teach_nothing() -> None:
    known = table()
    known.number(WORDS)
    hits = read(known, "In Kenya", "from Kenya")
    lesson = Lesson(hits, [["KE"], []], np.full(2, 0.5), Places.of(known))
    context = learn_context(lesson, WORDS, known, np.zeros(2, np.bool_))
    assert not context.rates.any()
    assert context.words == WORDS


def test_a_model_without_contexts_adds_nothing() -> None:
    known = table()
    said = context_of(read(known, "In Kenya from Spain"), NO_CONTEXT.by_number(known))
    assert said.tolist() == [0.0, 0.0]


def test_words_that_stand_beside_names_often_enough() -> None:
    known = table()
    texts = ["Rain in Kenya today"] * LEAST_SEEN + ["Rain over Kenya"] * (LEAST_SEEN - 1) + ["Rain falls today"] * 20
    found = words_beside({"en": Matcher(known, "en")}, [document_of("en", "", text) for text in texts])
    assert found == sorted((START, END, "in", "today"))
