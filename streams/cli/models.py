"""The model of a run, for the commands that use one: where it is, what it can, and the table of its labels."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.errors import InvalidError

if TYPE_CHECKING:
    from classifiers.artefact import Manifest
    from classifiers.encoder import Quality
    from classifiers.model import Model
    from streams.wire import Labels

model_option = click.option(
    "--model",
    "directory",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the model; else from the settings, else the one that is shipped.",
)

quality_option = click.option(
    "--quality",
    type=click.Choice(["fast", "balanced", "best"]),
    help="How many items the encoder sees; else from the settings.",
)


def model_directory(setting: str, given: Path | None = None) -> Path:
    """The folder of the artefact: the one given, else that of the settings, else the shipped one."""
    from classifiers.model import SHIPPED

    return given or (Path(setting) if setting else SHIPPED)


def open_model(directory: Path, quality: Quality = "fast") -> Model:
    """Verify and load. Raises InvalidError: the artefact is damaged or foreign, or cannot serve that quality."""
    from classifiers.artefact import ArtefactError
    from classifiers.model import load_model

    try:
        return load_model(directory, quality)
    except ArtefactError as error:
        raise InvalidError(str(error)) from error


def chosen_quality(directory: Path, setting: Quality, given: Quality | None) -> Quality:
    """The quality of this run: what the command line asks for, else the setting.

    A model of the user's own has the linear tier alone. It serves "fast" whatever the setting says, which is meant for
    the shipped model; asked for more on the command line, `open_model` refuses.
    """
    from classifiers.artefact import ArtefactError, read_manifest

    if given is not None or setting == "fast":
        return given or setting
    try:
        return setting if "encoder" in read_manifest(directory).tiers else "fast"
    except ArtefactError as error:
        raise InvalidError(str(error)) from error


def labels_of(manifest: Manifest, labels: Labels) -> Labels:
    """The label tables with the model's own topics in place of the project's: they name the streams."""
    from streams.wire import TopicLabel

    topics = {label.code: TopicLabel(label.code, label.slug, label.names) for label in manifest.labels}
    return labels._replace(topics=topics)
