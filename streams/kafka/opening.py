"""Clients of kafka-python that are either open or leave nothing behind."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from kafka.errors import KafkaError
from kafka.net.compat import KafkaNetClient

if TYPE_CHECKING:
    from collections.abc import Callable


def opened(kind: Callable[..., Any], **settings: Any) -> Any:
    """A new KafkaConsumer, KafkaProducer or KafkaAdminClient. Raises KafkaError.

    One that finds no Kafka, or is refused its login, leaves its thread and its sockets behind in 3.0.12, for nobody has
    a client to close: the thread tries on for ever. A gateway with a wrong password had one more each second.
    """
    made: list[Any] = []

    def remembered(**given: Any) -> Any:
        made.append(KafkaNetClient(**given))
        return made[-1]

    try:
        return kind(kafka_client=remembered, **settings)
    except KafkaError:
        for client in made:
            with contextlib.suppress(KafkaError):
                client.close()
            client._manager._net.stop()  # noqa: SLF001
        raise
