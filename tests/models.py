"""Models for tests: the shipped one without its encoder, under a version of one's own."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from msgspec.structs import replace

from classifiers import artefact
from classifiers.model import SHIPPED

if TYPE_CHECKING:
    from pathlib import Path


def linear_copy(folder: Path, version: str) -> Path:
    """The shipped model as a user's own would be: the linear tier alone, a tenth of the bytes."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("encoder.*"))
    manifest = artefact.read_manifest(folder)
    libraries = {name: release for name, release in manifest.libraries.items() if name in artefact.LIBRARIES}
    files = artefact.checksums(folder)
    artefact.write_manifest(
        folder, replace(manifest, version=version, tiers=["linear"], libraries=libraries, files=files)
    )
    return folder
