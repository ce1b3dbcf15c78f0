"""The files of the region classifier: what training leaves, written and read without pickle."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.gazetteer import FormTable, read_table
from classifiers.region_context import NO_CONTEXT, Context
from classifiers.region_features import FEATURES
from classifiers.region_reading import READ_FEATURES, Head
from classifiers.region_trees import Ensemble, Nodes
from classifiers.wording import WORDING_FEATURES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MODEL_FILE = "regions.npz"
FORMS_FILE = "regions.forms.tsv"


class Trees(NamedTuple):
    """What judges candidates."""

    accept: Ensemble  # is the candidate one of the countries
    order: Ensemble  # is it the first of them
    raw: NDArray[np.float64]  # calibration: scores of `accept`, increasing, and the probability at each
    probability: NDArray[np.float64]


class Reader(NamedTuple):
    """How documents are judged whose wording is known and that an encoder has read."""

    head: Head
    trees: Trees


class RegionModel(NamedTuple):
    """A form table and what was learnt with it."""

    table: FormTable
    reliability: NDArray[np.float64]  # P(country | form), by form number
    trees: Trees
    context: NDArray[np.float64]  # what words beside a form say, by number (`region_context.Context.by_number`)
    reader: Reader | None  # None: an encoder had no part in the training
    worded: Trees | None  # for documents whose wording is known and that no encoder has read; None: an earlier version
    digest: str  # eight hexadecimal digits


class LearntTrees(NamedTuple):
    """As in `Trees`."""

    accept: tuple[Nodes, float]
    order: tuple[Nodes, float]
    raw: NDArray[np.float64]
    probability: NDArray[np.float64]


class LearntReader(NamedTuple):
    """As in `Reader`."""

    head: Head
    trees: LearntTrees


class Learnt(NamedTuple):
    """What training has to store besides the form table; as in `RegionModel`."""

    reliability: NDArray[np.float64]
    trees: LearntTrees
    context: Context
    worded: LearntTrees | None = None
    reader: LearntReader | None = None
    encoder: str = ""  # SHA-256 of the graph whose vectors the reader knows


def write_model(directory: Path, learnt: Learnt) -> None:
    """Write MODEL_FILE beside the FORMS_FILE that is already there."""
    content: dict[str, NDArray[Any]] = {
        "features": np.array(FEATURES),
        "forms_sha256": np.array(_digest(directory / FORMS_FILE)),
        "reliability": learnt.reliability,
        "context_words": np.array(learnt.context.words, np.str_),
        "context_rates": learnt.context.rates,
    }
    content |= _columns_of(learnt.trees, "")
    if learnt.worded is not None:
        content |= {"worded_features": np.array(WORDING_FEATURES)} | _columns_of(learnt.worded, "worded_")
    if learnt.reader is not None:
        head = learnt.reader.head
        content |= {
            "read_features": np.array(READ_FEATURES + WORDING_FEATURES),
            "read_encoder_sha256": np.array(learnt.encoder),
            "read_countries": head.countries,
            "read_weights": head.weights.astype(np.float16),
            "read_offsets": head.offsets,
        }
        content |= _columns_of(learnt.reader.trees, "read_")
    np.savez_compressed(directory / MODEL_FILE, allow_pickle=False, **content)


def _columns_of(trees: LearntTrees, prefix: str) -> dict[str, NDArray[Any]]:
    content = {f"{prefix}raw": trees.raw, f"{prefix}probability": trees.probability}
    for name, (nodes, baseline) in (("accept", trees.accept), ("order", trees.order)):
        content |= {f"{prefix}{name}_{field}": column for field, column in nodes._asdict().items()}
        content[f"{prefix}{name}_baseline"] = np.array(baseline)
    return content


def read_model(directory: Path, encoder: str = "") -> RegionModel:
    """Read both files; what is told of an encoder's vectors only for the encoder whose graph has this SHA-256.

    Raises OSError where a file is missing, ValueError where the files are damaged or do not belong together.
    """
    path, forms = directory / MODEL_FILE, directory / FORMS_FILE
    table = read_table(forms)
    with np.load(path, allow_pickle=False) as stored:
        try:
            if str(stored["forms_sha256"]) != _digest(forms):
                raise ValueError(f"{forms} is not the form table {path} was trained with: train the regions again")
            # Features were added at the end, so a model of an earlier version reads the first of them.
            known = tuple(stored["features"].tolist())
            if known != FEATURES[: len(known)]:
                raise ValueError(f"{path} was trained by another version of this program: train the regions again")
            model = RegionModel(
                table,
                stored["reliability"],
                _read_trees(stored, ""),
                _read_context(stored).by_number(table),
                _read_reader(stored, path) if encoder and _encoder_of(stored) == encoder else None,
                _read_worded(stored, path),
                _digest(path)[:8],
            )
        except KeyError as error:
            raise ValueError(f"{path} lacks {error}: train the regions again") from error
    if len(model.reliability) != len(table.keys):
        raise ValueError(f"{path} knows {len(model.reliability)} forms, {forms} has {len(table.keys)}")
    return model


def _read_trees(stored: Mapping[str, NDArray[Any]], prefix: str) -> Trees:
    accept, order = (
        Ensemble(
            Nodes(*(stored[f"{prefix}{name}_{field}"] for field in Nodes._fields)),
            float(stored[f"{prefix}{name}_baseline"]),
        )
        for name in ("accept", "order")
    )
    return Trees(accept, order, stored[f"{prefix}raw"], stored[f"{prefix}probability"])


def _encoder_of(stored: Mapping[str, NDArray[Any]]) -> str:
    return str(stored["read_encoder_sha256"]) if "read_encoder_sha256" in stored else ""


def _check_features(stored: Mapping[str, NDArray[Any]], path: Path, prefix: str, known: tuple[str, ...]) -> None:
    if tuple(stored[f"{prefix}features"].tolist()) != known:
        raise ValueError(f"{path} was trained by another version of this program: train the regions again")


def _read_worded(stored: Mapping[str, NDArray[Any]], path: Path) -> Trees | None:
    if "worded_features" not in stored:
        return None
    _check_features(stored, path, "worded_", WORDING_FEATURES)
    return _read_trees(stored, "worded_")


def _read_reader(stored: Mapping[str, NDArray[Any]], path: Path) -> Reader:
    _check_features(stored, path, "read_", READ_FEATURES + WORDING_FEATURES)
    weights = stored["read_weights"].astype(np.float32)
    return Reader(Head(stored["read_countries"], weights, stored["read_offsets"]), _read_trees(stored, "read_"))


def _read_context(stored: Mapping[str, NDArray[Any]]) -> Context:
    if "context_words" not in stored:
        return NO_CONTEXT
    return Context(tuple(stored["context_words"].tolist()), stored["context_rates"])


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
