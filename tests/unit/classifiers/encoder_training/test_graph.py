"""The served graph says what the network says, and gives back the numbers it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import onnxruntime  # type: ignore[import-untyped, unused-ignore]
import pytest

from classifiers.contract import Item
from classifiers.encoder import GRAPH_FILE, TOKENIZER_FILE, open_network, read_numbers, text_of
from classifiers.encoder_training.graph import save_graph
from classifiers.encoder_training.weights import Weights, read_graph
from classifiers.model import SHIPPED, prepare
from tests.unit.classifiers.encoder_training.tiny import (
    logits_of,
    steps_of,
    tiny_tokenizer,
    tiny_weights,
    write_encoder,
)

if TYPE_CHECKING:
    from pathlib import Path

CODES = ["a", "b", "c"]
TEXTS = [("storm court", "match vote goal"), ("", "rain"), ("team judge", ""), ("", "vote " * 40)]


@pytest.fixture(scope="module")
def weights() -> Weights:
    return tiny_weights(len(CODES))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("tiny"), CODES)


@pytest.mark.parametrize(("title", "text"), TEXTS)
def test_what_is_served_is_what_the_numbers_say(folder: Path, weights: Weights, title: str, text: str) -> None:
    encoder = open_network(folder / GRAPH_FILE, folder / TOKENIZER_FILE, read_numbers(folder))
    document = prepare(Item(title, text))
    ids = tiny_tokenizer().encode(text_of(document.item)).ids
    ids = ids if len(ids) <= 16 else [*ids[:15], ids[-1]]
    wanted = logits_of(weights, ids)
    wanted -= np.log(np.exp(wanted).sum())
    reading = encoder.read([document])
    assert reading.logarithms[0] == pytest.approx(wanted, abs=0.1)  # int8
    vector = np.frombuffer(reading.vectors[0], np.float32)
    served = vector @ weights.state["head.weight"].T + weights.state["head.bias"]
    assert served - np.log(np.exp(served).sum()) == pytest.approx(wanted, abs=0.1)
    other = logits_of(tiny_weights(len(CODES), seed=1), ids)
    other -= np.log(np.exp(other).sum())
    assert np.abs(other - wanted).max() > 0.3  # else the line before would say nothing


def test_sum_and_norm_stay_apart(folder: Path, tmp_path: Path) -> None:
    """Joined by onnxruntime's optimiser, which does so where it knows all shapes, they take five times as long."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    onnxruntime.InferenceSession(str(folder / GRAPH_FILE), options, providers=["CPUExecutionProvider"])
    kinds = {node.op_type for node in onnx.load(tmp_path / "optimised.onnx").graph.node}
    assert "SkipLayerNormalization" not in kinds
    assert {"LayerNormalization", "DynamicQuantizeMatMul", "FusedMatMul"} <= kinds


def test_nothing_else_is_left(folder: Path) -> None:
    assert sorted(path.name for path in folder.iterdir()) == [
        "encoder.json",
        "encoder.onnx",
        "encoder.tokenizer.json",
    ]


def test_it_is_read_back(folder: Path, weights: Weights) -> None:
    found = read_graph(folder / GRAPH_FILE)
    assert found.heads == weights.heads
    assert found.layers == weights.layers
    assert found.epsilon == pytest.approx(weights.epsilon)
    assert (found.table == weights.table).all()
    assert (found.words == weights.words).all()
    assert (found.positions == weights.positions).all()
    assert found.state.keys() == weights.state.keys()
    for name, value in found.state.items():
        step = np.abs(weights.state[name]).max() / 127
        assert (
            np.abs(value - weights.state[name]).max() <= step
            if value.ndim == 2
            else (value == weights.state[name]).all()
        )


def test_what_was_read_back_is_written_to_within_half_a_step(folder: Path, tmp_path: Path) -> None:
    found = read_graph(folder / GRAPH_FILE)
    save_graph(found, tmp_path / GRAPH_FILE)
    again = read_graph(tmp_path / GRAPH_FILE)
    steps = steps_of(tmp_path / GRAPH_FILE)
    assert steps.keys() == {name for name, value in found.state.items() if value.ndim == 2}
    for name, value in found.state.items():
        step = steps[name][:, None] if name in steps else 0
        assert (np.abs(again.state[name] - value) <= 0.501 * step).all()


@pytest.mark.parametrize("of", ["shipped", "tiny"])
def test_no_processor_cuts_a_sum_off(folder: Path, of: str) -> None:
    """Without VNNI two products of a column's neighbours with 0..255 are added in 16 bits."""
    graph = onnx.load((SHIPPED if of == "shipped" else folder) / GRAPH_FILE)
    matrices = [
        onnx.numpy_helper.to_array(one).astype(int)
        for one in graph.graph.initializer
        if one.name.endswith("_w_quantized")
    ]
    assert len(matrices) > 8
    for matrix in matrices:
        for sign in (1, -1):
            pairs = np.maximum(sign * matrix, 0)[: len(matrix) // 2 * 2].reshape(-1, 2, matrix.shape[1]).sum(axis=1)
            assert pairs.max() * 255 < 2**15
            assert pairs.max() >= 126  # and no digit is wasted


def test_another_kernel_gives_the_same_numbers(folder: Path) -> None:
    """Weights as unsigned bytes are multiplied by kernels that cut nothing off on any processor."""
    graph = onnx.load(folder / GRAPH_FILE)
    for one in graph.graph.initializer:
        if one.name.endswith(("_w_quantized", "_w_zero_point")):
            unsigned = (onnx.numpy_helper.to_array(one).astype(np.int16) + 128).astype(np.uint8)
            one.CopyFrom(onnx.numpy_helper.from_array(unsigned, one.name))
    signed, unsigned_too = (
        onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        for model in ((folder / GRAPH_FILE).read_bytes(), graph.SerializeToString())
    )
    random = np.random.default_rng(0)
    for _ in range(20):
        ids = {"ids": random.integers(0, 30, (1, int(random.integers(4, 16))))}
        assert (signed.run(None, ids)[0] == unsigned_too.run(None, ids)[0]).all()


def test_the_shipped_graph_is_read() -> None:
    found = read_graph(SHIPPED / GRAPH_FILE)
    numbers = read_numbers(SHIPPED)
    assert (found.layers, found.heads, found.positions.shape[1]) == (6, 12, 384)
    assert found.state["head.bias"].shape == (len(numbers.codes),)
    assert found.epsilon < 1e-4
