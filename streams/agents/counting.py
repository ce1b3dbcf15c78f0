"""The courier's observer that counts: every outcome once, after its commit, so that the sums conserve."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from typing import TYPE_CHECKING, Any

from streams.traces import uri_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streams.agents.batch import Batch, Outcome
    from streams.metrics import Metrics


EXEMPLAR_CHARACTERS = 125  # OpenMetrics allows 128 for names and values of an exemplar; "uri" takes three


class Counting:
    """Counts into Metrics. `now` gives Unix time in seconds, `clock` seconds that are never set back."""

    def __init__(self, metrics: Metrics, now: Callable[[], float], clock: Callable[[], float]) -> None:
        self._metrics = metrics
        self._now = now
        self._clock = clock
        self._behind = False
        self._moved = clock()  # when an item was last committed, or none waited

    def waiting_seconds(self) -> float:
        """How long items have waited here without one of them being committed; 0 while none waits."""
        return self._clock() - self._moved if self._behind else 0.0

    def committed(self, batch: Batch, seconds: float) -> None:
        """See Observer."""
        metrics, now = self._metrics, self._now()
        self._moved = self._clock()
        metrics.transactions.labels("committed").inc()
        metrics.transaction_seconds.observe(seconds)
        metrics.batch_items.observe(len(batch.records))
        metrics.last_commit_timestamp_seconds.set(now)
        metrics.read_items.inc(len(batch.records))
        metrics.output_records.inc(sum(len(outcome.output.kafka_topics) for outcome in batch.outcomes))
        self._count_outcomes(batch.outcomes)
        _observe_latency(metrics.latency_seconds, batch.outcomes, now)

    def _count_outcomes(self, outcomes: list[Outcome]) -> None:
        metrics = self._metrics
        sums = (
            (metrics.items, Counter(o.status for o in outcomes)),
            (metrics.abstained_items, Counter(o.reason for o in outcomes if o.status == "abstained")),
            (metrics.dead_letters, Counter(o.reason for o in outcomes if o.status == "dead")),
            (metrics.topic_items, Counter(slug for o in outcomes for slug in o.topics)),
            (metrics.region_items, Counter(slug for o in outcomes for slug in o.regions)),
        )
        for metric, counts in sums:
            for label, number in counts.items():
                metric.labels(label).inc(number)
        topic, region = (metrics.confidence_ratio.labels(axis) for axis in ("topic", "region"))
        observe_all(topic, [o.topic_confidence for o in outcomes if o.topic_confidence is not None])
        observe_all(region, [o.region_confidence for o in outcomes if o.region_confidence is not None])

    def rolled_back(self) -> None:
        """See Observer."""
        self._metrics.transactions.labels("aborted").inc()

    def rebalanced(self, partitions: int) -> None:
        """See Observer."""
        self._moved = self._clock()
        self._metrics.rebalances.inc()
        self._metrics.assigned_partitions.set(partitions)

    def in_flight(self, batches: int) -> None:
        """See Observer."""
        self._metrics.batches_in_flight.set(batches)

    def lag(self, by_partition: Mapping[int, int]) -> None:
        """See Observer. Partitions that are no longer ours go: another worker shows them."""
        self._behind = any(by_partition.values())
        if not self._behind:
            self._moved = self._clock()
        self._metrics.lag_items.clear()
        for partition, records in by_partition.items():
            self._metrics.lag_items.labels(str(partition)).set(records)


def _observe_latency(histogram: Any, outcomes: Sequence[Outcome], now: float) -> None:
    """The slowest of them with its uri as an exemplar: the one that somebody who sees a slow batch will ask for."""
    seconds = [max(now - o.timestamp_ms / 1000, 0.0) for o in outcomes]
    if not seconds:
        return
    at = max(range(len(seconds)), key=seconds.__getitem__)
    histogram.observe(seconds.pop(at), _exemplar(outcomes[at]))
    observe_all(histogram, seconds)


def _exemplar(outcome: Outcome) -> dict[str, str] | None:
    """None for a dead letter, whose key may be anything, and for a uri too long for OpenMetrics."""
    uri = uri_of(outcome.output.key)
    return {"uri": uri} if uri and outcome.status != "dead" and len(uri) <= EXEMPLAR_CHARACTERS else None


def observe_all(histogram: Any, values: Sequence[float]) -> None:
    """`histogram.observe` for many values: 0.2 us a value in place of 2, in the thread that commits.

    The client has no public way to do so; a version that names its parts otherwise gets the slow one.
    """
    bounds, buckets, total = (getattr(histogram, name, None) for name in ("_upper_bounds", "_buckets", "_sum"))
    if bounds is None or buckets is None or total is None:
        for value in values:
            histogram.observe(value)
        return
    if not values:
        return
    ordered, below = sorted(values), 0
    for bound, bucket in zip(bounds, buckets, strict=True):
        up_to = bisect_right(ordered, bound)
        if up_to > below:
            bucket.inc(up_to - below)
            below = up_to
    total.inc(sum(ordered))
