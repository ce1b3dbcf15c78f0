"""The thread that reads labelled items and hands them to the hub in the event loop, at the pace of the loop."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import TYPE_CHECKING

from streams.errors import InvalidError
from streams.gateway.items import entry_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.gateway.hub import Hub
    from streams.gateway.items import Batch, Entry, Labelled, Source
    from streams.metrics import Metrics
    from streams.wire import Labels

_log = logging.getLogger(__name__)

# Between two looks at the connections, 100 items: about 2 ms of the loop without listeners.
SLICE = 100


class Reader:
    """Runs the source until it is stopped. An exception out of it is kept in `failure`, for the server to stop."""

    def __init__(self, source: Source, hub: Hub, labels: Labels, metrics: Metrics) -> None:
        self._source = source
        self._hub = hub
        self._labels = labels
        self._metrics = metrics
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="gateway-reader", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.failure: BaseException | None = None

    @property
    def alive(self) -> bool:
        """Whether it reads."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Starts reading; to be called in the event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self, seconds: float) -> None:
        """Ends the thread; waits for it at most so long."""
        self._stop.set()
        if self._thread.ident is not None:
            await asyncio.to_thread(self._thread.join, seconds)

    def _run(self) -> None:
        try:
            for number, batch in enumerate(self._source(self._stop.is_set)):
                self._hand_over(batch, first=number == 0)
                if self._stop.is_set():
                    return
        except BaseException as error:  # noqa: BLE001 - the border of the thread: whatever it is ends the process
            if not self._stop.is_set():
                self.failure = error

    def _hand_over(self, batch: Batch, *, first: bool) -> None:
        entries = self._entries(batch.items)
        if first and not entries:
            self._in_loop(lambda: self._hub.start(batch.positions))
        for start in range(0, len(entries), SLICE):
            piece = entries[start : start + SLICE]
            self._in_loop(lambda piece=piece: self._hub.accept(piece, {}, caught_up=False))  # type: ignore[misc]
        self._in_loop(lambda: self._hub.accept((), batch.positions, caught_up=batch.caught_up))
        self._metrics.gateway_items.inc(len(entries))

    def _entries(self, items: Sequence[Labelled]) -> list[Entry]:
        entries = []
        for item in items:
            try:
                entries.append(entry_of(item, self._labels))
            except InvalidError as error:
                # a foreign producer's: one item that cannot be shown harms no other
                _log.warning("not shown: news.labelled %d at %d: %s", item.partition, item.offset, error)
        return entries

    def _in_loop(self, work: Callable[[], None]) -> None:
        """Does it in the loop and waits until it is done: the reader goes no faster than the loop can take."""
        assert self._loop is not None  # noqa: S101 - start() sets it before the thread runs

        async def done() -> None:
            work()

        future = asyncio.run_coroutine_threadsafe(done(), self._loop)
        while not self._stop.is_set():
            try:
                return future.result(0.2)
            except TimeoutError:
                continue
        future.cancel()
        return None
