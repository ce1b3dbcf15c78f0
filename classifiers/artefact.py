"""The artefact: a folder of model files and a manifest that says what they are, checked before any of them is read.

    manifest.json   name, version, created, sha256 of every other file, library versions, labels, training data, scores
    topics.npz      the linear models' vocabularies and weights      topics.json   their thresholds
    encoder.*       the second tier's network and tokenizer, and how it joins the first; a model may lack it
    regions.*       the region classifier's files

Nothing in it is a pickle: arrays are read with `allow_pickle=False`, so that even a file whose checksum somebody has
adjusted cannot run code.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
FORMAT = 1
KIND = "newswire-model"
# A new major version of these may read the files or compute the same numbers differently.
LIBRARIES = ("numpy", "scipy", "scikit-learn", "py3langid")
ENCODER_LIBRARIES = ("onnxruntime",)  # the tokenizer's file names its own format, which has been 1.0 since 2020
_BLOCK = 1 << 20


class ArtefactError(ValueError):
    """The artefact cannot be used; the message says which file, what is wrong and what to do."""


class Label(msgspec.Struct, frozen=True):
    """One topic as the world sees it."""

    code: str
    slug: str  # names its stream
    names: dict[str, str]  # by BCP 47 tag


class Training(msgspec.Struct, frozen=True):
    """What the model learned from."""

    digest: str  # SHA-256 of the examples, classifiers.dataset.digest
    examples: int
    languages: dict[str, int]  # examples a language
    with_dev: bool  # the scores are then those of a twin that saw no dev example
    seed: int
    regions: str = "trained"  # or the model whose region files were taken over


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """manifest.json."""

    kind: str
    format: int
    name: str
    version: str
    created: str  # RFC 3339
    tiers: list[str]
    labels: list[Label]
    libraries: dict[str, str]
    training: Training
    scores: dict[str, Any]
    files: dict[str, str]  # SHA-256 by file name


def library_versions(names: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Versions of the libraries that the model's numbers rest on; one that is missing is left out."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            total.update(block)
    return total.hexdigest()


def checksums(directory: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder but the manifest, by name."""
    return {path.name: checksum(path) for path in sorted(directory.iterdir()) if path.name != MANIFEST}


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write manifest.json last, so that a folder without one is an artefact that was never finished."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    (directory / MANIFEST).write_bytes(data + b"\n")


def read_manifest(directory: Path) -> Manifest:
    """Read the manifest alone. Raises ArtefactError where there is none or it is none."""
    path = directory / MANIFEST
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise ArtefactError(
            f"{directory}: no {MANIFEST}, so this is no model; train one with `newswire train`"
        ) from None
    except OSError as error:
        raise ArtefactError(f"{path}: cannot be read ({error.strerror})") from error
    try:
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ArtefactError(f"{path}: not a model's manifest ({error}); train the model again") from error
    if manifest.kind != KIND:
        raise ArtefactError(f"{path}: describes a {manifest.kind!r}, not a {KIND!r}")
    if manifest.format != FORMAT:
        raise ArtefactError(f"{path}: format {manifest.format}, this program reads {FORMAT}; train the model again")
    return manifest


def verify(directory: Path, libraries: Mapping[str, str] | None = None) -> Manifest:
    """Check manifest, file set, checksums and library versions; nothing but the manifest is interpreted.

    Args:
        directory: the artefact.
        libraries: installed versions by name; default those of this environment.

    Raises ArtefactError at the first thing that is wrong.

    """
    manifest = read_manifest(directory)
    installed = library_versions(manifest.libraries) if libraries is None else libraries
    _check_libraries(directory, manifest.libraries, installed)
    _check_files(directory, manifest.files)
    return manifest


def _check_libraries(directory: Path, wanted: Mapping[str, str], installed: Mapping[str, str]) -> None:
    for name, trained in wanted.items():
        here = installed.get(name)
        if here is None:
            raise ArtefactError(f"{directory}: the model needs {name} {trained}, which is not installed")
        if _major(here) != _major(trained):
            raise ArtefactError(
                f"{directory}: the model was trained with {name} {trained}, installed is {here}; "
                f"install {name} {_major(trained)}.* or train the model again"
            )


def _major(release: str) -> str:
    """The part of a version whose change may break: of 0.4.1 it is 0.4."""
    parts = release.split(".")
    return ".".join(parts[:2]) if parts[0] == "0" else parts[0]


def _check_files(directory: Path, wanted: Mapping[str, str]) -> None:
    present = {path.name: path for path in directory.iterdir() if path.name != MANIFEST}
    for name in wanted:
        if name not in present:
            raise ArtefactError(f"{directory}: {name} is missing; copy the whole folder again")
    for name in sorted(present):
        if name not in wanted:
            raise ArtefactError(f"{directory}: {name} is not in the manifest; a model's folder holds nothing else")
    for name, digest in wanted.items():
        if not present[name].is_file() or checksum(present[name]) != digest:
            raise ArtefactError(f"{directory}: {name} is damaged (its SHA-256 is not the manifest's); copy it again")
