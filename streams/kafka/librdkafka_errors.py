"""What librdkafka says went wrong, in our words: which errors pass, which fence, why nothing could be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException

from streams.kafka.admin import reachable
from streams.kafka.connection import unanswered

if TYPE_CHECKING:
    from streams.kafka.connection import Where

FENCED = (KafkaError._FATAL, KafkaError._FENCED, KafkaError.FENCED_INSTANCE_ID)  # noqa: SLF001
NO_TOPIC = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC)  # noqa: SLF001
_PASSING = {
    KafkaError._TRANSPORT,  # noqa: SLF001
    KafkaError._ALL_BROKERS_DOWN,  # noqa: SLF001
    KafkaError._RESOLVE,  # noqa: SLF001
    KafkaError._TIMED_OUT,  # noqa: SLF001
    KafkaError._MAX_POLL_EXCEEDED,  # noqa: SLF001
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.OFFSET_OUT_OF_RANGE,
    KafkaError._AUTO_OFFSET_RESET,  # noqa: SLF001
}


def why_not_open(error: KafkaError, bootstrap_servers: Where) -> str:
    """A line for whoever started the worker: is nobody there, does nobody answer, or are we not let in."""
    if not reachable(bootstrap_servers):
        return (
            f"cannot reach Kafka at {bootstrap_servers}: start it (`newswire broker`) or set kafka.bootstrap_servers "
            f"({error.str()})"
        )
    if error.code() == KafkaError._TIMED_OUT:  # noqa: SLF001  public in librdkafka
        return unanswered(bootstrap_servers)
    return f"Kafka at {bootstrap_servers} refuses this worker: {error.str()}"


def kafka_error(raised: Exception) -> KafkaError:
    """What librdkafka said. Raises a SystemError that is of another kind again.

    The client raises a fatal error inside whatever call it is in and goes on to call our callbacks: Python then finds
    an exception set where none may be, and makes it the cause of a SystemError.
    """
    cause = raised if isinstance(raised, KafkaException) else raised.__cause__
    if not isinstance(cause, KafkaException):
        raise raised
    error: KafkaError = cause.args[0]
    return error


def is_passing(error: KafkaError) -> bool:
    """Errors after which librdkafka goes on by itself: connections, leaders, a missed poll (on_lost follows)."""
    return error.retriable() or error.code() in _PASSING
