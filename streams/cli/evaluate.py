"""`newswire evaluate`: a model measured on labelled items."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.models import model_option, quality_option
from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifiers.dataset import Example
    from classifiers.encoder import Quality
    from classifiers.model import Model


@click.command(name="evaluate")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="JSON lines of labelled items (gzip too), or a folder of such files.",
)
@click.option(
    "--split",
    type=click.Choice(["dev", "train", "all"]),
    default="dev",
    show_default=True,
    help="Which items; one that does not say its split counts as dev.",
)
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="json", show_default=True)
@quality_option
@model_option
@click.pass_context
def command(
    context: click.Context, /, data: Path, split: str, form: str, quality: Quality | None, directory: Path | None
) -> None:
    """Measure a model on labelled items, from the bare item on: language, topics, regions, calibration, abstention.

    \b
    Example:
      newswire evaluate --data items.jsonl.gz
      newswire evaluate --data items.jsonl.gz --quality best
      newswire evaluate --data items.jsonl.gz --model my-model --format text
    """  # noqa: D301 - click wants the character \b
    from classifiers.dataset import DatasetError, read_examples
    from classifiers.evaluate import report
    from streams.cli.main import settings_of
    from streams.cli.models import chosen_quality, model_directory, open_model

    settings = settings_of(context)
    try:
        examples = [one for one in read_examples(data, without_split="dev") if split in ("all", one.split)]
    except DatasetError as error:
        raise InvalidError(str(error)) from error
    if not examples:
        raise InvalidError(f"{data} has no items of split {split!r}")
    folder = model_directory(settings.model.directory, directory)
    model = open_model(folder, chosen_quality(folder, settings.model.quality, quality))
    figures = report(_answers(model, examples))
    if form == "json":
        click.echo(json.dumps(figures, ensure_ascii=False, indent=1))
    else:
        click.echo(summary(figures, {label.code: label.slug for label in model.manifest.labels}))


def _answers(model: Model, examples: Sequence[Example]) -> Any:
    from classifiers.evaluate import answers
    from streams.cli.progress import shown_progress

    done = 0
    with shown_progress() as progress:

        def count(items: int) -> None:
            nonlocal done
            done += items
            progress(f"measuring {model.name} {model.version}", done, len(examples))

        return answers(model, examples, count)


def summary(figures: Mapping[str, Any], slugs: Mapping[str, str]) -> str:
    """The main figures as tables: topics by language and by class, countries by language, abstentions."""
    topics, regions = figures["topics"], figures["regions"]
    lines = [
        f"{'topics':12s} {'items':>6s} {'macro-F1':>9s} {'top-1':>6s} {'calib.':>7s} {'answered':>9s} {'set F1':>7s}"
    ]
    for name, row in _groups(topics):
        lines.append(
            f"{name:12s} {row['items']:6d} {row['macro_f1']:9.3f} {row['top1']:6.3f} {row['calibration_error']:7.3f} "
            f"{row['answered']:9.3f} {row['set_f1']:7.3f}"
        )
    lines += ["", f"{'class':16s} {'items':>6s} {'F1':>6s}"]
    for code, row in topics["classes"].items():
        lines.append(f"{slugs.get(code, code):16s} {row['items']:6d} {row['f1']:6.3f}")
    lines += ["", f"{'countries':12s} {'items':>6s} {'micro-F1':>9s} {'exact':>6s} {'first':>6s} {'none kept':>10s}"]
    for name, row in _groups(regions):
        lines.append(
            f"{name:12s} {row['items']:6.0f} {row['f1']:9.3f} {row['exact']:6.3f} {row['first']:6.3f} "
            f"{row['none_kept']:10.3f}"
        )
    abstained = ", ".join(f"{reason} {count}" for reason, count in sorted(figures["abstained"].items()))
    return "\n".join([*lines, "", f"abstained: {abstained or 'none'}"])


def _groups(figures: Mapping[str, Any]) -> list[tuple[str, Any]]:
    whole = [(name, figures[name]) for name in ("all", "core") if name in figures]
    return whole + list(figures["languages"].items())
