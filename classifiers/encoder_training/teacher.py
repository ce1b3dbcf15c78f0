"""The teacher: what a larger encoder, as it was published, tells a smaller one of items with labels and without.

All layers of the base give each item a vector; small heads on these vectors learn the topics. The layers themselves
never learn, so they keep what publishers outside the training data would need: on four such publishers the heads alone
reach a macro-F1 of .627, six fine-tuned layers .611.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from classifiers.encoder_training.lessons import Teacher
from classifiers.encoder_training.network import Network

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from classifiers.encoder_training.weights import Weights
    from classifiers.train import Progress

_TOGETHER = 32  # items of one length that are read at once
_REPORTED = 500  # items between two reports
_FOLDS = 4
_INNER, _DROPOUT, _PASSES, _BATCH = 256, 0.2, 14, 128
_RATE, _LEAST_RATE, _DECAY = 2e-3, 1e-5, 0.01
_SCALE = 20.0  # about the root of the width: a part of a normed vector of 384 is then about 1
_LEAST_PROBABILITY = 1e-9


def teach(
    weights: Weights,
    sequences: Sequence[NDArray[np.int64]],
    targets: NDArray[np.float64],
    importance: NDArray[np.float64],
    progress: Progress,
) -> Teacher:
    """Read all items, and learn from those that have labels.

    Args:
        weights: of all layers of the base; a head among them is not used.
        sequences: word pieces of each item, `<s>` and `</s>` included.
        targets: of the items that stand first, shape (labelled, labels); the other items have none.
        importance: (labelled,), mean 1.
        progress: told how many items were read.

    """
    torch.set_num_threads(1)
    vectors = sentence_vectors(weights, sequences, progress)
    labelled = len(targets)
    vectors -= vectors[:labelled].mean(axis=0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-6)
    found = np.zeros((len(vectors), targets.shape[1]))
    folds = np.array([hashlib.blake2b(row.tobytes()).digest()[0] % _FOLDS for row in vectors[:labelled]])
    for fold in range(_FOLDS):
        known = np.flatnonzero(folds != fold)
        head = _learned_head(vectors[known], targets[known], importance[known], fold)
        unseen = np.flatnonzero(folds == fold)
        found[unseen] = head(vectors[unseen])
        found[labelled:] += head(vectors[labelled:]) / _FOLDS
    return Teacher(np.log(found + _LEAST_PROBABILITY), vectors)


def sentence_vectors(
    weights: Weights, sequences: Sequence[NDArray[np.int64]], progress: Progress
) -> NDArray[np.float32]:
    """Means of the last layer, shape (items, width), each of length 1."""
    network = Network(weights, 1).eval()
    found = np.zeros((len(sequences), weights.positions.shape[1]), np.float32)
    order = sorted(range(len(sequences)), key=lambda at: len(sequences[at]))
    done = 0
    while done < len(order):
        length = len(sequences[order[done]])
        chosen = [at for at in order[done : done + _TOGETHER] if len(sequences[at]) == length]
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
            read = network.sentence(torch.from_numpy(np.stack([sequences[at] for at in chosen])))
        found[chosen] = functional.normalize(read.float(), dim=-1).numpy()
        done += len(chosen)
        if done // _REPORTED != (done - len(chosen)) // _REPORTED or done == len(order):
            progress("reading with all layers of the base", done, len(order))
    return found


def _learned_head(
    vectors: NDArray[np.float32], targets: NDArray[np.float64], importance: NDArray[np.float64], seed: int
) -> Callable[[NDArray[np.float32]], NDArray[np.float64]]:
    """A head on vectors; what is returned gives probabilities of shape (items, labels)."""
    torch.manual_seed(seed)
    head = nn.Sequential(
        nn.Linear(vectors.shape[1], _INNER), nn.ReLU(), nn.Dropout(_DROPOUT), nn.Linear(_INNER, targets.shape[1])
    )
    optimiser = torch.optim.AdamW(head.parameters(), _RATE, weight_decay=_DECAY)
    given, wanted, weight = (
        torch.from_numpy(np.asarray(part, np.float32)) for part in (vectors * _SCALE, targets, importance)
    )
    steps = _PASSES * max(1, len(given) // _BATCH)
    for step in range(steps):
        if step % max(1, len(given) // _BATCH) == 0:
            order = torch.randperm(len(given))
        at = order[(step * _BATCH) % max(1, len(given) - _BATCH + 1) :][:_BATCH]
        optimiser.param_groups[0]["lr"] = _RATE * (1 - step / steps) + _LEAST_RATE
        loss = -(functional.log_softmax(head(given[at]), -1) * wanted[at]).sum(-1) @ weight[at] / len(at)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    head.eval()

    def said(some: NDArray[np.float32]) -> NDArray[np.float64]:
        with torch.no_grad():
            logits = head(torch.from_numpy(np.asarray(some * _SCALE, np.float32)))
        return np.asarray(functional.softmax(logits, -1).numpy(), np.float64)

    return said
