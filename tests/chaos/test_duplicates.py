"""The near-duplicate stage through kill -9: every item is the first of its story or marked, once, and no story has two."""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.errors import KafkaError

from streams.kafka.broker import KafkaBroker
from streams.kafka.compacted import read_latest
from streams.wire import DUPLICATES, DUPLICATES_GROUP, LABELLED, SIGNATURES, UNIQUE
from tests.flow.edges import ROOT, SECONDS, Watch, command, environment, make_wire
from tests.helpers import wait_for
from tests.unit.duplicates.examples import changed, item, story

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.chaos]


class Plan(NamedTuple):
    """How many of what."""

    items: int
    stories: int
    kills: int
    seed: int = 3


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path / "kafka") as made:
        make_wire(made.bootstrap_servers)
        yield made


class Stage:
    """`newswire duplicates` as a process."""

    def __init__(self, broker: KafkaBroker, folder: Path) -> None:
        self._broker = broker
        self._log = folder / "duplicates.log"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                command("duplicates"), stderr=log, cwd=ROOT, env=environment(self._broker.bootstrap_servers)
            )
        return self.process

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(SECONDS)

    @property
    def log(self) -> str:
        return self._log.read_text()


def committed(admin: KafkaAdminClient) -> int:
    try:
        offsets = admin.list_group_offsets([DUPLICATES_GROUP])[DUPLICATES_GROUP]
    except KafkaError as error:  # a young Kafka makes the topic of offsets just now
        if not error.retriable:
            raise
        return 0
    return sum(max(place.offset, 0) for place in offsets.values())


def kill_and_count(broker: KafkaBroker, folder: Path, plan: Plan) -> tuple[Watch, int]:
    """Feeds item after item, kills the stage at random moments, lets the last one finish; the kills that were made."""
    chance = random.Random(plan.seed)
    watch = Watch(broker.bootstrap_servers, [UNIQUE, DUPLICATES])
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers, linger_ms=5)
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
    stage = Stage(broker, folder)
    kills = 0
    try:
        for number in range(plan.items):
            told = number if number < plan.stories else chance.randrange(plan.stories)
            words = changed(story(told), chance.choice([0, 2, 4]))
            uri = f"urn:{number}"
            value = item(uri, words, f"source {number % 3}")
            producer.send(LABELLED, value, key=uri.encode(), partition=number % 12)
            if number % (plan.items // (plan.kills + 1)) == 0 and number:
                producer.flush()
                seen = committed(admin)
                wait_for(
                    lambda seen=seen: committed(admin) > seen or stage.process.poll() is not None, SECONDS, stage.log
                )
                assert stage.process.poll() is None, stage.log
                stage.kill()
                kills += 1
                stage.start()
        producer.flush()
        wait_for(lambda: committed(admin) >= plan.items, SECONDS, "not everything is marked")
        assert stage.stop() == 0, stage.log
    finally:
        stage.kill()
        producer.close()
        admin.close()
    return watch, kills


def check(broker: KafkaBroker, folder: Path, plan: Plan) -> None:
    watch, kills = kill_and_count(broker, folder, plan)
    found = watch.read()
    watch.close()
    firsts = [record.key.decode() for record in found if record.topic == UNIQUE]
    marks = [msgspec.json.decode(record.value) for record in found if record.topic == DUPLICATES]
    uris = Counter([*firsts, *(mark["uri"] for mark in marks)])
    assert kills == plan.kills
    assert len(uris) == plan.items
    assert set(uris.values()) == {1}
    assert len(firsts) == plan.stories
    assert {mark["dupOf"] for mark in marks} <= set(firsts)
    assert set(read_latest(broker.bootstrap_servers, SIGNATURES)) == set(uris)


@pytest.mark.timeout(600)
def test_three_kills_lose_and_double_nothing(broker: KafkaBroker, tmp_path: Path) -> None:
    check(broker, tmp_path, Plan(items=2_000, stories=300, kills=3))


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_twenty_kills_lose_and_double_nothing(broker: KafkaBroker, tmp_path: Path) -> None:
    check(broker, tmp_path, Plan(items=20_000, stories=3_000, kills=20, seed=9))
