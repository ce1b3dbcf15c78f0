"""What is pushed, to Kafka: one thread publishes, nothing is said to be taken before Kafka has acknowledged it.

Idempotent by uri: an item has the same uri each time that it is pushed, and an item whose very bytes were acknowledged
lately is not published again. That memory is this process's own: behind it stands the promise of every publisher, at
least once with the same uri.
"""

from __future__ import annotations

import contextlib
import hashlib
import queue
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from streams.errors import TransientError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable, Sequence

    from streams.kafka.link import Output

MAX_WAITING = 32  # requests; of 8 MiB at most each, so a quarter of a gigabyte in the worst of cases
KNOWN_ITEMS = 100_000  # 170 bytes each
CLOSE_SECONDS = 3.0  # of a gateway that ends; Kafka answers within one, or is away
ENDING = "the gateway ends"
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


@dataclass(eq=False, slots=True)
class _Job:
    """A request that waits for Kafka."""

    items: Sequence[Pushed]
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[int]


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
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._waiting: set[_Job] = set()  # used in the event loop only
        self._ending = False
        # not a pool's: Python waits for those at the end of the process, and Kafka may be away for a long time
        self._thread = threading.Thread(target=self._work, name="push", daemon=True)
        self._known: OrderedDict[str, bytes] = OrderedDict()
        self._sender: Sender | None = None

    async def publish(self, items: Sequence[Pushed], loop: asyncio.AbstractEventLoop) -> int:
        """Returns when Kafka has every item; how many it was given now, the others it had.

        Raises BusyError, and TransientError where Kafka takes nothing, or where the gateway ends first: then some may
        be there and some not.
        """
        if self._ending:
            raise TransientError(ENDING)
        if len(self._waiting) >= self._most_waiting:
            raise BusyError
        if self._thread.ident is None:
            self._thread.start()
        job = _Job(items, loop, loop.create_future())
        self._waiting.add(job)
        self._jobs.put(job)
        try:
            return await job.done
        finally:
            self._waiting.discard(job)

    def give_up(self) -> None:
        """Whoever waits now, or comes later, is told that the gateway ends; in the event loop."""
        self._ending = True
        for job in self._waiting:
            if not job.done.done():
                job.done.set_exception(TransientError(ENDING))

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Waits for what is being published, so long at most: what is not acknowledged then is sent again."""
        self._ending = True
        self._jobs.put(None)
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            if self._ending and job.done.done():
                continue  # nobody waits for it: it was answered that it is to be sent again
            try:
                result: int | Exception = self._publish(job.items)
            except Exception as error:  # noqa: BLE001 - the border of the thread: raised in the loop, by who waits
                result = error
            with contextlib.suppress(RuntimeError):  # the loop has ended, and nobody waits any more
                job.loop.call_soon_threadsafe(_settle, job.done, result)
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


def _settle(done: asyncio.Future[int], result: int | Exception) -> None:
    if done.done():  # given up, or whoever waited has gone
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)
