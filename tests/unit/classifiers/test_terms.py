from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import TfidfVectorizer

from classifiers.contract import Document, Item
from classifiers.terms import MEMO_LEAST, TITLE_WEIGHT, TermRows, fit_terms, terms_of, weighted_words
from classifiers.text import tokenise
from classifiers.topic_train import documents_of

if TYPE_CHECKING:
    from classifiers.dataset import Example


def document(title: str, text: str) -> Document:
    return Document(Item(title, text), "xx", 1.0, *tokenise(title, text))


@pytest.mark.parametrize(
    ("surface", "terms"),
    [
        ("Bakanlar", ["bakanlar", "^bakan"]),
        ("والمدرسة", ["والمدرسه", "^مدرس"]),
        ("中国政府", ["中国", "国政", "政府"]),
        ("中", []),
        ("U.S.", ["us", "^us"]),
        ("ـــ", []),
    ],
)
def test_terms_of_a_word(surface: str, terms: list[str]) -> None:
    assert terms_of(surface) == terms


def terms_of_document(document: Document) -> list[str]:
    return [term for surface in weighted_words(document) for term in terms_of(surface)]


@pytest.mark.parametrize("language", ["ar", "tr", "en"])
def test_rows_are_those_of_scikit_learn(examples: list[Example], language: str) -> None:
    documents = documents_of([example for example in examples if example.language == language])
    rows = fit_terms(documents, least=2)
    reference = TfidfVectorizer(analyzer=terms_of_document, min_df=2, sublinear_tf=True)
    expected = reference.fit_transform(documents)
    assert rows.columns == dict(reference.vocabulary_)
    found = rows.transform(documents)
    assert abs(found.matrix - expected).max() < 1e-6
    assert TITLE_WEIGHT == 2


def test_the_known_share() -> None:
    rows = fit_terms([document("", "alpha beta gamma"), document("", "alpha beta gamma")], least=2)
    asked = [document("", "alpha beta"), document("", "alpha omega"), document("", "omega"), document("", "")]
    assert rows.transform(asked).known.tolist() == [1.0, 0.5, 0.0, 0.0]


def test_a_document_without_known_words_is_an_empty_row() -> None:
    rows = fit_terms([document("", "alpha beta"), document("", "alpha beta")], least=2)
    matrix = rows.transform([document("", "omega"), document("", "alpha"), document("", "")]).matrix
    assert matrix.toarray().any(axis=1).tolist() == [False, True, False]
    assert np.isfinite(matrix.data).all()


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_a_row_depends_on_its_document_alone(data: st.DataObject) -> None:
    rows = ROWS
    texts = data.draw(st.lists(st.lists(st.sampled_from(VOCABULARY), max_size=30).map(" ".join), max_size=12))
    documents = [document(text[:20], text) for text in texts]
    whole = rows.transform(documents).matrix
    order = data.draw(st.permutations(range(len(documents))))
    shuffled = rows.transform([documents[at] for at in order]).matrix
    for place, at in enumerate(order):
        alone = rows.transform([documents[at]]).matrix
        for row in (shuffled[place], alone):
            assert row.indices.tolist() == whole[at].indices.tolist()
            assert row.data.tobytes() == whole[at].data.tobytes()


VOCABULARY = ["alpha", "beta", "gamma", "delta", "omega", "İstanbul", "المدرسة", "مدرسة", "中国政府", "2024", "x"]
ROWS: TermRows = fit_terms([document("", " ".join(VOCABULARY[:9])), document("", " ".join(VOCABULARY))], least=1)


def test_the_memo_stays_bounded_over_new_words() -> None:
    rows = fit_terms([document("", "alpha beta"), document("", "alpha beta")], least=2)
    for start in range(0, 60_000, 200):
        rows.transform([document("", " ".join(f"word{number}" for number in range(start, start + 200)))])
    assert rows.words.remembered() <= 2 * (MEMO_LEAST + 1)
