# ruff: noqa: INP001
"""Newswire overview: what an editor and an operator look at first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panels import ORANGE, RED, Panel, Query, add_row, board, chart, mean, number, quantile, rate, select, variable

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard as builders

ITEMS = "newswire_items_total"
ABSTAINED = 'outcome="abstained"'
LATENCY = "newswire_latency_seconds"
QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))


def dashboard() -> builders.Dashboard:
    """Rows from the question asked most often to the one asked least often."""
    page = board(
        "Newswire overview", "newswire-overview", "Items in, items labelled, how long it takes, and that none is lost."
    )
    page = page.with_variable(variable("topic", "Topic", "label_values(newswire_topic_items_total, topic)"))
    page = page.with_variable(variable("region", "Region", "label_values(newswire_region_items_total, region)"))
    for title, panels in (
        ("Now", now()),
        ("Throughput", throughput()),
        ("Latency", latency()),
        ("Kafka", kafka()),
        ("Labels", labels()),
        ("Conservation", conservation()),
    ):
        add_row(page, title, panels)
    return page


def now() -> list[Panel]:
    """The row of numbers."""
    outcomes = f"sum(increase({select(ITEMS)}[$__range]))"
    abstained = outcomes.replace(select(ITEMS), select(ITEMS, ABSTAINED))
    return [
        number(
            "Items in",
            "Items read from news.articles whose outcome was committed.",
            "ops",
            rate("newswire_read_items_total"),
        ),
        number("Labelled", "Items that got at least one topic.", "ops", rate(ITEMS, matchers='outcome="labelled"')),
        number(
            "Latency p99",
            "From the record's time on news.articles to its commit; 99 of 100 items took less.",
            "s",
            quantile(0.99, LATENCY),
            ((1, ORANGE), (5, RED)),
        ),
        number(
            "Worst lag",
            "Items of the furthest behind partition of news.articles that are not labelled yet.",
            "short",
            f"max(max by (partition) ({select('newswire_lag_items')}))",
            ((1_000, ORANGE), (10_000, RED)),
        ),
        number(
            "Workers",
            "Labelling workers that answer. One reads every partition; more share them out.",
            "short",
            f"count({select('newswire_model_info')})",
        ),
        number(
            "Dead letters, 1 h",
            "Items that no retry can label, sent to news.articles.dead in the last hour.",
            "short",
            f"sum(increase({select('newswire_dead_letters_total')}[1h]))",
            ((1, ORANGE), (100, RED)),
        ),
        number(
            "Abstained",
            "Share of items without a topic, over the time shown.",
            "percentunit",
            f"{abstained} / {outcomes}",
        ),
        number(
            "Published",
            "Items that Kafka acknowledged to our publishers.",
            "ops",
            rate("newswire_published_items_total"),
        ),
    ]


def throughput() -> list[Panel]:
    """Where the items go."""
    return [
        chart(
            "By topic",
            "Labelled items a second on each topic's stream; an item counts in each of its topics.",
            "ops",
            [Query(rate("newswire_topic_items_total", "topic", 'topic=~"$topic"'), "{{topic}}")],
            width=12,
            stacked=True,
        ),
        chart(
            "By region",
            "Labelled items a second on each region's stream; an item counts in each of its regions.",
            "ops",
            [Query(rate("newswire_region_items_total", "region", 'region=~"$region"'), "{{region}}")],
            width=12,
            stacked=True,
        ),
    ]


def latency() -> list[Panel]:
    """How long it takes and where the time goes."""
    return [
        chart(
            "Published to labelled",
            "From the record's time on news.articles to its commit.",
            "s",
            [Query(quantile(share, LATENCY), name) for share, name in QUANTILES],
        ),
        chart(
            "Stages, a batch",
            "Mean time of one batch in each stage of the worker.",
            "s",
            [Query(mean("newswire_stage_seconds", "stage"), "{{stage}}")],
        ),
        chart(
            "Transactions",
            "From begin to commit of one transaction: outputs, dead letters and offsets.",
            "s",
            [Query(quantile(share, "newswire_transaction_seconds"), name) for share, name in QUANTILES],
        ),
    ]


def kafka() -> list[Panel]:
    """The worker's place in Kafka."""
    commit = select("newswire_last_commit_timestamp_seconds")
    return [
        chart(
            "Lag",
            "Items behind the end, by partition of news.articles.",
            "short",
            [Query(f"max by (partition) ({select('newswire_lag_items')})", "partition {{partition}}")],
        ),
        chart(
            "Batch size",
            "Items in a committed batch. Small batches at rest are right; small ones under lag are not.",
            "short",
            [Query(mean("newswire_batch_items"), "mean"), Query(quantile(0.9, "newswire_batch_items"), "p90")],
        ),
        chart(
            "Transactions by result",
            "Transactions a second. An aborted one is done again and leaves no trace for readers.",
            "ops",
            [Query(rate("newswire_transactions_total", "result"), "{{result}}")],
        ),
        chart(
            "Assigned partitions",
            "Partitions of news.articles that each worker reads; together twelve.",
            "short",
            [Query(f"sum by (instance) ({select('newswire_assigned_partitions')} > 0)", "{{instance}}")],
            stacked=True,
        ),
        chart(
            "Rebalances",
            "Times that partitions were taken or given, in the last ten minutes. Seldom is right.",
            "short",
            [Query(f"sum(increase({select('newswire_rebalances_total')}[10m]))", "rebalances")],
        ),
        chart(
            "Since the last commit",
            "Grows while there is nothing to do; while there is lag it must not.",
            "s",
            [Query(f"time() - max by (instance) ({commit} > 0)", "{{instance}}")],
        ),
    ]


