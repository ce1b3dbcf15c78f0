"""`newswire evaluate`: a model measured on labelled items."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.models import model_option, quality_option
from streams.errors import InvalidError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from classifiers.dataset import Example
    from classifiers.encoder import Quality
    from classifiers.evaluate import Answer
    from classifiers.model import Model


_TOPIC_FIGURES = ("macro_f1", "top1", "calibration_error", "calibration_by_chance", "answered", "set_f1")
_TOPIC_COLUMNS = ("topics", "items", "macro-F1", "top-1", "calib.", "by chance", "answered", "set F1")
_TOPICS = "{:12s} {:>6s} {:9.3f} {:6.3f} {:7.3f} {:10.3f} {:9.3f} {:7.3f}"
_COUNTRY_FIGURES = ("f1", "exact", "first", "order", "none_kept", "calibration_error", "sub_region_f1")
_COUNTRY_COLUMNS = ("countries", "items", "micro-F1", "exact", "first", "order", "none kept", "calib.", "sub-regions")
_COUNTRIES = "{:12s} {:>6s} {:9.3f} {:6.3f} {:6.3f} {:6.3f} {:10.3f} {:7.3f} {:12.3f}"


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
@click.option(
    "--plots",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Also draw confusion matrix and reliability diagram into this folder, as PNG; needs 'newswire[plots]'.",
)
@quality_option
@model_option
@click.pass_context
def command(
    context: click.Context,
    /,
    data: Path,
    split: str,
    form: str,
    plots: Path | None,
    quality: Quality | None,
    directory: Path | None,
) -> None:
    """Measure a model on labelled items, from the bare item on: language, topics, regions, calibration, abstention.

    \b
    Example:
      newswire evaluate --data items.jsonl.gz
      newswire evaluate --data items.jsonl.gz --quality best --plots pictures
      newswire evaluate --data items.jsonl.gz --model my-model --format text
    """  # noqa: D301 - click wants the character \b
    from classifiers.dataset import DatasetError, read_examples
    from classifiers.evaluate import report
    from streams.cli.main import settings_of
    from streams.cli.models import chosen_quality, model_directory, open_model

    settings = settings_of(context)
    if plots is not None:
        _check_plots()
    try:
        examples = [one for one in read_examples(data, without_split="dev") if split in ("all", one.split)]
    except DatasetError as error:
        raise InvalidError(str(error)) from error
    if not examples:
        raise InvalidError(f"{data} has no items of split {split!r}")
    folder = model_directory(settings.model.directory, directory)
    model = open_model(folder, chosen_quality(folder, settings.model.quality, quality))
    found = _answers(model, examples)
    figures, slugs = report(found, sub_regions()), {label.code: label.slug for label in model.manifest.labels}
    if form == "json":
        click.echo(json.dumps(figures, ensure_ascii=False, indent=1))
    else:
        click.echo(summary(figures, slugs))
    if plots is not None:
        _draw(found, slugs, plots)


def sub_regions() -> dict[str, str]:
    """The M49 code of the sub-region of every country that lies in one."""
    from streams.settings import load_labels

    return {code: label.region for code, label in load_labels().countries.items() if label.region}


def _check_plots() -> None:
    from classifiers.plots import PlotsError, check_plots

    try:
        check_plots()
    except PlotsError as error:
        raise InvalidError(str(error)) from error


def _draw(found: Sequence[Answer], slugs: Mapping[str, str], directory: Path) -> None:
    from classifiers.plots import write_plots

    try:
        paths = write_plots(found, slugs, directory)
    except OSError as error:
        raise TransientError(f"cannot write to {directory}: {error.strerror}") from error
    for path in paths:
        click.echo(f"newswire: {path}", err=True)


def _answers(model: Model, examples: Sequence[Example]) -> list[Answer]:
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
    # NaN: a manifest of an earlier version has neither what chance does nor calibration and sub-regions of countries
    lines = [_TOPICS.replace(".3f", "s").format(*_TOPIC_COLUMNS)]
    for name, row in _groups(topics):
        lines.append(_TOPICS.format(name, str(row["items"]), *(row.get(column, math.nan) for column in _TOPIC_FIGURES)))
    lines += ["", f"{'class':16s} {'items':>6s} {'F1':>6s}"]
    for code, row in topics["classes"].items():
        lines.append(f"{slugs.get(code, code):16s} {row['items']:6d} {row['f1']:6.3f}")
    lines += ["", _COUNTRIES.replace(".3f", "s").format(*_COUNTRY_COLUMNS)]
    for name, row in _groups(regions):
        shown = [row.get(column, math.nan) for column in _COUNTRY_FIGURES]
        lines.append(_COUNTRIES.format(name, f"{row['items']:.0f}", *shown))
    abstained = ", ".join(f"{reason} {count}" for reason, count in sorted(figures["abstained"].items()))
    return "\n".join([*lines, "", f"abstained: {abstained or 'none'}"])


def _groups(figures: Mapping[str, Any]) -> list[tuple[str, Any]]:
    whole = [(name, figures[name]) for name in ("all", "core") if name in figures]
    return whole + list(figures["languages"].items())
