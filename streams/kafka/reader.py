"""Reading committed records for subscribers and sinks: by oneself, or shared out by a consumer group."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Self

from kafka import AsyncConsumerRebalanceListener, TopicPartition
from kafka.errors import (
    CommitFailedError,
    KafkaConnectionError,
    KafkaError,
    KafkaTimeoutError,
    RebalanceInProgressError,
)

from streams.errors import TransientError
from streams.kafka.clients import (
    DELIVERY_MS,
    close_quietly,
    end_offsets,
    first_offsets,
    new_consumer,
    partitions_of,
    positions,
    reaching,
    require,
)
from streams.kafka.link import Offsets, Record
from streams.kafka.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from streams.kafka.connection import Where

Start = Literal["earliest", "latest"] | datetime

AGAIN_SECONDS = 0.2  # between two attempts to store offsets while Kafka refuses connections

log = logging.getLogger(__name__)


class Reader:
    """Reads some Kafka topics.

    Without `group` it reads every partition from `start`. With a group the partitions are shared out among its members,
    each from the group's committed offset, from `start` where there is none. `shared=False`: every partition is read
    here and the group only keeps offsets, for a sink that knows its own place (see `go_to`).
    Raises TransientError where Kafka cannot be reached or a Kafka topic is missing.
    """

    def __init__(
        self,
        bootstrap_servers: Where,
        kafka_topics: Sequence[str],
        *,
        start: Start = "earliest",
        group: str | None = None,
        shared: bool = True,
    ) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._start = start
        self._group = group
        self._consumer = new_consumer(bootstrap_servers, group_id=group)
        self._moved = threading.Event()
        self._progress = Progress()
        try:
            require(self._consumer, bootstrap_servers, kafka_topics)
            with reaching(bootstrap_servers):
                self._all = partitions_of(self._consumer, kafka_topics)
                self._ends = end_offsets(self._consumer, self._all)
                if group and shared:
                    listener = _Listener(self._moved, self._store_on_leaving)
                    self._consumer.subscribe(list(kafka_topics), listener=listener)
                else:
                    self._consumer.assign(self._all)
                    self._place(self._all)
        except TransientError:
            self.close()
            raise

    def poll(self, seconds: float, limit: int = 1000) -> list[Record]:
        """Up to `limit` records, waiting up to `seconds` for the first."""
        paused = self._consumer.paused()
        if paused:
            self._consumer.resume(*paused)
        return self._poll(seconds, limit)

    def hold(self, seconds: float) -> None:
        """Reads nothing for so long but goes on answering Kafka, so that a group does not give the partitions away.

        The partitions are paused until the next `poll`; what the client has fetched of them stays within its bounds.
        """
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            assigned = self._consumer.assignment()
            if assigned:
                self._consumer.pause(*assigned)  # again after a rebalance: what has come is not paused
            self._poll(left, 1)

    def paused(self) -> int:
        """How many partitions `hold` has paused."""
        return len(self._consumer.paused())

    def behind(self) -> int:
        """Records that have not been read yet, of the partitions it has, as far as the client knows without asking."""
        found = 0
        for place in self._consumer.assignment():
            end = self._consumer.highwater(place)
            with contextlib.suppress(KafkaTimeoutError):
                position = self._consumer.position(place, timeout_ms=0)
                if end is not None and position is not None:
                    found += max(end - position, 0)
        return found

    def _poll(self, seconds: float, limit: int) -> list[Record]:
        try:
            found = self._consumer.poll(timeout_ms=int(seconds * 1000), max_records=limit)
            if self._moved.is_set():
                # A rebalance keeps the positions of partitions that stay, and what was just polled may be of before it:
                # drop that and go to what is committed or finished, whichever is further.
                self._moved.clear()
                self._place(sorted(self._consumer.assignment()))
                return []
        except KafkaError as error:
            raise TransientError(f"cannot read from Kafka at {self._bootstrap_servers}: {error!r}") from error
        return [
            Record(r.topic, r.partition, r.offset, r.key, r.value, r.headers, r.timestamp)
            for records in found.values()
            for r in records
        ]

    def finished(self, record: Record) -> None:
        """Says that a record has been dealt with: `commit` will store it."""
        self._progress.finished((record.kafka_topic, record.partition), record.offset + 1)

    def commit(self, offsets: Offsets | None = None) -> None:
        """Stores the group's offsets (by default those of all finished records); of nothing without a group.

        A Kafka that is away is waited for as long as for a delivery. The client itself tries again while it looks for
        the coordinator, but gives up at once where the coordinator that it knows refuses the connection.

        A member that lost its place only says so in the log: what it still has then is stored by the next commit, what
        it has no longer is read again by who has it now. A rebalance costs nothing, see `_store_on_leaving`.
        """
        offsets = self._progress.unstored() if offsets is None else offsets
        if not self._group or not offsets:
            return
        try:
            self._store(offsets)
            self._progress.stored(offsets)
        except (CommitFailedError, RebalanceInProgressError) as error:
            log.warning("offsets of %s not stored, the items will come again: %r", self._group, error)
        except KafkaError as error:
            raise TransientError(f"cannot store the offsets of {self._group}: {error!r}") from error

    async def _store_on_leaving(self) -> None:
        """Stores what is finished before the partitions may go to another member, which begins behind it then.

        On the consumer's I/O thread, while `poll` or `close` waits for it. Kafka takes offsets of the generation that
        ends until every member has asked to join the next.
        """
        unstored = self._progress.unstored()
        if not unstored:
            return
        try:
            await self._consumer.commit_async(positions(unstored))
        except KafkaError as error:
            log.warning("offsets of %s not stored, the items will come again: %r", self._group, error)
        else:
            self._progress.stored(unstored)

    def _store(self, offsets: Offsets) -> None:
        deadline = time.monotonic() + DELIVERY_MS / 1000
        while True:
            left = deadline - time.monotonic()
            try:
                self._consumer.commit(positions(offsets), timeout_ms=max(int(left * 1000), 1))
            except KafkaConnectionError:
                if left <= 0:
                    raise
                time.sleep(AGAIN_SECONDS)
            else:
                return

    def go_to(self, offsets: Offsets) -> None:
        """Reads on from these offsets, for `shared=False`."""
        for place, offset in offsets.items():
            self._consumer.seek(TopicPartition(*place), offset)

    def places(self) -> dict[tuple[str, int], int]:
        """The offset that is read next, by partition."""
        with reaching(self._bootstrap_servers):
            return {(tp.topic, tp.partition): self._consumer.position(tp) or 0 for tp in self._consumer.assignment()}

    def bounds(self) -> dict[tuple[str, int], tuple[int, int]]:
        """First offset that Kafka still holds and offset behind the last, by partition."""
        with reaching(self._bootstrap_servers):
            first, behind = first_offsets(self._consumer, self._all), end_offsets(self._consumer, self._all)
        return {(tp.topic, tp.partition): (first[tp], behind[tp]) for tp in self._all}

    def membership(self) -> Any:
        """What `send_offsets_to_transaction` takes: in whose name offsets are stored."""
        return self._consumer.group_metadata()

    def at_end(self) -> bool:
        """Whether everything that was there when this reader was made has been read, of the partitions it has."""
        assigned = self._consumer.assignment()
        if not assigned or self._moved.is_set():
            return False
        with reaching(self._bootstrap_servers):
            return all((self._consumer.position(tp, timeout_ms=5_000) or 0) >= self._ends[tp] for tp in assigned)

    def close(self) -> None:
        """Leaves without storing anything."""
        self._progress.forget()
        close_quietly(self._consumer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _place(self, places: Sequence[TopicPartition]) -> None:
        """Puts every partition where it goes on: committed or finished, whichever is further, else at the start."""
        begin = self._progress.moved({(tp.topic, tp.partition): self._committed(tp) for tp in places})
        for place, offset in begin.items():
            if offset is not None:
                self._consumer.seek(TopicPartition(*place), offset)
        self._begin([TopicPartition(*place) for place, offset in begin.items() if offset is None])

    def _begin(self, places: list[TopicPartition]) -> None:
        if not places:
            return
        if self._start == "earliest":
            self._consumer.seek_to_beginning(*places)
            return
        # First: then all leaders are known. Of others offsets_for_times says as little as where no record is so late.
        ends = end_offsets(self._consumer, places)
        found = {}
        if isinstance(self._start, datetime):
            moment = int(self._start.timestamp() * 1000)
            found = self._consumer.offsets_for_times(dict.fromkeys(places, max(moment, 0)))
        begin = {tp: found[tp].offset if found.get(tp) else ends[tp] for tp in places}
        for tp, offset in begin.items():
            self._consumer.seek(tp, offset)
        # the next start of the group must not skip what comes between now and its first commit
        self.commit({(tp.topic, tp.partition): offset for tp, offset in begin.items()})

    def _committed(self, tp: TopicPartition) -> int | None:
        if not self._group:
            return None
        # asked twice: after a time-out the first answer may be an old one (notes/delivery §3.5)
        self._consumer.committed(tp, timeout_ms=15_000)
        offset: int | None = self._consumer.committed(tp, timeout_ms=15_000)
        return offset


class _Listener(AsyncConsumerRebalanceListener):  # type: ignore[misc]
    """Called on the consumer's I/O thread, which must not wait for the consumer: it leaves a note for `poll`."""

    def __init__(self, moved: threading.Event, leaving: Callable[[], Awaitable[None]]) -> None:
        self._moved = moved
        self._leaving = leaving

    async def on_partitions_revoked(self, revoked: Any) -> None:  # noqa: ARG002
        await self._leaving()

    async def on_partitions_lost(self, lost: Any) -> None:
        """Another member may have them by now: Kafka would refuse the offsets."""

    async def on_partitions_assigned(self, assigned: Any) -> None:  # noqa: ARG002
        self._moved.set()
