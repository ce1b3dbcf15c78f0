"""The metrics after commits: the sums conserve."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Histogram

from streams.agents.batch import Batch, Outcome
from streams.agents.counting import Counting, observe_all
from streams.kafka.link import FanOut, Record
from streams.metrics import Metrics

NOW = 1_772_000_010.0
ONE = FanOut(("t",), None, b"", [])


def counted(*outcomes: Outcome) -> CollectorRegistry:
    registry = CollectorRegistry()
    records = [Record("t", 0, n, None, None, (), 0) for n in range(len(outcomes))]
    Counting(Metrics(registry), lambda: NOW, lambda: 0.0).committed(Batch(records, 0, 0, None, list(outcomes)), 0.02)
    return registry


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_what_was_read_is_the_sum_of_the_outcomes() -> None:
    registry = counted(
        Outcome("labelled", replace(ONE, kafka_topics=("t", "u", "v")), 0, "", ["sport"], ["western-asia"], 0.9, 0.8),
        Outcome("labelled", replace(ONE, kafka_topics=("t", "u")), 0, "", ["sport", "economy"], [], 0.7, None),
        Outcome("abstained", ONE, 0, "too_short"),
        Outcome("dead", ONE, 0, "poison"),
    )
    assert value(registry, "newswire_read_items_total") == 4
    statuses = {s: value(registry, "newswire_items_total", outcome=s) for s in ("labelled", "abstained", "dead")}
    assert statuses == {"labelled": 2, "abstained": 1, "dead": 1}
    assert value(registry, "newswire_abstained_items_total", reason="too_short") == 1
    assert value(registry, "newswire_dead_letters_total", reason="poison") == 1
    assert value(registry, "newswire_topic_items_total", topic="sport") == 2
    assert value(registry, "newswire_region_items_total", region="western-asia") == 1
    assert value(registry, "newswire_output_records_total") == 7
    assert value(registry, "newswire_confidence_ratio_count", axis="topic") == 2
    assert value(registry, "newswire_confidence_ratio_sum", axis="region") == 0.8


def test_a_commit_is_one_transaction_with_its_time_and_size() -> None:
    registry = counted(Outcome("abstained", ONE, int(NOW * 1000) - 3000, "too_short"))
    assert value(registry, "newswire_transactions_total", result="committed") == 1
    assert value(registry, "newswire_transaction_seconds_sum") == 0.02
    assert value(registry, "newswire_batch_items_sum") == 1
    assert value(registry, "newswire_latency_seconds_sum") == 3.0
    assert value(registry, "newswire_last_commit_timestamp_seconds") == NOW


def test_a_record_from_the_future_has_no_negative_latency() -> None:
    assert value(counted(Outcome("abstained", ONE, int(NOW * 1000) + 5000)), "newswire_latency_seconds_sum") == 0.0


def test_a_rollback_counts_as_a_transaction_and_no_item() -> None:
    registry = CollectorRegistry()
    Counting(Metrics(registry), lambda: NOW, lambda: 0.0).rolled_back()
    assert value(registry, "newswire_transactions_total", result="aborted") == 1
    assert value(registry, "newswire_read_items_total") == 0


def test_the_lag_of_a_partition_that_went_away_goes_too() -> None:
    registry = CollectorRegistry()
    counting = Counting(Metrics(registry), lambda: NOW, lambda: 0.0)
    counting.lag({0: 5, 1: 7})
    counting.lag({1: 6})
    assert value(registry, "newswire_lag_items", partition="0") is None
    assert value(registry, "newswire_lag_items", partition="1") == 6


def test_rebalances_and_batches_in_flight_show() -> None:
    registry = CollectorRegistry()
    counting = Counting(Metrics(registry), lambda: NOW, lambda: 0.0)
    counting.rebalanced(4)
    counting.in_flight(2)
    assert value(registry, "newswire_rebalances_total") == 1
    assert value(registry, "newswire_assigned_partitions") == 4
    assert value(registry, "newswire_batches_in_flight") == 2


def test_the_slowest_item_of_a_batch_is_the_exemplar_of_its_bucket() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    outcomes = [
        Outcome("labelled", replace(ONE, key=f"urn:example:{n}".encode()), int(1000 * (NOW - n)), "", ["sport"])
        for n in (1, 4, 2)
    ]
    Counting(metrics, lambda: NOW, lambda: 0.0).committed(Batch([], 0, 0, None, outcomes), 0.02)
    text = metrics.exposition("application/openmetrics-text;version=1.0.0")[0].decode()
    (line,) = [line for line in text.splitlines() if "urn:" in line]
    assert line.startswith('newswire_latency_seconds_bucket{le="5.0"} 3.0 # {uri="urn:example:4"} 4.0')


@pytest.mark.parametrize(
    "outcome",
    [
        Outcome("dead", replace(ONE, key=b"\xff"), 0, "invalid"),
        Outcome("abstained", replace(ONE, key=b"u" * 126), 0, "too_short"),
        Outcome("abstained", replace(ONE, key=None), 0, "too_short"),
    ],
    ids=["dead", "long", "none"],
)
def test_an_item_whose_uri_cannot_be_an_exemplar_is_counted_all_the_same(outcome: Outcome) -> None:
    assert value(counted(outcome), "newswire_latency_seconds_count") == 1


def test_items_wait_from_when_they_were_seen_until_one_is_committed() -> None:
    clock = [100.0]
    counting = Counting(Metrics(CollectorRegistry()), lambda: NOW, lambda: clock[0])
    clock[0] = 500.0
    assert counting.waiting_seconds() == 0  # nothing to do is no waiting
    counting.lag({0: 0})
    clock[0] = 505.0
    counting.lag({0: 3, 1: 0})
    clock[0] = 545.0
    counting.lag({0: 4, 1: 0})
    assert counting.waiting_seconds() == 45
    counting.committed(Batch([], 0, 0, None, []), 0.1)
    assert counting.waiting_seconds() == 0
    clock[0] = 560.0
    assert counting.waiting_seconds() == 15
    counting.rebalanced(4)
    assert counting.waiting_seconds() == 0
    clock[0] = 600.0
    counting.lag({0: 0, 1: 0})
    assert counting.waiting_seconds() == 0


class Foreign:
    """A histogram of a client that names its parts otherwise."""

    def __init__(self) -> None:
        self.seen: list[float] = []

    def observe(self, value: float) -> None:
        self.seen.append(value)


@given(st.lists(st.floats(0, 100)), st.lists(st.floats(0, 100)))
def test_observing_many_at_once_is_observing_each(first: list[float], second: list[float]) -> None:
    whole, single = CollectorRegistry(), CollectorRegistry()
    many, each = (Histogram("h", "-", registry=r, buckets=(0.5, 1, 10)) for r in (whole, single))
    for values in (first, second):
        observe_all(many, values)
        for one in values:
            each.observe(one)
    for bucket in ("0.5", "1.0", "10.0", "+Inf"):
        assert value(whole, "h_bucket", le=bucket) == value(single, "h_bucket", le=bucket)
    assert value(whole, "h_count") == len(first) + len(second)
    assert value(whole, "h_sum") == pytest.approx(value(single, "h_sum"))


def test_a_client_without_those_parts_is_asked_for_each() -> None:
    foreign = Foreign()
    observe_all(foreign, [0.5, 2.0])
    assert foreign.seen == [0.5, 2.0]
