"""The topic models on disk: topics.npz (arrays) and topics.json (codes and thresholds)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from classifiers.artefact import ArtefactError
from classifiers.encoder import load_encoder
from classifiers.linear import LinearModel, Thresholds
from classifiers.terms import TermRows
from classifiers.topics import TopicClassifier
from classifiers.wording import WORDING_FEATURES, Wording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.encoder import Quality

ARRAYS_FILE = "topics.npz"
NUMBERS_FILE = "topics.json"


class Numbers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """topics.json."""

    codes: list[str]
    languages: dict[str, Thresholds]


def save_topics(directory: Path, codes: Sequence[str], models: Mapping[str, LinearModel]) -> None:
    """Write both files. Weights are half floats: a third of the size, the same labels."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for language, model in models.items():
        arrays[f"{language}.terms"] = np.frombuffer("\n".join(model.terms.columns).encode(), np.uint8)
        arrays[f"{language}.idf"] = model.terms.idf
        arrays[f"{language}.weights"] = model.weights.astype(np.float16)
        arrays[f"{language}.intercepts"] = model.intercepts
        if model.wording is not None:
            arrays[f"{language}.wording"] = model.wording.weights.astype(np.float16)
            arrays[f"{language}.wording_offsets"] = model.wording.offsets
    np.savez_compressed(directory / ARRAYS_FILE, **arrays)  # type: ignore[arg-type]  # mypy takes ** for allow_pickle
    numbers = Numbers(list(codes), {language: model.thresholds for language, model in models.items()})
    (directory / NUMBERS_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(numbers), indent=1) + b"\n")


def load_topics(directory: Path, version: str, quality: Quality = "fast") -> TopicClassifier:
    """Read the files, of a folder that `artefact.verify` has passed. Raises ArtefactError where they do not fit.

    The encoder is loaded where `quality` asks for it.
    """
    try:
        numbers = msgspec.json.decode((directory / NUMBERS_FILE).read_bytes(), type=Numbers)
        with np.load(directory / ARRAYS_FILE, allow_pickle=False) as arrays:
            models = {
                language: _model(arrays, language, len(numbers.codes), limits)
                for language, limits in numbers.languages.items()
            }
    except (OSError, KeyError, ValueError, msgspec.MsgspecError) as error:
        raise ArtefactError(f"{directory}: the topic files do not fit this program ({error}); train again") from error
    if quality == "fast":
        return TopicClassifier(version, numbers.codes, models)
    encoder = load_encoder(directory)
    if encoder.numbers.codes != numbers.codes:
        raise ArtefactError(f"{directory}: the encoder's labels are not those of the linear models; train again")
    return TopicClassifier(version, numbers.codes, models, encoder, quality)


def _model(arrays: Any, language: str, labels: int, limits: Thresholds) -> LinearModel:
    terms = bytes(_array(arrays, f"{language}.terms", np.uint8, 1)).decode().split("\n")
    idf = _array(arrays, f"{language}.idf", np.float32, 1)
    weights = _array(arrays, f"{language}.weights", np.float16, 2)
    intercepts = _array(arrays, f"{language}.intercepts", np.float32, 1)
    if idf.shape != (len(terms),) or weights.shape != (len(terms), labels) or intercepts.shape != (labels,):
        raise ValueError(f"shapes of {language}: {len(terms)} terms, {idf.shape}, {weights.shape}, {intercepts.shape}")
    columns = {term: column for column, term in enumerate(terms)}
    wording = _wording(arrays, language, len(terms)) if f"{language}.wording" in arrays else None
    return LinearModel(TermRows(columns, idf), weights.astype(np.float32), intercepts, limits, wording)


def _wording(arrays: Any, language: str, terms: int) -> Wording:
    weights = _array(arrays, f"{language}.wording", np.float16, 2)
    offsets = _array(arrays, f"{language}.wording_offsets", np.float32, 1)
    if weights.shape != (terms, len(WORDING_FEATURES)) or offsets.shape != (len(WORDING_FEATURES),):
        raise ValueError(f"shapes of the wording of {language}: {terms} terms, {weights.shape}, {offsets.shape}")
    return Wording(weights.astype(np.float32), offsets)


def _array(arrays: Any, name: str, kind: type[np.generic], dimensions: int) -> NDArray[Any]:
    array: NDArray[Any] = arrays[name]
    if array.dtype != kind or array.ndim != dimensions:
        raise ValueError(f"{name} is {array.dtype} of {array.ndim} dimensions")
    return array
