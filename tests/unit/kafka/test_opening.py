"""What a client of kafka-python leaves behind when it is closed while a connection is being made or written to."""

from __future__ import annotations

import contextlib
import gc
import socket
import ssl
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.net.transport import KafkaTCPTransport

from streams.kafka.opening import Selector, opened

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 60.0


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def address(server: socket.socket) -> str:
    return f"127.0.0.1:{server.getsockname()[1]}"


def connecting(server: socket.socket, **settings: Any) -> tuple[Any, socket.socket]:
    """A client whose connection the server has taken but not answered, and the server's end of it."""
    given = {"bootstrap_servers": address(server), **settings}
    client = KafkaNetClient(net=Selector(**given), **given)
    client._net.start()
    client._manager.bootstrap_async(timeout_ms=SECONDS * 1000)
    taken, _ = server.accept()
    taken.settimeout(SECONDS)
    return client, taken


@contextlib.contextmanager
def complaints() -> Iterator[list[str]]:
    """What Python says of sockets that are left to its garbage collector."""
    found: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield found
        gc.collect()
    found += [str(one.message) for one in caught if one.category is ResourceWarning]


def test_a_client_closed_within_a_handshake_closes_its_socket(silent: socket.socket) -> None:
    context = ssl.create_default_context()
    client, taken = connecting(silent, security_protocol="SSL", ssl_context=context)
    with taken, complaints() as found:
        assert taken.recv(1), "of the client's hello"
        client.close()
    assert found == []


def test_a_connection_closed_with_something_to_write_ends_with_its_loop() -> None:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    theirs.settimeout(SECONDS)
    loop = Selector()
    transport = KafkaTCPTransport(loop, ours)
    transport.write(b"x" * (64 << 20))  # more than fits on its way: the rest waits
    loop.poll(timeout_ms=0)
    loop.poll(timeout_ms=0)
    transport.close()
    assert not ours._closed, "it would have waited until all is written"
    loop.close()
    with theirs:
        while theirs.recv(1 << 20):
            pass  # until the end, or the time-out


def test_a_client_that_finds_no_kafka_leaves_nothing(silent: socket.socket) -> None:
    with complaints() as found, pytest.raises(KafkaError):
        opened(KafkaConsumer, bootstrap_servers=address(silent), bootstrap_timeout_ms=200)
    assert found == []
