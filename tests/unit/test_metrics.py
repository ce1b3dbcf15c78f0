"""The table is the registry: names, labels, and the series that exist before anything happened."""

from __future__ import annotations

import asyncio
import re
import time
import typing

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.parser import text_string_to_metric_families

from classifiers.contract import AbstainReason
from streams import metrics as module
from streams.articles import Axis
from streams.metrics import TABLE, Baseline, Metric, Metrics

KINDS = {"counter": Counter, "gauge": Gauge, "histogram": Histogram}
UNITS = ("_seconds", "_bytes", "_ratio", "_items", "_records", "_letters", "_total", "_info", "_partitions", "_clients")
# a count of things that are their own unit, as Prometheus' naming has it
THINGS = {"newswire_batches_in_flight", "newswire_silent_feeds"}
CLOSED = {
    "source",
    "outcome",
    "reason",
    "topic",
    "region",
    "stage",
    "result",
    "axis",
    "partition",
    "name",
    "version",
    "sink",
    "group",
    "feed",
    "kind",
}


def scraped(metrics: Metrics) -> dict[str, dict[frozenset[tuple[str, str]], float]]:
    body, _ = metrics.exposition()
    found: dict[str, dict[frozenset[tuple[str, str]], float]] = {}
    for family in text_string_to_metric_families(body.decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[frozenset(sample.labels.items())] = sample.value
    return found


def test_the_registry_holds_the_table_and_nothing_else() -> None:
    registry = CollectorRegistry()
    Metrics(registry)
    registered = {
        (family.name + ("_total" if family.type == "counter" else ""), family.type, family.documentation)
        for family in registry.collect()
    }
    assert registered == {(row.name, row.kind, row.help) for row in TABLE}


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_each_row_is_an_attribute_of_its_kind_and_labels(row: Metric) -> None:
    attribute = getattr(Metrics(CollectorRegistry()), row.name.removeprefix("newswire_").removesuffix("_total"))
    assert type(attribute) is KINDS[row.kind]
    assert attribute._labelnames == row.labels
    assert attribute._name == row.name.removesuffix("_total")


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_names_follow_prometheus(row: Metric) -> None:
    assert re.fullmatch(r"newswire_[a-z]+(_[a-z]+)*", row.name)
    assert row.name.endswith("_total") == (row.kind == "counter")
    assert row.name.endswith(UNITS) or row.name in THINGS
    assert not row.name.endswith(("_count", "_sum", "_bucket", "_created"))
    assert set(row.labels) <= CLOSED  # a url or an id as a label would make series without end
    assert row.help[0].isupper() or row.help[0].isdigit()
    assert not row.help.endswith(".")
    assert bool(row.buckets) == (row.kind == "histogram")
    assert list(row.buckets) == sorted(set(row.buckets))


def test_names_are_unique_also_as_series() -> None:
    names = [row.name.removesuffix("_total") for row in TABLE]
    assert len(set(names)) == len(names)


def test_latency_is_cut_at_the_bound_of_its_objective() -> None:
    assert 5.0 in module.LATENCY_BUCKETS  # 99 % of items within 5 s: without this bucket no query could tell


def test_two_registries_do_not_know_of_each_other() -> None:
    one, two = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    one.read_items.inc(3)
    assert scraped(two)["newswire_read_items_total"][frozenset()] == 0


def test_preset_makes_every_series_of_a_closed_label_exist_at_zero() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.preset(["sport", "health"], ["western-asia"])
    found = scraped(metrics)
    expected = {
        "newswire_items_total": ("outcome", module.OUTCOMES),
        "newswire_dead_letters_total": ("reason", module.DEAD_REASONS),
        "newswire_abstained_items_total": ("reason", module.ABSTAIN_REASONS),
        "newswire_transactions_total": ("result", module.RESULTS),
        "newswire_topic_items_total": ("topic", ("sport", "health")),
        "newswire_region_items_total": ("region", ("western-asia",)),
    }
    for name, (label, values) in expected.items():
        assert found[name] == {frozenset({(label, value)}): 0.0 for value in values}


def test_reasons_are_those_of_the_classifiers_and_of_the_wire() -> None:
    reasons = {reason.value for reason in AbstainReason}
    assert set(module.ABSTAIN_REASONS) == reasons | {"canceled"}  # a canceled item is not classified
    (wire, _) = typing.get_args(typing.get_type_hints(Axis)["abstain_reason"])
    assert set(typing.get_args(wire)) == reasons


def test_the_exposition_is_what_prometheus_asks_for() -> None:
    body, content_type = Metrics(CollectorRegistry()).exposition()
    assert content_type.startswith("text/plain")
    assert body.endswith(b"\n")
    assert b"_created" not in body


def test_who_asks_for_openmetrics_gets_exemplars() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.latency_seconds.observe(2.0, {"uri": "urn:example:1"})
    body, content_type = metrics.exposition("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5")
    assert content_type.startswith("application/openmetrics-text; version=1.0.0")
    assert body.endswith(b"# EOF\n")
    assert b'newswire_latency_seconds_bucket{le="2.5"} 1.0 # {uri="urn:example:1"} 2.0' in body
    assert b"urn:example:1" not in metrics.exposition("text/plain;version=0.0.4")[0]


def test_what_a_model_leads_to_expect_is_shown() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.show_model("newswire", "7", Baseline(0.8, 0.05, {"sport": 0.75, "health": 0.25}))
    found = scraped(metrics)
    assert found["newswire_model_confidence_ratio"] == {frozenset({("axis", "topic")}): 0.8}
    assert found["newswire_model_abstained_ratio"] == {frozenset(): 0.05}
    assert found["newswire_model_topic_ratio"] == {
        frozenset({("topic", "sport")}): 0.75,
        frozenset({("topic", "health")}): 0.25,
    }


def test_another_model_is_shown_in_the_place_of_the_one_before() -> None:
    metrics = Metrics(CollectorRegistry())
    metrics.show_model("newswire", "7", Baseline(0.8, 0.05, {"sport": 0.75, "health": 0.25}))
    metrics.show_model("newswire", "8")
    found = scraped(metrics)
    assert found["newswire_model_info"] == {frozenset({("name", "newswire"), ("version", "8")}): 1}
    assert not found.get("newswire_model_confidence_ratio")
    assert not found.get("newswire_model_topic_ratio")


def test_a_process_shows_what_it_costs() -> None:
    found = scraped(Metrics(CollectorRegistry()).with_process())
    assert found["process_resident_memory_bytes"][frozenset()] > 0
    assert "python_gc_collections_total" in found


def test_a_loop_that_is_held_up_shows_by_how_much() -> None:
    metrics = Metrics(CollectorRegistry())

    async def hold_up() -> None:
        watch = asyncio.ensure_future(module.watch_event_loop(metrics, 0.01))
        await asyncio.sleep(0)  # it has gone to sleep
        time.sleep(0.2)  # noqa: ASYNC251 - this is the fault: the loop is held up
        await asyncio.sleep(0.01)
        watch.cancel()

    asyncio.run(hold_up())
    assert scraped(metrics)["newswire_event_loop_lag_seconds"][frozenset()] >= 0.15
