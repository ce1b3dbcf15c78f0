"""When another model is loaded, and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
import os
import pty
from collections import deque
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from streams.agents.reload import Reloader, Serving, Watch, check_streams
from streams.agents.terminal import Terminal
from streams.errors import InvalidError
from streams.metrics import Metrics
from streams.wire import TopicLabel
from tests.keyword_model import LABELS, KeywordModel

if TYPE_CHECKING:
    from collections.abc import Callable

TIMEOUT = 30.0
OTHERS = LABELS._replace(topics={**LABELS.topics, "99": TopicLabel("99", "gardens", {"en": "Gardens"})})


class TestWatch:
    def test_what_stands_still_is_loaded_once(self) -> None:
        watch = Watch("a")
        seen = ["a", "b", "b", "b", "b", "a", "a", "a"]
        assert [watch.is_due(one, told=False) for one in seen] == [
            False, False, True, False, False, False, True, False,
        ]  # fmt: skip

    def test_what_is_being_copied_waits(self) -> None:
        watch = Watch("a")
        assert not any(watch.is_due(one, told=False) for one in range(5))
        assert watch.is_due(4, told=False)

    def test_told_it_loads_whatever_is_there(self) -> None:
        watch = Watch("a")
        assert watch.is_due("a", told=True)
        assert watch.is_due("b", told=True)
        assert not watch.is_due("b", told=False)

    def test_what_came_and_went_between_two_looks_is_nothing(self) -> None:
        watch = Watch("a")
        assert [watch.is_due(one, told=False) for one in ("b", "a", "a")] == [False, False, False]


class Scripted:
    """A pointer that gives what it is told to, in order, and then stands still."""

    def __init__(self, *found: Serving | Exception | None) -> None:
        self.left = deque(found)
        self.looks = 0

    def look(self) -> object:
        self.looks += 1
        return "still" if self.looks < 3 else ("changed", len(self.left))

    def load(self) -> Serving | None:
        found = self.left.popleft()
        if isinstance(found, Exception):
            raise found
        return found


class Run:
    """A reloader over a pointer, until its log has so many lines."""

    def __init__(self, pointer: Scripted, *, seconds: float = 0.001, told: bool = False) -> None:
        self.taken: list[Serving] = []
        self.metrics = Metrics(CollectorRegistry())
        self._pointer = pointer
        self._seconds = seconds
        self._told = told

    def until(self, condition: Callable[[], Any]) -> None:
        asyncio.run(self._until(condition))

    async def _until(self, condition: Callable[[], Any]) -> None:
        reloader = Reloader(self._pointer, "still", LABELS, self.taken.append, self.metrics)
        if self._told:
            reloader.tell()
        running = asyncio.ensure_future(reloader.run(self._seconds))
        async with asyncio.timeout(TIMEOUT):
            while not condition():
                assert not running.done()
                await asyncio.sleep(0.001)
        running.cancel()
        reloader.close()

    @property
    def counts(self) -> tuple[float, float]:
        """Models taken over, and failures."""
        return self.metrics.model_reloads._value.get(), self.metrics.model_reload_failures._value.get()


def test_a_changed_pointer_gives_the_next_model() -> None:
    new = Serving(KeywordModel(), LABELS)
    pointer = Scripted(new)
    run = Run(pointer)
    run.until(lambda: run.counts[0])
    assert run.taken == [new]
    assert run.counts == (1, 0)


def test_with_0_it_looks_only_when_told() -> None:
    new = Serving(KeywordModel(), LABELS)
    pointer = Scripted(new)
    run = Run(pointer, seconds=0, told=True)
    run.until(lambda: run.taken)
    assert pointer.looks == 1


def test_a_model_that_labels_already_changes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run = Run(Scripted(None), told=True, seconds=0)
    run.until(lambda: caplog.records)
    assert (run.taken, run.counts) == ([], (0, 0))
    assert "labels already" in caplog.text


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (InvalidError("topics.npz is damaged"), "the model stays: topics.npz is damaged"),
        (PermissionError(13, "Permission denied"), "the model stays: [Errno 13] Permission denied"),
        (
            Serving(KeywordModel(), OTHERS),
            "other labels than the running one (99 gardens): run `newswire topics create`",
        ),
    ],
    ids=["damaged", "unreadable", "other labels"],
)
def test_a_model_that_cannot_be_used_is_one_line_and_one_count(
    found: Any, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(Scripted(found, None))
    run.until(lambda: run.counts[1])
    assert (run.taken, run.counts) == ([], (0, 1))
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert said in record.getMessage()
    assert record.exc_info is None


def test_a_bug_on_the_way_is_told_with_its_traceback_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    new = Serving(KeywordModel(), LABELS)
    run = Run(Scripted(ZeroDivisionError("nobody expects it"), new))
    run.until(lambda: run.taken)
    assert (run.taken, run.counts) == ([new], (1, 1))
    (record,) = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert record.exc_info


def test_names_may_differ_codes_and_streams_may_not() -> None:
    renamed = {code: TopicLabel(code, label.slug, {"en": "else"}) for code, label in LABELS.topics.items()}
    check_streams(LABELS, LABELS._replace(topics=renamed))
    moved = {code: TopicLabel(code, f"new-{label.slug}", label.names) for code, label in LABELS.topics.items()}
    with pytest.raises(InvalidError, match="and 3 more"):
        check_streams(LABELS, LABELS._replace(topics=moved))


class TestTerminal:
    def test_one_that_was_closed_is_gone(self) -> None:
        master, slave = pty.openpty()
        terminal = Terminal(slave)
        assert not terminal.is_gone()
        os.close(master)
        assert terminal.is_gone()
        os.close(slave)

    def test_where_there_was_none_none_goes(self) -> None:
        reader, writer = os.pipe()
        assert not Terminal(reader).is_gone()
        os.close(reader)
        os.close(writer)
