"""A model trained on our own sample, and the shipped one: each made once a session."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from classifiers.artefact import Label
from classifiers.dataset import Example, read_examples
from classifiers.model import Model, load_model
from classifiers.train import Plan, train

if TYPE_CHECKING:
    from classifiers.artefact import Manifest

SAMPLE = Path(__file__).parents[2] / "data" / "desk_sample.jsonl"
PLAN = Plan(name="sample", version="1", created="2026-01-01T00:00:00+00:00", seed=7)
LABELS = [Label("15000000", "sport", {"en": "sport", "tr": "spor"})]


def silent(_doing: str, _done: int, _total: int) -> None:
    """A progress that nobody watches."""


@pytest.fixture(scope="session")
def examples() -> list[Example]:
    return read_examples(SAMPLE)


@pytest.fixture(scope="session")
def artefact_folder(examples: list[Example], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's artefact; copy it before harming it."""
    folder = tmp_path_factory.mktemp("model") / "sample"
    train(examples, LABELS, folder, PLAN, silent)
    return folder


@pytest.fixture(scope="session")
def small_model(artefact_folder: Path) -> Model:
    return load_model(artefact_folder)


@pytest.fixture(scope="session")
def shipped_model() -> Model:
    return load_model()


@pytest.fixture(scope="session")
def shipped_manifest(shipped_model: Model) -> Manifest:
    return shipped_model.manifest
