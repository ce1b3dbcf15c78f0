"""One listener of the stream: what waits for it, bounded, and what it missed because it was slow."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple

from streams.gateway.cursor import encode_cursor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.gateway.items import Entry, Offsets
    from streams.kafka.selection import Selection

Form = Literal["wire", "card"]

# Of one listener. Two seconds of a wire of 200 items/s; frames are shared between listeners, so a queue holds
# references, but a listener with a rare filter that never reads may be the last one to hold its frames.
QUEUE_FRAMES = 400
QUEUE_BYTES = 2 * 1024 * 1024
# One write. A listener that asks for 2,000 items at once must not make 10 MB at once.
CHUNK_BYTES = 256 * 1024


class Bounds(NamedTuple):
    """How much may wait for one listener."""

    frames: int = QUEUE_FRAMES
    size_bytes: int = QUEUE_BYTES


class ClosedError(Exception):
    """The gateway stops or the listener has gone: no more frames will come."""


def item_frame(entry: Entry, form: Form, cursor: str) -> bytes:
    """An event of the type `message` whose id says where to go on after it."""
    return b"id: %b\ndata: %b\n\n" % (cursor.encode(), entry.card if form == "card" else entry.wire)


def dropped_frame(reason: Literal["slow", "window"], count: int | None = None) -> bytes:
    """An event of the type `dropped`: items are missing here. The count is unknown where the window forgot them."""
    known = b"" if count is None else b'"count":%d,' % count
    return b'event: dropped\ndata: {%b"reason":"%b"}\n\n' % (known, reason.encode())


class Listener:
    """A queue between the hub and one connection, used in the event loop only.

    `positions`: what the listener has had, where that differs from what the hub has sent to all: it comes from another
    gateway that is further on.
    """

    def __init__(self, wanted: Selection, form: Form, bounds: Bounds | None = None) -> None:
        self.wanted = wanted
        self.form: Form = form
        self.ahead: dict[int, int] = {}
        self._bounds = bounds or Bounds()
        self._backlog: deque[Entry] = deque()
        self._backlog_positions: dict[int, int] = {}
        self._frames: deque[bytes] = deque()
        self._size = 0
        self._dropped = 0
        self._notice = b""
        self._closed = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether it has been given everything that there is."""
        return not (self._backlog or self._frames or self._dropped or self._notice)

    def begin(self, backlog: Iterable[Entry], positions: Mapping[int, int], *, complete: bool) -> None:
        """What it has missed so far, oldest first, with what it has had before; not `complete`: more is forgotten."""
        self._backlog.extend(backlog)
        self._backlog_positions = dict(positions)
        if not complete:
            self._notice = dropped_frame("window")

    def offer(self, entry: Entry, frame: bytes, positions: Offsets) -> None:
        """A new item and its frame for listeners in step; drops the oldest that waits where the queue is full."""
        if self.ahead:
            if entry.offset < self.ahead.get(entry.partition, 0):
                return
            frame = item_frame(entry, self.form, encode_cursor(self._furthest(positions)))
        self._frames.append(frame)
        self._size += len(frame)
        while len(self._frames) > 1 and (
            len(self._frames) > self._bounds.frames or self._size > self._bounds.size_bytes
        ):
            self._size -= len(self._frames.popleft())
            self._dropped += 1
        self.wake()

    def heartbeat(self, positions: Offsets) -> bytes:
        """A comment that keeps the connection; with the position of an idle listener, whose filter may pass little."""
        if not self.idle:
            return b": still here\n\n"
        return b"id: %b\n: still here\n\n" % encode_cursor(self._furthest(positions)).encode()

    def wake(self) -> None:
        """Lets `take` look again."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """What waits is given up; `take` raises ClosedError."""
        self._closed = True
        self.wake()

    async def take(self, patience: float) -> bytes:
        """The next frames, at most one write of them; empty after `patience` seconds without. Raises ClosedError."""
        if self.idle and not self._closed:
            await self._wait(patience)
        if self._closed:
            raise ClosedError
        chunk = bytearray(self._notice)
        self._notice = b""
        while self._backlog and len(chunk) < CHUNK_BYTES:
            chunk += self._next_of_backlog()
        if self._backlog:
            return bytes(chunk)
        if self._dropped:
            chunk += dropped_frame("slow", self._dropped)
            self._dropped = 0
        while self._frames and len(chunk) < CHUNK_BYTES:
            frame = self._frames.popleft()
            self._size -= len(frame)
            chunk += frame
        return bytes(chunk)

    def _next_of_backlog(self) -> bytes:
        entry = self._backlog.popleft()
        positions = self._backlog_positions
        positions[entry.partition] = max(positions.get(entry.partition, 0), entry.offset + 1)
        return item_frame(entry, self.form, encode_cursor(positions))

    def _furthest(self, positions: Offsets) -> dict[int, int]:
        merged = dict(positions)
        for partition, offset in self.ahead.items():
            merged[partition] = max(merged.get(partition, 0), offset)
        return merged

    async def _wait(self, patience: float) -> None:
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(patience, self.wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None
