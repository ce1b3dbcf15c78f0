"""The learning itself, on an encoder of two layers; needs torch, of the extra encoder-training."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from classifiers.encoder_training.learning import learn
from classifiers.encoder_training.lessons import Lessons, Teacher
from classifiers.encoder_training.network import Network
from classifiers.encoder_training.recipe import Recipe
from classifiers.encoder_training.sequences import Pieces, sequence
from tests.unit.classifiers.encoder_training.test_lessons import silent
from tests.unit.classifiers.encoder_training.tiny import WORDS, logits_of, tiny_weights

if TYPE_CHECKING:
    from classifiers.encoder_training.weights import Weights

RECIPE = Recipe(epochs=6, rate=3e-3, head_rate=1e-2, batch=16, frozen=1, averaging=0.9, pieces=16)


def lessons(*, linear_knows: bool = False) -> Lessons:
    """Three topics, each told by one word among others that say nothing."""
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 240)
    items = [Pieces(np.array([5 + topic]), random.integers(8, len(WORDS), 8)) for topic in truth.tolist()]
    targets = np.eye(3)[truth]
    said = np.log(0.9 * targets + 0.1 / 3) if linear_knows else np.full((240, 3), -np.log(3))
    return Lessons(items, targets, np.ones(240), said)


def share_right(weights: Weights, given: Lessons) -> float:
    network = Network(weights, 3)
    with torch.no_grad():
        guesses = [network(torch.from_numpy(sequence(one, 16)[None])).argmax().item() for one in given.pieces]
    return float(np.mean(np.array(guesses) == given.targets.argmax(axis=1)))


def test_the_network_is_the_served_one() -> None:
    weights = tiny_weights()
    ids = [0, 7, 9, 11, 20, 2]
    with torch.no_grad():
        found = Network(weights, 3)(torch.tensor([ids])).numpy()[0]
    assert found == pytest.approx(logits_of(weights, ids), abs=1e-4)


def test_it_learns_and_leaves_the_lowest_layer_alone() -> None:
    start = tiny_weights()
    found = learn(start, lessons(), RECIPE, silent)
    assert share_right(start, lessons()) < 0.6
    assert share_right(found, lessons()) > 0.9
    for name, value in found.state.items():
        unchanged = name.startswith(("layers.0.", "norm."))
        assert (value == start.state[name]).all() == unchanged, name


def test_a_seed_gives_the_same_again() -> None:
    short = replace(RECIPE, epochs=1)
    one, two, other = (learn(tiny_weights(), lessons(), replace(short, seed=seed), silent) for seed in (1, 1, 2))
    assert all((one.state[name] == value).all() for name, value in two.state.items())
    assert any((one.state[name] != value).any() for name, value in other.state.items())


def test_a_head_is_made_where_there_is_none() -> None:
    start = tiny_weights()
    bare = start._replace(state={name: value for name, value in start.state.items() if not name.startswith("head.")})
    assert share_right(learn(bare, lessons(), RECIPE, silent), lessons()) > 0.9


def test_beside_a_tier_that_knows_it_has_less_to_learn() -> None:
    moved = []
    for linear_knows in (False, True):
        recipe = replace(RECIPE, beside=1.0, epochs=3)
        found = learn(tiny_weights(), lessons(linear_knows=linear_knows), recipe, silent)
        moved.append(share_right(found, lessons()))
    assert moved[0] > moved[1]


class TestTeacher:
    def taught(self, *, right: bool) -> Lessons:
        """Labels of two items in three of the first topic alone; a teacher knows, or mistakes, all of them."""
        given = lessons()
        truth = given.targets.argmax(axis=1)
        order = np.concatenate([np.flatnonzero(truth == 0), np.flatnonzero(truth != 0)])
        known = (truth[order] == 0).sum()
        targets = np.where(np.arange(240)[:, None] < known, given.targets[order], 0)
        said = given.targets[order] if right else np.roll(given.targets[order], 1, axis=1)
        vectors = np.random.default_rng(3).normal(size=(240, 64)).astype(np.float32)
        teacher = Teacher(np.log(0.98 * said + 0.02 / 3), vectors)
        return Lessons([given.pieces[at] for at in order], targets, np.ones(240), given.linear, teacher)

    def test_items_without_labels_are_learned_from_it(self) -> None:
        recipe = replace(RECIPE, unlabelled_epochs=6, vector=0.1)
        shares = []
        for right in (True, False):
            found = learn(tiny_weights(), self.taught(right=right), recipe, silent)
            assert "vector.weight" not in found.state
            shares.append(share_right(found, lessons()))
        assert shares[0] > 0.9
        assert shares[1] < 0.5

    def test_every_item_has_its_turns(self) -> None:
        told: list[tuple[str, int, int]] = []
        recipe = replace(RECIPE, epochs=2, unlabelled_epochs=1)
        given = self.taught(right=True)
        learn(tiny_weights(), given, recipe, lambda *what: told.append(what))
        assert told[-1][2] == (2 * given.labelled + (240 - given.labelled)) // recipe.batch


def test_progress_is_told() -> None:
    told: list[tuple[str, int, int]] = []
    learn(tiny_weights(), lessons(), replace(RECIPE, epochs=1), lambda *what: told.append(what))
    assert [what[1:] for what in told] == [(15, 15)]
    assert told[0][0].startswith("loss ")
