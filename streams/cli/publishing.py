"""From a source to Kafka or to stdout: the loops under `newswire publish`, over plain values."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams.errors import InvalidError
from streams.sources.base import Rejected, record_of
from streams.wire import ARTICLES, DEAD_LETTERS

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.kafka.link import Output
    from streams.kafka.publisher import Publisher, SourcePublisher
    from streams.metrics import Metrics
    from streams.sources.base import Position, Source, Step

BATCH_ITEMS = 2_000  # sent and waited for at once: about a full batch for each of 12 partitions
TRANSACTION_ITEMS = 1_000  # with their position: what a cut-off repeats, and what a reader waits for at most
BATCH_BYTES = 8 << 20
BREAK_OFF_SECONDS = 5.0  # to deliver what was sent; a person who pressed Ctrl-C waits for it
_COUNT_EVERY = 1_000  # items of a file between two looks at what was delivered; a slow source is looked at each time


class _Batch:
    """Records to be sent together."""

    def __init__(self, items: int) -> None:
        self._items = items
        self._bytes = 0
        self.outputs: list[Output] = []

    def add(self, output: Output) -> bool:
        """Whether it is full now."""
        self.outputs.append(output)
        self._bytes += len(output.value or b"")
        return len(self.outputs) >= self._items or self._bytes >= BATCH_BYTES

    def take(self) -> list[Output]:
        outputs, self.outputs, self._bytes = self.outputs, [], 0
        return outputs


class Outcome(NamedTuple):
    """What became of a source."""

    published: int
    dead: int

    def __str__(self) -> str:
        return f"published {self.published:,}, dead letters {self.dead:,}"


def print_items(source: Source, write: Callable[[bytes], None], tick: Callable[[], None]) -> Outcome:
    """The items as JSON lines for `write`; what is wrong on stderr."""
    published = dead = 0
    waits = source.progress().total is None
    for step in source.steps(None):
        record = _record(step, source)
        if record.kafka_topic == ARTICLES:
            write(record.value or b"")
            if waits:
                sys.stdout.flush()
            published += 1
        else:
            dead += 1
        tick()
    return Outcome(published, dead)


def publish_items(source: Source, publisher: Publisher, metrics: Metrics, tick: Callable[[], None]) -> Outcome:
    """All items of a source, at least once; when this returns Kafka has acknowledged every one.

    Where the source breaks off, or on Ctrl-C, what was sent is waited for and counted before the error goes on.
    """
    counted = Outcome(0, 0)
    waits = source.progress().total is None  # for its input, as a pipe does: an item may not wait for the next
    batch = _Batch(BATCH_ITEMS)
    try:
        for number, step in enumerate(source.steps(None), start=1):
            if waits:
                publisher.send(_record(step, source))
            elif batch.add(_record(step, source)):
                publisher.send_all(batch.take())
            if waits or number % _COUNT_EVERY == 0:
                counted = _count(publisher, counted, source, metrics)
            tick()
        publisher.send_all(batch.take())
        publisher.flush()
    except (KeyboardInterrupt, InvalidError) as error:
        publisher.send_all(batch.take())
        publisher.flush(BREAK_OFF_SECONDS)
        why = "interrupted" if isinstance(error, KeyboardInterrupt) else "broken off"
        print(f"newswire: {source.name}: {why}; {_count(publisher, counted, source, metrics)}", file=sys.stderr)
        raise
    return _count(publisher, counted, source, metrics)


def publish_resumably(
    source: Source, publisher: SourcePublisher, metrics: Metrics, tick: Callable[[], None]
) -> Outcome:
    """The items after the stored position, each batch in a transaction with the new one: exactly once."""
    key = f"{source.kind}:{source.name}"
    stored = publisher.positions().get(key)
    counted = Outcome(0, 0)
    batch = _Batch(TRANSACTION_ITEMS)
    position: Position | None = None
    for step in source.steps(msgspec.json.decode(stored) if stored else None):
        full = batch.add(_record(step, source))
        position = step.position or position
        if full and step.position is not None:
            publisher.publish(batch.take(), {key: msgspec.json.encode(step.position)})
            counted = _count(publisher, counted, source, metrics)
        tick()
    if batch.outputs:
        publisher.publish(batch.take(), {key: msgspec.json.encode(position)})
    return _count(publisher, counted, source, metrics)


def _record(step: Step, source: Source) -> Output:
    record = record_of(step.outcome, source, _now)
    if record.kafka_topic != ARTICLES:
        where, message = _complaint(step, record)
        print(f"newswire: {source.name}: {where}: {message}", file=sys.stderr)
    return record


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _complaint(step: Step, record: Output) -> tuple[str, str]:
    headers = dict(record.headers)
    place = step.outcome.place if isinstance(step.outcome, Rejected) else step.outcome.uri
    return place, headers["newswire-error-message"].decode()


def _count(publisher: Publisher | SourcePublisher, before: Outcome, source: Source, metrics: Metrics) -> Outcome:
    """What Kafka has acknowledged so far; the metrics get what is new."""
    now = Outcome(publisher.delivered[ARTICLES], publisher.delivered[DEAD_LETTERS])
    metrics.published_items.labels(source.kind).inc(now.published - before.published)
    metrics.refused_items.labels(source.kind).inc(now.dead - before.dead)
    return now
