"""What a model's own evaluation leads to expect in production, read from its manifest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.errors import InvalidError
from streams.metrics import Baseline

if TYPE_CHECKING:
    from classifiers.artefact import Manifest


class _Topics(msgspec.Struct):
    top1: float
    answered: float


class _Class(msgspec.Struct):
    items: int


class _Scores(msgspec.Struct):
    all: _Topics
    classes: dict[str, _Class]  # by code


def baseline_of(manifest: Manifest, quality: str) -> Baseline | None:
    """The expectation of a model at a quality; None where its manifest holds no evaluation.

    A calibrated model is right as often as it is sure, so the share of right first topics is the mean probability to
    expect (the card's calibration error says how nearly). Raises InvalidError for scores of another form.
    """
    found = manifest.scores.get("dev", {}).get("topics") if quality == "fast" else manifest.scores.get(quality)
    if not found:
        return None
    try:
        scores = msgspec.convert(found, _Scores)
    except msgspec.ValidationError as error:
        raise InvalidError(f"the scores of model {manifest.name} {manifest.version} cannot be read: {error}") from error
    slugs = {label.code: label.slug for label in manifest.labels}
    total = sum(one.items for one in scores.classes.values())
    topics = {slugs[code]: one.items / total for code, one in scores.classes.items() if code in slugs and total}
    return Baseline(scores.all.top1, 1 - scores.all.answered, topics)
