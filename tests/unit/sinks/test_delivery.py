"""Deliveries: patience, poison, offsets, what waits."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from streams.errors import InvalidError
from streams.sinks.delivery import (
    LONGEST_RETRY_AFTER_SECONDS,
    MOST_BYTES,
    MOST_REFUSED_IN_A_ROW,
    OPEN_AFTER_FAILURES,
    Answer,
    DeliverySink,
    Limits,
    Patience,
)
from tests.contract.sink_cases import NAME, Clock, Graveyard, record, records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.kafka.link import Record


class Receiver:
    """A target that answers as told."""

    name = "receiver"

    def __init__(self) -> None:
        self.answer: Callable[[Sequence[Record]], Answer] = lambda _: Answer()
        self.requests: list[list[int]] = []  # the offsets of each
        self.closed = 0

    def prepare(self) -> None:
        pass

    def check(self, record: Record) -> None:
        if record.value == b"not sendable":
            raise InvalidError("not sendable")

    def send(self, batch: Sequence[Record]) -> Answer:
        self.requests.append([r.offset for r in batch])
        return self.answer(batch)

    def close(self) -> None:
        self.closed += 1


class Parts:
    def __init__(self, limits: Limits | None = None) -> None:
        self.clock, self.target, self.grave, self.repeats = Clock(), Receiver(), Graveyard(), 0
        self.patience = Patience(self.clock, random.Random(5))
        self.sink = DeliverySink(self.target, limits or Limits(4, 1 << 20), self.patience, self.grave, self._again)
        self.sink.resume()

    def _again(self) -> None:
        self.repeats += 1

    def buried(self) -> list[int]:
        return [r.offset for r, _ in self.grave.buried]


@pytest.fixture
def parts() -> Parts:
    return Parts()


def later(batch: Sequence[Record]) -> Answer:
    return Answer(again=frozenset(range(len(batch))), message="away")


def refusing(*offsets: int) -> Callable[[Sequence[Record]], Answer]:
    """One of these in a request, and it is refused without saying for which."""
    return lambda batch: Answer(divide=bool({r.offset for r in batch} & set(offsets)), message="422")


def test_a_request_holds_so_many_items_and_bytes() -> None:
    parts = Parts(Limits(3, 1000))
    parts.sink.write([*records(0, 0, 4), record(0, 4, b"x" * 900), record(0, 5, b"x" * 900)])
    assert parts.sink.settle() == ({(NAME, 0): 6}, 6)
    assert [len(r) for r in parts.target.requests] == [1] * 6  # an item of the suite has more than half of it
    parts = Parts(Limits(3, 1 << 20))
    parts.sink.write(records(0, 0, 7))
    parts.sink.settle()
    assert parts.target.requests == [[0, 1, 2], [3, 4, 5], [6]]


def test_what_fails_is_sent_again_after_a_while_and_nothing_is_settled_before(parts: Parts) -> None:
    parts.target.answer = later
    parts.sink.write(records(0, 10, 13))
    assert parts.sink.settle() == ({}, 0)
    assert parts.sink.settle(everything=True) == ({}, 0)
    assert parts.target.requests == [[10, 11, 12]]  # too early for a second one
    assert parts.repeats == 1
    parts.target.answer = lambda _: Answer()
    parts.clock.now += 0.5
    assert parts.sink.settle() == ({(NAME, 0): 13}, 3)
    assert parts.target.requests == [[10, 11, 12]] * 2


def test_waits_double_with_jitter_up_to_a_minute(parts: Parts) -> None:
    waits = [parts.patience.failed(None) for _ in range(12)]
    for number, wait in enumerate(waits):
        assert min(60.0, 0.5 * 2**number) / 2 <= wait <= min(60.0, 0.5 * 2**number)
    assert len(set(waits)) == len(waits)
    parts.patience.succeeded()
    assert parts.patience.failed(None) <= 0.5


def test_what_the_receiver_asks_for_is_kept_to_but_not_for_days(parts: Parts) -> None:
    assert parts.patience.failed(30.0) == 30.0
    parts.clock.now += 29.9
    assert parts.patience.waits()
    parts.clock.now += 0.1
    assert not parts.patience.waits()
    assert parts.patience.failed(1e6) == LONGEST_RETRY_AFTER_SECONDS


def test_one_item_alone_tries_whether_a_receiver_that_is_away_is_back(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    parts.target.answer = later
    parts.sink.write(records(0, 0, 8))
    for _ in range(OPEN_AFTER_FAILURES + 2):
        parts.sink.settle()
        parts.clock.now += 60.0
    assert [len(r) for r in parts.target.requests] == [4] * OPEN_AFTER_FAILURES + [1, 1]
    assert "receiver: the receiver is away" in caplog.text
    parts.target.answer = lambda _: Answer()
    assert parts.sink.settle() == ({(NAME, 0): 8}, 8)
    assert "the receiver is back" in caplog.text
    assert [len(r) for r in parts.target.requests[-3:]] == [1, 4, 3]


def test_a_poison_item_is_found_and_buried_and_its_neighbours_are_taken() -> None:
    parts = Parts(Limits(16, 1 << 20))
    parts.target.answer = refusing(5)
    parts.sink.write(records(0, 0, 16))
    assert parts.sink.settle() == ({(NAME, 0): 16}, 15)
    assert parts.buried() == [5]
    taken = [offset for request in parts.target.requests if 5 not in request for offset in request]
    assert sorted(taken) == [n for n in range(16) if n != 5]
    assert taken == sorted(taken)
    assert len(parts.target.requests) <= 13


def test_what_is_refused_by_name_is_buried_and_what_must_wait_waits(parts: Parts) -> None:
    parts.target.answer = lambda _: Answer({1: "no date"}, frozenset({2}), message="busy")
    parts.sink.write(records(0, 0, 3) + records(1, 7, 8))
    assert parts.sink.settle() == ({(NAME, 0): 2, (NAME, 1): 8}, 2)
    assert parts.buried() == [1]
    parts.target.answer = lambda _: Answer()
    parts.clock.now += 1.0
    assert parts.sink.settle() == ({(NAME, 0): 3}, 1)
    assert parts.target.requests[-1] == [2]


def test_a_receiver_that_refuses_everything_is_no_receiver(parts: Parts) -> None:
    parts.target.answer = lambda _: Answer(divide=True, message="405 Method Not Allowed")
    parts.sink.write(records(0, 0, 30))
    with pytest.raises(InvalidError, match="sink receiver: the receiver refuses every item: 405"):
        parts.sink.settle()
    assert len(parts.grave.buried) == MOST_REFUSED_IN_A_ROW


def test_some_poison_among_many_is_no_reason_to_stop(parts: Parts) -> None:
    parts.target.answer = refusing(*range(0, 60, 2))
    parts.sink.write(records(0, 0, 60))
    assert parts.sink.settle() == ({(NAME, 0): 60}, 30)
    assert parts.buried() == list(range(0, 60, 2))


def test_what_cannot_be_sent_at_all_is_buried_at_once(parts: Parts) -> None:
    parts.sink.write([record(0, 0), record(0, 1, b"not sendable")])
    assert parts.buried() == [1]
    assert parts.sink.settle() == ({(NAME, 0): 2}, 1)


def test_it_takes_no_more_than_it_may_hold(parts: Parts) -> None:
    parts.target.answer = later
    assert parts.sink.room() == 1000
    parts.sink.write(records(0, 0, 900))
    parts.sink.settle()
    assert parts.sink.room() == 100
    parts.sink.write([record(0, 900, b"x" * MOST_BYTES)])
    assert parts.sink.room() == 0
    parts.target.answer = lambda _: Answer()
    parts.clock.now += 60.0
    parts.sink.settle()
    assert parts.sink.room() == 1000


def test_settling_returns_now_and_then_while_there_is_much_to_send(parts: Parts) -> None:
    def slow(batch: Sequence[Record]) -> Answer:
        parts.clock.now += 1.5
        return Answer()

    parts.target.answer = slow
    parts.sink.write(records(0, 0, 100))
    settled: Any = parts.sink.settle()
    assert settled == ({(NAME, 0): 8}, 8)
    parts.sink.close()
    assert parts.target.closed == 1
