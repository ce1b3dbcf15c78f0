"""The card of the shipped model says what its manifest says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from classifiers.artefact import read_manifest
from classifiers.card import renewed
from tests.repository.source import ROOT

MODELS = ROOT / "classifiers" / "models"
CARD = (MODELS / "CARD.md").read_text(encoding="utf-8")
MANIFEST: dict[str, Any] = json.loads((MODELS / "newswire" / "manifest.json").read_text(encoding="utf-8"))
SCORES = MANIFEST["scores"]
QUALITIES = {"fast": SCORES["dev"]["topics"], "balanced": SCORES["balanced"], "best": SCORES["best"]}
COLUMNS = (
    "macro_f1", "top1", "calibration_error", "calibration_by_chance",
    "accuracy_at_80", "answered", "second_precision", "second_recall",
)  # fmt: skip


def rows_of(figures: dict[str, Any]) -> dict[str, Any]:
    return {"all": figures["all"], "core": figures["core"], **figures["languages"]}


def row(*cells: object) -> str:
    return "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in cells) + " |"


@pytest.mark.parametrize("quality", QUALITIES)
def test_topics_by_language(quality: str) -> None:
    wanted = [
        row(quality, language, figures["items"], *(float(figures[column]) for column in COLUMNS))
        for language, figures in rows_of(QUALITIES[quality]).items()
    ]
    assert len(wanted) >= 13
    assert not [line for line in wanted if line not in CARD.splitlines()]


def test_topics_by_class() -> None:
    slugs = {label["code"]: label["slug"] for label in MANIFEST["labels"]}
    wanted = [
        row(slugs[code], figures["items"], *(float(topics["classes"][code]["f1"]) for topics in QUALITIES.values()))
        for code, figures in QUALITIES["fast"]["classes"].items()
    ]
    assert len(wanted) == 17
    assert not [line for line in wanted if line not in CARD.splitlines()]


@pytest.mark.parametrize("quality", QUALITIES)
def test_countries_by_language(quality: str) -> None:
    regions = SCORES["dev"]["regions"] if quality == "fast" else SCORES["regions"][quality]
    columns = ("f1", "exact", "first", "order", "none_kept", "sub_region_f1", "calibration_error")
    wanted = [
        row(quality, language, round(figures["items"]), *(float(figures[column]) for column in columns))
        for language, figures in rows_of(regions).items()
    ]
    assert len(wanted) >= 13
    assert not [line for line in wanted if line not in CARD.splitlines()]


def test_held_out_sources() -> None:
    wanted = [
        row(language, source, figures["items"], float(figures["macro_f1"]), float(figures["top1"]))
        for language, sources in SCORES["held_out"].items()
        for source, figures in sources.items()
    ]
    assert wanted
    assert not [line for line in wanted if line not in CARD.splitlines()]


def test_name_version_and_training_data() -> None:
    training = MANIFEST["training"]
    flowing = " ".join(CARD.split())
    assert f"{MANIFEST['name']} {MANIFEST['version']}, trained on {training['examples']:,} news items" in flowing
    for language, count in training["languages"].items():
        assert f"{language} {count:,}" in flowing
    assert training["digest"][:16] in flowing


def test_the_command_writes_what_is_there() -> None:
    assert renewed(CARD, read_manifest(MODELS / "newswire")) == CARD, "run python -m classifiers.card"
    assert renewed("a <!-- x -->", read_manifest(MODELS / "newswire")).startswith("a <!-- x -->")


@pytest.mark.parametrize(
    "words", ["Intended use", "labels were made by language models", "Limits and known biases", "MIT licence"]
)
def test_says_what_a_reader_must_know(words: str) -> None:
    assert words in " ".join(CARD.split())
