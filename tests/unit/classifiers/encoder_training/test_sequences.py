"""What the encoder reads in training: as served but for the changes, and never padded."""

from __future__ import annotations

import numpy as np
import pytest

from classifiers.contract import Item
from classifiers.encoder import text_of
from classifiers.encoder_training.sequences import (
    BEGIN,
    END,
    Pieces,
    batches,
    cropped,
    pieces_of,
    questions_of,
    sequence,
    varied,
)
from tests.unit.classifiers.encoder_training.tiny import tiny_tokenizer

LIMIT = 32


def pieces(title: int, text: int) -> Pieces:
    """Title of 100, 101, ... and text of 200, 201, ..."""
    return Pieces(np.arange(100, 100 + title), np.arange(200, 200 + text))


@pytest.mark.parametrize(
    "item",
    [
        Item("storm court", "match vote goal"),
        Item("", "rain rain"),
        Item("team judge", ""),
        Item("match vote…", "match vote goal"),
        Item("half a pair \ud800", "and \udfff"),
    ],
)
def test_pieces_are_those_of_serving(item: Item) -> None:
    [found] = pieces_of(tiny_tokenizer(), [item])
    assert sequence(found, 1000).tolist() == tiny_tokenizer().encode(text_of(item)).ids


def test_a_sequence_is_cut_and_closed() -> None:
    assert sequence(pieces(2, 100), 6).tolist() == [BEGIN, 100, 101, 200, 201, END]
    assert sequence(pieces(0, 0), 6).tolist() == [BEGIN, END]


def test_a_question_is_the_item_behind_the_word_query() -> None:
    tokenizer = tiny_tokenizer()
    items = [Item("storm court", "match vote goal"), Item("", "rain rain"), Item("", "match " * 50)]
    found = questions_of(tokenizer, items, 16)
    for row, text in zip(found, ("query: storm court. match vote goal", "query: rain rain"), strict=False):
        assert row.tolist() == [BEGIN, *tokenizer.encode(text, add_special_tokens=False).ids[:14], END]
    assert len(found[2]) == 16


class TestVaried:
    def test_titles_and_texts_are_missing_now_and_then(self) -> None:
        random = np.random.default_rng(0)
        rows = [varied(pieces(10, 40), LIMIT, random) for _ in range(3000)]
        assert all(row[0] == BEGIN and row[-1] == END and len(row) <= LIMIT for row in rows)
        share = {
            "no title": np.mean([not ((row >= 100) & (row < 200)).any() for row in rows]),
            "no text": np.mean([not (row >= 200).any() for row in rows]),
            "whole": np.mean([len(row) == LIMIT for row in rows]),
        }
        assert share["no title"] == pytest.approx(0.12, abs=0.03)
        assert 0.1 < share["no text"] < 0.25  # also rows that end before the text does begin
        assert 0.05 < share["whole"] < 0.4

    def test_the_order_stays(self) -> None:
        random = np.random.default_rng(1)
        for _ in range(200):
            inner = varied(pieces(5, 30), LIMIT, random)[1:-1]
            assert (np.diff(inner) > 0).all()

    def test_short_items_keep_something(self) -> None:
        random = np.random.default_rng(2)
        assert all(len(varied(pieces(1, 0), LIMIT, random)) > 2 for _ in range(200))


class TestBatches:
    def test_each_item_once_in_rows_of_one_length(self) -> None:
        random = np.random.default_rng(0)
        items = [pieces(int(random.integers(1, 12)), int(random.integers(0, 60))) for _ in range(333)]
        found = list(batches(items, LIMIT, 16, random))
        assert sorted(np.concatenate([numbers for numbers, _ in found]).tolist()) == list(range(333))
        for numbers, ids in found:
            assert ids.shape[0] == len(numbers) <= 16
            assert (ids[:, 0] == BEGIN).all()
            assert (ids[:, -1] == END).all()

    def test_little_is_cropped_away(self) -> None:
        random = np.random.default_rng(0)
        items = [pieces(8, 60) for _ in range(640)]
        drawn = sum(len(varied(one, LIMIT, np.random.default_rng(at))) for at, one in enumerate(items))
        read = sum(ids.size for _, ids in batches(items, LIMIT, 16, random))
        assert read > 0.9 * drawn

    def test_a_seed_gives_the_same_again(self) -> None:
        items = [pieces(5, 20) for _ in range(50)]
        one, two = (list(batches(items, LIMIT, 8, np.random.default_rng(4))) for _ in range(2))
        assert all((a[0] == b[0]).all() and (a[1] == b[1]).all() for a, b in zip(one, two, strict=True))


def test_cropped_rows_end_like_whole_ones() -> None:
    rows = [np.array([BEGIN, 7, 8, 9, 10, END]), np.array([BEGIN, 7, 8, 9, END])]
    assert cropped(rows).tolist() == [[BEGIN, 7, 8, 9, END], [BEGIN, 7, 8, 9, END]]
    assert cropped([np.array([BEGIN, END])]).tolist() == [[BEGIN, END, END, END]]
