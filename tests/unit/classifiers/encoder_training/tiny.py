"""An encoder so small that a test can follow it: two layers, 64 wide, thirty word pieces, its own tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

from classifiers.encoder import GRAPH_FILE, TOKENIZER_FILE, Numbers
from classifiers.encoder_fit import write_numbers
from classifiers.encoder_training.graph import save_graph
from classifiers.encoder_training.weights import Weights

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, INNER, LAYERS, HEADS, POSITIONS = 64, 128, 2, 2, 100
WORDS = [
    "<s>",
    "<pad>",
    "</s>",
    "<unk>",
    "▁",
    *(f"▁{word}" for word in ["storm", "court", "match", "vote", "goal", "team", "judge", "rain"]),
]
WORDS += list("abcdefghijklmnopqrst.")


def tiny_weights(labels: int = 3, seed: int = 0) -> Weights:
    """Random numbers of the usual sizes."""
    random = np.random.default_rng(seed)

    def draw(*shape: int, scale: float = 0.2) -> NDArray[np.float32]:
        return random.normal(scale=scale, size=shape).astype(np.float32)

    state = {"norm.weight": 1 + draw(WIDTH), "norm.bias": draw(WIDTH)}
    for layer in range(LAYERS):
        for name, out, wide in (
            ("qkv", 3 * WIDTH, WIDTH),
            ("out", WIDTH, WIDTH),
            ("up", INNER, WIDTH),
            ("down", WIDTH, INNER),
        ):
            state[f"layers.{layer}.{name}.weight"] = draw(out, wide)
            state[f"layers.{layer}.{name}.bias"] = draw(out)
        for name in ("norm1", "norm2"):
            state[f"layers.{layer}.{name}.weight"] = 1 + draw(WIDTH)
            state[f"layers.{layer}.{name}.bias"] = draw(WIDTH)
    state |= {"head.weight": draw(labels, WIDTH), "head.bias": draw(labels)}
    table = random.integers(-8, 8, (len(WORDS), WIDTH), np.int8)
    scales = random.uniform(0.01, 0.2, (len(WORDS), WIDTH // 32)).astype(np.float16)
    return Weights(table, scales, draw(POSITIONS, WIDTH), state, HEADS, 1e-5)


def tiny_tokenizer() -> Tokenizer:
    """Of the kind that is served: Unigram over pieces whose first letter marks the start of a word."""
    tokenizer = Tokenizer(models.Unigram([(word, -float(len(WORDS) - at)) for at, word in enumerate(WORDS)], unk_id=3))
    tokenizer.normalizer = normalizers.NFKC()
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    return tokenizer


def write_encoder(folder: Path, codes: Sequence[str], seed: int = 0, learned_dev: str = "") -> Path:
    """A folder with the three files of an encoder."""
    folder.mkdir(parents=True, exist_ok=True)
    save_graph(tiny_weights(len(codes), seed), folder / GRAPH_FILE)
    tiny_tokenizer().save(str(folder / TOKENIZER_FILE))
    write_numbers(folder, Numbers(f"tiny, seed {seed}", list(codes), 16, {}, learned_dev))
    return folder


def steps_of(graph: Path) -> dict[str, NDArray[np.float32]]:
    """The step of each column of the matrices in int8, by their names in `Weights.state`."""
    found = {}
    for one in onnx.load(graph).graph.initializer:
        if one.name.endswith("_w_scale"):
            name = one.name.removesuffix("_w_scale").removeprefix("layer")
            layer, _, product = name.partition("_")
            key = f"layers.{layer}.{product}.weight" if product else "head.weight"
            found[key] = onnx.numpy_helper.to_array(one)
    return found


def logits_of(weights: Weights, ids: Sequence[int]) -> NDArray[np.float64]:
    """What the network says of one item, in plain numpy."""
    state = {name: value.astype(np.float64) for name, value in weights.state.items()}

    def norm(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        spread = np.sqrt(x.var(axis=-1, keepdims=True) + weights.epsilon)
        return (x - x.mean(axis=-1, keepdims=True)) / spread * state[f"{name}.weight"] + state[f"{name}.bias"]

    def product(x: NDArray[np.float64], name: str) -> NDArray[np.float64]:
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    x = norm(weights.words[list(ids)].astype(np.float64) + weights.positions[: len(ids)], "norm")
    for layer in range(weights.layers):
        name = f"layers.{layer}"
        three = product(x, f"{name}.qkv").reshape(len(ids), 3, weights.heads, -1).transpose(1, 2, 0, 3)
        scores = three[0] @ three[1].transpose(0, 2, 1) / np.sqrt(three.shape[-1])
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        mixed = (shares / shares.sum(axis=-1, keepdims=True)) @ three[2]
        x = norm(x + product(mixed.transpose(1, 0, 2).reshape(len(ids), -1), f"{name}.out"), f"{name}.norm1")
        inner = product(x, f"{name}.up")
        x = norm(x + product(inner * _normal(inner), f"{name}.down"), f"{name}.norm2")
    return product(x.mean(axis=0), "head")


def _normal(x: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    return np.asarray(ndtr(x))
