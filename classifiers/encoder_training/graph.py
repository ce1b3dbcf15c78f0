"""An encoder's numbers as the ONNX file that `classifiers.encoder` serves, layers in int8, word table in 4 bits.

Input `ids` of shape (1, pieces) int64, outputs `logits` (1, labels) and `mean` (1, width), which the head reads: one
item a call. Activations get one scale a
product and call, which is then the item's own, and nothing is padded, so nothing is masked.

Written operator by operator for onnxruntime on a CPU. Of 9.4 ms an item of 96 pieces, the operators made for this cost
more than plain ones: QAttention multiplies head by head (.6 ms), GatherBlockQuantized looks 96 words up in .35 ms
(bits: .08), SkipLayerNormalization costs 2.2 ms against .4 of Add and LayerNormalization.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.encoder_training.weights import Weights

_OPSET, _FORMAT = 21, 10  # of ONNX
_OURS = "com.microsoft"  # the operators that onnxruntime adds to ONNX
# Of int8, and of what two neighbours of a column may add up to. A processor without VNNI (AMD before Zen 4, Intel
# before Cascade Lake) adds two products with numbers of up to 255 in 16 bits, and what does not fit is cut off: at 127
# for each the first probability of 400 dev items was .025 from float's there, .019 elsewhere. 255 * 128 fits.
_HIGHEST = 127


class _Graph:
    """Nodes and constants in the order in which they were named."""

    def __init__(self, smoothing: Mapping[str, NDArray[np.float32]]) -> None:
        self.smoothing = smoothing
        self.nodes: list[onnx.NodeProto] = []
        self.constants: dict[str, onnx.TensorProto] = {}

    def constant(self, name: str, values: Any) -> str:
        self.constants[name] = numpy_helper.from_array(np.array(values, order="C"), name)
        return name

    def node(self, kind: str, inputs: Sequence[str], name: str, domain: str = "", **attributes: Any) -> str:
        return self.parts(kind, inputs, [name], domain, **attributes)[0]

    def parts(
        self, kind: str, inputs: Sequence[str], names: Sequence[str], domain: str = "", **attributes: Any
    ) -> Sequence[str]:
        """Adds a node of several outputs and returns their names."""
        self.nodes.append(helper.make_node(kind, inputs, names, name=names[0], domain=domain, **attributes))
        return names


def save_graph(weights: Weights, path: Path, smoothing: Mapping[str, NDArray[np.float32]] | None = None) -> None:
    """Write the file; `smoothing` says what the input channels of some products are divided by (`smoothing_of`)."""
    graph = _Graph(smoothing or {})
    x = _body(graph, weights, _words(graph, weights))
    mean = graph.node("ReduceMean", [x, graph.constant("middle", np.array([1]))], "mean", keepdims=0)
    _product(graph, weights, mean, "head", "logits")
    labels = len(weights.state["head.bias"])
    whole = helper.make_graph(
        graph.nodes,
        "topics",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, [1, "pieces"])],
        [
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, labels]),
            helper.make_tensor_value_info("mean", TensorProto.FLOAT, [1, weights.positions.shape[1]]),
        ],
        list(graph.constants.values()),
    )
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_OURS, 1)])
    model.ir_version = _FORMAT
    onnx.save(model, path)


def _words(graph: _Graph, weights: Weights) -> str:
    """Sum of word and position vectors, normed: (1, pieces, width)."""
    words = _unpacked(graph, weights)
    for name, value in (("zero", 0), ("one", 1)):
        graph.constant(name, np.int64(value))
    length = graph.node("Gather", [graph.node("Shape", ["ids"], "shape"), "one"], "length")
    graph.node("Range", ["zero", length, "one"], "range")
    places = graph.node("Gather", [graph.constant("positions", weights.positions), "range"], "places")
    return _norm(graph, weights, graph.node("Add", [words, places], "sum0"), "norm0", "n0", "norm")


def _unpacked(graph: _Graph, weights: Weights) -> str:
    """The rows of the word table: (1, pieces, width).

    A byte holds a number of the row's first half in its lower bits and one of the second half in its upper bits, each
    with 8 added, so that both halves are one operation and nothing is interleaved.
    """
    width = weights.table.shape[1]
    blocks = weights.scales.shape[1]
    shifted = (weights.table + 8).astype(np.uint8)
    graph.constant("table", shifted[:, : width // 2] | shifted[:, width // 2 :] << 4)
    graph.constant("scale", weights.scales)
    packed = graph.node("Gather", ["table", "ids"], "packed")
    low = graph.node("BitwiseAnd", [packed, graph.constant("lower_bits", np.uint8(15))], "low")
    high = graph.node("BitShift", [packed, graph.constant("half_a_byte", np.uint8(4))], "high", direction="RIGHT")
    joined = graph.node("Concat", [low, high], "joined", axis=-1)
    floats = graph.node("Cast", [joined], "floats", to=TensorProto.FLOAT)
    centred = graph.node("Sub", [floats, graph.constant("middle_of_16", np.float32(8))], "centred")
    steps = graph.node("Reshape", [centred, graph.constant("in_blocks", [1, -1, blocks, width // blocks])], "steps")
    scales = graph.node("Cast", [graph.node("Gather", ["scale", "ids"], "scale16")], "scale32", to=TensorProto.FLOAT)
    scales = graph.node("Unsqueeze", [scales, graph.constant("last", np.array([-1]))], "scales")
    scaled = graph.node("Mul", [steps, scales], "scaled")
    return graph.node("Reshape", [scaled, graph.constant("in_rows", [1, -1, width])], "words")


def _body(graph: _Graph, weights: Weights, x: str) -> str:
    """The layers. Sum, norm and Gelu stand apart: see above."""
    for layer in range(weights.layers):
        theirs, mine = f"layers.{layer}.", f"layer{layer}_"
        mixed = _attention(graph, weights, x, theirs + "qkv", mine)
        mixed = _product(graph, weights, mixed, theirs + "out", mine + "out")
        total = graph.node("Add", [mixed, x], mine + "sum1")
        x = _norm(graph, weights, total, mine + "norm1", mine + "n1", theirs + "norm1")
        inner = graph.node("Gelu", [_product(graph, weights, x, theirs + "up", mine + "up")], mine + "gelu")
        inner = _product(graph, weights, inner, theirs + "down", mine + "down")
        total = graph.node("Add", [inner, x], mine + "sum2")
        x = _norm(graph, weights, total, mine + "norm2", mine + "n2", theirs + "norm2")
    return x


def _attention(graph: _Graph, weights: Weights, x: str, theirs: str, mine: str) -> str:
    """Attention of all pieces to all: (1, pieces, width).

    The heads stay where the product puts them, (pieces, heads, width of a head): FusedMatMul reads them as (heads,
    pieces, width of a head), which saves three transpositions of .06 ms a layer.
    """
    width = weights.positions.shape[1]
    one_head = width // weights.heads
    three = _product(graph, weights, x, theirs, mine + "qkv")
    heads = graph.constant("heads", np.array([-1, 3 * weights.heads, one_head]))
    split = graph.node("Reshape", [three, heads], mine + "heads")
    query, key, value = graph.parts(
        "Split", [split], [mine + "query", mine + "key", mine + "value"], axis=1, num_outputs=3
    )
    scores = graph.node(
        "FusedMatMul",
        [query, key],
        mine + "scores",
        _OURS,
        transBatchA=1,
        transBatchB=1,
        transB=1,
        alpha=one_head**-0.5,
    )
    shares = graph.node("Softmax", [scores], mine + "shares", axis=-1)
    mixed = graph.node("FusedMatMul", [shares, value], mine + "mixed", _OURS, transBatchB=1)
    mixed = graph.node("Transpose", [mixed], mine + "mixed_heads", perm=[1, 0, 2])
    return graph.node("Reshape", [mixed, "in_rows"], mine + "attention")


def _product(graph: _Graph, weights: Weights, x: str, theirs: str, mine: str) -> str:
    """`x` times a matrix in int8, whose columns have a scale each, and offsets added."""
    matrix = weights.state[theirs + ".weight"].T.astype(np.float32)
    divisor = graph.smoothing.get(theirs)
    if divisor is not None:
        x = graph.node("Mul", [x, graph.constant(mine + "_smoothing", 1 / divisor)], mine + "_smooth")
        matrix = matrix * divisor[:, None]
    scale = _largest_pair(matrix) / np.float32(_HIGHEST)
    scale[scale == 0] = 1
    inputs = [
        graph.constant(mine + "_w_quantized", np.rint(matrix / scale).astype(np.int8)),
        graph.constant(mine + "_w_scale", scale),
        graph.constant(mine + "_w_zero_point", np.zeros(len(scale), np.int8)),
        graph.constant(mine + "_b", weights.state[theirs + ".bias"]),
    ]
    return graph.node("DynamicQuantizeMatMul", [x, *inputs], mine, _OURS)


def _largest_pair(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """By column of `matrix`: the most that two neighbours of the same sign, or one alone, come to."""
    rows = np.pad(matrix, ((0, len(matrix) % 2), (0, 0)))
    sums = [np.maximum(sign * rows, 0).reshape(-1, 2, rows.shape[1]).sum(axis=1).max(axis=0) for sign in (1, -1)]
    return np.asarray(np.maximum(*sums), np.float32)


def _norm(graph: _Graph, weights: Weights, x: str, name: str, mine: str, theirs: str) -> str:
    scale = graph.constant(mine + "w", weights.state[theirs + ".weight"])
    offset = graph.constant(mine + "b", weights.state[theirs + ".bias"])
    return graph.node("LayerNormalization", [x, scale, offset], name, axis=-1, epsilon=weights.epsilon)
