"""Python's garbage collector in a process that first loads much and then makes and frees batches for ever."""

from __future__ import annotations

import gc

# Containers made and not yet freed before the collector looks: a batch of 1000 items holds 20,000 to 30,000 that
# reference counts will free. At Python's 700 it walked them 40 times a batch, 7 % of labelling and encoding.
THRESHOLD = 50_000


def let_it_rest() -> None:
    """What is loaded by now stays (a model's tables: a million objects): the collector need not walk it again."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()
    gc.set_threshold(THRESHOLD, 10, 10)
