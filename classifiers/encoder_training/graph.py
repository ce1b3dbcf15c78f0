"""An encoder's numbers as the ONNX file that `classifiers.encoder` serves, layers in int8, word table in 4 bits.

Inputs `ids` of shape (items, pieces) int64, padded on the right with anything, and `lengths` (items,) int64; output
`logits` (items, labels). Activations get one scale for all items of a call, so callers ask for one item at a time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped, unused-ignore]

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.encoder_training.weights import Weights

_OPSET, _FORMAT = 21, 10  # of ONNX; int4 tensors came with this opset
_OURS = "com.microsoft"  # the operators that onnxruntime adds to ONNX


class _Graph:
    """Nodes and constants in the order in which they were named."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, values: NDArray[np.generic]) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def node(self, kind: str, inputs: list[str], name: str, domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [name], name=name, domain=domain, **attributes))
        return name


def save_graph(weights: Weights, path: Path) -> None:
    """Write the file; a float one stands beside it for a moment."""
    graph = _Graph()
    mean = _mean(graph, _body(graph, weights, _words(graph, weights)))
    head = [
        graph.constant("logits_w", weights.state["head.weight"]),
        graph.constant("logits_b", weights.state["head.bias"]),
    ]
    graph.node("Gemm", [mean, *head], "logits", transB=1)
    labels = len(weights.state["head.bias"])
    whole = helper.make_graph(
        graph.nodes,
        "topics",
        [
            helper.make_tensor_value_info("ids", TensorProto.INT64, ["B", "L"]),
            helper.make_tensor_value_info("lengths", TensorProto.INT64, ["B"]),
        ],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["B", labels])],
        graph.constants,
    )
    model = helper.make_model(whole, opset_imports=[helper.make_opsetid("", _OPSET), helper.make_opsetid(_OURS, 1)])
    model.ir_version = _FORMAT
    # What the quantiser else asks for in a warning, folding and inferring shapes, has nothing to do in this graph.
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    wide = path.with_suffix(".float.onnx")
    try:
        onnx.save(model, wide)
        quantize_dynamic(
            wide,
            path,
            weight_type=QuantType.QInt8,
            per_channel=True,
            op_types_to_quantize=["MatMul", "Attention"],
            # the quantiser cannot tell the types of tensors behind operators of the other domain
            extra_options={"MatMulConstBOnly": True, "DefaultTensorType": TensorProto.FLOAT},
        )
    finally:
        wide.unlink(missing_ok=True)


def _words(graph: _Graph, weights: Weights) -> str:
    """Sum of word and position vectors, normed: (items, pieces, width)."""
    for name, value in (("zero", 0), ("one", 1)):
        graph.constant(name, np.int64(value))  # type: ignore[arg-type]
    for name, axis in (("ax0", 0), ("ax1", 1), ("ax2", 2)):
        graph.constant(name, np.array([axis]))
    flat = weights.table.astype(np.uint8).reshape(-1) & 15
    packed = (flat[0::2] | flat[1::2] << 4).tobytes()
    graph.constants.append(helper.make_tensor("table", TensorProto.INT4, weights.table.shape, packed, raw=True))
    graph.constant("scale", weights.scales)
    block = weights.table.shape[1] // weights.scales.shape[1]
    graph.node(
        "GatherBlockQuantized",
        ["table", "ids", "scale"],
        "words16",
        _OURS,
        gather_axis=0,
        quantize_axis=1,
        block_size=block,
    )
    graph.node("Cast", ["words16"], "words", to=TensorProto.FLOAT)
    graph.node("Gather", [graph.node("Shape", ["ids"], "shape"), "one"], "length")
    graph.node("Range", ["zero", "length", "one"], "range")
    graph.node("Gather", [graph.constant("positions", weights.positions), "range"], "places")
    graph.node("Cast", ["lengths"], "lengths32", to=TensorProto.INT32)
    return _norm(graph, weights, graph.node("Add", ["words", "places"], "sum0"), "norm0", "n0", "norm")


def _body(graph: _Graph, weights: Weights, x: str) -> str:
    """The layers.

    Attention is one operator, but sum, norm and Gelu stand apart: 27 % faster on a CPU than SkipLayerNormalization and
    FastGelu.
    """
    for layer in range(weights.layers):
        theirs, mine = f"layers.{layer}.", f"layer{layer}_"
        inputs = [x, *_matrix(graph, weights, theirs + "qkv", mine + "qkv"), "lengths32"]
        mixed = graph.node("Attention", inputs, mine + "attention", _OURS, num_heads=weights.heads)
        mixed = _product(graph, weights, mixed, theirs + "out", mine + "out")
        total = graph.node("Add", [mixed, x], mine + "sum1")
        x = _norm(graph, weights, total, mine + "norm1", mine + "n1", theirs + "norm1")
        inner = graph.node("Gelu", [_product(graph, weights, x, theirs + "up", mine + "up")], mine + "gelu")
        inner = _product(graph, weights, inner, theirs + "down", mine + "down")
        total = graph.node("Add", [inner, x], mine + "sum2")
        x = _norm(graph, weights, total, mine + "norm2", mine + "n2", theirs + "norm2")
    return x


def _matrix(graph: _Graph, weights: Weights, theirs: str, mine: str) -> list[str]:
    """Names of a matrix (in, out) and of its offsets."""
    return [
        graph.constant(mine + "_w", weights.state[theirs + ".weight"].T),
        graph.constant(mine + "_b", weights.state[theirs + ".bias"]),
    ]


def _product(graph: _Graph, weights: Weights, x: str, theirs: str, mine: str) -> str:
    matrix, offsets = _matrix(graph, weights, theirs, mine)
    return graph.node("Add", [graph.node("MatMul", [x, matrix], mine + "_m"), offsets], mine)


def _norm(graph: _Graph, weights: Weights, x: str, name: str, mine: str, theirs: str) -> str:
    scale = graph.constant(mine + "w", weights.state[theirs + ".weight"])
    offset = graph.constant(mine + "b", weights.state[theirs + ".bias"])
    return graph.node("LayerNormalization", [x, scale, offset], name, axis=-1, epsilon=weights.epsilon)


def _mean(graph: _Graph, x: str) -> str:
    """Mean over the pieces that an item has: (items, width)."""
    graph.node("Unsqueeze", ["lengths", "ax1"], "lengths_col")
    graph.node("Unsqueeze", ["range", "ax0"], "range_row")
    graph.node("Cast", [graph.node("Less", ["range_row", "lengths_col"], "inside")], "mask", to=TensorProto.FLOAT)
    graph.node("Mul", [x, graph.node("Unsqueeze", ["mask", "ax2"], "mask3")], "masked")
    graph.node("ReduceSum", ["masked", "ax1"], "total", keepdims=0)
    return graph.node("Div", ["total", graph.node("Cast", ["lengths_col"], "lengths_f", to=TensorProto.FLOAT)], "mean")
