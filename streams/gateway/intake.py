"""What is pushed, to Kafka: one thread publishes, nothing is said to be taken before Kafka has acknowledged it.

Idempotent by uri: an item has the same uri each time that it is pushed, and an item whose very bytes were acknowledged
lately is not published again. That memory is this process's own: behind it stands the promise of every publisher, at
least once with the same uri.
"""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Protocol

from streams.errors import TransientError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from streams.kafka.link import Output

MAX_WAITING = 32  # requests; of 8 MiB at most each, so a quarter of a gigabyte in the worst of cases
KNOWN_ITEMS = 100_000  # 170 bytes each
_DIGEST_BYTES = 16


class Pushed(NamedTuple):
    """An item: its uri, what was sent, and the record that it becomes."""

    uri: str
    sent: bytes
    output: Output


class Sender(Protocol):
    """A publisher of records, as of streams.kafka."""

    def send_all(self, outputs: Sequence[Output]) -> None:
        """Returns when Kafka has acknowledged every record. Raises TransientError."""

    def close(self) -> None:
        """Ends it."""


class BusyError(Exception):
    """As many requests wait as this process holds."""


class Intake:
    """Publishes for callers of an event loop. `open_sender` connects, and is called again after a failure."""

    def __init__(
        self, open_sender: Callable[[], Sender], *, waiting: int = MAX_WAITING, known: int = KNOWN_ITEMS
    ) -> None:
        self._open = open_sender
        self._most_waiting = waiting
        self._most_known = known
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="push")
        self._lock = threading.Lock()
        self._waiting = 0  # guarded by the lock
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._sender: Sender | None = None

    async def publish(self, items: Sequence[Pushed], loop: asyncio.AbstractEventLoop) -> int:
        """Returns when Kafka has every item; how many it was given now, the others it had.

        Raises BusyError, and TransientError where Kafka takes nothing: then some may be there and some not.
        """
        with self._lock:
            if self._waiting >= self._most_waiting:
                raise BusyError
            self._waiting += 1
        try:
            return await loop.run_in_executor(self._thread, self._publish, items)
        finally:
            with self._lock:
                self._waiting -= 1

    def close(self) -> None:
        """Waits for what is being published."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        if self._sender is not None:
            self._sender.close()

    def _publish(self, items: Sequence[Pushed]) -> int:
        digests = [hashlib.blake2b(item.sent, digest_size=_DIGEST_BYTES).digest() for item in items]
        fresh: dict[tuple[str, bytes], Output] = {}
        for item, digest in zip(items, digests, strict=True):
            if self._known.get(item.uri) != digest:
                fresh.setdefault((item.uri, digest), item.output)
        if fresh:
            self._send(list(fresh.values()))
        for item, digest in zip(items, digests, strict=True):
            self._known[item.uri] = digest
            self._known.move_to_end(item.uri)
        while len(self._known) > self._most_known:
            self._known.popitem(last=False)
        return len(fresh)

    def _send(self, outputs: Sequence[Output]) -> None:
        sender = self._sender = self._sender or self._open()
        try:
            sender.send_all(outputs)
        except TransientError:
            self._sender = None  # a producer that gave records up may not go on
            sender.close()
            raise
