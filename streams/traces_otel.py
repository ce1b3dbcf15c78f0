"""Spans for OpenTelemetry (extra `otel`), sent in the background by OTLP over HTTP.

A stage that is over becomes a span whole, with the ids that its record carries: the SDK's tracer would make ids of its
own, and be called twice an item while the item is in our hands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, TraceFlags

if TYPE_CHECKING:
    from collections.abc import Iterable

    from opentelemetry.sdk.trace import SpanProcessor
    from opentelemetry.sdk.trace.id_generator import IdGenerator

    from streams.traces import Place, Spans, Stage

CLOSE_MS = 3_000  # of the 20 s in which a worker has to end
SEND_SECONDS = 5  # one request; a collector that is away costs nothing but its spans
_LOW_BITS = (1 << 64) - 1
_KINDS = {"publish": SpanKind.PRODUCER, "label": SpanKind.CONSUMER}


def open_spans(endpoint: str, ratio: float, role: str) -> Spans:
    """Spans that go to an OTLP endpoint such as http://127.0.0.1:4318/v1/traces; nothing is connected before the first.

    ratio: the share of traces to keep, by their id. role: `newswire.<role>` becomes the name of the service.
    """
    resource = Resource.create({"service.name": f"newswire.{role}"})
    processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=SEND_SECONDS))
    return OtelSpans(processor, ratio, resource, RandomIdGenerator())


class OtelSpans:
    """Spans on any processor of the SDK. Safe for several threads where the processor is."""

    def __init__(self, processor: SpanProcessor, ratio: float, resource: Resource, ids: IdGenerator) -> None:
        self._processor = processor
        self._bound = round(ratio * (1 << 64))  # as TraceIdRatioBased of the SDK does: other stages may use that
        self._resource = resource
        self._ids = ids
        self._scope = InstrumentationScope("newswire")

    def wants(self, trace: int) -> bool:
        """See Spans."""
        return trace & _LOW_BITS < self._bound

    def record(self, stages: Iterable[Stage]) -> None:
        """See Spans."""
        for stage in stages:
            known = stage.place or stage.parent
            if known is None or not self.wants(known.trace):
                continue
            self._processor.on_end(
                ReadableSpan(
                    name=stage.name,
                    context=self._context(known.trace, stage.place),
                    parent=stage.parent and self._context(stage.parent.trace, stage.parent, remote=True),
                    resource=self._resource,
                    attributes={"messaging.system": "kafka", **stage.attributes},
                    kind=_KINDS.get(stage.name, SpanKind.CONSUMER),
                    instrumentation_scope=self._scope,
                    start_time=stage.began,
                    end_time=max(stage.began, stage.ended),
                )
            )

    def _context(self, trace: int, place: Place | None, *, remote: bool = False) -> SpanContext:
        span = place.span if place else self._ids.generate_span_id()
        return SpanContext(trace, span, is_remote=remote, trace_flags=TraceFlags(TraceFlags.SAMPLED))

    def close(self) -> None:
        """See Spans."""
        self._processor.force_flush(CLOSE_MS)
        self._processor.shutdown()
