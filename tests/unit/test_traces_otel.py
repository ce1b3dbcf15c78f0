"""Spans as OpenTelemetry gets them."""

from __future__ import annotations

import random

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, TraceIdRatioBased
from opentelemetry.trace import SpanKind

from streams.traces import Place, Stage
from streams.traces_otel import OtelSpans, open_spans

PUBLISHED, LABELLED = Place(7, 1), Place(7, 2)


def kept(*stages: Stage, ratio: float = 1.0) -> list[object]:
    exporter = InMemorySpanExporter()
    resource = Resource.create({"service.name": "newswire.test"})
    spans = OtelSpans(SimpleSpanProcessor(exporter), ratio, resource, RandomIdGenerator())
    spans.record(stages)
    spans.close()
    return list(exporter.get_finished_spans())


def test_stages_are_spans_of_one_trace_each_the_child_of_the_one_before() -> None:
    publish, label, sink = kept(
        Stage("publish", PUBLISHED, None, 10, 20, {"newswire.uri": "urn:example:1"}),
        Stage("label", LABELLED, PUBLISHED, 20, 30, {}),
        Stage("sink files", None, LABELLED, 30, 40, {}),
    )
    assert {s.context.trace_id for s in (publish, label, sink)} == {7}
    assert publish.parent is None
    assert (label.parent.span_id, sink.parent.span_id) == (publish.context.span_id, label.context.span_id)
    assert sink.context.span_id not in (0, 1, 2)
    assert (label.start_time, label.end_time) == (20, 30)
    assert (publish.kind, label.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)
    assert publish.attributes == {"messaging.system": "kafka", "newswire.uri": "urn:example:1"}
    assert publish.resource.attributes["service.name"] == "newswire.test"


def test_a_stage_without_any_identity_is_no_span() -> None:
    assert kept(Stage("label", None, None, 1, 2, {})) == []


def test_a_clock_that_was_set_back_gives_no_negative_time() -> None:
    (span,) = kept(Stage("label", LABELLED, None, 30, 20, {}))
    assert (span.start_time, span.end_time) == (30, 30)


def test_every_stage_keeps_the_same_share_of_traces_as_the_sdk_would() -> None:
    rng = random.Random(7)
    places = [Place(rng.getrandbits(128), 1) for _ in range(2000)]
    found = {s.context.trace_id for s in kept(*(Stage("label", p, None, 1, 2, {}) for p in places), ratio=0.1)}
    sampler = TraceIdRatioBased(0.1)
    theirs = {p.trace for p in places if sampler.should_sample(None, p.trace, "x").decision is not Decision.DROP}
    assert found == theirs
    assert 120 < len(found) < 280


def test_an_endpoint_that_is_away_costs_spans_and_no_error() -> None:
    spans = open_spans("http://127.0.0.1:9/v1/traces", 1.0, "label")
    spans.record([Stage("label", LABELLED, None, 1, 2, {})])
    spans.close()
