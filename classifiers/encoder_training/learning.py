"""Fine-tunes an encoder on topics, beside a linear tier whose own answers it is given.

Half of the loss asks the encoder alone, half asks the product of both tiers, as they are served: so it learns best what
the linear tier's words do not say. What the linear tier says of an item comes from models that learned neither the item
nor, where that can be, its source.

With a teacher, items without labels are learned too. Their target is what teacher, linear tier and the encoder itself
say together: the three know different things, and one network that agrees with all of them costs a third of asking
them. A second output follows the teacher's vector, so that the layers keep what topics alone would not ask of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from classifiers.encoder_training.network import Network
from classifiers.encoder_training.sequences import batches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from classifiers.encoder_training.lessons import Lessons
    from classifiers.encoder_training.recipe import Recipe
    from classifiers.encoder_training.weights import Weights
    from classifiers.train import Progress

_BETAS, _DECAY = (0.9, 0.98), 0.02  # of AdamW
_WARM_UP, _LEAST_RATE = 0.06, 0.02  # share of the steps that raise the rate, and share of it at the last step
_DROPOUT = 0.1
_LONGEST_STEP = 1.0  # norm to which gradients are cut
_REPORTED = 50  # steps between two reports
# Powers of teacher, linear tier and encoder in the target of items without labels; their sum is over 1, so the target
# is a little surer than each of them.
_TOLD = (0.5, 0.4, 0.4)


def learn(weights: Weights, lessons: Lessons, recipe: Recipe, progress: Progress) -> Weights:
    """Train from `weights`, without a head if they have none; give the moving average of what was learned.

    One thread: several spin while they wait for each other, and beside another busy process two are slower than one.
    Deterministic by the recipe's seed on one kind of processor.
    """
    torch.set_num_threads(1)
    torch.manual_seed(recipe.seed)
    random = np.random.default_rng(recipe.seed)
    network = Network(weights, lessons.targets.shape[1])
    for layer in network.layers[: recipe.frozen]:
        layer.requires_grad_(False)  # noqa: FBT003
    powers = torch.nn.Parameter(torch.tensor([0.6, 0.6]))
    optimiser, rates = _optimiser(network, powers, recipe)
    total = _steps(lessons, recipe)
    average = {name: value.detach().clone() for name, value in network.named_parameters() if value.requires_grad}
    losses: list[float] = []
    for step, (rows, ids) in enumerate(_endless(lessons, recipe, random, total)):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * _course(step, total)
        loss = _loss(network, powers, lessons, rows, torch.from_numpy(ids), recipe)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), _LONGEST_STEP)
        optimiser.step()
        _average(average, network, min(recipe.averaging, (1 + step) / (10 + step)))
        losses.append(float(loss.detach()))
        if (step + 1) % _REPORTED == 0 or step + 1 == total:
            shares = ", ".join(f"{power:.2f}" for power in powers.tolist())
            progress(
                f"loss {np.mean(losses[-_REPORTED:]):.3f}, powers of linear tier and encoder {shares}", step + 1, total
            )
    network.load_state_dict(average, strict=False)
    return weights._replace(state=network.trained())


def _optimiser(
    network: Network, powers: torch.nn.Parameter, recipe: Recipe
) -> tuple[torch.optim.Optimizer, list[float]]:
    """The optimiser, and the full rate of each of its groups."""
    body = [value for value in network.layers.parameters() if value.requires_grad]
    parts = [
        ([value for value in body if value.ndim > 1], recipe.rate, _DECAY),
        ([value for value in body if value.ndim == 1], recipe.rate, 0.0),
        ([*network.head.parameters(), *network.vector.parameters()], recipe.head_rate, _DECAY / 2),
        ([powers], recipe.head_rate, 0.0),
    ]
    groups = [{"params": values, "weight_decay": decay} for values, _, decay in parts]
    return torch.optim.AdamW(groups, betas=_BETAS, fused=True), [rate for _, rate, _ in parts]


def _steps(lessons: Lessons, recipe: Recipe) -> int:
    items = recipe.epochs * lessons.labelled
    items += recipe.unlabelled_epochs * (len(lessons.pieces) - lessons.labelled)
    return max(1, int(items / recipe.batch))


def _endless(
    lessons: Lessons, recipe: Recipe, random: np.random.Generator, steps: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """The labelled items over and over, each time with as many of the others as they have turns, until `steps`."""
    unlabelled = len(lessons.pieces) - lessons.labelled
    some = min(unlabelled, int(unlabelled * recipe.unlabelled_epochs / recipe.epochs))
    done = 0
    while True:
        others = random.permutation(unlabelled)[:some] + lessons.labelled
        chosen = np.concatenate([np.arange(lessons.labelled), others])
        for rows, ids in batches([lessons.pieces[at] for at in chosen], recipe.pieces, recipe.batch, random):
            if done == steps:
                return
            done += 1
            yield chosen[rows], ids


def _course(step: int, total: int) -> float:
    """Share of the full rate: up over the first steps, then down in a straight line."""
    warm = max(1, int(_WARM_UP * total))
    return (step + 1) / warm if step < warm else max(_LEAST_RATE, 1 - (step - warm) / (total - warm))


def _loss(
    network: Network,
    powers: torch.Tensor,
    lessons: Lessons,
    rows: NDArray[np.int64],
    ids: torch.Tensor,
    recipe: Recipe,
) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        sentence = network.sentence(ids)
    logits = network.head(functional.dropout(sentence, _DROPOUT))
    linear, importance = _floats(lessons.linear[rows]), _floats(lessons.importance[rows])
    targets = _targets(lessons, rows, logits.detach(), recipe)
    both = powers[0] * linear + powers[1] * logits
    alone, beside = (
        -(functional.log_softmax(one, -1) * targets).sum(-1) @ importance / len(rows) for one in (logits, both)
    )
    loss = (1 - recipe.beside) * alone + recipe.beside * beside
    if lessons.teacher is None:
        return loss
    vectors = _floats(lessons.teacher.vectors[rows])
    return loss + recipe.vector * (1 - functional.cosine_similarity(network.vector(sentence), vectors, -1)).mean()


def _targets(lessons: Lessons, rows: NDArray[np.int64], logits: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """What is to be said of each row: the labels, smoothed, and with a teacher what all say together."""
    targets = _floats(lessons.targets[rows])
    labels = (1 - recipe.smoothing) * targets + recipe.smoothing / targets.shape[1]
    if lessons.teacher is None:
        return labels
    said = (_floats(lessons.teacher.logarithms[rows]), _floats(lessons.linear[rows]), logits.log_softmax(-1))
    told = torch.stack([power * one for power, one in zip(_TOLD, said, strict=True)]).sum(0).softmax(-1)
    known = torch.from_numpy(rows < lessons.labelled)[:, None]
    return torch.where(known, (1 - recipe.taught) * labels + recipe.taught * told, told)


def _floats(values: NDArray[np.floating[Any]]) -> torch.Tensor:
    return torch.from_numpy(values.astype(np.float32))


def _average(average: dict[str, torch.Tensor], network: Network, kept: float) -> None:
    with torch.no_grad():
        for name, value in network.named_parameters():
            if name in average:
                average[name].lerp_(value, 1 - kept)
