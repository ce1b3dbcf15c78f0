"""A link over a Kafka topic in memory, with the habits of a real client that the courier must cope with.

Positions survive a rebalance and an abort; a publish is all or nothing; a stale membership is refused. What happens
when is scripted by the test: `before_poll` and `before_publish` hold calls that are made, one each time, in order.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any

from streams.kafka.link import AbortedError, FanOut, Rebalance, Record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from streams.kafka.link import Offsets, OnRebalance

KAFKA_TOPIC = "t"


class MemoryLink:
    def __init__(self, records: int, partitions: int = 3, value: bytes = b"") -> None:
        self.value = value
        self.at_most = 10**9  # records a poll
        self.count, self.partitions = records, partitions
        self.lock = threading.RLock()
        self.generation = 1
        self.joined = True
        self.committed = dict.fromkeys(range(partitions), 0)
        self.positions = dict(self.committed)
        self.written: list[FanOut] = []
        self.before_poll: deque[Callable[[], None]] = deque()
        self.before_publish: deque[Callable[[], None]] = deque()
        self.polls: list[tuple[float, int]] = []
        self.rewinds = 0
        self.closed = False
        self.on_rebalance: OnRebalance = lambda _: None

    def open(self, on_rebalance: OnRebalance) -> MemoryLink:
        self.on_rebalance = on_rebalance
        on_rebalance(Rebalance(drain=False, partitions=self.partitions))
        return self

    # -- what the test may have happen --------------------------------------------------------------------------

    def rebalance(self, *, drain: bool = True, same_generation: bool = False) -> None:
        """The partitions go and come back; a static member of a stable group keeps its generation."""
        self.on_rebalance(Rebalance(drain=drain, partitions=-1))
        with self.lock:
            self.generation += not same_generation
            self.joined = True
        self.on_rebalance(Rebalance(drain=False, partitions=self.partitions))

    def thrown_out(self) -> None:
        """The heartbeat learns it; the next poll but one joins again."""
        self.joined = False
        self.before_poll.appendleft(lambda: self.rebalance(drain=False))

    def abort(self) -> None:
        raise AbortedError("scripted")

    # -- the contract ---------------------------------------------------------------------------------------------

    def missing(self, kafka_topics: Iterable[str]) -> list[str]:
        return []

    def poll(self, seconds: float, limit: int) -> list[Record]:
        self.polls.append((seconds, limit))
        if self.before_poll:
            self.before_poll.popleft()()
        found: list[Record] = []
        limit = min(limit, self.at_most)
        with self.lock:
            for partition, position in self.positions.items():
                end = min(self._end(partition), position + max(limit - len(found), 0))
                found += [
                    Record(KAFKA_TOPIC, partition, o, b"%d/%d" % (partition, o), self.value, (), 0)
                    for o in range(position, end)
                ]
                self.positions[partition] = max(position, end)
        if not found:
            threading.Event().wait(min(seconds, 0.005))
        return found

    def rewind(self) -> None:
        with self.lock:
            self.rewinds += 1
            self.positions = dict(self.committed)

    def group(self) -> Any | None:
        return self.generation if self.joined else None

    def publish(self, outputs: Sequence[FanOut], offsets: Offsets, group: Any) -> None:
        if self.before_publish:
            self.before_publish.popleft()()
        with self.lock:
            if group != self.generation:
                raise AbortedError("old generation")
            self.written += outputs
            self.committed |= {partition: offset for (_, partition), offset in offsets.items()}

    def lag(self) -> dict[int, int]:
        return {partition: self._end(partition) - position for partition, position in self.positions.items()}

    def close(self) -> None:
        self.closed = True

    # -- the account ----------------------------------------------------------------------------------------------

    def _end(self, partition: int) -> int:
        return len(range(partition, self.count, self.partitions))

    def done(self) -> bool:
        """Whether everything is committed."""
        with self.lock:
            return all(self.committed[partition] == self._end(partition) for partition in self.committed)

    def expected(self) -> list[bytes]:
        """The key of every record, once."""
        return sorted(b"%d/%d" % (p, o) for p in range(self.partitions) for o in range(self._end(p)))

    def keys(self) -> list[bytes]:
        """The keys that were written."""
        return sorted(output.key or b"" for output in self.written)
