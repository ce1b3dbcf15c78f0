"""The served graph says what the network says, and gives back the numbers it was made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.contract import Item
from classifiers.encoder import GRAPH_FILE, TOKENIZER_FILE, open_network, read_numbers, text_of
from classifiers.encoder_training.graph import save_graph
from classifiers.encoder_training.weights import Weights, read_graph
from classifiers.model import SHIPPED, prepare
from tests.unit.classifiers.encoder_training.tiny import logits_of, tiny_tokenizer, tiny_weights, write_encoder

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
    assert encoder.log_probabilities([document])[0] == pytest.approx(wanted, abs=0.1)  # int8
    other = logits_of(tiny_weights(len(CODES), seed=1), ids)
    other -= np.log(np.exp(other).sum())
    assert np.abs(other - wanted).max() > 0.3  # else the line before would say nothing


def test_no_float_file_is_left(folder: Path) -> None:
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


def test_what_was_read_back_is_written_as_it_was(folder: Path, tmp_path: Path) -> None:
    found = read_graph(folder / GRAPH_FILE)
    save_graph(found, tmp_path / GRAPH_FILE)
    again = read_graph(tmp_path / GRAPH_FILE)
    assert all((again.state[name] == value).all() for name, value in found.state.items())


def test_the_shipped_graph_is_read() -> None:
    found = read_graph(SHIPPED / GRAPH_FILE)
    numbers = read_numbers(SHIPPED)
    assert (found.layers, found.heads, found.positions.shape[1]) == (6, 12, 384)
    assert found.state["head.bias"].shape == (len(numbers.codes),)
    assert found.epsilon < 1e-4
