"""A batch, what became of each of its records, and how a bad one is found. Pure: no Faust, no Kafka, no clock."""

from __future__ import annotations

import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.kafka.link import FanOut, Record

Item = TypeVar("Item")
Result = TypeVar("Result")

Status = Literal["labelled", "abstained", "dead"]


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """What became of one record: exactly one of three. The rest of it is what the metrics count after the commit."""

    status: Status
    output: FanOut
    timestamp_ms: int  # when the record was written to news.articles
    reason: str = ""  # why it has no topic, or why it is dead; from the closed lists of metrics.py
    topics: Sequence[str] = ()  # slugs
    regions: Sequence[str] = ()  # slugs
    topic_confidence: float | None = None  # probability of the first topic
    region_confidence: float | None = None


@dataclass(slots=True)
class Batch:
    """The unit of everything: one event on a channel, one call of each classifier, one transaction.

    `epoch` counts rebalances and rollbacks, `sequence` the batches of the epoch; `group` is the membership as it was
    when the records were read.
    """

    records: list[Record]
    epoch: int
    sequence: int
    group: Any
    outcomes: list[Outcome] = field(default_factory=list)
    seconds: float = 0.0  # spent in the classifiers

    def offsets(self) -> dict[tuple[str, int], int]:
        """Where to read on in each partition: one past its last record, since records of a partition are in order."""
        return {(r.kafka_topic, r.partition): r.offset + 1 for r in self.records}

    def outputs(self) -> list[FanOut]:
        """Everything to be written for this batch."""
        return [outcome.output for outcome in self.outcomes]


class Poison(NamedTuple):
    """An item that a classifier fails on, alone: where, the error, and how often the item was tried."""

    stage: str
    error: Exception
    attempts: int

    @property
    def stacktrace(self) -> str:
        """The traceback, its last frames where it is long."""
        return "".join(traceback.format_exception(self.error))


def bisect(
    items: Sequence[Item], work: Callable[[Sequence[Item]], Sequence[Result]], stage: str, attempts: int = 1
) -> list[Result | Poison]:
    """The results of `work`, one an item, in order; an item on which it raises gives a Poison, its neighbours theirs.

    A batch that raises is halved until the bad item stands alone: log2(n) passes more for one, 2n calls where every
    item is bad. Raises what is no Exception, and MemoryError: those are the process's trouble, not the item's.
    """
    if not items:
        return []
    try:
        results = work(items)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001  the border to the classifiers: whatever an item makes them raise
        if len(items) == 1:
            return [Poison(stage, error, attempts)]
        middle = len(items) // 2
        halves = items[:middle], items[middle:]
        return [result for half in halves for result in bisect(half, work, stage, attempts + 1)]
    if len(results) != len(items):
        raise RuntimeError(f"{stage}: {len(results)} answers for {len(items)} items")
    return list(results)


class Pace:
    """How many items a batch may hold: `most`, fewer where classifying that many takes longer than `seconds`.

    Written by the classifying thread, read by the reader.
    """

    def __init__(self, most: int, seconds: float = 1.0, first: int = 100) -> None:
        self._most = most
        self._seconds = seconds
        self._limit = min(first, most)  # nothing is known of the speed before the first batch

    def limit(self) -> int:
        """Items at most in the next batch."""
        return self._limit

    def took(self, items: int, seconds: float) -> None:
        """A batch was classified; half of the new estimate is its own, so that one hiccup does not decide."""
        fitting = int(self._seconds * items / max(seconds, 1e-6))
        self._limit = min(max((self._limit + fitting) // 2, 1), self._most)