def labels() -> list[Panel]:
    """What the model thinks of its answers."""
    confidence = "newswire_confidence_ratio"
    return [
        chart(
            "Confidence by axis",
            "Mean probability of the first label. A fall without a change of model means that the news has changed.",
            "percentunit",
            [Query(mean(confidence, "axis"), "{{axis}}")],
        ),
        chart(
            "Confidence by axis, lower tenth",
            "A tenth of the first labels is less sure than this.",
            "percentunit",
            [Query(quantile(0.1, confidence, "axis"), "{{axis}}")],
        ),
        chart(
            "Abstained, by reason",
            "Items a second without a topic.",
            "ops",
            [Query(rate("newswire_abstained_items_total", "reason"), "{{reason}}")],
            stacked=True,
        ),
        chart(
            "Abstained against the evaluation",
            "Share of items without a topic, and the share in the model's evaluation.",
            "percentunit",
            [
                Query(f"{rate(ITEMS, matchers=ABSTAINED)} / {rate(ITEMS)}", "now"),
                Query(f"max({select('newswire_model_abstained_ratio')})", "evaluation"),
            ],
        ),
        chart(
            "Drift of the topics",
            "Stability index of the last hour's topics against the week's and against the model's evaluation. Under "
            "0.1 is nothing; over 0.25 against the week something has changed.",
            "short",
            [
                Query("max(newswire:topic_share_of_week:psi)", "against the week"),
                Query("max(newswire:topic_share_of_model:psi)", "against the evaluation"),
            ],
        ),
        chart(
            "Slower than 5 s",
            "Share of items that took more than 5 s, in the last 5 minutes and 6 hours. The objective is 1 %.",
            "percentunit",
            [
                Query("max(newswire:latency_slow:ratio_rate5m)", "5 minutes"),
                Query("max(newswire:latency_slow:ratio_rate6h)", "6 hours"),
            ],
        ),
    ]


def conservation() -> list[Panel]:
    """That every item has exactly one outcome."""
    read, outcomes = select("newswire_read_items_total"), select(ITEMS)
    return [
        chart(
            "Read against outcomes",
            "Items a second: the lines of the outcomes add up to that of the items read.",
            "ops",
            [Query(rate("newswire_read_items_total"), "read"), Query(rate(ITEMS, "outcome"), "{{outcome}}")],
        ),
        chart(
            "Read less outcomes",
            "Items of all workers that were read and have no outcome, since they started. Anything but zero is a bug.",
            "short",
            [
                Query(
                    f"sum by (job, instance) ({read}) - sum by (job, instance) ({outcomes})",
                    "{{instance}}",
                )
            ],
        ),
        chart(
            "Dead letters, by reason",
            "Items a second that no retry can label.",
            "ops",
            [Query(rate("newswire_dead_letters_total", "reason"), "{{reason}}")],
            stacked=True,
        ),
    ]
