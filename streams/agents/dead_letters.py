"""Dead letters: a record that no retry can label, kept as it came, with the reason in its headers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams import wire
from streams.agents.batch import Outcome
from streams.kafka.link import FanOut

if TYPE_CHECKING:
    from streams.agents.batch import Poison
    from streams.kafka.link import Record

# Brokers take 1,048,588 bytes a batch by default, kafka-python 1,048,576, librdkafka as we set it: the rest is framing.
# Original and reason together must stay under it, or the dead letter would kill the worker that writes it.
MAX_BYTES = 1_000_000
MAX_MESSAGE = 2_000  # characters of the error's message
MAX_STACKTRACE = 8_000  # characters, the last ones: they name the line that failed
MAX_FOREIGN_HEADERS = 100_000  # bytes of the record's own headers (and of its key) beside a pointer


class Failure(NamedTuple):
    """Why a record is dead. `reason` is from metrics.DEAD_REASONS, `stage` from metrics.STAGES or "decode"."""

    reason: str
    stage: str
    kind: str  # class of the error
    message: str
    stacktrace: str = ""
    attempts: int = 1
    uri: str = ""  # of the item, where it could be read


def invalid(error: Exception, stage: str, uri: str = "") -> Failure:
    """The failure of a record that is not an article."""
    return Failure("invalid", stage, type(error).__name__, str(error), uri=uri)


def poisoned(poison: Poison, uri: str) -> Failure:
    """The failure of an item on which a classifier raises."""
    error = poison.error
    return Failure("poison", poison.stage, type(error).__name__, str(error), poison.stacktrace, poison.attempts, uri)


def dead_letter(record: Record, failure: Failure, time: str, kafka_topic: str = wire.DEAD_LETTERS) -> Outcome:
    """The outcome of a dead record: its bytes, key and headers as they came, the reason added.

    `time` is RFC 3339. Where all that is larger than Kafka takes, the value is a pointer to the original (source
    coordinates, uri, sizes), and headers or key that are themselves too large are left out.
    """
    headers = wire.dead_letter_headers(record.headers, _fields(record, failure, time))
    value = record.value
    if value is None and record.key is None:
        value = b""  # a record needs a key or a value
    if _size(record.key, value, headers) <= MAX_BYTES:
        return _outcome(FanOut((kafka_topic,), record.key, value, headers), record, failure)
    key = record.key if len(record.key or b"") <= MAX_FOREIGN_HEADERS else None
    if _size(None, None, list(record.headers)) > MAX_FOREIGN_HEADERS:
        headers = wire.dead_letter_headers((), _fields(record, failure, time))
    return _outcome(FanOut((kafka_topic,), key, _pointer(record, failure), headers), record, failure)


def _outcome(output: FanOut, record: Record, failure: Failure) -> Outcome:
    return Outcome("dead", output, record.timestamp_ms, failure.reason)


def _fields(record: Record, failure: Failure, time: str) -> dict[str, str]:
    fields = {
        "topic": record.kafka_topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "stage": failure.stage,
        "class": failure.kind,
        "message": failure.message[:MAX_MESSAGE],
        "attempts": str(failure.attempts),
        "time": time,
    }
    return fields | ({"stacktrace": failure.stacktrace[-MAX_STACKTRACE:]} if failure.stacktrace else {})


def _pointer(record: Record, failure: Failure) -> bytes:
    return msgspec.json.encode(
        {
            "pointer": {
                "kafkaTopic": record.kafka_topic,
                "partition": record.partition,
                "offset": record.offset,
                "uri": failure.uri[:2048],
                "valueBytes": len(record.value or b""),
                "keyBytes": len(record.key or b""),
                "headerBytes": _size(None, None, list(record.headers)),
            }
        }
    )


def _size(key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]) -> int:
    framing = 20  # at most, for the lengths of a header's name and value, or of key and value
    return (
        len(key or b"")
        + len(value or b"")
        + sum(len(n.encode()) + len(d or b"") + framing for n, d in headers)
        + framing
    )
