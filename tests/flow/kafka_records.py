"""Writing and reading records, for tests of the embedded Kafka itself: with the client, not with our own code."""

from __future__ import annotations

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient


def make_topic(bootstrap_servers: str, name: str, partitions: int = 1) -> None:
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers.split(",")) as admin:
        admin.create_topics({name: {"num_partitions": partitions}}, wait_for_metadata=True)


def write(bootstrap_servers: str, name: str, values: list[bytes]) -> None:
    """Write and see every record acknowledged by all replicas."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers.split(","), acks="all")
    futures = [producer.send(name, value) for value in values]
    for future in futures:
        future.get(60)
    producer.close()


def read(
    bootstrap_servers: str,
    name: str,
    count: int,
    *,
    isolation_level: str = "read_committed",
    group: str | None = None,
) -> list[bytes]:
    """The next `count` values, from the start or from where the group stands; fewer if 30 s bring no more."""
    consumer = KafkaConsumer(
        name,
        bootstrap_servers=bootstrap_servers.split(","),
        isolation_level=isolation_level,
        auto_offset_reset="earliest",
        group_id=group,
        enable_auto_commit=False,
        max_poll_records=count,
        consumer_timeout_ms=30_000,
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
