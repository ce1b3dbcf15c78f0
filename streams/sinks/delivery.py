"""Sinks that send items to a server: what is kept, when it is sent again, what is given up. At least once, in order.

The webhook and the search sink differ in what a request looks like and in what its answer means (`Target`); patience,
poison and offsets are the same and stand here. No network, clock or chance of its own.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

from streams.errors import InvalidError
from streams.sinks.base import POLL_RECORDS, Bury, Place, Settled

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from streams.kafka.link import Offsets, Record

FIRST_WAIT_SECONDS = 0.5
LONGEST_WAIT_SECONDS = 60.0
LONGEST_RETRY_AFTER_SECONDS = 3600.0  # a receiver that asks for a day has mistaken seconds for milliseconds
# After so many failures in a row the receiver counts as away: the circuit is open, and one item alone tries whether it
# is back, so that a receiver that is coming up is not met by a full batch each time.
OPEN_AFTER_FAILURES = 5
# So many items refused one after the other, and none taken in between, are no poison: the receiver wants something else
# (another path, another format), and the whole wire would end in the dead letters.
MOST_REFUSED_IN_A_ROW = 10
MOST_BYTES = 16 << 20  # of items that wait: a thousand of the largest would be 900 MB
SETTLE_SECONDS = 2.0  # how late a stop is noticed while there is much to send

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What became of some records that were sent together, by their position among them; all others were taken."""

    refused: Mapping[int, str] = {}  # never to be taken, and why
    again: frozenset[int] = frozenset()  # to be sent again
    divide: bool = False  # one of them is refused and the answer does not say which: nothing was taken
    message: str = ""  # why not all were taken
    retry_after: float | None = None  # seconds that the receiver asks for


class Target(Protocol):
    """A receiver of one kind."""

    name: str

    def prepare(self) -> None:
        """Called once, first. Raises InvalidError, TransientError where nothing can be sent there."""
        ...

    def check(self, record: Record) -> None:
        """Raises InvalidError for a record that cannot be sent at all."""
        ...

    def send(self, records: Sequence[Record]) -> Answer:
        """One request. Raises InvalidError where the settings are wrong."""
        ...

    def close(self) -> None:
        """Lets go of connections."""
        ...


class Limits(NamedTuple):
    """How much goes into one request at most."""

    max_items: int
    max_bytes: int


class Patience:
    """How long to wait after a failure: twice as long each time, with jitter, or what the receiver asks for."""

    def __init__(self, clock: Callable[[], float], rng: random.Random) -> None:
        self.clock = clock
        self._rng = rng
        self._until = 0.0
        self.failures = 0  # in a row

    def waits(self) -> bool:
        """Whether it is too early to try again."""
        return self.clock() < self._until

    def is_open(self) -> bool:
        """Whether the receiver counts as away."""
        return self.failures >= OPEN_AFTER_FAILURES

    def failed(self, retry_after: float | None) -> float:
        """One more failure; the seconds to wait. Half of them are chance, so that many senders do not come at once."""
        longest: float = min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(self.failures, 20))
        wait = max(longest * self._rng.uniform(0.5, 1.0), min(retry_after or 0.0, LONGEST_RETRY_AFTER_SECONDS))
        self.failures += 1
        self._until = self.clock() + wait
        return wait

    def succeeded(self) -> None:
        """The receiver is there."""
        self.failures = 0


