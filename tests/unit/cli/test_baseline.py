"""What a model's evaluation leads to expect, from its manifest."""

from __future__ import annotations

from typing import Any

import pytest

from classifiers.artefact import Label, Manifest, Training, read_manifest
from classifiers.model import SHIPPED
from streams.cli.baseline import baseline_of
from streams.errors import InvalidError
from streams.metrics import Baseline

ALL = {"top1": 0.8, "answered": 0.75, "macro_f1": 0.7}
CLASSES = {"15000000": {"items": 30, "f1": 0.9}, "07000000": {"items": 10, "f1": 0.9}}


def manifest(scores: dict[str, Any]) -> Manifest:
    labels = [Label("15000000", "sport", {}), Label("07000000", "health", {})]
    training = Training("", 0, {}, False, 0)
    return Manifest("newswire-model", 1, "m", "1", "", ["linear"], labels, {}, training, scores, {})


def test_each_quality_has_an_expectation_of_its_own() -> None:
    scores = {
        "dev": {"topics": {"all": ALL, "classes": CLASSES}},
        "best": {"all": {**ALL, "top1": 0.9}, "classes": CLASSES},
    }
    expected = Baseline(0.8, 0.25, {"sport": 0.75, "health": 0.25})
    assert baseline_of(manifest(scores), "fast") == expected
    assert baseline_of(manifest(scores), "best") == expected._replace(confidence=0.9)


def test_a_model_without_an_evaluation_leads_to_no_expectation() -> None:
    assert baseline_of(manifest({}), "fast") is None
    assert baseline_of(manifest({"dev": {}}), "balanced") is None


def test_scores_of_another_form_are_one_clear_error() -> None:
    with pytest.raises(InvalidError, match="the scores of model m 1 cannot be read"):
        baseline_of(manifest({"best": {"all": {"top1": "high"}, "classes": {}}}), "best")


@pytest.mark.parametrize("quality", ["fast", "balanced", "best"])
def test_the_shipped_model_has_one(quality: str) -> None:
    found = baseline_of(read_manifest(SHIPPED), quality)
    assert found is not None
    assert 0.5 < found.confidence < 1
    assert 0 <= found.abstained < 0.2
    assert sum(found.topics.values()) == pytest.approx(1)
    assert "sport" in found.topics
