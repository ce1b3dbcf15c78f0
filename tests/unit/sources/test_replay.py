"""A replay: its pace, its rounds, and what a round makes of an item."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from streams.articles import Article, decode_article, encode
from streams.errors import InvalidError
from streams.sources.base import Rejected
from streams.sources.jsonl import open_json_lines
from streams.sources.normalise import Defaults
from streams.sources.replay import Pace, Replay

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class Seconds:
    """A clock that only sleeping moves, but for what a test adds."""

    def __init__(self) -> None:
        self.now = 100.0
        self.slept: list[float] = []

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    lines = [
        {"uri": "urn:x:1", "text": "One.", "published": "2020-01-01T00:00:00Z"},
        {"uri": "urn:x:2", "text": ""},
        {"uri": "urn:x:3", "text": "Three."},
    ]
    made = tmp_path / "items.jsonl"
    made.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return made


def replay(path: Path, pace: Pace | None = None, *, loop: bool = False) -> Replay:
    return Replay(lambda: open_json_lines(path, Defaults("test"), lambda: NOW), pace, lambda: NOW, loop=loop)


def test_once_at_a_pace_is_the_source_itself(path: Path) -> None:
    seconds = Seconds()
    with closing(replay(path, Pace(4, seconds.clock, seconds.sleep))) as source:
        assert source.kind == "jsonl"
        assert source.progress().total is None
        found = [step.outcome for step in source.steps(None)]
    with closing(open_json_lines(path, Defaults("test"), lambda: NOW)) as plain:
        assert found == [step.outcome for step in plain.steps(None)]
    assert seconds.slept == [0.25, 0.25]


def test_later_rounds_bring_new_versions_of_the_same_items(path: Path) -> None:
    with closing(replay(path, loop=True)) as source:
        found = [step.outcome for step in islice(source.steps(None), 7)]
    articles = [outcome for outcome in found if isinstance(outcome, Article)]
    assert sum(isinstance(outcome, Rejected) for outcome in found) == 1
    assert [(a.uri, a.version) for a in articles] == [
        ("urn:x:1", None),
        ("urn:x:3", None),
        ("urn:x:1", "2"),
        ("urn:x:3", "2"),
        ("urn:x:1", "3"),
        ("urn:x:3", "3"),
    ]
    assert [a.version_created[:4] for a in articles[::2]] == ["2020", "2026", "2026"]
    assert all(decode_article(encode(a)) == a for a in articles)


def test_what_is_late_is_caught_up_with_for_a_second_at_most() -> None:
    seconds = Seconds()
    pace = Pace(10, seconds.clock, seconds.sleep)
    pace.wait()
    seconds.now += 60
    for _ in range(12):
        pace.wait()
    assert len(seconds.slept) == 1
    assert seconds.slept[0] == pytest.approx(0.1)


def test_a_replay_of_nothing_and_from_a_position_are_errors(path: Path, tmp_path: Path) -> None:
    with closing(replay(path)) as source, pytest.raises(InvalidError, match="cannot be resumed"):
        next(source.steps({"line": 1, "offset": 5}))
    empty = tmp_path / "empty.jsonl"
    empty.write_text("{}\n")
    with closing(replay(empty, loop=True)) as source, pytest.raises(InvalidError, match="no item"):
        list(source.steps(None))
