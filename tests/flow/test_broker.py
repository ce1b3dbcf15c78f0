"""The embedded Kafka, really started."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient

if TYPE_CHECKING:
    from streams.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka


def test_what_is_committed_is_read_and_what_is_aborted_is_not(bootstrap_servers: str, unique: str) -> None:
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        admin.create_topics({unique: {"num_partitions": 1}}, wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, transactional_id=unique)
    producer.init_transactions()
    for value, keep in ((b"one", True), (b"two", False), (b"three", True)):
        producer.begin_transaction()
        producer.send(unique, value)
        if keep:
            producer.commit_transaction()
        else:
            producer.flush()
            producer.abort_transaction()
    producer.close()
    assert _read(bootstrap_servers, unique, "read_committed", 2) == [b"one", b"three"]
    assert _read(bootstrap_servers, unique, "read_uncommitted", 3) == [b"one", b"two", b"three"]


def _read(bootstrap_servers: str, name: str, isolation_level: str, count: int) -> list[bytes]:
    consumer = KafkaConsumer(
        name,
        bootstrap_servers=bootstrap_servers,
        isolation_level=isolation_level,
        auto_offset_reset="earliest",
        consumer_timeout_ms=20_000,
    )
    values = []
    for record in consumer:
        values.append(record.value)
        if len(values) == count:
            break
    consumer.close()
    return values


def test_the_fixture_is_alive(kafka: KafkaBroker) -> None:
    assert kafka.alive
