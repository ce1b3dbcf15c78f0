"""Numbered items in, workers killed or frozen at random moments, then an exact account of what came out."""

from __future__ import annotations

import random
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

from streams import wire
from tests.helpers import wait_for
from tests.pipeline import TIMEOUT, Pipeline, WorkerProcess, item

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

SESSION_MS = 6_000
SETTLE_SECONDS = 300.0  # for the last workers to finish what is left, after a zombie's transaction timed out
LEVELS = ("read_uncommitted", "read_committed")
TEXTS = (
    "sport yemen",
    "economy germany sport",
    "nothing at all",
    "health",
    "germany yemen",
)


class Plan(NamedTuple):
    """How many of what; `dynamic` = members without a slot."""

    items: int
    kills: int
    freezes: int
    workers: int = 2
    poison: int = 5
    link: str = "kafka-python"
    dynamic: bool = False
    seed: int = 1


class Account(NamedTuple):
    """What came out against what went in; everything 0 and empty when all is well."""

    lost: Counter[str]  # by stream
    doubled: Counter[str]
    wrong: Counter[str]  # items where they do not belong
    rolled_back: int  # records that stand in news.labelled but were never committed: kills that met open work
    ended: int  # workers that left by themselves, fenced after a freeze
    statuses: list[int]  # of the workers at the end


class Monkey:
    """One run; `run` gives the account."""

    def __init__(self, pipeline: Pipeline, folder: Path, plan: Plan) -> None:
        self._pipeline, self._folder, self._plan = pipeline, folder, plan
        self._chance = random.Random(plan.seed)
        self._poison = set(self._chance.sample(range(plan.items), plan.poison))
        self._starts = self._ended = self._fed = 0
        self._workers: list[WorkerProcess] = []

    def run(self) -> Account:
        """Feeds, kills and freezes as planned, waits until all is committed, stops the workers and reads everything."""
        plan = self._plan
        acts = ["kill"] * plan.kills + ["freeze"] * plan.freezes
        self._chance.shuffle(acts)
        try:
            self._workers = [self._start(slot) for slot in range(plan.workers)]
            with ThreadPoolExecutor(1) as feeder:
                for number, act in enumerate(acts, 1):
                    slot = self._ready_one()
                    fed = feeder.submit(self._feed, plan.items * number // (len(acts) + 1))
                    self._do(act, slot, fed)
                    fed.result()
            self._feed(plan.items)
            wait_for(self._all_committed, SETTLE_SECONDS, "not everything was committed")
            for worker in self._workers:
                worker.wait_until_ready()  # before that SIGTERM ends a process that is still importing
            statuses = [worker.stop() for worker in self._workers]
        finally:
            for worker in self._workers:
                worker.__exit__()
        return self._account(statuses)

    def _do(self, act: str, slot: int, fed: Future[None]) -> None:
        """While there is work: on a busy machine a worker was ready when the others had done all, and had nothing open."""
        wait_for(lambda: self._something_open() or fed.done(), TIMEOUT, "nothing is fed")
        pause = self._chance.choice((0.0, self._chance.uniform(0.0, 0.5)))
        wait_a_while(pause)
        if act == "kill":
            if not pause and not self._plan.dynamic:  # of those the transactions have random names
                wait_for(lambda: self._stopped_within(slot) or fed.done(), TIMEOUT, "no transaction is met")
            self._workers[slot].kill()
            self._workers[slot] = self._start(slot)
        else:
            self._freeze(self._workers[slot])

    def _stopped_within(self, slot: int) -> bool:
        """Whether the worker, stopped at once, has a transaction open; else it goes on.

        Of nine faults at any moment three met one: in one run of thirty none would have.
        """
        self._workers[slot].process.send_signal(signal.SIGSTOP)
        if self._pipeline.has_open_transaction(f"w{slot}"):
            return True
        self._workers[slot].process.send_signal(signal.SIGCONT)
        return False

    def _something_open(self) -> bool:
        written, decided = (self._pipeline.ends(wire.LABELLED, level) for level in LEVELS)
        return sum(written.values()) > sum(decided.values())

    def _start(self, slot: int) -> WorkerProcess:
        self._starts += 1
        log = self._folder / f"worker-{slot}-{self._starts}.log"
        settings: dict[str, Any] = {
            "link": self._plan.link,
            "batch_size": 100,
            "burn": 0.0002,
            "session_ms": SESSION_MS,
        }
        return WorkerProcess(self._pipeline, None if self._plan.dynamic else f"w{slot}", log, **settings)

    def _restart_ended(self) -> None:
        for slot, worker in enumerate(self._workers):
            if worker.process.poll() is not None:
                self._ended += 1
                self._workers[slot] = self._start(slot)

    def _ready_one(self) -> int:
        """A worker that is at work: one that is just starting has nothing to lose."""

        def ready() -> list[int]:
            self._restart_ended()
            return [slot for slot, worker in enumerate(self._workers) if "worker ready" in worker.said()]

        return self._chance.choice(wait_for(ready, TIMEOUT, "no worker is ready"))

    def _freeze(self, worker: WorkerProcess) -> None:
        """Longer than the session: its partitions go to others, then it wakes up and thinks that they are still its."""
        worker.process.send_signal(signal.SIGSTOP)
        wait_a_while(self._chance.uniform(1.3, 1.8) * SESSION_MS / 1000)
        worker.process.send_signal(signal.SIGCONT)

    def _feed(self, until: int) -> None:
        numbers = range(self._fed, until)
        self._pipeline.publish(item(n, self._text(n)) for n in numbers)
        self._fed = until

    def _text(self, number: int) -> str:
        return "poison-topics" if number in self._poison else TEXTS[number % len(TEXTS)]

    def _all_committed(self) -> bool:
        self._restart_ended()
        return sum(self._pipeline.committed().values()) >= self._plan.items

    def _account(self, statuses: list[int]) -> Account:
        expected = self._expected()
        lost, doubled, wrong = Counter[str](), Counter[str](), Counter[str]()
        for name, uris in expected.items():
            seen = Counter(r.key.decode() for r in self._pipeline.read(name) if r.key)
            lost[name] += len(uris - seen.keys())
            doubled[name] += sum(seen.values()) - len(seen)
            wrong[name] += len(seen.keys() - uris)
        written = len(self._pipeline.read(wire.LABELLED, "read_uncommitted"))
        rolled_back = written - len(expected[wire.LABELLED]) - doubled[wire.LABELLED] + lost[wire.LABELLED]
        return Account(+lost, +doubled, +wrong, rolled_back, self._ended, statuses)

    def _expected(self) -> dict[str, set[str]]:
        words = {
            "sport": "news.topic.sport",
            "economy": "news.topic.economy",
            "health": "news.topic.health",
            "yemen": "news.region.western-asia",
            "germany": "news.region.western-europe",
        }
        expected: dict[str, set[str]] = {name: set() for name in (wire.LABELLED, wire.DEAD_LETTERS, *words.values())}
        for number in range(self._plan.items):
            text = self._text(number)
            streams = (
                [wire.DEAD_LETTERS]
                if "poison" in text
                else [wire.LABELLED, *(words[w] for w in text.split() if w in words)]
            )
            for name in streams:
                expected[name].add(f"urn:example:{number}")
        return expected


def wait_a_while(seconds: float) -> None:
    """Holds a fault for a time; never used to wait for a result."""
    time.sleep(seconds)
