"""`newswire train`: models from labelled items."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.errors import InvalidError

if TYPE_CHECKING:
    from classifiers.artefact import Label


@click.command(name="train")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="JSON lines of labelled items (gzip too), or a folder of such files.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new or empty folder.")
@click.option(
    "--with-dev/--without-dev",
    default=False,
    show_default=True,
    help="Learn from the dev split too; the scores are then those of a twin that did not.",
)
@click.option(
    "--encoder",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help='Folder of a model whose encoder becomes the second tier; "shipped" is the one that comes with newswire.',
)
@click.option("--seed", type=int, default=0, show_default=True, help="Same data and seed, same model.")
@click.option("--name", default="newswire", show_default=True, help="Stands in every label that the model gives.")
@click.option("--version", help="Stands beside it; else today's date.")
def command(
    data: Path, out: Path, encoder: Path | None, seed: int, name: str, version: str | None, *, with_dev: bool
) -> None:
    """Train the topic and region models, measure them, and print the figures.

    An item is {"id", "lang", "title", "text", "topics", "countries", "source", "split"}: `topics` are any codes, main
    first; `countries` ISO 3166-1 alpha-2; items of split "dev" are measured on, and where none says its split, one in
    eight is. 24,000 items take four minutes on one core, half an hour with --encoder. Its topics must be those of the
    items; the dev items then also teach how much it counts.

    \b
    Example:
      newswire train --data items.jsonl.gz --out my-model
      NEWSWIRE_MODEL__DIRECTORY=my-model newswire classify article.txt
    """  # noqa: D301 - click wants the character \b
    from classifiers.dataset import DatasetError, read_examples
    from classifiers.model import SHIPPED
    from classifiers.train import Plan, TrainingError, train
    from streams.cli.evaluate import sub_regions, summary
    from streams.cli.progress import shown_progress
    from streams.sources.dates import stamp

    now = datetime.now(UTC)
    origin = SHIPPED if encoder == Path("shipped") else encoder
    plan = Plan(name, version or f"{now:%Y.%m.%d}", stamp(now), seed, with_dev, origin, sub_regions())
    try:
        examples = read_examples(data)
        with shown_progress() as progress:
            manifest = train(examples, known_labels(), out, plan, progress)
    except (DatasetError, TrainingError) as error:
        raise InvalidError(str(error)) from error
    if "dev" in manifest.scores:
        click.echo(summary(manifest.scores["dev"], {label.code: label.slug for label in manifest.labels}))
    click.echo(held_out_table(manifest.scores["held_out"]))
    click.echo(f"newswire: {manifest.name} {manifest.version} is in {out}", err=True)


def known_labels() -> list[Label]:
    """The project's topics, for codes that the examples use."""
    from classifiers.artefact import Label
    from streams.settings import load_labels

    return [Label(label.code, label.slug, dict(label.names)) for label in load_labels().topics.values()]


def held_out_table(figures: dict[str, dict[str, Any]]) -> str:
    """Topic figures of sources that the model measured had not seen."""
    lines = [f"{'held-out source':40s} {'items':>6s} {'macro-F1':>9s} {'top-1':>6s}"]
    for language, sources in figures.items():
        for source, row in sources.items():
            lines.append(f"{language + ' ' + source:40s} {row['items']:6d} {row['macro_f1']:9.3f} {row['top1']:6.3f}")
    return "\n".join(lines)
