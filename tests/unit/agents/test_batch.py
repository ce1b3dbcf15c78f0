"""Bisecting a batch that a classifier fails on, the offsets of a batch, and its size."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.agents.batch import Batch, Outcome, Pace, Poison, bisect
from streams.kafka.link import FanOut, Record


class Classifier:
    """Doubles numbers; raises where a number of `bad` is among them."""

    def __init__(self, bad: set[int]) -> None:
        self.bad, self.calls = bad, 0

    def __call__(self, numbers: list[int]) -> list[int]:
        self.calls += 1
        for number in numbers:
            if number in self.bad:
                raise ValueError(number)
        return [2 * number for number in numbers]


@given(st.integers(0, 60).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.integers(0, max(n - 1, 0))))))
def test_each_bad_item_is_poison_and_every_other_has_its_result(case: tuple[int, set[int]]) -> None:
    count, bad = case
    results = bisect(list(range(count)), Classifier(bad), "topics")
    assert len(results) == count
    for number, result in enumerate(results):
        if number in bad:
            assert isinstance(result, Poison)
            assert (result.stage, result.error.args) == ("topics", (number,))
        else:
            assert result == 2 * number


@pytest.mark.parametrize("bad", [{0}, {999}, {499, 500}], ids=["first", "last", "two neighbours"])
def test_one_bad_item_costs_few_passes(bad: set[int]) -> None:
    classifier = Classifier(bad)
    bisect(list(range(1000)), classifier, "topics")
    assert classifier.calls <= 2 * len(bad) * 10 + 1  # log2(1000) is 10


def test_attempts_count_how_often_the_item_was_tried() -> None:
    results = bisect(list(range(8)), Classifier({5}), "topics")
    poison = results[5]
    assert isinstance(poison, Poison)
    assert poison.attempts == 4


def test_a_poison_says_where_it_happened() -> None:
    (poison,) = bisect([1], Classifier({1}), "topics")
    assert isinstance(poison, Poison)
    assert "raise ValueError(number)" in poison.stacktrace


@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt, SystemExit])
def test_what_is_the_process_s_trouble_is_not_the_item_s(error: type[BaseException]) -> None:
    def work(_: list[int]) -> list[int]:
        raise error

    with pytest.raises(error):
        bisect([1, 2, 3], work, "topics")


def test_a_classifier_with_too_few_answers_is_a_bug() -> None:
    with pytest.raises(RuntimeError, match="topics: 1 answers for 2 items"):
        bisect([1, 2], lambda numbers: numbers[:1], "topics")


def test_the_offsets_of_a_batch_are_one_past_the_last_record_of_each_partition() -> None:
    records = [
        Record("t", partition, offset, None, None, (), 0) for partition, offset in ((0, 7), (1, 3), (0, 9), (1, 4))
    ]
    assert Batch(records, 0, 0, None).offsets() == {("t", 0): 10, ("t", 1): 5}


def test_the_outputs_of_a_batch_are_those_of_its_outcomes_in_order() -> None:
    one, two = (FanOut(("t",), None, b"%d" % n, []) for n in range(2))
    outcomes = [Outcome("labelled", one, 0), Outcome("dead", two, 0)]
    assert Batch([], 0, 0, None, outcomes).outputs() == [one, two]


def test_the_first_batch_is_small_because_the_speed_is_not_known() -> None:
    assert Pace(1000).limit() == 100
    assert Pace(20).limit() == 20


def test_a_batch_grows_to_what_a_second_can_classify_and_not_beyond_the_most() -> None:
    pace = Pace(2000)
    for _ in range(20):
        pace.took(pace.limit(), pace.limit() * 0.001)
    assert 990 <= pace.limit() <= 1000
    for _ in range(20):
        pace.took(pace.limit(), 0.001)
    assert pace.limit() == 2000


def test_a_batch_shrinks_where_items_are_slow_but_holds_one() -> None:
    pace = Pace(1000)
    for _ in range(20):
        pace.took(pace.limit(), pace.limit() * 30.0)
    assert pace.limit() == 1
