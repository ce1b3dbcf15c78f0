"""Carries batches from Kafka to the agents and their outcomes back, in two threads: a reader and a writer.

The batch cycle, and what becomes of a batch if the process dies in each step:

 1. wait for room      at most `depth` batches are between reader and writer
 2. poll               until the batch is full or `linger` is over
 3. rebalance          inside poll: what is in flight may commit, then a new epoch begins
 4. group              the membership is noted with the batch
 5. classify           the agents; without side effects
 6. current?           a batch of an older epoch is dropped here
    dies in 1-6:       nothing is written, the offsets are not committed: read again
 7. write, flush, ask  link.publish, the first of its three steps
    dies:              an open transaction, aborted by the slot's next holder or by its time-out; read again
 8. offsets            link.publish
    dies:              as 7; the heir waits until they are stable, and finds the old ones
 9. commit             link.publish
    dies:              as 8 before the coordinator has logged it, as 10 after
10. release, count     the room is free, the outcomes are counted
    dies:              nothing to redo

Every batch carries the epoch it was read in. A rebalance, a rollback or the loss of the membership begins a new epoch:
the reader goes back to the committed offsets, the writer drops what is older. Knows neither Faust nor a Kafka client.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from typing import TYPE_CHECKING, NamedTuple, Protocol

from streams.agents.batch import Batch
from streams.kafka.link import AbortedError, LinkLostError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from streams.agents.batch import Pace
    from streams.kafka.link import Link, OpenLink, Rebalance, Record

log = logging.getLogger(__name__)

IDLE_SECONDS = 0.5  # one poll of an idle worker: how late it notices that it must close
MAX_BATCH_BYTES = 8 << 20  # of values: 500 items of 900 kB would be half a gigabyte, several times over on the way
LAG_SECONDS = 5.0  # between two looks at the lag; a scrape comes every 15 s
CLOSE_SECONDS = 10.0  # to let batches in flight commit at the end; under the grace of 20 s


class CourierSettings(NamedTuple):
    """Times in seconds."""

    linger: float = 0.03
    depth: int = 3
    drain: float = 4.0  # must stay well under the session: kafka-python sends no heartbeat meanwhile
    back_off: float = (
        0.1  # after the n-th rollback in a row, times n: the heartbeat must learn what the commit was told
    )
    patience: int = 10  # rollbacks in a row before the process leaves: after 5.5 s of back-off


class Observer(Protocol):
    """Told what happens; must not raise and not block."""

    def committed(self, batch: Batch, seconds: float) -> None:
        """A transaction went through."""

    def rolled_back(self) -> None:
        """A transaction was aborted."""

    def rebalanced(self, partitions: int) -> None:
        """Partitions were given."""

    def in_flight(self, batches: int) -> None:
        """The number of batches between reader and writer changed."""

    def lag(self, by_partition: Mapping[int, int]) -> None:
        """Records behind the end."""


class Courier:
    """One worker's reader and writer.

    Args:
        open_link: connects; called by `start`.
        hand_over: gives a batch to the first agent; called by the reader thread. The last agent calls `deliver`.
        crash: told what no thread can go on after; called by either thread, once each at most.
        pace: bounds the size of a batch.

    """

    def __init__(
        self,
        open_link: OpenLink,
        hand_over: Callable[[Batch], None],
        crash: Callable[[BaseException], None],
        pace: Pace,
        observer: Observer,
        settings: CourierSettings = CourierSettings(),  # noqa: B008  immutable
    ) -> None:
        self._open_link = open_link
        self._hand_over = hand_over
        self._crash = crash
        self._pace = pace
        self._observer = observer
        self._settings = settings
        self._changed = threading.Condition()  # guards the seven below
        self._epoch = 0
        self._in_flight = 0
        self._publishing = False
        self._closing = False
        self._broken = False
        self._joined = False
        self._progress = self._polled = time.monotonic()
        self._finished: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._link: Link | None = None
        self._threads: list[threading.Thread] = []

    # -- for whoever runs it --------------------------------------------------------------------------------------

    def start(self) -> None:
        """Connects and begins to read. Raises TransientError where Kafka cannot be reached."""
        link = self._link = self._open_link(self._on_rebalance)
        self._progress = self._polled = time.monotonic()
        for name, body in (("reader", self._read), ("writer", self._write)):
            thread = threading.Thread(target=self._guard, args=(body, link), name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def deliver(self, batch: Batch) -> None:
        """The batch has its outcomes."""
        self._finished.put(batch)

    def break_off(self) -> None:
        """Something crashed: nothing more is published."""
        with self._changed:
            self._broken = self._closing = True
            self._changed.notify_all()

    def close(self) -> None:
        """Reads no more, lets what is in flight commit (unless something crashed) and leaves the group."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._in_flight == 0 or self._broken, CLOSE_SECONDS)
        self._finished.put(None)
        for thread in self._threads:
            thread.join(CLOSE_SECONDS)
        # a thread that does not end is inside the client: closing under it could block for ever, the grace time ends it
        if self._link is not None and not any(thread.is_alive() for thread in self._threads):
            self._link.close()

    @property
    def ready(self) -> bool:
        """Whether this worker is a member of the group and takes batches."""
        return self._joined and not self._closing

    def stalled_seconds(self) -> float:
        """How long nothing has moved that should: a batch in flight, or a reader that does not come back."""
        now = time.monotonic()
        with self._changed:
            if not self._threads or self._closing:
                return 0.0
            return now - (self._progress if self._in_flight else self._polled)

    def state(self) -> dict[str, int | bool]:
        """For the health page."""
        return {"ready": self.ready, "in_flight": self._in_flight, "epoch": self._epoch}

    # -- reader thread --------------------------------------------------------------------------------------------

    def _read(self, link: Link) -> None:
        epoch, sequence, size = -1, 0, 0
        held: list[Record] = []
        since = lag_seen = 0.0
        while not self._closing:
            if epoch != self._epoch:
                epoch, sequence, held = self._resume(link), 0, []
            if not self._wait_for_room():  # 1
                continue
            limit = self._pace.limit()
            left = self._settings.linger - (time.monotonic() - since) if held else IDLE_SECONDS
            found = link.poll(left, limit - len(held)) if left > 0 and len(held) < limit else []  # 2, and 3 inside it
            now = self._polled = time.monotonic()
            if now - lag_seen > LAG_SECONDS:
                lag_seen = now
                self._observer.lag(link.lag())
            if epoch != self._epoch:
                continue  # read before the partitions changed hands: forget it
            since, size = (since, size) if held else (now, 0)
            held += found
            size += sum([len(record.value or b"") for record in found])
            if held and (len(held) >= limit or size >= MAX_BATCH_BYTES or now - since >= self._settings.linger):
                self._send_off(link, held, epoch, sequence)
                held, sequence = [], sequence + 1

    def _resume(self, link: Link) -> int:
        """Begins an epoch at the committed offsets; gives its number.

        Waits for a transaction that is under way: with an unchanged generation (a rejoin that the group did not notice)
        it may still commit, and offsets asked for before that would bring its records a second time.
        """
        with self._changed:
            while self._publishing and not self._closing:
                self._changed.wait(IDLE_SECONDS)
            epoch = self._epoch
        if not self._closing:
            link.rewind()
        return epoch

    def _wait_for_room(self) -> bool:
        """Back-pressure: no poll while the pipe is full; the client goes on sending heartbeats."""
        with self._changed:
            room = self._changed.wait_for(lambda: self._in_flight < self._settings.depth or self._closing, IDLE_SECONDS)
            self._polled = time.monotonic()
        return room and not self._closing

    def _send_off(self, link: Link, records: list[Record], epoch: int, sequence: int) -> None:
        group = link.group()  # 4: with the batch, not at the commit: a rejoin changes it in the background
        if group is None:
            self._new_epoch()  # out of the group; the next poll joins again
            return
        with self._changed:
            if not self._in_flight:
                self._progress = time.monotonic()
            self._in_flight += 1
            self._observer.in_flight(self._in_flight)
        self._hand_over(Batch(records, epoch, sequence, group))  # 5

    def _on_rebalance(self, rebalance: Rebalance) -> None:
        """3: inside poll, on a thread of the client. What does not finish in time is refused for its old generation."""
        with self._changed:
            if rebalance.drain and not self._changed.wait_for(
                lambda: self._in_flight == 0 or self._closing, self._settings.drain
            ):
                log.warning("rebalance: %d batches late after %.1f s", self._in_flight, self._settings.drain)
            self._epoch += 1
            self._joined = self._joined or rebalance.partitions >= 0
        if rebalance.partitions >= 0:
            self._observer.rebalanced(rebalance.partitions)

    def _new_epoch(self) -> None:
        with self._changed:
            self._epoch += 1

    # -- writer thread --------------------------------------------------------------------------------------------

    def _write(self, link: Link) -> None:
        failures, epoch, expected = 0, -1, 0
        while (batch := self._finished.get()) is not None:
            if self._is_current(batch):  # 6
                if batch.epoch != epoch:
                    epoch, expected = batch.epoch, 0
                if batch.sequence != expected:  # its offsets would skip the records of a batch that is missing
                    raise RuntimeError(f"batch {batch.sequence} of epoch {epoch} came where {expected} was due")
                expected += 1
                failures = 0 if self._publish(link, batch) else failures + 1
                if failures > self._settings.patience:
                    raise LinkLostError(
                        f"{failures} transactions in a row were rolled back; see the log for the reasons"
                    )
            self._release()
            with self._changed:
                self._changed.wait_for(lambda: self._closing, self._settings.back_off * failures)

    def _is_current(self, batch: Batch) -> bool:
        with self._changed:
            self._publishing = batch.epoch == self._epoch and not self._broken
            return self._publishing

    def _publish(self, link: Link, batch: Batch) -> bool:
        began = time.perf_counter()
        try:
            link.publish(batch.outputs(), batch.offsets(), batch.group)  # 7, 8, 9
        except AbortedError as error:
            log.warning("%d records will be read again: %s", len(batch.records), error)
            self._observer.rolled_back()
            self._new_epoch()  # before the release: the reader must not go on at its old position
            return False
        self._observer.committed(batch, time.perf_counter() - began)
        return True

    def _release(self) -> None:
        with self._changed:  # 10
            self._publishing = False
            self._in_flight -= 1
            self._progress = time.monotonic()
            self._observer.in_flight(self._in_flight)
            self._changed.notify_all()

    # -- both -----------------------------------------------------------------------------------------------------

    def _guard(self, body: Callable[[Link], None], link: Link) -> None:
        try:
            body(link)
        except BaseException as error:  # noqa: BLE001  the border of a thread: whatever ends it ends the process
            self.break_off()
            self._crash(error)
