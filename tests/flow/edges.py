"""The command as a process, and what it left in Kafka, for tests of publishers, subscribers and sinks."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, TopicPartition
from kafka.admin import KafkaAdminClient
from kafka.errors import RetriableError

from streams.kafka.admin import create_topics
from streams.settings import load_labels
from streams.wire import LABEL_GROUP, kafka_topics
from tests.flow.kafka_records import ends_of
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
SECONDS = 120.0  # for what takes three on a quiet machine


def make_wire(bootstrap_servers: str) -> None:
    """Every Kafka topic of the wire, under its own name; the session's tests share them, so name items with `unique`."""
    create_topics(bootstrap_servers, kafka_topics(load_labels()))


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from streams.cli.main import main; main()", *arguments]


def environment(bootstrap_servers: str, **settings: str) -> dict[str, str]:
    return {**os.environ, "NEWSWIRE_KAFKA__BOOTSTRAP_SERVERS": bootstrap_servers, **settings}


def newswire(
    bootstrap_servers: str, *arguments: str, stdin: bytes = b"", **settings: str
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        command(*arguments),
        input=stdin,
        capture_output=True,
        timeout=SECONDS,
        check=False,
        cwd=ROOT,
        env=environment(bootstrap_servers, **settings),
    )


def committed(bootstrap_servers: str) -> int:
    """Items that the workers are done with."""
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        try:
            return sum(place.offset for place in admin.list_group_offsets([LABEL_GROUP])[LABEL_GROUP].values())
        except RetriableError:  # the first group of a fresh broker
            return 0


class Watch:
    """What is written to some Kafka topics from now on, as a reader of committed records sees it."""

    def __init__(self, bootstrap_servers: str, kafka_topics: Sequence[str]) -> None:
        servers = bootstrap_servers.split(",")
        self._consumer = KafkaConsumer(
            bootstrap_servers=servers, isolation_level="read_committed", enable_auto_commit=False
        )
        # The ends as writers see them: a commit is answered before its markers stand in the partitions, and until then
        # the end of a reader of committed records lies before what was just committed.
        self._writers = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
        self._places = [
            TopicPartition(name, number)
            for name in kafka_topics
            for number in sorted(self._consumer.partitions_for_topic(name))
        ]
        self._consumer.assign(self._places)
        for place, end in ends_of(self._writers, self._places).items():
            self._consumer.seek(place, end)

    def read(self) -> list[Any]:
        """Everything that is new, up to the end as of now; waits for the transactions that are open there."""
        ends = ends_of(self._writers, self._places)
        found: list[Any] = []

        def at_end() -> bool:
            for records in self._consumer.poll(timeout_ms=200).values():
                found.extend(records)
            return all(self._consumer.position(place) >= end for place, end in ends.items())

        wait_for(at_end, SECONDS, "a transaction stays open")
        return found

    def close(self) -> None:
        self._consumer.close()
        self._writers.close()
