"""What an item is followed by: the spans of the settings, and what publishers and sinks tell of their batches."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import TYPE_CHECKING, Any

from streams.errors import InvalidError
from streams.traces import Stage, place_of, traceparent_of, uri_of
from streams.wire import ARTICLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.kafka.link import Output
    from streams.kafka.publisher import Acknowledged
    from streams.traces import Spans

log = logging.getLogger(__name__)


@contextlib.contextmanager
def traced(settings: Any, role: str) -> Iterator[Spans | None]:
    """Where the settings send spans; None where they do not. Raises InvalidError without the extra."""
    endpoint = settings.traces.endpoint
    if not endpoint:
        yield None
        return
    try:
        from streams.traces_otel import open_spans
    except ModuleNotFoundError as error:
        raise InvalidError("traces.endpoint needs OpenTelemetry: pip install 'newswire[otel]'") from error
    spans = open_spans(endpoint, settings.traces.ratio, role)
    try:
        yield spans
    finally:
        spans.close()


def followed(spans: Spans | None) -> Acknowledged:
    """For a publisher: one line a batch with the uris of its items, for DEBUG, and a span for each item."""

    def acknowledged(outputs: Sequence[Output], began: int) -> None:
        """Of articles alone: a dead letter is no item that could be followed. `began`: Unix time in ns."""
        items = [output for output in outputs if output.kafka_topic == ARTICLES]
        if items and log.isEnabledFor(logging.DEBUG):
            uris = [uri_of(item.key) for item in items]
            first = {"uri": uris[0], "traceparent": traceparent_of(items[0].headers)}
            log.debug("%d items published", len(items), extra={**first, "uris": uris, "items": len(items)})
        if spans is not None:
            spans.record(_stages(items, began, time.time_ns()))

    return acknowledged


def _stages(items: Sequence[Output], began: int, ended: int) -> Iterator[Stage]:
    for item in items:
        uri = uri_of(item.key)
        yield Stage("publish", place_of(item.headers), None, began, ended, {"newswire.uri": uri})
