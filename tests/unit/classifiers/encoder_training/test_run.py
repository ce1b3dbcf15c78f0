"""Training an encoder from examples to files that are served; the learning itself is put in by hand (no torch here)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.dataset import digest
from classifiers.encoder import GRAPH_FILE, TWIN, load_encoder, read_numbers
from classifiers.encoder_training.lessons import Teacher
from classifiers.encoder_training.recipe import FRESH, Recipe
from classifiers.encoder_training.run import EncoderPlan, EncoderTrainingError, Unlabelled, start_from, train_encoder
from classifiers.encoder_training.weights import read_graph
from classifiers.model import SHIPPED, prepare
from tests.unit.classifiers.encoder_training.test_bases import LAYERS, drawn, safetensors_bytes
from tests.unit.classifiers.encoder_training.test_lessons import silent
from tests.unit.classifiers.encoder_training.tiny import tiny_weights, write_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.dataset import Example
    from classifiers.encoder_training.lessons import Lessons
    from classifiers.encoder_training.weights import Weights
    from classifiers.train import Progress

RECIPE = Recipe(batch=8, pieces=16, seed=5)


class Learner:
    """Keeps what it is given to learn from, and answers by the share of the labels."""

    def __init__(self) -> None:
        self.lessons: list[Lessons] = []
        self.recipes: list[Recipe] = []

    def __call__(self, weights: Weights, lessons: Lessons, recipe: Recipe, _progress: Progress) -> Weights:
        self.lessons.append(lessons)
        self.recipes.append(recipe)
        share = np.log(lessons.targets.mean(axis=0) + 1e-3).astype(np.float32)
        head = np.zeros((len(share), weights.positions.shape[1]), np.float32)
        return weights._replace(state={**weights.state, "head.weight": head, "head.bias": share})


@pytest.fixture(scope="module")
def some(examples: list[Example]) -> list[Example]:
    """English and Turkish, one in seven dev."""
    chosen = [one for one in examples if one.language in ("en", "tr")]
    return [replace(one, split="dev" if at % 7 == 0 else "train") for at, one in enumerate(chosen)]


@pytest.fixture(scope="module")
def codes(some: list[Example]) -> list[str]:
    return sorted({code for one in some for code in one.topics})


@pytest.fixture(scope="module")
def base(codes: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("base"), codes)


def test_files_that_are_served_and_figures(some: list[Example], base: Path, codes: list[str], tmp_path: Path) -> None:
    learner = Learner()
    figures = train_encoder(some, tmp_path / "out", EncoderPlan(learner, base, RECIPE), silent)
    encoder = load_encoder(tmp_path / "out")
    assert encoder.numbers.codes == codes
    assert encoder.numbers.pieces == 16
    assert not encoder.numbers.learned_dev
    assert not (tmp_path / "out" / TWIN).exists()
    assert learner.recipes == [RECIPE]
    share = np.log(learner.lessons[0].targets.mean(axis=0) + 1e-3)
    said = encoder.read([prepare(some[0].item)]).logarithms[0]
    assert said.argmax() == share.argmax()
    assert set(figures["dev"]) == {"all", "en", "tr"}
    assert figures["dev"]["all"]["items"] == sum(one.split == "dev" for one in some)
    assert figures["held_out"] == {}
    assert figures["dev"]["en"]["beside"] > figures["dev"]["en"]["alone"]  # shares alone know nothing of an item


def test_dev_items_are_learned_by_the_second_alone(some: list[Example], base: Path, tmp_path: Path) -> None:
    learner = Learner()
    plan = EncoderPlan(learner, base, RECIPE, with_dev=True)
    train_encoder(some, tmp_path / "out", plan, silent)
    dev = [one for one in some if one.split == "dev"]
    assert [len(lessons.targets) for lessons in learner.lessons] == [len(some) - len(dev), len(some)]
    assert read_numbers(tmp_path / "out").learned_dev == digest(dev)
    assert not read_numbers(tmp_path / "out" / TWIN).learned_dev
    one, other = (read_graph(folder / GRAPH_FILE) for folder in (tmp_path / "out", tmp_path / "out" / TWIN))
    assert (one.state["head.bias"] != other.state["head.bias"]).any()


def test_held_out_sources_are_measured_and_not_learned(some: list[Example], base: Path, tmp_path: Path) -> None:
    named = [replace(one, source="away" if at % 6 == 0 else "home") for at, one in enumerate(some)]
    learner = Learner()
    plan = EncoderPlan(learner, base, RECIPE, held=frozenset({"away"}))
    figures = train_encoder(named, tmp_path / "out", plan, silent)
    away = [one for one in named if one.source == "away"]
    assert list(figures["held_out"]) == ["away"]
    assert figures["held_out"]["away"]["items"] == len(away)
    learned = [one for one in named if one.source == "home" and one.split == "train"]
    assert len(learner.lessons[0].targets) == len(learned)


def test_items_without_labels_come_with_a_teacher(
    some: list[Example], base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("classifiers.encoder_training.run.TEACHER_LAYERS", LAYERS)
    monkeypatch.setattr("classifiers.encoder_training.run.SHIPPED", base)
    state = tiny_weights().state
    third = {name.replace("layers.1.", "layers.2."): value for name, value in state.items() if "layers.1." in name}
    whole = tmp_path / "base.safetensors"
    whole.write_bytes(safetensors_bytes(state | third))
    asked: list[tuple[Weights, int, int]] = []

    def teach(
        weights: Weights, sequences: Sequence[NDArray[np.int64]], targets: NDArray[np.float64], *_rest: object
    ) -> Teacher:
        asked.append((weights, len(sequences), len(targets)))
        return Teacher(np.zeros((len(sequences), targets.shape[1])), np.ones((len(sequences), 1), np.float32))

    learner = Learner()
    others = [replace(one, id=f"u{at}", topics=(), source="away") for at, one in enumerate(some[:9])]
    others += [replace(one, id=f"v{at}", topics=(), source="held") for at, one in enumerate(some[:5])]
    named = [replace(some[0], source="held"), *some[1:]]
    plan = EncoderPlan(learner, whole, RECIPE, frozenset({"held"}), unlabelled=Unlabelled(others, teach))
    train_encoder(named, tmp_path / "out", plan, silent)
    [(weights, read, labelled)] = asked
    assert weights.layers == LAYERS  # all that the file has, where the encoder has two
    [given] = learner.lessons
    assert given.labelled == labelled == sum(one.split == "train" for one in some[1:])
    assert len(given.pieces) == read == labelled + 9  # none of the held-out source
    assert given.teacher is not None
    assert "head.weight" not in weights.state


class TestStart:
    def test_a_model_goes_on_with_its_head(self, base: Path, codes: list[str]) -> None:
        start = start_from(base, codes)
        assert "head.weight" in start.weights.state
        assert start.origin == "tiny, seed 0"
        assert start.tokenizer.parent == base

    def test_other_labels_need_a_head_of_their_own(self, base: Path, codes: list[str]) -> None:
        assert "head.weight" not in start_from(base, codes[::-1]).weights.state

    def test_layers_of_a_file_get_the_word_table_of_the_shipped_model(
        self, monkeypatch: pytest.MonkeyPatch, base: Path, tmp_path: Path, codes: list[str]
    ) -> None:
        path = tmp_path / "base.safetensors"
        path.write_bytes(safetensors_bytes(drawn()))
        monkeypatch.setattr("classifiers.encoder_training.run.SHIPPED", base)
        start = start_from(path, codes)
        assert (start.weights.state["layers.1.up.weight"] == drawn()["layers.1.up.weight"]).all()
        assert "head.weight" not in start.weights.state
        assert (start.weights.table == read_graph(base / GRAPH_FILE).table).all()
        assert "multilingual-e5-small (MIT), from base.safetensors" in start.origin

    def test_the_shipped_model_serves(self) -> None:
        start = start_from(SHIPPED, read_numbers(SHIPPED).codes)
        assert start.weights.state["head.weight"].shape == (17, 384)


class TestRefused:
    @pytest.fixture
    def plan(self, base: Path) -> EncoderPlan:
        return EncoderPlan(Learner(), base, RECIPE)

    def test_a_folder_in_use(self, plan: EncoderPlan, some: list[Example], tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(EncoderTrainingError, match="is not empty"):
            train_encoder(some, tmp_path, plan, silent)

    def test_no_dev_items(self, plan: EncoderPlan, some: list[Example], tmp_path: Path) -> None:
        with pytest.raises(EncoderTrainingError, match="0 dev items have topics"):
            train_encoder([one for one in some if one.split == "train"], tmp_path / "out", plan, silent)

    def test_a_source_that_is_not_there(self, plan: EncoderPlan, some: list[Example], tmp_path: Path) -> None:
        with pytest.raises(EncoderTrainingError, match="no items are of the held-out source 'nowhere'"):
            train_encoder(some, tmp_path / "out", replace(plan, held=frozenset({"nowhere"})), silent)

    def test_a_topic_of_held_out_sources_alone(self, plan: EncoderPlan, some: list[Example], tmp_path: Path) -> None:
        strange = replace(some[0], id="s", topics=("strange",), source="away")
        with pytest.raises(EncoderTrainingError, match="'strange' is one of held-out sources alone"):
            train_encoder([*some, strange], tmp_path / "out", replace(plan, held=frozenset({"away"})), silent)

    def test_a_base_that_is_none(self, plan: EncoderPlan, some: list[Example], tmp_path: Path) -> None:
        (tmp_path / "base.safetensors").write_bytes(b"{}")
        with pytest.raises(EncoderTrainingError, match="no multilingual-e5-small"):
            train_encoder(some, tmp_path / "out", replace(plan, base=tmp_path / "base.safetensors"), silent)
        assert not (tmp_path / "out").exists()


def test_layers_of_the_base_are_trained_longer_and_all_of_them() -> None:
    assert FRESH.epochs > Recipe().epochs
    assert (FRESH.frozen, Recipe().frozen) == (0, 2)
