"""Kafka topics where no Kafka answers, and what a person is told of findings."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING

import pytest

from streams.errors import InvalidError, TransientError
from streams.kafka import admin
from streams.kafka.admin import Finding, broker_version, check_topics, create_topics, list_topics, reachable
from streams.kafka.broker_process import Reservation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def closed() -> Iterator[str]:
    """An address where nothing listens and nothing will while the test runs."""
    reserved = Reservation()
    yield f"127.0.0.1:{reserved.port}"
    reserved.release()


@pytest.mark.parametrize(
    "call",
    [
        broker_version,
        list_topics,
        lambda servers: check_topics(servers, []),
        lambda servers: create_topics(servers, []),
    ],
)
def test_no_broker_is_told_in_one_line(closed: str, call: Callable[[str], object]) -> None:
    with pytest.raises(TransientError) as told:
        call(closed)
    assert str(told.value) == (
        f"no Kafka broker answers at {closed}; start one with `newswire broker` or `newswire up`"
    )


def test_a_server_that_is_no_kafka_or_wants_another_login_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "CONNECT_SECONDS", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        done = threading.Event()

        def hang_up() -> None:
            while not done.is_set():
                try:
                    connection, _ = server.accept()
                    connection.close()
                except TimeoutError:
                    continue

        thread = threading.Thread(target=hang_up)
        thread.start()
        try:
            with pytest.raises(TransientError, match=r"^127.0.0.1:\d+ takes connections, .+: check kafka.security"):
                list_topics(f"127.0.0.1:{server.getsockname()[1]}")
        finally:
            done.set()
            thread.join()


def test_one_address_of_several_is_enough(closed: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert reachable(f"{closed},127.0.0.1:{server.getsockname()[1]}")
    assert not reachable(f"{closed},no-such-host.invalid:9092")


@pytest.mark.parametrize(
    ("finding", "text"),
    [
        (Finding("news.labelled", "missing", "", ""), "news.labelled is missing; `newswire topics create` makes it"),
        (
            Finding("news.articles", "partitions", "12", "4"),
            (
                "news.articles has 4 partitions, not 12; it cannot be changed without breaking the order of items, so "
                "delete the topic and run `newswire topics create`"
            ),
        ),
        (
            Finding("news.sources", "cleanup.policy", "compact", "delete"),
            "news.sources has cleanup.policy=delete, not compact; `newswire topics create --alter` sets it",
        ),
    ],
)
def test_a_finding_says_what_to_do(finding: Finding, text: str) -> None:
    assert str(finding) == text


@pytest.mark.parametrize(("code", "kind"), [(7, TransientError), (29, InvalidError), (44, InvalidError)])
def test_a_refusal_is_of_the_fitting_kind(code: int, kind: type[Exception]) -> None:
    """7 request timed out, 29 topic authorization failed, 44 policy violation; kafka.apache.org/protocol."""
    with pytest.raises(kind, match=r"^cannot create news\.labelled: why$"):
        admin._was_created({"name": "news.labelled", "error_code": code, "error_message": "why"})
