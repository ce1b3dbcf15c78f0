"""The state that a compacted Kafka topic holds: the newest value of each key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from kafka.errors import KafkaTimeoutError

from streams.kafka.clients import DELIVERY_MS, close_quietly, end_offsets, new_consumer, partitions_of, reaching

if TYPE_CHECKING:
    from streams.kafka.connection import Where


def read_latest(bootstrap_servers: Where, kafka_topic: str) -> dict[str, bytes]:
    """The newest committed value of each key of a compacted Kafka topic, up to its end as of now.

    Waits for transactions of others that are open at the end: behind them records of ours may be committed already, and
    a reader of committed records sees neither before the others have ended. Raises TransientError.
    """
    latest: dict[str, bytes] = {}
    consumer = new_consumer(bootstrap_servers)
    uncommitted = new_consumer(bootstrap_servers, isolation_level="read_uncommitted")
    try:
        with reaching(bootstrap_servers):
            places = partitions_of(consumer, [kafka_topic])
            consumer.assign(places)
            consumer.seek_to_beginning(*places)
            ends = end_offsets(uncommitted, places)
            deadline = time.monotonic() + DELIVERY_MS / 1000
            while any(consumer.position(place) < end for place, end in ends.items()):
                if time.monotonic() > deadline:
                    raise KafkaTimeoutError(f"a transaction on {kafka_topic} stays open")
                for record in (r for records in consumer.poll(timeout_ms=200).values() for r in records):
                    key = record.key.decode()
                    latest.pop(key, None)
                    if record.value is not None:
                        latest[key] = record.value
    finally:
        close_quietly(consumer)
        close_quietly(uncommitted)
    return latest
