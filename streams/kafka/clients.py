"""kafka-python's clients with the settings that the edges need, and their failures in our kinds of error.

The labelling worker has clients of its own, in its link. Here are those of publishers, subscribers and sinks.
"""

from __future__ import annotations

import contextlib
import difflib
import time
from typing import TYPE_CHECKING, Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError
from kafka.structs import OffsetAndMetadata

from streams.errors import TransientError
from streams.kafka.admin import reachable
from streams.kafka.connection import for_kafka_python, unanswered
from streams.kafka.opening import opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from streams.kafka.connection import Where
    from streams.kafka.link import Offsets

BOOTSTRAP_MS = 5_000  # a broker that is there answers in 30 ms, one that is starting within 3 s
REQUEST_MS = 8_000  # the fetch of 500 ms and a broker under load fit; half of a publisher's patience with one delivery
DELIVERY_MS = 40_000  # a restart of the broker takes 6 to 13 s; after this an item counts as not delivered
CLOSE_SECONDS = 3.0
LEADER_SECONDS = 15.0  # for partitions to have leaders that Kafka tells of; a restart of a broker takes 6 to 13
_ASK_AGAIN_SECONDS = 0.05


def new_producer(bootstrap_servers: Where, **settings: Any) -> Any:
    """An idempotent KafkaProducer. Raises TransientError where Kafka cannot be reached."""
    _require_a_broker(bootstrap_servers)
    with _opening(bootstrap_servers):
        producer = opened(
            KafkaProducer,
            **{
                **for_kafka_python(bootstrap_servers),
                "bootstrap_timeout_ms": BOOTSTRAP_MS,
                "acks": "all",
                "compression_type": "lz4",
                "linger_ms": 100,  # at 20 the batches of a file stay small: 30 % more CPU; nobody notices 100 on a pipe
                "batch_size": 256 << 10,
                "request_timeout_ms": REQUEST_MS,
                "delivery_timeout_ms": DELIVERY_MS,
                "max_block_ms": REQUEST_MS,
                "retry_backoff_ms": 50,
                "allow_auto_create_topics": False,
                "metrics_enabled": False,
                **settings,
            },
        )
    # At the end of the process 3.0.12 closes what is still open with a flush of no time at all, and prints the
    # traceback of its own KafkaTimeoutError below the line that says why the process ends.
    producer._unregister_cleanup()  # noqa: SLF001
    return producer


def new_consumer(bootstrap_servers: Where, **settings: Any) -> Any:
    """A KafkaConsumer that reads committed records only. Raises TransientError where Kafka cannot be reached."""
    _require_a_broker(bootstrap_servers)
    with _opening(bootstrap_servers):
        return opened(
            KafkaConsumer,
            **{
                **for_kafka_python(bootstrap_servers),
                "bootstrap_timeout_ms": BOOTSTRAP_MS,
                "enable_auto_commit": False,
                "auto_offset_reset": "earliest",
                # records of a transaction that was rolled back must never be seen, nor offsets that may be
                "isolation_level": "read_committed",
                "partition_assignment_strategy": (RangePartitionAssignor(),),
                "session_timeout_ms": 10_000,
                "heartbeat_interval_ms": 2_000,
                "fetch_max_bytes": 8 << 20,
                "fetch_max_wait_ms": 100,
                "allow_auto_create_topics": False,
                "metrics_enabled": False,
                **settings,
            },
        )


def _require_a_broker(bootstrap_servers: Where) -> None:
    """A refused connection is told at once; kafka-python would try for BOOTSTRAP_MS and leave its thread behind."""
    if not reachable(bootstrap_servers):
        raise TransientError(
            f"no Kafka broker answers at {bootstrap_servers}; start one with `newswire broker` or `newswire up`"
        )


@contextlib.contextmanager
def _opening(bootstrap_servers: Where) -> Iterator[None]:
    try:
        yield
    except (KafkaTimeoutError, KafkaConnectionError) as error:
        raise TransientError(unanswered(bootstrap_servers)) from error


@contextlib.contextmanager
def reaching(bootstrap_servers: Where) -> Iterator[None]:
    """Whatever goes wrong with Kafka in the body is a TransientError that says what to do."""
    try:
        yield
    except KafkaError as error:
        raise TransientError(f"Kafka at {bootstrap_servers} does not do what was asked: {error!r}") from error


def require(consumer: Any, bootstrap_servers: Where, kafka_topics: Iterable[str]) -> None:
    """Raises TransientError naming the Kafka topics that are missing."""
    with reaching(bootstrap_servers):
        present = consumer.topics()
    missing = sorted(set(kafka_topics) - present)
    if missing:
        names = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        near = difflib.get_close_matches(missing[0], present, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise TransientError(f"missing at Kafka: {names}; {hint}`newswire topics create` makes what Newswire needs")


def partitions_of(consumer: Any, kafka_topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of some Kafka topics that exist, in order."""
    return [
        TopicPartition(name, number) for name in kafka_topics for number in sorted(consumer.partitions_for_topic(name))
    ]


def first_offsets(consumer: Any, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset of the first record that Kafka still holds, of each partition; raises as `end_offsets`."""
    return _of_all(consumer.beginning_offsets, places)


def end_offsets(consumer: Any, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    """The offset behind the last record of each partition.

    Raises KafkaTimeoutError where a partition has no leader for LEADER_SECONDS.
    """
    return _of_all(consumer.end_offsets, places)


def _of_all(
    ask: Callable[[Sequence[TopicPartition]], dict[TopicPartition, int]], places: Sequence[TopicPartition]
) -> dict[TopicPartition, int]:
    """kafka-python 3.0.12 asks nobody for a partition whose leader it does not know, and then misses its answer."""
    deadline = time.monotonic() + LEADER_SECONDS
    while True:
        try:
            return ask(places)
        except KeyError as error:
            if time.monotonic() > deadline:
                raise KafkaTimeoutError(f"nobody leads {error.args[0]}") from error
            time.sleep(_ASK_AGAIN_SECONDS)


def positions(offsets: Offsets) -> dict[TopicPartition, OffsetAndMetadata]:
    """Offsets of the next record as kafka-python commits them."""
    return {TopicPartition(*place): OffsetAndMetadata(offset, "", -1) for place, offset in offsets.items()}


def close_quietly(client: Any) -> None:
    """Closes a consumer or producer within CLOSE_SECONDS; what it says then changes nothing any more."""
    try:
        if isinstance(client, KafkaConsumer):
            client.close(autocommit=False, timeout_ms=int(CLOSE_SECONDS * 1000))
        else:
            client.close(timeout=CLOSE_SECONDS)
    except KafkaError:
        # 3.0.12 leaves close() where flush() times out, with its thread still running and trying for ever
        if isinstance(client, KafkaProducer):
            client._sender.force_close()  # noqa: SLF001
