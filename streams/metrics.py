"""Every metric in one table: name, type, labels, help. The table is the API; docs/metrics.md is made from it.

Labels are closed sets (topic and region slugs, outcomes, reasons, stages, partitions): never a url or an id. Names
follow Prometheus: base units, `_total` on counters. The registry is an argument, so that a test has one of its own.
The sums conserve: newswire_read_items_total = sum of newswire_items_total over outcome, both counted after the commit.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client import (
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from prometheus_client import CollectorRegistry

# 1 is the bound of the latency objective in the making, 5 that of the alert; the small ones show a worker at rest
LATENCY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
STAGE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
BATCH_BUCKETS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
CONFIDENCE_BUCKETS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)

OUTCOMES = ("labelled", "abstained", "dead")
DEAD_REASONS = ("invalid", "too_large", "poison")
ABSTAIN_REASONS = ("too_short", "not_news", "unsupported_language", "low_confidence", "canceled")
STAGES = ("prepare", "topics", "regions", "encode")
DUPLICATE_KINDS = ("exact", "revision", "near", "wire")
RESULTS = ("committed", "aborted")
SINK_ERRORS = ("again", "buried", "restarted")  # sent again later, sent to the dead letters, the sink begun anew


class Metric(NamedTuple):
    """A row of the table."""

    name: str
    kind: str  # counter, gauge or histogram
    labels: tuple[str, ...]
    help: str
    buckets: tuple[float, ...] = ()


TABLE = (
    Metric(
        "newswire_published_items_total", "counter", ("source",), "Items that Kafka acknowledged, by class of source"
    ),
    Metric(
        "newswire_refused_items_total", "counter", ("source",), "Items that a source could not turn into an article"
    ),
    Metric("newswire_read_items_total", "counter", (), "Items read from news.articles whose outcome was committed"),
    Metric("newswire_items_total", "counter", ("outcome",), "Items by outcome: labelled, abstained or dead; committed"),
    Metric("newswire_abstained_items_total", "counter", ("reason",), "Items without a topic, by reason"),
    Metric("newswire_dead_letters_total", "counter", ("reason",), "Items sent to news.articles.dead, by reason"),
    Metric("newswire_topic_items_total", "counter", ("topic",), "Labelled items by topic slug; an item counts in each"),
    Metric("newswire_region_items_total", "counter", ("region",), "Labelled items by M49 slug; an item counts in each"),
    Metric("newswire_output_records_total", "counter", (), "Records written in committed transactions"),
    Metric(
        "newswire_latency_seconds",
        "histogram",
        (),
        "From the record's time on news.articles to its commit",
        LATENCY_BUCKETS,
    ),
    Metric("newswire_stage_seconds", "histogram", ("stage",), "Time of one batch in one stage", STAGE_BUCKETS),
    Metric("newswire_transaction_seconds", "histogram", (), "Begin to commit of one transaction", STAGE_BUCKETS),
    Metric("newswire_batch_items", "histogram", (), "Items in a committed batch", BATCH_BUCKETS),
    Metric("newswire_transactions_total", "counter", ("result",), "Transactions, committed or aborted"),
    Metric("newswire_confidence_ratio", "histogram", ("axis",), "Probability of the first label", CONFIDENCE_BUCKETS),
    Metric(
        "newswire_lag_items", "gauge", ("partition",), "Items of news.articles behind its end, by assigned partition"
    ),
    Metric("newswire_assigned_partitions", "gauge", (), "Partitions of news.articles that this worker reads"),
    Metric("newswire_batches_in_flight", "gauge", (), "Batches between fetching and committing"),
    Metric("newswire_rebalances_total", "counter", (), "Times that partitions were taken or given"),
    Metric("newswire_last_commit_timestamp_seconds", "gauge", (), "Unix time of the last committed transaction"),
    Metric("newswire_model_info", "gauge", ("name", "version"), "1, for the model that labels"),
    Metric("newswire_model_reloads_total", "counter", (), "Models that a worker has taken over without a stop"),
    Metric(
        "newswire_model_reload_failures_total",
        "counter",
        (),
        "Models that a worker was to take over and could not use; the old one labels on",
    ),
    Metric(
        "newswire_model_confidence_ratio",
        "gauge",
        ("axis",),
        "Mean probability of the first label that the model's evaluation leads to expect",
    ),
    Metric("newswire_model_abstained_ratio", "gauge", (), "Share of items without a topic in the model's evaluation"),
    Metric("newswire_model_topic_ratio", "gauge", ("topic",), "Share of each topic in the model's evaluation; sum 1"),
    Metric("newswire_event_loop_lag_seconds", "gauge", (), "How late the event loop came back from its last sleep"),
    Metric(
        "newswire_group_offset_records", "gauge", ("group", "partition"), "Offset that a consumer group has committed"
    ),
    Metric(
        "newswire_group_lag_records",
        "gauge",
        ("group", "partition"),
        "Offsets between a group's next record and the end of its partition, as Kafka says it",
    ),
    Metric(
        "newswire_group_lag_seconds",
        "gauge",
        ("group", "partition"),
        "Age of the first record that a group has not committed; 0 where there is none",
    ),
    Metric("newswire_feed_polls_total", "counter", ("result",), "Polls of feeds by what came of them"),
    Metric(
        "newswire_feed_last_item_timestamp_seconds",
        "gauge",
        ("feed",),
        "Unix time of a feed's last poll that brought something",
    ),
    Metric("newswire_feed_next_poll_timestamp_seconds", "gauge", ("feed",), "Unix time at which a feed is polled next"),
    Metric("newswire_duplicates_total", "counter", ("kind",), "Items marked as duplicates, by kind; committed"),
    Metric("newswire_unique_items_total", "counter", (), "Items passed on to news.unique as the first of their story"),
    Metric("newswire_silent_feeds", "gauge", (), "Feeds that have brought nothing new for days"),
    Metric("newswire_gateway_clients", "gauge", (), "Listeners on the gateway's stream"),
    Metric("newswire_gateway_items_total", "counter", (), "Labelled items that the gateway has read"),
    Metric("newswire_sink_items_total", "counter", ("sink",), "Items that a sink has written for good"),
    Metric("newswire_sink_errors_total", "counter", ("sink", "kind"), "What went wrong at a sink, by what came of it"),
    Metric("newswire_sink_lag_items", "gauge", ("sink",), "Items that a sink has not written for good yet"),
    Metric("newswire_sink_paused_partitions", "gauge", ("sink",), "Partitions that wait because the sink has no room"),
)


class Baseline(NamedTuple):
    """What a model's evaluation leads to expect of items like those it was evaluated on; shares from 0 to 1."""

    confidence: float  # mean probability of the first topic: of a calibrated model, how often that topic is right
    abstained: float
    topics: Mapping[str, float]  # by slug


