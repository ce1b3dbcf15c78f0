"""What smoothing is for: a loud channel costs the others nothing, and the numbers stay what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnxruntime  # type: ignore[import-untyped, unused-ignore]
import pytest

from classifiers.encoder_training.graph import save_graph
from classifiers.encoder_training.smoothing import POWERS, smoothing_of
from classifiers.encoder_training.weights import read_graph
from tests.unit.classifiers.encoder_training.tiny import LAYERS, WORDS, logits_of, steps_of, tiny_weights

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.encoder_training.weights import Weights

LOUD, FACTOR = 5, 30.0


@pytest.fixture
def weights() -> Weights:
    """One channel before each `up` is loud, as it is behind training, and its weights are as small."""
    made = tiny_weights()
    state = dict(made.state)
    for layer in range(LAYERS):
        for name in ("norm1.weight", "norm1.bias"):
            state[f"layers.{layer}.{name}"] = state[f"layers.{layer}.{name}"].copy()
            state[f"layers.{layer}.{name}"][LOUD] *= FACTOR
        state[f"layers.{layer}.up.weight"] = state[f"layers.{layer}.up.weight"].copy()
        state[f"layers.{layer}.up.weight"][:, LOUD] /= FACTOR
    return made._replace(state=state)


def sequences(count: int, seed: int = 0) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(seed)
    return [random.integers(0, len(WORDS), random.integers(4, 16)) for _ in range(count)]


def served(graph: Path, items: list[NDArray[np.int64]]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    return np.vstack([session.run(["logits"], {"ids": ids[None]})[0] for ids in items])


def test_a_loud_channel_costs_the_others_nothing(weights: Weights, tmp_path: Path) -> None:
    plain, smooth = tmp_path / "plain.onnx", tmp_path / "smooth.onnx"
    save_graph(weights, plain)
    smoothing = smoothing_of(plain, weights, sequences(50))
    save_graph(weights, smooth, smoothing)
    items = sequences(40, seed=1)
    wanted = np.vstack([logits_of(weights, ids.tolist()) for ids in items])
    before, after = (np.abs(served(graph, items) - wanted).mean() for graph in (plain, smooth))
    assert after < 0.8 * before


def test_the_loud_channel_is_divided_by_most(weights: Weights, tmp_path: Path) -> None:
    save_graph(weights, tmp_path / "plain.onnx")
    smoothing = smoothing_of(tmp_path / "plain.onnx", weights, sequences(50))
    assert set(smoothing) == {f"layers.{layer}.{name}" for layer in range(LAYERS) for name in POWERS}
    for layer in range(LAYERS):
        assert smoothing[f"layers.{layer}.up"].argmax() == LOUD
    for divisor in smoothing.values():
        assert np.log(divisor).mean() == pytest.approx(0, abs=1e-5)


def test_smoothed_numbers_are_read_back(weights: Weights, tmp_path: Path) -> None:
    save_graph(weights, tmp_path / "plain.onnx")
    smoothing = smoothing_of(tmp_path / "plain.onnx", weights, sequences(50))
    save_graph(weights, tmp_path / "smooth.onnx", smoothing)
    found, steps = read_graph(tmp_path / "smooth.onnx"), steps_of(tmp_path / "smooth.onnx")
    for name, value in found.state.items():
        wanted = weights.state[name]
        if value.ndim == 1:
            assert (value == wanted).all()
            continue
        divisor = smoothing.get(name.removesuffix(".weight"), np.ones(1, np.float32))
        step = steps[name][:, None] / divisor
        assert (np.abs(value - wanted) <= 0.51 * step).all()
