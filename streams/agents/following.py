"""A committed batch in the log and in traces: what an item can be followed by, from its source to the last sink."""

from __future__ import annotations

import logging
from collections import Counter
from typing import TYPE_CHECKING, Any

from streams.agents.counting import Counting
from streams.traces import Stage, place_of, traceparent_of, uri_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.agents.batch import Batch, Outcome
    from streams.kafka.link import Record
    from streams.metrics import Metrics
    from streams.traces import Spans

log = logging.getLogger(__name__)


class Following(Counting):
    """Counts, then tells. `spans`: None where nobody traces."""

    def __init__(
        self, metrics: Metrics, now: Callable[[], float], clock: Callable[[], float], spans: Spans | None = None
    ) -> None:
        super().__init__(metrics, now, clock)
        self._spans = spans

    def committed(self, batch: Batch, seconds: float) -> None:
        """See Observer."""
        super().committed(batch, seconds)
        tell(batch, seconds)
        if self._spans is not None:
            self._spans.record(stages(batch, self._spans, round(self._now() * 1e9)))


def tell(batch: Batch, seconds: float) -> None:
    """One line at most: a warning where items went to the dead letters, else one for DEBUG."""
    pairs = list(zip(batch.records, batch.outcomes, strict=True))
    dead = [pair for pair in pairs if pair[1].status == "dead"]
    debugging = log.isEnabledFor(logging.DEBUG)
    if not dead and not debugging:
        return
    first, _ = (dead or pairs)[0]
    fields: dict[str, Any] = {
        "uri": uri_of(first.key),
        "traceparent": traceparent_of(first.headers),
        "kafka_topic": first.kafka_topic,
        "partition": first.partition,
        "offset": first.offset,
        "items": len(pairs),
        "dead": len(dead),
        "seconds": round(seconds, 3),
        **({"uris": [uri_of(record.key) for record in batch.records]} if debugging else {}),
    }
    if dead:
        reasons = ", ".join(f"{reason} {count}" for reason, count in Counter(o.reason for _, o in dead).most_common())
        log.warning("%d of %d items went to the dead letters: %s", len(dead), len(pairs), reasons, extra=fields)
    else:
        log.debug("%d items committed", len(pairs), extra=fields)


def stages(batch: Batch, spans: Spans, ended: int) -> Iterator[Stage]:
    """The span of each item whose trace is kept, from its record's time to its commit. `ended`: Unix time in ns."""
    for record, outcome in zip(batch.records, batch.outcomes, strict=True):
        found = place_of(outcome.output.headers)
        if found is None or not spans.wants(found.trace):
            continue
        # a dead letter keeps its record's headers, and so the place of whoever wrote that
        dead = outcome.status == "dead"
        place, parent = (None, found) if dead else (found, place_of(record.headers))
        yield Stage("label", place, parent, record.timestamp_ms * 1_000_000, ended, _attributes(record, outcome))


def _attributes(record: Record, outcome: Outcome) -> dict[str, str]:
    found = {"newswire.uri": uri_of(record.key), "newswire.outcome": outcome.status, "newswire.reason": outcome.reason}
    return {name: value for name, value in found.items() if value}
