"""Every metric in one table: name, type, labels, help. The table is the API; docs/metrics.md is made from it.

Labels are closed sets (topic and region slugs, outcomes, reasons, stages, partitions): never a url or an id. Names
follow Prometheus: base units, `_total` on counters. The registry is an argument, so that a test has one of its own.
The sums conserve: newswire_read_items_total = sum of newswire_items_total over outcome, both counted after the commit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from collections.abc import Iterable

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
RESULTS = ("committed", "aborted")


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
    Metric("newswire_gateway_clients", "gauge", (), "Listeners on the gateway's stream"),
    Metric("newswire_gateway_items_total", "counter", (), "Labelled items that the gateway has read"),
    Metric("newswire_sink_items_total", "counter", ("sink",), "Items that a sink has written for good"),
)


class Metrics:
    """The metrics of one process on one registry; rows of the table are attributes, without the prefix and `_total`."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
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
        self.gateway_clients: Gauge = made["newswire_gateway_clients"]
        self.gateway_items: Counter = made["newswire_gateway_items_total"]
        self.sink_items: Counter = made["newswire_sink_items_total"]

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

    def exposition(self) -> tuple[bytes, str]:
        """The registry in Prometheus' text format and its content type."""
        return generate_latest(self._registry), CONTENT_TYPE_LATEST


def _make(row: Metric, registry: CollectorRegistry) -> Counter | Gauge | Histogram:
    if row.kind == "counter":
        return Counter(row.name, row.help, row.labels, registry=registry)
    if row.kind == "gauge":
        return Gauge(row.name, row.help, row.labels, registry=registry)
    return Histogram(row.name, row.help, row.labels, registry=registry, buckets=row.buckets)