class Metrics:
    """The metrics of one process on one registry; rows of the table are attributes, without the prefix and `_total`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each one, with nothing that a rate needs
        made: dict[str, Any] = {row.name: _make(row, registry) for row in TABLE}
        self.published_items: Counter = made["newswire_published_items_total"]
        self.refused_items: Counter = made["newswire_refused_items_total"]
        self.read_items: Counter = made["newswire_read_items_total"]
        self.items: Counter = made["newswire_items_total"]
        self.abstained_items: Counter = made["newswire_abstained_items_total"]
        self.dead_letters: Counter = made["newswire_dead_letters_total"]
        self.topic_items: Counter = made["newswire_topic_items_total"]
        self.region_items: Counter = made["newswire_region_items_total"]
        self.output_records: Counter = made["newswire_output_records_total"]
        self.latency_seconds: Histogram = made["newswire_latency_seconds"]
        self.stage_seconds: Histogram = made["newswire_stage_seconds"]
        self.transaction_seconds: Histogram = made["newswire_transaction_seconds"]
        self.batch_items: Histogram = made["newswire_batch_items"]
        self.transactions: Counter = made["newswire_transactions_total"]
        self.confidence_ratio: Histogram = made["newswire_confidence_ratio"]
        self.lag_items: Gauge = made["newswire_lag_items"]
        self.assigned_partitions: Gauge = made["newswire_assigned_partitions"]
        self.batches_in_flight: Gauge = made["newswire_batches_in_flight"]
        self.rebalances: Counter = made["newswire_rebalances_total"]
        self.last_commit_timestamp_seconds: Gauge = made["newswire_last_commit_timestamp_seconds"]
        self.model_info: Gauge = made["newswire_model_info"]
        self.model_reloads: Counter = made["newswire_model_reloads_total"]
        self.model_reload_failures: Counter = made["newswire_model_reload_failures_total"]
        self.model_confidence_ratio: Gauge = made["newswire_model_confidence_ratio"]
        self.model_abstained_ratio: Gauge = made["newswire_model_abstained_ratio"]
        self.model_topic_ratio: Gauge = made["newswire_model_topic_ratio"]
        self.event_loop_lag_seconds: Gauge = made["newswire_event_loop_lag_seconds"]
        self.group_offset_records: Gauge = made["newswire_group_offset_records"]
        self.group_lag_records: Gauge = made["newswire_group_lag_records"]
        self.group_lag_seconds: Gauge = made["newswire_group_lag_seconds"]
        self.feed_polls: Counter = made["newswire_feed_polls_total"]
        self.feed_last_item_timestamp_seconds: Gauge = made["newswire_feed_last_item_timestamp_seconds"]
        self.feed_next_poll_timestamp_seconds: Gauge = made["newswire_feed_next_poll_timestamp_seconds"]
        self.duplicates: Counter = made["newswire_duplicates_total"]
        self.unique_items: Counter = made["newswire_unique_items_total"]
        self.silent_feeds: Gauge = made["newswire_silent_feeds"]
        self.gateway_clients: Gauge = made["newswire_gateway_clients"]
        self.gateway_items: Counter = made["newswire_gateway_items_total"]
        self.sink_items: Counter = made["newswire_sink_items_total"]
        self.sink_errors: Counter = made["newswire_sink_errors_total"]
        self.sink_lag_items: Gauge = made["newswire_sink_lag_items"]
        self.sink_paused_partitions: Gauge = made["newswire_sink_paused_partitions"]

    def preset(self, topics: Iterable[str], regions: Iterable[str]) -> None:
        """Makes every series of a worker exist at 0, so that a rate over the first event is not lost."""
        for metric, values in (
            (self.items, OUTCOMES),
            (self.dead_letters, DEAD_REASONS),
            (self.abstained_items, ABSTAIN_REASONS),
            (self.transactions, RESULTS),
            (self.topic_items, topics),
            (self.region_items, regions),
        ):
            for value in values:
                metric.labels(value)

    def show_model(self, name: str, version: str, baseline: Baseline | None = None) -> None:
        """Shows which model labels, in the place of the one before."""
        self.model_info.clear()
        self.model_info.labels(name, version).set(1)
        self.model_confidence_ratio.clear()
        self.model_abstained_ratio.set(0)
        self.model_topic_ratio.clear()
        if baseline is not None:
            self._expect(baseline)

    def _expect(self, baseline: Baseline) -> None:
        """Shows what the model's evaluation leads to expect, for dashboards to hold the present against."""
        self.model_confidence_ratio.labels("topic").set(baseline.confidence)
        self.model_abstained_ratio.set(baseline.abstained)
        for slug, share in baseline.topics.items():
            self.model_topic_ratio.labels(slug).set(share)

    def with_process(self) -> Metrics:
        """Adds what the process itself costs (process_*, python_gc_*); gives the metrics again."""
        ProcessCollector(registry=self._registry)
        GCCollector(registry=self._registry)
        return self

    def exposition(self, accept: str = "") -> tuple[bytes, str]:
        """The registry and its content type: OpenMetrics, with exemplars, for an Accept that wants it, else text."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type


async def watch_event_loop(metrics: Metrics, seconds: float = 1.0) -> None:
    """Shows, for ever, by how much a sleep of `seconds` took longer: what all tasks of the loop wait for."""
    loop = asyncio.get_running_loop()
    while True:
        began = loop.time()
        await asyncio.sleep(seconds)
        metrics.event_loop_lag_seconds.set(max(loop.time() - began - seconds, 0.0))


def _make(row: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if row.kind == "counter":
        return Counter(row.name, row.help, row.labels, registry=registry)
    if row.kind == "gauge":
        return Gauge(row.name, row.help, row.labels, registry=registry)
    return Histogram(row.name, row.help, row.labels, registry=registry, buckets=row.buckets)
