"""Clients of kafka-python that are either open or leave nothing behind."""

from __future__ import annotations

import contextlib
import weakref
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector

if TYPE_CHECKING:
    from collections.abc import Callable


def opened(kind: Callable[..., Any], **settings: Any) -> Any:
    """A new KafkaConsumer, KafkaProducer or KafkaAdminClient. Raises KafkaError.

    One that finds no Kafka, or is refused its login, leaves its thread and its sockets behind in 3.0.12, for nobody has
    a client to close: the thread tries on for ever. A gateway with a wrong password had one more each second.
    """
    made: list[Any] = []

    def remembered(**given: Any) -> Any:
        made.append(KafkaNetClient(net=Selector(**given), **given))
        return made[-1]

    try:
        return kind(kafka_client=remembered, **settings)
    except KafkaError:
        for client in made:
            with contextlib.suppress(KafkaError):
                client.close()
            client._manager._net.stop()  # noqa: SLF001
        raise


class Selector(NetworkSelector):  # type: ignore[misc]
    """An event loop of a client that closes every socket at its end.

    That of 3.0.12 drops those of connections that are just being made (TCP, TLS) or still have something to write, and
    leaves them to the garbage collector: the broker keeps the connection until then.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._waited_for: weakref.WeakSet[Any] = weakref.WeakSet()

    def register_event(self, fileobj: Any, event: int, task: Any) -> None:
        """Called on the loop's own thread for each wait; remembers who was waited for."""
        self._waited_for.add(fileobj)
        super().register_event(fileobj, event, task)

    def close(self) -> None:
        """Ends the loop, its thread and its sockets; idempotent."""
        self.stop()
        self.drain()  # what is ready may still open one
        left = list(self._waited_for)
        super().close()
        for socket in left:
            socket.close()
