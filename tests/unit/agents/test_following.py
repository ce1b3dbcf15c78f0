"""What the log and the traces say of a committed batch."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from prometheus_client import CollectorRegistry

from streams.agents.batch import Batch, Outcome
from streams.agents.following import Following
from streams.kafka.link import FanOut, Record
from streams.metrics import Metrics
from streams.traces import Place, Stage

if TYPE_CHECKING:
    import pytest

NOW = 1_772_000_010.0


def traceparent(trace: int, span: int) -> tuple[str, bytes]:
    return ("traceparent", f"00-{trace:032x}-{span:016x}-01".encode())


def record(number: int, *headers: tuple[str, bytes]) -> Record:
    return Record("news.articles", 3, number, f"urn:example:{number}".encode(), b"{}", headers, 1_772_000_000_000)


def outcome(status: Any, *headers: tuple[str, bytes], reason: str = "") -> Outcome:
    return Outcome(status, FanOut(("t",), None, b"", list(headers)), 1_772_000_000_000, reason)


class Kept:
    """Spans that keeps what it is given; of traces with an odd number only."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    def wants(self, trace: int) -> bool:
        return trace % 2 == 1

    def record(self, stages: Any) -> None:
        self.stages += stages

    def close(self) -> None: ...


def follow(records: list[Record], outcomes: list[Outcome]) -> list[Stage]:
    kept = Kept()
    Following(Metrics(CollectorRegistry()), lambda: NOW, lambda: 0.0, kept).committed(
        Batch(records, 0, 0, None, outcomes), 0.02
    )
    return kept.stages


GOOD = (
    [record(1, traceparent(1, 5)), record(2, traceparent(2, 6))],
    [
        outcome("labelled", traceparent(1, 7)),
        outcome("abstained", traceparent(2, 8), reason="too_short"),
    ],
)
DEAD = [*GOOD[0], record(4, traceparent(3, 9))], [*GOOD[1], outcome("dead", traceparent(3, 9), reason="invalid")]


def test_a_good_batch_is_no_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    follow(*GOOD)
    assert caplog.records == []


def test_a_good_batch_is_one_line_with_every_uri_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    follow(*GOOD)
    (line,) = caplog.records
    assert line.getMessage() == "2 items committed"
    assert line.uris == ["urn:example:1", "urn:example:2"]
    assert (line.items, line.dead, line.seconds) == (2, 0, 0.02)


def test_dead_letters_are_one_line_that_leads_to_the_first(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    follow(*DEAD)
    (line,) = caplog.records
    assert (line.levelname, line.getMessage()) == ("WARNING", "1 of 3 items went to the dead letters: invalid 1")
    assert (line.uri, line.kafka_topic, line.partition, line.offset) == ("urn:example:4", "news.articles", 3, 4)
    assert line.traceparent == f"00-{3:032x}-{9:016x}-01"
    assert not hasattr(line, "uris")


def test_an_item_of_a_kept_trace_is_a_span_from_its_record_to_its_commit() -> None:
    labelled, dead = follow(*DEAD)
    assert labelled == Stage(
        "label",
        Place(1, 7),
        Place(1, 5),
        1_772_000_000_000_000_000,
        1_772_000_010_000_000_000,
        {"newswire.uri": "urn:example:1", "newswire.outcome": "labelled"},
    )
    # what its headers name is the publisher's span, not one of ours
    assert (dead.place, dead.parent, dead.attributes["newswire.reason"]) == (None, Place(3, 9), "invalid")


def test_items_without_a_trace_are_no_spans() -> None:
    assert follow([record(1)], [outcome("labelled")]) == []
