"""A sink whose items can be followed: what became durable goes into the log, for DEBUG, and into traces."""

from __future__ import annotations

import logging
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple

from streams.traces import Place as Span
from streams.traces import Stage, place_of, traceparent_of, uri_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.kafka.link import Offsets, Record
    from streams.sinks.base import Place, Settled, Sink
    from streams.traces import Spans

log = logging.getLogger(__name__)


class _Written(NamedTuple):
    offset: int
    uri: str
    traceparent: str
    span: Span | None
    began: int  # Unix time in ns


class Followed:
    """Another sink, with its name, its guarantee and its place. `now`: Unix time in nanoseconds."""

    def __init__(self, sink: Sink, spans: Spans | None, now: Callable[[], int]) -> None:
        self.name = sink.name
        self.guarantee: Literal["exactly once", "at least once"] = sink.guarantee
        self.group_counts = sink.group_counts
        self._sink = sink
        self._spans = spans
        self._now = now
        self._written: dict[Place, deque[_Written]] = {}  # and not yet durable; of each only what is told

    def resume(self) -> Offsets:
        """See Sink."""
        return self._sink.resume()

    def room(self) -> int:
        """See Sink."""
        return self._sink.room()

    def write(self, records: Sequence[Record]) -> None:
        """See Sink."""
        self._sink.write(records)
        began = self._now()
        for record in records:
            span, uri = place_of(record.headers), uri_of(record.key)
            written = _Written(record.offset, uri, traceparent_of(record.headers), span, began)
            self._written.setdefault((record.kafka_topic, record.partition), deque()).append(written)

    def settle(self, *, everything: bool = False) -> Settled:
        """See Sink."""
        settled = self._sink.settle(everything=everything)
        durable = [one for place, offset in settled.offsets.items() for one in self._taken(place, offset)]
        if durable:
            self._tell(durable)
        return settled

    def _taken(self, place: Place, offset: int) -> list[_Written]:
        waiting = self._written.get(place, deque())
        taken = []
        while waiting and waiting[0].offset < offset:
            taken.append(waiting.popleft())
        return taken

    def _tell(self, durable: list[_Written]) -> None:
        if log.isEnabledFor(logging.DEBUG):
            fields = {
                "sink": self.name,
                "uri": durable[0].uri,
                "traceparent": durable[0].traceparent,
                "items": len(durable),
                "uris": [one.uri for one in durable],
            }
            log.debug("sink %s: %d items stored", self.name, len(durable), extra=fields)
        if self._spans is not None:
            ended = self._now()
            self._spans.record(
                Stage(f"sink {self.name}", None, one.span, one.began, ended, {"newswire.uri": one.uri})
                for one in durable
            )

    def close(self) -> None:
        """See Sink."""
        self._sink.close()
        self._written.clear()
