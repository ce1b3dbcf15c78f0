"""Where a partition ends is told also of one that the client has not heard of yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from kafka import TopicPartition
from kafka.errors import KafkaTimeoutError

from streams.kafka import clients
from streams.kafka.clients import close_quietly, end_offsets, first_offsets, new_consumer
from tests.flow.kafka_records import make_topic, write

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kafka import KafkaConsumer

pytestmark = pytest.mark.kafka


@pytest.fixture
def consumer(bootstrap_servers: str, unique: str) -> Iterator[KafkaConsumer]:
    """One that knows a Kafka topic."""
    make_topic(bootstrap_servers, f"{unique}-old")
    made = new_consumer(bootstrap_servers)
    assert end_offsets(made, [TopicPartition(f"{unique}-old", 0)]) == {TopicPartition(f"{unique}-old", 0): 0}
    yield made
    close_quietly(made)


def test_a_partition_that_is_new_is_not_left_out(consumer: KafkaConsumer, bootstrap_servers: str, unique: str) -> None:
    """kafka-python asks those that it knows alone, and raises KeyError for the other."""
    make_topic(bootstrap_servers, f"{unique}-new")
    write(bootstrap_servers, f"{unique}-new", [b"1", b"2"])
    old, new = (TopicPartition(f"{unique}-{name}", 0) for name in ("old", "new"))
    assert end_offsets(consumer, [old, new]) == {old: 0, new: 2}
    assert first_offsets(consumer, [old, new]) == {old: 0, new: 0}


def test_a_partition_that_nobody_leads_is_named(
    consumer: KafkaConsumer, unique: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "LEADER_SECONDS", 0.2)
    places = [TopicPartition(f"{unique}-{name}", 0) for name in ("old", "absent")]
    with pytest.raises(KafkaTimeoutError, match=f"nobody leads .*{unique}-absent"):
        end_offsets(consumer, places)
