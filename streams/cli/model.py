"""`newswire model`: the model that is in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from streams.cli.models import model_option
from streams.errors import InvalidError

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.artefact import Manifest


@click.group(name="model", no_args_is_help=True)
def command() -> None:
    """The model that is in use.

    \b
    Example:
      newswire model show
    """  # noqa: D301 - click wants the character \b


@command.command()
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@model_option
@click.pass_context
def show(context: click.Context, /, form: str, directory: Path | None) -> None:
    """Check the model's files and print its manifest: what it is, what it learned from, how good it is.

    \b
    Example:
      newswire model show --format json
      newswire model show --model my-model
    """  # noqa: D301
    import msgspec

    from classifiers.artefact import ArtefactError, verify
    from streams.cli.main import settings_of
    from streams.cli.models import model_directory

    folder = model_directory(settings_of(context).model.directory, directory)
    try:
        manifest = verify(folder)
    except ArtefactError as error:
        raise InvalidError(str(error)) from error
    if form == "json":
        click.echo(msgspec.json.format(msgspec.json.encode(manifest), indent=1).decode())
    else:
        click.echo(described(manifest, folder))


def described(manifest: Manifest, folder: Path) -> str:
    """The manifest for a person."""
    from streams.cli.evaluate import summary

    training = manifest.training
    languages = ", ".join(f"{language} {count}" for language, count in training.languages.items())
    sizes = ", ".join(f"{name} {(folder / name).stat().st_size / 1e6:.1f} MB" for name in manifest.files)
    dev = "the dev split too; the figures are a twin's that did not" if training.with_dev else "without the dev split"
    lines = [
        f"{manifest.name} {manifest.version}, made {manifest.created}; tiers: {', '.join(manifest.tiers)}",
        f"files: {sizes}; checksums match",
        f"trained on {training.examples} items ({languages}), {dev}; data {training.digest[:12]}, seed {training.seed}",
        f"regions: {training.regions}",
        f"libraries: {', '.join(f'{name} {release}' for name, release in manifest.libraries.items())}",
        f"topics: {', '.join(label.slug for label in manifest.labels)}",
    ]
    if "dev" in manifest.scores:
        lines += ["", summary(manifest.scores["dev"], {label.code: label.slug for label in manifest.labels})]
    return "\n".join(lines)
