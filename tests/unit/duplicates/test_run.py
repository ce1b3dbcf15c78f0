"""The stage over a link in memory: what was rolled back is marked again as if it had not been."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.duplicates import run as module
from streams.duplicates.marker import Marked, Marker, Window
from streams.duplicates.run import PATIENCE, Parts, run_duplicates
from streams.errors import TransientError
from streams.wire import SIGNATURES, UNIQUE
from tests.unit.agents.memory_link import MemoryLink
from tests.unit.duplicates.examples import NOW, item, story

if TYPE_CHECKING:
    from collections.abc import Iterable


class Stage:
    """Ten versions of one item in three partitions, a batch of two at a time."""

    def __init__(self) -> None:
        self.link = MemoryLink(10, value=item("urn:a", story(1)))
        self.link.at_most = 2
        self.marked: list[Marked] = []
        self.markers = 0

    def new_marker(self) -> Marker:
        self.markers += 1
        latest = {o.key.decode(): o.value for o in self.link.written if o.kafka_topics == (SIGNATURES,)}
        return Marker(Window(100), lambda: NOW, latest)

    def run(self) -> None:
        run_duplicates(Parts(self.link.open, self.new_marker, self.marked.append), self.link.done)

    def counts(self) -> tuple[int, int]:
        return sum(m.unique for m in self.marked), sum(m.kinds["revision"] for m in self.marked)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BACK_OFF_SECONDS", 0.001)


def test_every_record_is_marked_once() -> None:
    stage = Stage()
    stage.run()
    assert stage.counts() == (1, 9)
    assert stage.link.closed


@pytest.mark.parametrize("after", range(4))
def test_what_was_rolled_back_is_not_remembered(after: int) -> None:
    stage = Stage()
    stage.link.before_publish.extend([lambda: None] * after + [stage.link.abort])
    stage.run()
    assert stage.counts() == (1, 9)
    assert sum(o.kafka_topics == (UNIQUE,) for o in stage.link.written) == 1
    assert (stage.markers, stage.link.rewinds) == (2, 1)


def test_records_read_out_of_the_group_are_read_again() -> None:
    stage = Stage()
    stage.link.thrown_out()
    stage.link.before_poll.appendleft(lambda: None)
    stage.run()
    assert stage.counts() == (1, 9)


def test_it_leaves_after_so_many_rollbacks() -> None:
    stage = Stage()
    stage.link.before_publish.extend([stage.link.abort] * (PATIENCE + 1))
    with pytest.raises(TransientError, match="scripted"):
        stage.run()
    assert stage.link.closed
    assert stage.marked == []


def test_a_missing_kafka_topic_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    stage = Stage()

    def missing(_: MemoryLink, kafka_topics: Iterable[str]) -> list[str]:
        return list(kafka_topics)[-1:]

    monkeypatch.setattr(MemoryLink, "missing", missing)
    with pytest.raises(TransientError, match=r"news\.signatures; run `newswire topics create`"):
        stage.run()
    assert stage.link.closed
