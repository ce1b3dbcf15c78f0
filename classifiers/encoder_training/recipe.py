"""How an encoder is trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True, frozen=True)
class Recipe:
    """The numbers of one training; the defaults are for layers that have learned topics before."""

    epochs: float = 2.5
    rate: float = 1e-4  # of AdamW, at its highest
    head_rate: float = 1e-3
    batch: int = 32
    smoothing: float = 0.05  # share of each target that is spread over all labels
    beside: float = 0.5  # share of the loss that asks the product of both tiers
    frozen: int = 2  # lowest layers that stay as they are: a fifth less work
    averaging: float = 0.998  # share of the moving average of the weights that each step keeps
    pieces: int = 96
    seed: int = 0
    # With a teacher alone:
    taught: float = 0.25  # share of a labelled item's target that is the teacher's
    unlabelled_epochs: float = 1.25
    unlabelled: float = 0.6  # importance of an item without labels
    vector: float = 1.0  # weight of 1 - cosine to the teacher's vector


FRESH = Recipe(epochs=3.0, rate=1.5e-4, head_rate=2e-3, frozen=0)  # for layers of the base
