"""Fitting how the encoder joins in, on answers made by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.artefact import ArtefactError
from classifiers.dataset import Example, digest
from classifiers.encoder import GRAPH_FILE, HEADLINE_LETTERS, TWIN, blended, read_numbers
from classifiers.encoder_fit import (
    ENCODER_SHARE,
    Asked,
    add_encoder,
    finish_encoder,
    fit_blend,
    fit_mixtures,
    headlines_of,
    write_numbers,
)
from classifiers.model import SHIPPED, Model
from classifiers.topics import TopicClassifier
from tests.unit.classifiers.encoder_training.tiny import write_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

CODES = ["a", "b", "c", "d"]


def example(topic: str, language: str = "en", title: str = "", text: str = "") -> Example:
    return Example("x", language, title, text, (topic,), (), "s", "dev")


def answers_of(truth: NDArray[np.int64], sharpness: float, seed: int) -> NDArray[np.float64]:
    """Probabilities that lean to the truth: 0 knows nothing."""
    random = np.random.default_rng(seed)
    logits = random.normal(size=(len(truth), len(CODES)))
    logits[np.arange(len(truth)), truth] += sharpness
    powers = np.exp(logits)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def asked(linear: float, encoder: float, count: int = 1200, language: str = "en") -> Asked:
    truth = np.random.default_rng(3).integers(0, len(CODES), count)
    examples = [example(CODES[at], language) for at in truth.tolist()]
    return Asked(examples, answers_of(truth, linear, 1), np.log(answers_of(truth, encoder, 2)))


class TestFitBlend:
    @pytest.mark.parametrize(("linear", "encoder"), [(0.3, 2.0), (1.5, 1.5), (2.0, 0.3)])
    def test_who_has_how_much_of_the_say_is_not_learned_from_known_publishers(
        self, linear: float, encoder: float
    ) -> None:
        found = fit_blend(asked(linear, encoder), CODES)
        assert found.encoder / (found.linear + found.encoder) == pytest.approx(ENCODER_SHARE, abs=0.002)

    def test_tiers_that_know_more_are_believed_more(self) -> None:
        little, much = (fit_blend(asked(known, known), CODES) for known in (0.5, 2.0))
        assert 0.1 < little.encoder < much.encoder

    def test_the_blend_is_better_than_each(self) -> None:
        some = asked(linear=1.5, encoder=1.5)
        truth = np.array([CODES.index(one.topics[0]) for one in some.examples])
        found = fit_blend(some, CODES)
        right = (blended(some.linear, some.encoder, found.linear, found.encoder).argmax(axis=1) == truth).mean()
        assert right > max((some.linear.argmax(axis=1) == truth).mean(), (some.encoder.argmax(axis=1) == truth).mean())

    def test_few_items_abstain(self) -> None:
        some = asked(linear=1.5, encoder=1.5)
        found = fit_blend(some, CODES)
        values = blended(some.linear, some.encoder, found.linear, found.encoder)
        assert (values.max(axis=1) < found.first).mean() <= 0.003
        assert found.first <= 0.2


def test_small_languages_are_fitted_together_and_always_ask() -> None:
    large, small, tiny = asked(1.5, 1.5, 400, "en"), asked(0.3, 2.0, 60, "it"), asked(0.3, 2.0, 30, "pl")
    parts = [large, small, tiny]
    whole = Asked(
        [one for part in parts for one in part.examples],
        np.concatenate([part.linear for part in parts]),
        np.concatenate([part.encoder for part in parts]),
    )
    found = fit_mixtures(whole, whole, CODES)
    assert set(found) == {"en", "it", "pl"}
    assert found["it"] == found["pl"] != found["en"]
    assert found["it"].always
    assert not found["en"].always
    assert found["it"].article.encoder > found["it"].article.linear


def test_headlines() -> None:
    long = "x" * HEADLINE_LETTERS
    whole, opening, short = headlines_of(
        [example("a", title="Title", text=long), example("a", text=long), example("a", title="Title", text="short")]
    )
    assert (whole.title, whole.text) == ("Title", "")
    assert (opening.title, opening.text) == ("", long[:120])
    assert (short.title, short.text) == ("Title", "short")


class TestAddEncoder:
    def test_other_labels_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="has labels of its own; train without it"):
            add_encoder([], {}, ["sport", "local"], SHIPPED, tmp_path)

    def test_too_few_examples(self, small_model: Model, examples: list[Example], tmp_path: Path) -> None:
        topics = small_model.topics
        assert isinstance(topics, TopicClassifier)
        with pytest.raises(ValueError, match="needs 400"):
            add_encoder(examples, topics.models, topics.codes, SHIPPED, tmp_path)
        assert not list(tmp_path.iterdir())

    def test_a_folder_without_an_encoder(self, artefact_folder: Path, tmp_path: Path) -> None:
        with pytest.raises(ArtefactError, match=r"encoder\.json"):
            add_encoder([], {}, CODES, artefact_folder, tmp_path)

    def test_numbers_are_read_as_they_were_written(self, tmp_path: Path) -> None:
        numbers = read_numbers(SHIPPED)
        write_numbers(tmp_path, numbers)
        assert read_numbers(tmp_path) == numbers


class TestTwin:
    """An encoder that has learned the dev items ships; its twin, which has not, says how much it counts."""

    @pytest.fixture
    def dev(self, examples: list[Example]) -> list[Example]:
        return [replace(one, id=f"{one.id}-{copy}", split="dev") for one in examples for copy in "ab"]

    @pytest.fixture
    def topics(self, small_model: Model) -> TopicClassifier:
        assert isinstance(small_model.topics, TopicClassifier)
        return small_model.topics

    def test_the_blend_is_the_twins_and_the_graph_the_others(
        self, dev: list[Example], topics: TopicClassifier, tmp_path: Path
    ) -> None:
        origin, out = write_encoder(tmp_path / "origin", topics.codes, 0, digest(dev)), tmp_path / "out"
        twin = write_encoder(origin / TWIN, topics.codes, 1)
        out.mkdir()
        add_encoder(dev, topics.models, topics.codes, origin, out)
        assert (out / GRAPH_FILE).read_bytes() == (twin / GRAPH_FILE).read_bytes()
        fitted = read_numbers(out)
        assert set(fitted.languages) == {"ar", "en", "tr"}
        finish_encoder(origin, out)
        assert (out / GRAPH_FILE).read_bytes() == (origin / GRAPH_FILE).read_bytes()
        assert read_numbers(out).languages == fitted.languages
        assert read_numbers(out).learned_dev == digest(dev)

    def test_without_a_twin_what_was_learned_is_refused(
        self, dev: list[Example], topics: TopicClassifier, tmp_path: Path
    ) -> None:
        origin = write_encoder(tmp_path / "origin", topics.codes, 0, digest(dev))
        with pytest.raises(ValueError, match="has learned these dev items"):
            add_encoder(dev, topics.models, topics.codes, origin, tmp_path)
        others = [replace(one, id=f"{one.id}-other") for one in dev]
        add_encoder(others, topics.models, topics.codes, origin, tmp_path)

    def test_nothing_is_finished_without_a_twin(self, tmp_path: Path) -> None:
        origin = write_encoder(tmp_path / "origin", CODES)
        finish_encoder(origin, tmp_path / "out")
        assert not (tmp_path / "out").exists()