class DeliverySink:
    """Sends to a target. `again` is told of every request that has to be repeated."""

    guarantee: Literal["exactly once", "at least once"] = "at least once"
    group_counts = True

    def __init__(
        self, target: Target, limits: Limits, patience: Patience, bury: Bury, again: Callable[[], None]
    ) -> None:
        self._clock = patience.clock
        self.name = target.name
        self._target = target
        self._limits = limits
        self._patience = patience
        self._bury = bury
        self._again = again
        self._queue: deque[Record] = deque()
        self._next: dict[Place, int] = {}  # behind what was written
        self._told: dict[Place, int] = {}  # offsets that have been settled; at first that of the first record
        self._bytes = 0  # of values in the queue
        self._size = limits.max_items  # of the next request; smaller while a poison item is looked for
        self._refused_in_a_row = 0

    def resume(self) -> Offsets:
        """See Sink. The group alone knows."""
        self._target.prepare()
        return {}

    def room(self) -> int:
        """See Sink."""
        return 0 if self._bytes >= MOST_BYTES else max(0, POLL_RECORDS - len(self._queue))

    def write(self, records: Sequence[Record]) -> None:
        """See Sink."""
        for record in records:
            place = record.kafka_topic, record.partition
            if record.offset < self._next.get(place, 0):
                continue
            self._told.setdefault(place, record.offset)
            if record.value:
                try:
                    self._target.check(record)
                    self._queue.append(record)
                    self._bytes += len(record.value)
                except InvalidError as error:
                    self._bury(record, str(error))
            self._next[place] = record.offset + 1

    def settle(self, *, everything: bool = False) -> Settled:  # noqa: ARG002 - everything is always due
        """See Sink. Returns as soon as something has to wait, or after SETTLE_SECONDS."""
        taken = 0
        began = self._clock()
        while self._queue and not self._patience.waits() and self._clock() - began < SETTLE_SECONDS:
            taken += self._deliver(self._batch())
        first: dict[Place, int] = {}
        for record in self._queue:
            first.setdefault((record.kafka_topic, record.partition), record.offset)
        ends = {place: first.get(place, offset) for place, offset in self._next.items()}
        moved = {place: offset for place, offset in ends.items() if self._told[place] < offset}
        self._told |= moved
        return Settled(moved, taken)

    def close(self) -> None:
        """See Sink."""
        self._queue.clear()
        self._bytes = 0
        self._next = dict(self._told)
        self._target.close()

    def _batch(self) -> list[Record]:
        size = 1 if self._patience.is_open() else self._size
        batch: list[Record] = []
        weight = 0
        for record in self._queue:
            weight += len(record.value or b"")
            if batch and (len(batch) >= size or weight > self._limits.max_bytes):
                break
            batch.append(record)
        return batch

    def _deliver(self, batch: Sequence[Record]) -> int:
        """Sends a batch and deals with the answer; how many were taken."""
        answer = self._target.send(batch)
        if answer.divide and len(batch) > 1:
            self._size = len(batch) // 2
            return 0
        refused = {0: answer.message} if answer.divide else answer.refused
        taken = len(batch) - len(refused) - len(answer.again)
        for position, why in refused.items():
            self._bury(batch[position], why)
        self._forget(batch, answer.again)
        self._judge(taken, len(refused), answer)
        return taken

    def _forget(self, batch: Sequence[Record], again: frozenset[int]) -> None:
        for position, record in enumerate(batch):
            self._queue.popleft()
            self._bytes -= 0 if position in again else len(record.value or b"")
        self._queue.extendleft(batch[position] for position in sorted(again, reverse=True))

    def _judge(self, taken: int, refused: int, answer: Answer) -> None:
        if taken:
            self._refused_in_a_row = 0
            self._size = min(self._limits.max_items, self._size * 2)
        else:
            self._refused_in_a_row += refused
        if self._refused_in_a_row >= MOST_REFUSED_IN_A_ROW:
            raise InvalidError(f"sink {self.name}: the receiver refuses every item: {answer.message}")
        if answer.again:
            was_open = self._patience.is_open()
            wait = self._patience.failed(answer.retry_after)
            self._again()
            if self._patience.is_open() and not was_open:
                log.warning("sink %s: the receiver is away, it is tried on and on: %s", self.name, answer.message)
            else:
                log.info("sink %s: sent again in %.1f s: %s", self.name, wait, answer.message)
        elif taken or refused:
            if self._patience.is_open():
                log.warning("sink %s: the receiver is back", self.name)
            self._patience.succeeded()
