"""The shipped artefact: small enough, whole, and what its manifest says."""

from __future__ import annotations

import json
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest

from classifiers.artefact import MANIFEST, checksum
from streams.settings import load_labels
from tests.repository.source import ROOT, tracked_files

if TYPE_CHECKING:
    from pathlib import Path

MODELS = ROOT / "classifiers" / "models"
MAX_BYTES = 60_000_000  # the encoder is 31 MB of it


def files(folder: Path) -> list[Path]:
    return [path for path in tracked_files() if path.is_relative_to(folder)]


def test_the_models_fit_into_the_wheel() -> None:
    sizes = {path.name: path.stat().st_size for path in files(MODELS)}
    assert sizes
    assert sum(sizes.values()) <= MAX_BYTES, sizes


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found = [path for path in files(MODELS) if path.name == MANIFEST]
    assert len(found) == 1, f"one artefact is shipped, with {MANIFEST}: {found}"
    return json.loads(found[0].read_text(encoding="utf-8")) | {"folder": found[0].parent}


def test_every_file_is_in_the_manifest_with_its_checksum(manifest: dict[str, Any]) -> None:
    folder = manifest["folder"]
    there = {str(path.relative_to(folder)): checksum(path) for path in files(folder) if path.name != MANIFEST}
    assert there == manifest["files"]


def test_no_model_file_can_run_code(manifest: dict[str, Any]) -> None:
    assert not [name for name in manifest["files"] if name.endswith((".pkl", ".pickle", ".joblib", ".pt", ".py"))]


def test_the_labels_are_those_of_the_streams(manifest: dict[str, Any]) -> None:
    labels = load_labels().topics
    assert {label["code"]: label["slug"] for label in manifest["labels"]} == {t.code: t.slug for t in labels.values()}


def test_the_model_was_made_with_the_libraries_that_are_installed(manifest: dict[str, Any]) -> None:
    for name, made_with in manifest["libraries"].items():
        assert version(name).split(".")[0] == made_with.split(".")[0], name


def test_a_card_says_what_the_models_can_and_cannot_do(manifest: dict[str, Any]) -> None:
    card = (MODELS / "CARD.md").read_text(encoding="utf-8")
    assert manifest["version"] in card
    for word in ("limit", "training data", "licen"):
        assert re.search(word, card, re.IGNORECASE), word
