"""A worker that stops at a chosen point of its transaction: `python -m tests.chaos.zombie LINK POINT SETTINGS...`.

It reads 100 records, writes them, says "ready" and waits for a line on stdin before it goes on; then it says what became
of its commit. The test freezes it while it waits.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import kafka

from streams.kafka.bulk import fan_out
from streams.kafka.link import FanOut, LinkSettings
from streams.kafka.link_kafka_python import KafkaPythonLink
from streams.kafka.links import open_link

COUNT = 100


def open_at(point: str, name: str, settings: LinkSettings) -> Any:
    """The link; at `unstable` its consumer does not ask for stable offsets, which is what the real one must do."""
    if point == "unstable":
        whole = kafka.KafkaConsumer.__init__

        def careless(self: Any, *topics: Any, **configs: Any) -> None:
            whole(self, *topics, **{**configs, "isolation_level": "read_uncommitted"})

        kafka.KafkaConsumer.__init__ = careless
        try:
            return open_link(name, settings, lambda _: None)
        finally:
            kafka.KafkaConsumer.__init__ = whole
    return open_link(name, settings, lambda _: None)


def main() -> None:
    name, point, values, out = sys.argv[1:]
    link = open_at(point, name, LinkSettings(*json.loads(values)))
    found: list[Any] = []
    while len(found) < COUNT:
        found += link.poll(1, COUNT)
    outputs = [FanOut((out,), r.key, r.value, [("by", b"zombie")]) for r in found]
    offsets = {(r.kafka_topic, r.partition): r.offset + 1 for r in found}
    stop_at(link, point)
    try:
        link.publish(outputs, offsets, link.group())
        print("committed", flush=True)
    except Exception as error:  # noqa: BLE001  what it is, is what the test wants to know
        print(f"{type(error).__name__}: {error}", flush=True)
    os._exit(0)  # a fenced client may take its time to close


def stop_at(link: Any, point: str) -> None:
    """Waits after the outputs (`sent`), or after the offsets (`offsets`, `unstable`)."""
    if isinstance(link, KafkaPythonLink):
        producer = link._producer
        after = "commit_transaction" if point != "sent" else "send_offsets_to_transaction"
        whole = getattr(producer, after)

        def waiting(*arguments: Any) -> Any:
            wait()
            return whole(*arguments)

        setattr(producer, after, waiting)
        link._send = fan_out
        return
    link._producer = Waiting(link._producer, "commit_transaction" if point != "sent" else "send_offsets_to_transaction")


class Waiting:
    """A confluent producer, whose methods cannot be replaced, that waits before one of them."""

    def __init__(self, whole: Any, method: str) -> None:
        self._whole, self._method = whole, method

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            wait()
        return getattr(self._whole, name)


def wait() -> None:
    print("ready", flush=True)
    sys.stdin.readline()


if __name__ == "__main__":
    main()
