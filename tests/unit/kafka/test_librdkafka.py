"""What librdkafka is told and what it says, without a broker."""

from __future__ import annotations

import pytest

pytest.importorskip("confluent_kafka", reason="confluent-kafka is missing: pip install 'newswire[confluent]'")

from confluent_kafka import KafkaError, KafkaException

from streams.kafka.librdkafka_errors import FENCED, is_passing, kafka_error, why_not_open
from streams.kafka.librdkafka_settings import for_consumer, for_producer
from streams.kafka.link import LinkSettings

SETTINGS = LinkSettings("127.0.0.1:1", "news.articles", "newswire", "a")


def test_a_member_with_a_slot_is_static_and_one_without_is_not() -> None:
    assert for_consumer(SETTINGS)["group.instance.id"] == "a"
    assert "group.instance.id" not in for_consumer(SETTINGS._replace(slot=None))


def test_heartbeats_fit_into_the_session() -> None:
    for session in (3_000, 10_000, 45_000):
        told = for_consumer(SETTINGS._replace(session_ms=session))
        assert told["session.timeout.ms"] == session
        assert 3 * told["heartbeat.interval.ms"] <= session


def test_a_missing_topic_is_told_before_the_transaction_ends() -> None:
    told = for_producer(SETTINGS._replace(transaction_ms=4_000), "newswire.a")
    assert told["transactional.id"] == "newswire.a"
    assert told["topic.metadata.propagation.max.ms"] < told["transaction.timeout.ms"] == 4_000


def test_the_error_is_found_in_what_was_raised() -> None:
    error = KafkaError(KafkaError._FENCED)
    raised = KafkaException(error)
    assert kafka_error(raised) is error
    wrapped = SystemError("returned a result with an exception set")
    wrapped.__cause__ = raised
    assert kafka_error(wrapped) is error
    assert error.code() in FENCED


def test_an_error_of_another_kind_is_raised_again() -> None:
    with pytest.raises(SystemError, match="something else"):
        kafka_error(SystemError("something else"))


def test_what_passes_and_what_does_not() -> None:
    assert is_passing(KafkaError(KafkaError._TRANSPORT))
    assert is_passing(KafkaError(KafkaError.REBALANCE_IN_PROGRESS))
    assert not is_passing(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))


def test_where_nobody_listens_the_line_says_what_to_do() -> None:
    line = why_not_open(KafkaError(KafkaError._TIMED_OUT), "127.0.0.1:1")
    assert "cannot reach Kafka at 127.0.0.1:1" in line
    assert "newswire broker" in line
