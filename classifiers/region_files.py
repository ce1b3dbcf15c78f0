"""The files of the region classifier: what training leaves, written and read without pickle."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.gazetteer import FormTable, read_table
from classifiers.region_features import FEATURES
from classifiers.region_trees import Ensemble, Nodes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MODEL_FILE = "regions.npz"
FORMS_FILE = "regions.forms.tsv"


class RegionModel(NamedTuple):
    """A form table and what was learnt with it."""

    table: FormTable
    reliability: NDArray[np.float64]  # P(country | form), by form number
    accept: Ensemble  # is the candidate one of the countries
    order: Ensemble  # is it the first of them
    raw: NDArray[np.float64]  # calibration: scores of `accept`, increasing, and the probability at each
    probability: NDArray[np.float64]
    digest: str  # eight hexadecimal digits


class Learnt(NamedTuple):
    """What training has to store besides the form table; as in `RegionModel`."""

    reliability: NDArray[np.float64]
    accept: tuple[Nodes, float]
    order: tuple[Nodes, float]
    raw: NDArray[np.float64]
    probability: NDArray[np.float64]


def write_model(directory: Path, learnt: Learnt) -> None:
    """Write MODEL_FILE beside the FORMS_FILE that is already there."""
    content: dict[str, NDArray[Any]] = {
        "features": np.array(FEATURES),
        "forms_sha256": np.array(_digest(directory / FORMS_FILE)),
        "reliability": learnt.reliability,
        "raw": learnt.raw,
        "probability": learnt.probability,
    }
    for name, (nodes, baseline) in (("accept", learnt.accept), ("order", learnt.order)):
        content |= {f"{name}_{field}": column for field, column in nodes._asdict().items()}
        content[f"{name}_baseline"] = np.array(baseline)
    np.savez_compressed(directory / MODEL_FILE, allow_pickle=False, **content)


def read_model(directory: Path) -> RegionModel:
    """Read both files.

    Raises OSError where a file is missing, ValueError where the files are damaged or do not belong together.
    """
    path, forms = directory / MODEL_FILE, directory / FORMS_FILE
    table = read_table(forms)
    with np.load(path, allow_pickle=False) as stored:
        try:
            if str(stored["forms_sha256"]) != _digest(forms):
                raise ValueError(f"{forms} is not the form table {path} was trained with: train the regions again")
            if tuple(stored["features"].tolist()) != FEATURES:
                raise ValueError(f"{path} was trained by another version of this program: train the regions again")
            model = RegionModel(
                table,
                stored["reliability"],
                _read_trees(stored, "accept"),
                _read_trees(stored, "order"),
                stored["raw"],
                stored["probability"],
                _digest(path)[:8],
            )
        except KeyError as error:
            raise ValueError(f"{path} lacks {error}: train the regions again") from error
    if len(model.reliability) != len(table.keys):
        raise ValueError(f"{path} knows {len(model.reliability)} forms, {forms} has {len(table.keys)}")
    return model


def _read_trees(stored: Mapping[str, NDArray[Any]], name: str) -> Ensemble:
    return Ensemble(Nodes(*(stored[f"{name}_{field}"] for field in Nodes._fields)), float(stored[f"{name}_baseline"]))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
