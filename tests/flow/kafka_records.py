"""Writing and reading records, for tests of the embedded Kafka itself: with the client, not with our own code."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterable

SECONDS = 120.0  # for what takes milliseconds on a quiet machine


def ends_of(consumer: KafkaConsumer, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset behind the last record; kafka-python raises KeyError for a partition whose leader it does not know."""
    ends: dict[TopicPartition, int] = {}

    def known() -> bool:
        try:
            ends.update(consumer.end_offsets(places))
        except KeyError:
            return False
        return True

    wait_for(known, SECONDS, f"no leaders of {places}")
    return ends


class Decisions:
    """Waits until what was committed or rolled back is so for every reader.

    Kafka answers both before their markers stand in the partitions: for a moment a reader's end lies before them.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        servers = bootstrap_servers.split(",")
        self._written = KafkaConsumer(bootstrap_servers=servers, isolation_level="read_uncommitted")
        self._decided = KafkaConsumer(bootstrap_servers=servers, isolation_level="read_committed")

    def wait(self, sent: Iterable[Any]) -> None:
        """For the futures of the records of a transaction that was ended."""
        records = [future.get(timeout=SECONDS) for future in sent]
        places = sorted({TopicPartition(record.topic, record.partition) for record in records})
        ends = ends_of(self._written, places)

        def decided() -> bool:
            found = ends_of(self._decided, places)
            return all(found[place] >= end for place, end in ends.items())

        wait_for(decided, SECONDS, "the markers of a transaction are not written")

    def close(self) -> None:
        self._written.close()
        self._decided.close()


def make_topic(bootstrap_servers: str, name: str, partitions: int = 1) -> None:
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers.split(",")) as admin:
        admin.create_topics({name: {"num_partitions": partitions}}, wait_for_metadata=True)


def write(bootstrap_servers: str, name: str, values: list[bytes]) -> None:
    """Write and see every record acknowledged by all replicas."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers.split(","), acks="all")
    futures = [producer.send(name, value) for value in values]
    for future in futures:
        future.get(SECONDS)
    producer.close()


def read(
    bootstrap_servers: str,
    name: str,
    count: int,
    *,
    isolation_level: str = "read_committed",
    group: str | None = None,
) -> list[bytes]:
    """The next `count` values, from the start or from where the group stands; fewer if two minutes bring no more."""
    consumer = KafkaConsumer(
        name,
        bootstrap_servers=bootstrap_servers.split(","),
        isolation_level=isolation_level,
        auto_offset_reset="earliest",
        group_id=group,
        enable_auto_commit=False,
        max_poll_records=count,
        consumer_timeout_ms=int(SECONDS * 1000),
    )
    values = []
    for record in consumer:
        values.append(record.value)
        if len(values) == count:
            break
    if group:
        consumer.commit()
    consumer.close()
    return values
