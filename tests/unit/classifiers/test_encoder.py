"""The second tier: what it reads, which items it sees, and that its answer depends on the item alone."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.artefact import ArtefactError
from classifiers.contract import AbstainReason, Decision, Item
from classifiers.encoder import (
    ENCODER_WORD,
    GRAPH_FILE,
    HEADLINE_LETTERS,
    NUMBERS_FILE,
    PIECES,
    TOKENIZER_FILE,
    Blend,
    Mixture,
    blended,
    load_encoder,
    open_network,
    read_numbers,
    route,
    text_of,
)
from classifiers.model import SHIPPED, Model, load_model, prepare
from classifiers.topics import TopicClassifier

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.dataset import Example
    from classifiers.encoder import Quality

ARTICLE = Blend(linear=0.5, encoder=0.7, first=0.2, second=0.06)
HEADLINE = Blend(linear=0.0, encoder=1.1, first=0.15, second=0.04)
STRONG = Mixture(ARTICLE, HEADLINE, always=False)
WEAK = Mixture(ARTICLE, HEADLINE, always=True)
LONG = Item("A headline of the usual length", "word " * 80)
SHORT = Item("A headline of the usual length", "")
DEEP = ["balanced", "best"]


@pytest.fixture(scope="module", params=DEEP)
def deep_model(request: pytest.FixtureRequest) -> Model:
    return load_model(SHIPPED, request.param)


@pytest.fixture(scope="module")
def topics() -> TopicClassifier:
    found = load_model(SHIPPED, "best").topics
    assert isinstance(found, TopicClassifier)
    return found


class TestTextOf:
    @pytest.mark.parametrize(
        ("title", "text", "read"),
        [
            ("Storm hits coast", "Waves closed the port.", "Storm hits coast. Waves closed the port."),
            ("  Storm  ", "", "Storm."),
            ("", "Waves closed the port.", "Waves closed the port."),
            ("Waves closed the…", "Waves closed the port.", "Waves closed the port."),  # the opening, once more
            ("Waves closed the ...", " Waves closed the port.", " Waves closed the port."),
            ("Half a pair \ud800 here", "and \udfff", "Half a pair ? here. and ?"),
        ],
    )
    def test_forms(self, title: str, text: str, read: str) -> None:
        assert text_of(Item(title, text)) == read

    def test_is_bounded(self) -> None:
        assert len(text_of(Item("t" * 10**6, "x" * 10**6))) < 1100

    @given(st.text(), st.text())
    def test_is_always_valid_unicode(self, title: str, text: str) -> None:
        text_of(Item(title, text)).encode()


class TestRoute:
    @pytest.mark.parametrize(
        ("item", "mixture", "quality", "uncertain", "blend"),
        [
            (LONG, STRONG, "fast", True, None),
            (SHORT, WEAK, "fast", True, None),
            (LONG, STRONG, "balanced", False, None),
            (LONG, STRONG, "balanced", True, ARTICLE),
            (SHORT, STRONG, "balanced", False, HEADLINE),
            (LONG, WEAK, "balanced", False, ARTICLE),
            (LONG, STRONG, "best", False, ARTICLE),
            (SHORT, STRONG, "best", False, HEADLINE),
        ],
    )
    def test_who_answers(
        self, item: Item, mixture: Mixture, quality: Quality, *, uncertain: bool, blend: Blend | None
    ) -> None:
        assert route(item, mixture, quality, uncertain=uncertain) is blend

    def test_a_title_that_repeats_the_text_does_not_make_an_item_long(self) -> None:
        text = "x" * (HEADLINE_LETTERS - 1)
        assert route(Item(text, text), STRONG, "best", uncertain=False) is HEADLINE
        assert route(Item("y" * 100, text), STRONG, "best", uncertain=False) is ARTICLE


class TestBlended:
    def test_by_hand(self) -> None:
        linear, encoder = np.array([[0.64, 0.36]]), np.log(np.array([[0.2, 0.8]]))
        assert blended(linear, encoder, 0.5, 1.0) == pytest.approx(np.array([[0.16, 0.48]]) / 0.64)

    def test_without_a_power_a_tier_has_no_say(self) -> None:
        linear, encoder = np.array([[0.9, 0.1]]), np.log(np.array([[0.3, 0.7]]))
        assert blended(linear, encoder, 0.0, 1.0) == pytest.approx(np.exp(encoder))
        assert blended(linear, encoder, 1.0, 0.0) == pytest.approx(linear)

    def test_a_linear_probability_of_zero_is_no_veto(self) -> None:
        found = blended(np.array([[0.0, 1.0]]), np.log(np.array([[0.999999, 0.000001]])), 0.1, 1.0)
        assert np.isfinite(found).all()
        assert found.argmax() == 0


class TestShipped:
    def test_fast_does_not_load_it(self) -> None:
        found = load_model(SHIPPED, "fast").topics
        assert isinstance(found, TopicClassifier)
        assert found.encoder is None

    def test_knows_every_language_of_the_linear_tier(self, topics: TopicClassifier) -> None:
        assert topics.encoder is not None
        assert set(topics.encoder.numbers.languages) == set(topics.models)
        assert topics.encoder.numbers.pieces == PIECES
        strong = {tag for tag, mixture in topics.encoder.numbers.languages.items() if not mixture.always}
        assert strong == {"ar", "tr", "en"}

    def test_says_whose_it_is(self, topics: TopicClassifier) -> None:
        assert topics.encoder is not None
        assert "multilingual-e5-small" in topics.encoder.numbers.origin
        assert "MIT" in topics.encoder.numbers.origin

    @pytest.mark.parametrize(("language", "least"), [("ar", 0.85), ("tr", 0.85), ("en", 0.85)])
    def test_main_topics_of_the_sample(
        self, topics: TopicClassifier, examples: list[Example], language: str, least: float
    ) -> None:
        some = [example for example in examples if example.language == language]
        verdicts = topics.classify([prepare(example.item) for example in some])
        right = [verdict.scores[0].code == example.topics[0] for verdict, example in zip(verdicts, some, strict=True)]
        assert sum(right) / len(right) >= least
        assert {verdict.tier for verdict in verdicts} == {"blend"}

    def test_a_weak_language_gets_better(self) -> None:
        item = Item(
            "Il tribunale condanna l'ex direttore della banca per frode",
            "I giudici hanno inflitto sei anni di carcere. La difesa ha annunciato ricorso in appello entro un mese.",
        )
        verdict = load_model(SHIPPED, "balanced").topics.classify([prepare(item)])[0]
        assert (verdict.labels[0].code, verdict.tier) == ("02000000", "blend")

    @pytest.mark.parametrize(
        ("item", "reason"),
        [
            (Item("", "if (x) { return y; } else { z(); } " * 20), AbstainReason.NOT_NEWS),
            (Item("", "qwz xkj vvr plk mnw ttr zzq kkp " * 3), AbstainReason.NOT_NEWS),
            (
                Item("Serokê komarê îro li Amedê civînek çêkir", "Ew dê sibê vegere."),
                AbstainReason.UNSUPPORTED_LANGUAGE,
            ),
            (Item("Hi", ""), AbstainReason.TOO_SHORT),
        ],
    )
    def test_what_is_no_news_never_gets_to_it(self, deep_model: Model, item: Item, reason: AbstainReason) -> None:
        [verdict] = deep_model.topics.classify([prepare(item)])
        assert (verdict.decision, verdict.reason) == (Decision.ABSTAINED, reason)

    def test_explains_what_it_changed(self, topics: TopicClassifier) -> None:
        document = prepare(Item("Deprem Malatya'yı salladı", "AFAD enkazda arama kurtarma yapıyor."))
        [verdict] = topics.classify([document])
        linear = topics.models["tr"].probabilities([document]).values[0]
        for label in verdict.labels:
            changed = [one for one in topics.explain(document, verdict) if one.code == label.code]
            before = float(linear[topics.codes.index(label.code)])
            for mine in [one.weight for one in changed if one.word == ENCODER_WORD]:
                assert before + mine == pytest.approx(label.probability, abs=1e-4)
        assert ENCODER_WORD in {one.word for one in topics.explain(document, verdict)}
        assert "Deprem" in {one.word for one in topics.explain(document, verdict)}


class TestAlone:
    """A label depends on its item alone: whatever stands beside it, in whatever order, in batches of any size."""

    def test_real_items(self, deep_model: Model, examples: list[Example]) -> None:
        documents = [prepare(example.item) for example in examples[::12]]
        documents += [prepare(Item(example.title, "")) for example in examples[::12]]
        whole = deep_model.topics.classify(documents)
        assert len({verdict.tier for verdict in whole}) <= 2
        assert [deep_model.topics.classify([document])[0] for document in documents] == whole
        assert deep_model.topics.classify(documents[::-1])[::-1] == whole
        cut = [v for at in range(0, len(documents), 7) for v in deep_model.topics.classify(documents[at : at + 7])]
        assert cut == whole

    @given(data=st.data())
    @settings(max_examples=15, deadline=None)
    def test_any_text(self, deep_model: Model, data: st.DataObject) -> None:
        words = st.sampled_from(
            ["court", "ruled", "storm", "مجلس", "الأمن", "hükümet", "U.S.", "\u202e", "中国", "\ud800"]
        )
        texts = st.text(max_size=150) | st.lists(words, min_size=5, max_size=40).map(" ".join)
        items = data.draw(st.lists(st.builds(Item, texts, texts), min_size=1, max_size=6))
        documents = [prepare(item) for item in items]
        whole = deep_model.topics.classify(documents)
        order = data.draw(st.permutations(range(len(documents))))
        assert deep_model.topics.classify([documents[at] for at in order]) == [whole[at] for at in order]
        assert [deep_model.topics.classify([document])[0] for document in documents] == whole

    def test_the_margin_decides_in_balanced(self, examples: list[Example]) -> None:
        found = load_model(SHIPPED, "balanced").topics
        assert isinstance(found, TopicClassifier)
        items = [Item(one.title, f"{one.text} " * 3) for one in examples if one.language == "tr"]
        for document, verdict in zip(map(prepare, items), found.classify(list(map(prepare, items))), strict=True):
            two = sorted(found.models["tr"].probabilities([document]).values[0].round(4))[-2:]
            sure = two[1] - two[0] >= found.models["tr"].thresholds.margin
            short = len(document.item.title) + len(document.item.text) < HEADLINE_LETTERS
            assert verdict.tier == ("linear" if sure and not short else "blend")


class TestFiles:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        for name in (GRAPH_FILE, TOKENIZER_FILE, NUMBERS_FILE):
            shutil.copyfile(SHIPPED / name, tmp_path / name)
        return tmp_path

    @pytest.mark.parametrize("name", [GRAPH_FILE, TOKENIZER_FILE, NUMBERS_FILE])
    @pytest.mark.parametrize("data", [b"", b"{}", b"\x00" * 1000])
    def test_a_file_that_is_none(self, folder: Path, name: str, data: bytes) -> None:
        (folder / name).write_bytes(data)
        with pytest.raises(ArtefactError, match="fit this program"):
            load_encoder(folder)

    @pytest.mark.parametrize("name", [GRAPH_FILE, TOKENIZER_FILE, NUMBERS_FILE])
    def test_a_missing_file(self, folder: Path, name: str) -> None:
        (folder / name).unlink()
        with pytest.raises(ArtefactError):
            load_encoder(folder)

    def test_labels_that_the_network_does_not_have(self, folder: Path) -> None:
        numbers = read_numbers(folder)
        numbers.codes.pop()
        with pytest.raises(ArtefactError, match="wanted ids, logits of"):
            open_network(folder / GRAPH_FILE, folder / TOKENIZER_FILE, numbers)

    def test_a_model_without_an_encoder_serves_fast_alone(self, artefact_folder: Path) -> None:
        with pytest.raises(ArtefactError, match=r'needs a model with an encoder.* has none: use quality "fast"'):
            load_model(artefact_folder, "best")
