"""The blend is fitted on one half of the dev items and measured on the other."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from classifiers.dataset import Example
from classifiers.encoder import Blend, Mixture, Reading
from classifiers.encoder_training import judging
from classifiers.encoder_training.judging import figures
from classifiers.encoder_training.lessons import Tier

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.encoder import Encoder
    from classifiers.encoder_fit import Asked

CODES = ["a", "b"]
EXAMPLES = [Example(f"i{at}", "en", "", f"{CODES[at % 2]}{at}", (CODES[at % 2],), (), "s", "dev") for at in range(40)]


def half(example: Example) -> int:
    return hashlib.blake2b(example.id.encode()).digest()[3] % 2


def said(examples: Sequence[Example], knows: int) -> NDArray[np.float64]:
    """Right on one half of the examples, wrong on the other."""
    right = np.array([CODES.index(one.topics[0]) for one in examples])
    chosen = [at if half(one) == knows else 1 - at for at, one in zip(right.tolist(), examples, strict=True)]
    return np.asarray(np.eye(2)[chosen] * 0.8 + 0.1)


class OneHalf:
    """An encoder and a linear tier that know a half each."""

    def read(self, documents: Sequence[Document]) -> Reading:
        by_text = {one.text: one for one in EXAMPLES}
        found = np.log(said([by_text[document.item.text] for document in documents], knows=1))
        return Reading(np.asarray(found), [b""] * len(documents))


class LinearHalf(Tier):
    def probabilities(self, examples: Sequence[Example]) -> NDArray[np.float64]:
        return said(examples, knows=0)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    def fit(articles: Asked, _headlines: Asked, _codes: Sequence[str]) -> dict[str, Mixture]:
        """Trusts, whichever half it is shown, the tier that knows the other."""
        halves = {half(one) for one in articles.examples}
        linear = 1.0 if halves == {1} else 0.0
        blend = Blend(linear=linear, encoder=1.0 - linear, first=0.0, second=1.0)
        return {"en": Mixture(blend, blend, always=False)}

    monkeypatch.setattr(judging, "fit_mixtures", fit)
    tier = LinearHalf({}, {}, len(CODES))
    held = [one for one in EXAMPLES if half(one) == 1]
    return figures(cast("Encoder", OneHalf()), tier, EXAMPLES, held, CODES)


def test_each_half_is_measured_by_what_the_other_fitted(found: dict[str, Any]) -> None:
    assert found["dev"]["all"]["beside"] == 1.0
    assert 0.2 < found["dev"]["all"]["alone"] < 0.8
    assert found["dev"]["en"]["items"] == len(EXAMPLES)


def test_held_out_sources_have_the_blend_of_all_of_dev(found: dict[str, Any]) -> None:
    assert found["held_out"] == {"s": {"items": sum(map(half, EXAMPLES)), "alone": 1.0, "beside": 1.0}}


def test_each_share_is_measured(found: dict[str, Any]) -> None:
    """The linear tier is right on one half of the items, the encoder on the other, both as surely."""
    dev, held = found["shares"]["all"], found["shares"]["held_out"]
    assert set(found["shares"]) == {"all", "held_out"}
    assert (held["0.00"], held["1.00"]) == (0.0, 1.0)
    assert held["0.60"] == 1.0
    assert 0.2 < dev["0.00"] < 0.8
    assert dev["1.00"] == found["dev"]["all"]["alone"]
