"""The broker goes away under a working pipeline and comes back: nothing lost, nothing doubled, workers started again."""

from __future__ import annotations

import random
import signal
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streams import wire
from streams.kafka.broker import KafkaBroker
from tests.chaos.monkey import wait_a_while
from tests.helpers import wait_for
from tests.pipeline import Pipeline, WorkerProcess, item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.chaos, pytest.mark.timeout(1200)]

LINKS = ["kafka-python", "confluent"]
SETTLE_SECONDS = 300.0
ITEMS = 6_000
Outage = tuple[signal.Signals, float]  # how the broker ends, and how many seconds it is away


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    # Looking for expired transactions more often than Kafka's own 10 s loses markers after kill -9: the coordinator is
    # loaded, and aborts what expired meanwhile, before the node is known as its own leader again; it then takes the
    # partitions for deleted ("couldn't find leader endpoint ... can be skipped") and their offsets stay pending for ever.
    config = {"transaction.abort.timed.out.transaction.cleanup.interval.ms": 10_000}
    with KafkaBroker(tmp_path / "kafka", config=config) as own:
        yield own


class Workers:
    """Two of them, started again when one ends by itself, as a supervisor does."""

    def __init__(self, pipeline: Pipeline, folder: Path, link: str) -> None:
        self._pipeline, self._folder, self._link = pipeline, folder, link
        self.ended: list[int] = []
        self._all = [self._start(slot) for slot in range(2)]

    def _start(self, slot: int) -> WorkerProcess:
        log = self._folder / f"worker-{slot}-{len(self.ended)}.log"
        return WorkerProcess(self._pipeline, f"w{slot}", log, link=self._link, batch_size=100, burn=0.001, stalled=30.0)

    def look(self) -> None:
        for slot, worker in enumerate(self._all):
            if (status := worker.process.poll()) is not None:
                self.ended.append(status)
                self._all[slot] = self._start(slot)

    def have_committed(self, records: int) -> bool:
        self.look()
        return sum(self._pipeline.committed().values()) >= records

    def stop(self) -> list[int]:
        for worker in self._all:
            worker.wait_until_ready()
        return [worker.stop() for worker in self._all]

    def kill(self) -> None:
        for worker in self._all:
            worker.__exit__()


def away(broker: KafkaBroker, pipeline: Pipeline, outage: Outage) -> None:
    number, seconds = outage
    pipeline.disconnect()
    if number is signal.SIGKILL:
        broker.kill()
    else:
        broker.stop()
    wait_a_while(seconds)
    broker.start()
    pipeline.connect()


def survive(broker: KafkaBroker, folder: Path, link: str, outages: list[Outage], seed: int) -> list[int]:
    """Feeds, breaks and accounts; gives the statuses of workers that ended by themselves."""
    chance = random.Random(seed)
    with Pipeline(broker.bootstrap_servers, "outage") as pipeline:
        pipeline.publish(item(n) for n in range(ITEMS))
        workers = Workers(pipeline, folder, link)
        try:
            for outage in outages:
                more = sum(pipeline.committed().values()) + 1
                wait_for(lambda m=more: workers.have_committed(m), SETTLE_SECONDS, "no progress")
                wait_a_while(chance.uniform(0.0, 0.5))
                away(broker, pipeline, outage)
            wait_for(lambda: workers.have_committed(ITEMS), SETTLE_SECONDS, "not everything was committed")
            assert workers.stop() == [0, 0]
        finally:
            workers.kill()
        expected = Counter(f"urn:example:{n}" for n in range(ITEMS))
        for name in (wire.LABELLED, "news.topic.sport", "news.region.western-asia"):
            seen = Counter(r.key.decode() for r in pipeline.read(name) if r.key)
            assert seen == expected, (name, (expected - seen).total(), (seen - expected).total())
    return workers.ended


@pytest.mark.parametrize("link", LINKS)
def test_a_broker_that_is_restarted_costs_nothing(broker: KafkaBroker, tmp_path: Path, link: str) -> None:
    survive(broker, tmp_path, link, [(signal.SIGTERM, 1.0), (signal.SIGKILL, 1.0)], seed=3)


@pytest.mark.long
@pytest.mark.parametrize("link", LINKS)
def test_outages_of_seconds_and_of_two_minutes_cost_nothing(broker: KafkaBroker, tmp_path: Path, link: str) -> None:
    """Two minutes outlive every time-out; workers end with 1 or 70 and are started again."""
    outages = [(signal.SIGKILL, 0.0), (signal.SIGTERM, 15.0), (signal.SIGKILL, 120.0), (signal.SIGKILL, 5.0)]
    assert set(survive(broker, tmp_path, link, outages, seed=5)) <= {1, 70}
