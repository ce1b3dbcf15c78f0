"""A sink that can be followed is the sink it wraps, and tells what became durable."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from streams.kafka.link import Record
from streams.sinks.base import Settled
from streams.sinks.followed import Followed
from streams.traces import Place
from tests.spans import Kept

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

PLACE = ("news.labelled", 3)


def record(offset: int) -> Record:
    headers = [("traceparent", f"00-{offset:032x}-{7:016x}-01".encode())] if offset else []
    return Record(*PLACE, offset, f"urn:example:{offset}".encode(), b"{}", headers, 0)


class Held:
    """A sink that makes durable what it is told to."""

    name = "held"
    guarantee = "exactly once"
    group_counts = False

    def __init__(self) -> None:
        self.durable = 0
        self.records: list[Record] = []
        self.closed = False

    def resume(self) -> Any:
        return {PLACE: 5}

    def room(self) -> int:
        return 17

    def write(self, records: Sequence[Record]) -> None:
        self.records += records

    def settle(self, *, everything: bool = False) -> Settled:
        if everything:
            self.durable = self.records[-1].offset + 1 if self.records else 0
        return Settled({PLACE: self.durable} if self.durable else {}, len(self.records))

    def close(self) -> None:
        self.closed = True


def test_it_is_the_sink_that_it_wraps() -> None:
    held = Held()
    sink = Followed(held, None, lambda: 0)
    assert (sink.name, sink.guarantee, sink.group_counts) == ("held", "exactly once", False)
    assert (sink.resume(), sink.room()) == ({PLACE: 5}, 17)
    sink.write([record(0)])
    assert held.records == [record(0)]
    assert sink.settle(everything=True) == Settled({PLACE: 1}, 1)
    sink.close()
    assert held.closed


def test_an_item_is_a_span_from_being_written_to_being_durable() -> None:
    held, kept, clock = Held(), Kept(), iter([10, 20, 30, 40])
    sink = Followed(held, kept, lambda: next(clock))
    sink.write([record(0), record(1)])
    sink.write([record(2)])
    sink.settle()
    assert kept.stages == []
    held.durable = 2
    sink.settle()
    assert [(s.name, s.parent, s.began, s.ended) for s in kept.stages] == [
        ("sink held", None, 10, 30),
        ("sink held", Place(1, 7), 10, 30),
    ]
    sink.settle(everything=True)
    assert [(s.attributes["newswire.uri"], s.began) for s in kept.stages[2:]] == [("urn:example:2", 20)]


def test_what_became_durable_is_one_line_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    sink = Followed(Held(), None, lambda: 0)
    sink.write([record(1), record(2)])
    sink.settle(everything=True)
    sink.settle(everything=True)
    (line,) = caplog.records
    assert line.getMessage() == "sink held: 2 items stored"
    assert (line.sink, line.items, line.uris) == ("held", 2, ["urn:example:1", "urn:example:2"])
    assert line.traceparent.endswith("-01")


def test_what_was_not_durable_at_the_end_is_forgotten() -> None:
    held, kept = Held(), Kept()
    sink = Followed(held, kept, lambda: 0)
    sink.write([record(1)])
    sink.close()
    sink.settle(everything=True)
    assert kept.stages == []
