"""A worker frozen inside its transaction for longer than its session, its heir, and the thaw."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Self

import pytest

from streams import wire
from streams.kafka.link import FanOut, LinkSettings
from tests.chaos.zombie import COUNT, open_at
from tests.helpers import wait_for
from tests.pipeline import ROOT, TIMEOUT, Pipeline, item

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.kafka, pytest.mark.chaos]

SESSION_MS = 6_000


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique, partitions=2) as made:
        yield made


class Zombie:
    """The process, and what it said in the end."""

    def __init__(self, pipeline: Pipeline, link: str, point: str, transaction_ms: int) -> None:
        values = json.dumps(settings(pipeline, "zombie", transaction_ms))
        arguments = [link, point, values, pipeline.prefix + wire.LABELLED]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.chaos.zombie", *arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate(timeout=TIMEOUT)

    def freeze(self) -> None:
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> str:
        self._process.send_signal(signal.SIGCONT)
        said, _ = self._process.communicate("\n", timeout=TIMEOUT)
        return str(said).strip()


def settings(pipeline: Pipeline, slot: str, transaction_ms: int) -> LinkSettings:
    return LinkSettings(
        pipeline.bootstrap_servers,
        pipeline.prefix + wire.ARTICLES,
        pipeline.group,
        slot,
        SESSION_MS,
        transaction_ms,
    )


def survive(pipeline: Pipeline, link: str, point: str, transaction_ms: int = 10_000) -> str:
    """Freezes a worker at the point, lets an heir do its work, thaws it; gives what it said."""
    pipeline.publish(item(n) for n in range(COUNT))
    with Zombie(pipeline, link, point, transaction_ms) as zombie:
        zombie.freeze()
        heir = open_at(point, link, settings(pipeline, "heir", transaction_ms))
        found: list[Any] = []
        wait_for(lambda: found.extend(heir.poll(0.5, COUNT)) or len(found) >= COUNT, TIMEOUT, "the heir got nothing")
        outputs = [FanOut((pipeline.prefix + wire.LABELLED,), r.key, r.value, [("by", b"heir")]) for r in found]
        offsets = {(r.kafka_topic, r.partition): r.offset + 1 for r in found}
        heir.publish(outputs, offsets, heir.group())
        said = zombie.thaw()
        heir.close()
    return said


def visible(pipeline: Pipeline) -> list[str]:
    return sorted(r.key.decode() for r in pipeline.read(wire.LABELLED) if r.key)


@pytest.mark.parametrize("point", ["sent", "offsets"])
@pytest.mark.parametrize("link", ["kafka-python", "confluent"])
def test_a_frozen_worker_cannot_commit_what_its_heir_has_done(pipeline: Pipeline, link: str, point: str) -> None:
    said = survive(pipeline, link, point)
    assert said.startswith(("AbortedError", "LinkLostError")), said
    assert visible(pipeline) == sorted(f"urn:example:{n}" for n in range(COUNT))


def test_without_stable_offsets_the_same_gives_everything_twice(pipeline: Pipeline) -> None:
    """The proof that the test above can fail, and why the link reads committed where its input has no transactions."""
    assert survive(pipeline, "kafka-python", "unstable", transaction_ms=60_000) == "committed"
    assert len(visible(pipeline)) == 2 * COUNT
