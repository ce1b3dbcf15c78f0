from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers import artefact
from classifiers.artefact import Label, checksums, verify
from classifiers.dataset import Example, digest
from classifiers.model import load_model
from classifiers.topic_train import main_labels, soft_targets
from classifiers.train import TrainingError, label_table, train
from tests.unit.classifiers.conftest import LABELS, PLAN, silent

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.artefact import Manifest


def example(name: str, *topics: str) -> Example:
    return Example(name, "en", "", "", topics, (), "", "train")


def test_soft_targets() -> None:
    rows = soft_targets([example("a", "x"), example("b", "y", "x"), example("c", "y", "x", "z")], ["x", "y", "z"])
    assert rows == pytest.approx(np.array([[1, 0, 0], [1 / 3, 2 / 3, 0], [0.5 / 1.75, 1 / 1.75, 0.25 / 1.75]]))
    assert main_labels([example("b", "y", "x")], ["x", "y"]).tolist() == [1]


def test_same_data_and_seed_give_the_same_files(artefact_folder: Path, examples: list[Example], tmp_path: Path) -> None:
    train(examples, LABELS, tmp_path / "again", PLAN, silent)
    assert checksums(tmp_path / "again") == checksums(artefact_folder)


class TestManifest:
    @pytest.fixture
    def manifest(self, artefact_folder: Path) -> Manifest:
        return verify(artefact_folder)

    def test_says_what_it_is_and_from_what(self, manifest: Manifest, examples: list[Example]) -> None:
        learned = [one for one in examples if one.split == "train"]
        assert (manifest.name, manifest.version, manifest.created) == ("sample", "1", PLAN.created)
        assert manifest.training.digest == digest(learned)
        assert manifest.training.languages == {"ar": 68, "en": 68, "tr": 68}
        assert (manifest.training.examples, manifest.training.seed, manifest.training.with_dev) == (204, 7, False)
        assert manifest.libraries == artefact.library_versions()
        assert set(manifest.libraries) == set(artefact.LIBRARIES)

    def test_carries_its_scores(self, manifest: Manifest) -> None:
        dev = manifest.scores["dev"]
        assert dev["items"] == 51
        assert dev["topics"]["core"]["items"] == 51
        assert dev["topics"]["core"]["macro_f1"] > 0.3  # chance is .06
        assert set(dev["regions"]["languages"]) == {"ar", "en", "tr"}
        assert list(manifest.scores["held_out"]) == ["ar", "en", "tr"]


def test_with_dev_learns_more_and_reports_the_twin(examples: list[Example], tmp_path: Path) -> None:
    few = [one for one in examples if one.language == "tr"]
    without = train(few, LABELS, tmp_path / "without", PLAN, silent)
    everything = train(few, LABELS, tmp_path / "with", dataclasses.replace(PLAN, with_dev=True), silent)
    assert (without.training.examples, everything.training.examples) == (68, 85)
    assert everything.scores == without.scores
    assert everything.files["topics.npz"] != without.files["topics.npz"]
    assert load_model(tmp_path / "with").manifest == everything


def test_progress_is_told_in_order(examples: list[Example], tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    few = [one for one in examples if one.language == "tr"]
    train(few, LABELS, tmp_path / "m", PLAN, lambda *step: told.append(step))
    assert [step[0].partition(":")[0] for step in told] == [
        "topics, tr", "regions", "trained", "measuring on 17 dev examples", "measured",
    ]  # fmt: skip
    assert all(0 <= done <= total for _, done, total in told)


class TestRefusals:
    def test_a_folder_that_is_not_empty(self, examples: list[Example], tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("precious")
        with pytest.raises(TrainingError, match="is not empty"):
            train(examples, LABELS, tmp_path, PLAN, silent)
        assert (tmp_path / "mine.txt").read_text() == "precious"

    def test_one_topic(self, tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="fewer than two topics"):
            train([example("a", "x"), example("b", "x")], LABELS, tmp_path / "m", PLAN, silent)

    def test_too_few_examples(self, examples: list[Example], tmp_path: Path) -> None:
        with pytest.raises(TrainingError, match="no language has 30 examples"):
            train(examples[:20], LABELS, tmp_path / "m", PLAN, silent)
        assert not (tmp_path / "m" / "manifest.json").exists()


def test_the_label_table_is_completed_from_the_examples() -> None:
    table = label_table([example("a", "15000000", "Local News"), example("b", "15000000")], LABELS)
    assert table == [LABELS[0], Label("Local News", "local-news", {"en": "Local News"})]


def test_two_codes_with_one_slug_are_refused() -> None:
    with pytest.raises(TrainingError, match="'local news' and 'local-news' would share the stream 'local-news'"):
        label_table([example("a", "local news"), example("b", "local-news")], [])
