"""What a dead letter keeps and what it adds."""

from __future__ import annotations

import json

from streams import wire
from streams.agents.dead_letters import MAX_BYTES, Failure, dead_letter
from streams.kafka.link import FanOut, Record

NOW = "2026-03-01T12:00:00.000Z"
FAILURE = Failure("poison", "topics", "ValueError", "no such word", "trace", 4, "urn:example:1")


def record(
    value: bytes | None = b"value", key: bytes | None = b"key", headers: list[tuple[str, bytes]] | None = None
) -> Record:
    return Record(wire.ARTICLES, 7, 123, key, value, headers or [], 99)


def written(one: Record, failure: Failure = FAILURE) -> FanOut:
    return dead_letter(one, failure, NOW).output


def size(output: FanOut) -> int:
    return len(output.key or b"") + len(output.value or b"") + sum(len(n) + len(d) for n, d in output.headers)


def test_bytes_key_and_headers_stay_and_the_reason_is_added() -> None:
    output = written(record(headers=[("ce_id", b"1"), ("own", b"\xff")]))
    assert (output.kafka_topics, output.key, output.value) == ((wire.DEAD_LETTERS,), b"key", b"value")
    assert output.headers[:2] == [("ce_id", b"1"), ("own", b"\xff")]
    assert dict(output.headers[2:]) == {
        "newswire-error-topic": b"news.articles",
        "newswire-error-partition": b"7",
        "newswire-error-offset": b"123",
        "newswire-error-stage": b"topics",
        "newswire-error-class": b"ValueError",
        "newswire-error-message": b"no such word",
        "newswire-error-stacktrace": b"trace",
        "newswire-error-attempts": b"4",
        "newswire-error-time": NOW.encode(),
    }


def test_the_outcome_is_dead_with_its_reason() -> None:
    outcome = dead_letter(record(), FAILURE, NOW)
    assert (outcome.status, outcome.reason, outcome.timestamp_ms) == ("dead", "poison", 99)


def test_an_item_that_fails_again_carries_the_newest_error_only() -> None:
    headers = written(record(headers=[("newswire-error-class", b"OldError"), ("own", b"1")])).headers
    assert [data for name, data in headers if name == "newswire-error-class"] == [b"ValueError"]


def test_a_tombstone_keeps_its_key_and_has_no_value() -> None:
    output = written(record(None))
    assert (output.key, output.value) == (b"key", None)


def test_neither_key_nor_value_becomes_an_empty_value() -> None:
    output = written(record(None, None))
    assert (output.key, output.value) == (None, b"")


def test_long_messages_and_stacks_are_cut_the_stack_at_its_front() -> None:
    failure = FAILURE._replace(message="m" * 10_000, stacktrace="s" * 10_000 + "the last line")
    headers = dict(written(record(), failure).headers)
    assert len(headers["newswire-error-message"]) == 2000
    assert len(headers["newswire-error-stacktrace"]) == 8000
    assert headers["newswire-error-stacktrace"].endswith(b"the last line")


def test_lone_surrogates_in_the_reason_are_replaced() -> None:
    assert dict(written(record(), FAILURE._replace(message="\ud83d")).headers)["newswire-error-message"] == b"?"


def test_an_original_that_still_fits_is_kept_whole() -> None:
    value = b"x" * (MAX_BYTES - 20_000)
    assert written(record(value)).value == value


def test_an_original_that_does_not_fit_is_pointed_to() -> None:
    output = written(record(b"x" * MAX_BYTES, headers=[("own", b"1")]))
    assert json.loads(output.value or b"") == {
        "pointer": {
            "kafkaTopic": "news.articles",
            "partition": 7,
            "offset": 123,
            "uri": "urn:example:1",
            "valueBytes": MAX_BYTES,
            "keyBytes": 3,
            "headerBytes": 44,
        }
    }
    assert (output.key, output.headers[0]) == (b"key", ("own", b"1"))


def test_headers_and_keys_that_are_too_large_themselves_are_left_out() -> None:
    output = written(record(b"x", b"k" * 900_000, [("own", b"h" * 900_000)]))
    assert output.key is None
    assert size(output) < MAX_BYTES
    assert all(name.startswith("newswire-error-") for name, _ in output.headers)
