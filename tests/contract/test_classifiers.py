"""One suite over every classifier: what the worker and the command line rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifiers.contract import Decision, Document, Item, Verdict
from classifiers.dataset import read_examples
from classifiers.model import Model, load_model, prepare
from classifiers.topics import MOST_TOPICS
from tests.unit.classifiers.conftest import SAMPLE

if TYPE_CHECKING:
    from classifiers.contract import Classifier

AXES = ("topics", "regions")
MOST = {"topics": MOST_TOPICS, "regions": 4}
LEAST_ASSIGNED = {"topics": 0.9, "regions": 0.25}  # of our own items, two in three of which name no place
MODEL: list[Model] = []

# Any unicode at all, and text that gets past the checks of length and prose, so that the models are asked too.
WORDS = st.sampled_from(
    [word for one in read_examples(SAMPLE)[::5] for word in f"{one.title} {one.text}".split()]
    + ["中国政府宣布", "U.S.", "\u200c", "x"]
)
TEXTS = st.text(max_size=200) | st.lists(WORDS, min_size=5, max_size=40).map(" ".join)
ITEMS = st.builds(
    Item, TEXTS, TEXTS, st.none() | st.sampled_from(["ar", "tr-TR", "EN", "x"]), st.sampled_from([None, "TR", "XX", ""])
)


def model() -> Model:
    if not MODEL:
        MODEL.append(load_model())
    return MODEL[0]


def axis(name: str) -> Classifier:
    return getattr(model(), name)


def assert_valid(verdict: Verdict, most: int) -> None:
    assert isinstance(verdict, Verdict)
    probabilities = [score.probability for score in (*verdict.labels, *verdict.scores)]
    assert all(0.0 <= probability <= 1.0 for probability in probabilities)
    assert 0.0 <= verdict.threshold <= 1.0
    assert (verdict.reason is not None) == (verdict.decision is Decision.ABSTAINED)
    assert bool(verdict.labels) == (verdict.decision is Decision.ASSIGNED)
    assert len(verdict.labels) <= most
    assert len({label.code for label in verdict.labels}) == len(verdict.labels)
    ranked = [score.probability for score in verdict.scores]
    assert ranked == sorted(ranked, reverse=True)


@pytest.mark.parametrize("name", AXES)
def test_has_a_name_and_a_version(name: str) -> None:
    assert axis(name).name
    assert axis(name).version


@pytest.mark.parametrize("name", AXES)
def test_an_empty_batch(name: str) -> None:
    assert axis(name).classify([]) == []


@pytest.mark.parametrize("name", AXES)
@given(items=st.lists(ITEMS, max_size=6))
@example(items=[Item("\ud800", "\udfff" * 30)])
@example(items=[Item("\x00" * 20, "\u202e" * 300)])
@example(items=[Item("a" * 5000, "ب" * 5000)])
@settings(max_examples=60, deadline=None)
def test_any_text_gets_a_valid_verdict(name: str, items: list[Item]) -> None:
    documents = model().prepare(items)
    verdicts = axis(name).classify(documents)
    assert len(verdicts) == len(items)
    for document, verdict in zip(documents, verdicts, strict=True):
        assert_valid(verdict, MOST[name])
        for evidence in axis(name).explain(document, verdict):
            assert evidence.code in {label.code for label in verdict.labels}


@pytest.mark.parametrize("name", AXES)
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_verdict_depends_on_its_document_alone(name: str, data: st.DataObject) -> None:
    items = data.draw(st.lists(ITEMS, min_size=1, max_size=12))
    documents = [prepare(item) for item in items]
    whole = axis(name).classify(documents)
    order = data.draw(st.permutations(range(len(documents))))
    assert axis(name).classify([documents[at] for at in order]) == [whole[at] for at in order]
    size = data.draw(st.integers(1, len(documents)))
    cut = [
        verdict for at in range(0, len(documents), size) for verdict in axis(name).classify(documents[at : at + size])
    ]
    assert cut == whole


@pytest.mark.parametrize("name", AXES)
def test_real_items_alone_and_in_a_large_batch(name: str) -> None:
    items = [example.item for example in read_examples(SAMPLE)]
    documents = model().prepare(items)
    whole = axis(name).classify(documents * 2)
    alone = [axis(name).classify([document])[0] for document in documents]
    assert whole == alone * 2
    assert sum(verdict.decision is Decision.ASSIGNED for verdict in alone) > LEAST_ASSIGNED[name] * len(alone)


@pytest.mark.parametrize("name", AXES)
def test_a_document_is_left_as_it_was(name: str) -> None:
    document = prepare(Item("Deprem Malatya'yı salladı", "Ekipler enkazda arama yapıyor.", "tr", "TR"))
    before = (document.item, list(document.title_tokens), list(document.text_tokens))
    axis(name).classify([document])
    assert (document.item, document.title_tokens, document.text_tokens) == before


@pytest.mark.parametrize("name", AXES)
def test_explains_with_at_most_ten_words_a_label_strongest_first(name: str) -> None:
    [document] = model().prepare(
        [Item("Deprem Malatya'yı salladı", "AFAD ekipleri Türkiye'nin doğusunda enkazda arama yapıyor, yaralılar var.")]
    )
    [verdict] = axis(name).classify([document])
    assert verdict.labels
    for label in verdict.labels:
        weights = [abs(one.weight) for one in axis(name).explain(document, verdict) if one.code == label.code]
        assert 1 <= len(weights) <= 10
        assert weights == sorted(weights, reverse=True)


def test_preparing_is_the_same_alone_and_in_a_batch() -> None:
    items = [example.item for example in read_examples(SAMPLE)[:40]]
    assert model().prepare(items) == [document for item in items for document in model().prepare([item])]


@given(item=ITEMS)
@settings(max_examples=60, deadline=None)
def test_a_prepared_document_is_what_the_contract_says(item: Item) -> None:
    document = prepare(item)
    assert isinstance(document, Document)
    assert document.item is item
    assert 0.0 <= document.language_confidence <= 1.0
    assert len(document.text_tokens) <= 300
    assert document.language == document.language.lower()


@pytest.fixture(scope="module")
def best() -> Model:
    """The same model with the encoder for every item; 10 ms each, so fewer examples."""
    return load_model(quality="best")


@given(items=st.lists(ITEMS, min_size=1, max_size=5), data=st.data())
@example(items=[Item("\ud800 quake", "\udfff" * 30), Item("\x00" * 20, "\u202e" * 300)], data=None)
@settings(max_examples=25, deadline=None)
def test_with_the_encoder_any_text_gets_a_valid_verdict_of_its_own(
    best: Model, items: list[Item], data: st.DataObject | None
) -> None:
    documents = best.prepare(items)
    whole = best.topics.classify(documents)
    for verdict in whole:
        assert_valid(verdict, MOST["topics"])
    order = data.draw(st.permutations(range(len(documents)))) if data else range(len(documents))
    assert best.topics.classify([documents[at] for at in order]) == [whole[at] for at in order]
    assert [best.topics.classify([document])[0] for document in documents] == whole


def test_with_the_encoder_real_items_are_the_same_alone_and_in_a_batch(best: Model) -> None:
    documents = best.prepare([one.item for one in read_examples(SAMPLE)[::6]])
    whole = best.topics.classify(documents)
    assert [best.topics.classify([document])[0] for document in documents] == whole
    assert sum(verdict.tier == "blend" for verdict in whole) > 0.8 * len(whole)
