"""What librdkafka is told for the worker's two clients, and why where its default is not good for us."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from streams.kafka.connection import for_librdkafka

if TYPE_CHECKING:
    from streams.kafka.link import LinkSettings

POLL_INTERVAL_MS = 60_000  # a worker that does not come back for records so long has stalled; above any batch


def for_producer(settings: LinkSettings, transactional_id: str) -> dict[str, Any]:
    """The transactional producer of a slot."""
    return {
        **_common(settings),
        "transactional.id": transactional_id,
        "transaction.timeout.ms": settings.transaction_ms,
        "compression.type": "lz4",
        "linger.ms": 500,  # flush() sends at once; this only keeps half a batch from leaving before it
        "batch.size": 256 << 10,
        "message.max.bytes": 1 << 20,  # counted before compression; its default is less than our dead letters
        "partitioner": "murmur2_random",  # that of all other clients; librdkafka's own default is not
        "queue.buffering.max.messages": 500_000,
        "retry.backoff.ms": 5,
        "delivery.report.only.error": True,
        # how long a Kafka topic that is not there may be one that is just being made; the default outlives
        # the transaction, and the error would only say that a message timed out
        "topic.metadata.propagation.max.ms": settings.transaction_ms // 2,
    }


def for_consumer(settings: LinkSettings) -> dict[str, Any]:
    """The group's member: nothing is committed but in a transaction."""
    session_ms = settings.session_ms
    return {
        **_common(settings),
        "group.id": settings.group,
        **({"group.instance.id": settings.slot} if settings.slot else {}),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",  # also makes it ask for stable offsets, see link_kafka_python
        "partition.assignment.strategy": "range",  # eager: the courier's epochs assume that all partitions go
        "session.timeout.ms": session_ms,
        "heartbeat.interval.ms": max(session_ms // 5, 500),
        "max.poll.interval.ms": POLL_INTERVAL_MS,
        "fetch.wait.max.ms": 100,
        "fetch.queue.backoff.ms": 10,
        "queued.max.messages.kbytes": 8192,
        "enable.partition.eof": True,  # the only way to know the lag: its position stops before markers
    }


def _common(settings: LinkSettings) -> dict[str, Any]:
    return {
        **for_librdkafka(settings.bootstrap_servers),
        "allow.auto.create.topics": False,
        "logger": logging.getLogger("confluent_kafka"),
    }
