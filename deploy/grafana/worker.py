# ruff: noqa: INP001
"""Newswire workers and Kafka: how far each partition is, what the workers spend their time on, what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panels import ORANGE, RED, Panel, Query, add_row, board, chart, mean, number, quantile, rate, select, variable

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard as builders

# every process exports every metric, publishers and sinks this one's at 0: only a worker has a model
WORKERS = f" and on (instance) {select('newswire_model_info')}"
GROUP = 'group=~"$group"'
QUANTILES = ((0.5, "p50"), (0.9, "p90"), (0.99, "p99"))


def dashboard() -> builders.Dashboard:
    """Rows from Kafka inwards: groups, batches, labels, processes."""
    page = board(
        "Newswire workers and Kafka",
        "newswire-worker",
        "How far behind every partition is, where a batch spends its time, and what the processes cost.",
    )
    page = page.with_variable(variable("group", "Group", "label_values(newswire_group_lag_records, group)"))
    for title, panels in (
        ("Now", now()),
        ("Groups, as Kafka says", groups()),
        ("Batches", batches()),
        ("Model", model()),
        ("Processes", processes()),
    ):
        add_row(page, title, panels)
    return page


def now() -> list[Panel]:
    """The row of numbers."""
    workers = 'group="newswire.label"'
    return [
        number(
            "Oldest item",
            "Age of the oldest item of news.articles that is not labelled yet; 0 where none waits.",
            "s",
            f"max({select('newswire_group_lag_seconds', workers)})",
            ((60, ORANGE), (300, RED)),
            width=6,
        ),
        number(
            "Not labelled yet",
            "Offsets between what the workers have committed and the end of news.articles.",
            "short",
            f"sum(max by (partition) ({select('newswire_group_lag_records', workers)}))",
            ((1_000, ORANGE), (10_000, RED)),
            width=6,
        ),
        number(
            "In flight",
            "Batches of all workers between fetching and committing; three a worker at most.",
            "short",
            f"sum({select('newswire_batches_in_flight')})",
            width=6,
        ),
        number(
            "Models",
            "Models that label. Two for longer than a rollout takes is one worker too many.",
            "short",
            f"count(count by (name, version) ({select('newswire_model_info')}))",
            ((2, RED),),
            width=6,
        ),
    ]


def groups() -> list[Panel]:
    """Asked by the gateway, so that they stand also where a worker or a sink is stuck or gone."""
    return [
        chart(
            "Lag in seconds",
            "Age of the first record that a group has not committed, by partition. A straight climb is a partition "
            "that stands still.",
            "s",
            [
                Query(
                    f"max by (group, partition) ({select('newswire_group_lag_seconds', GROUP)})",
                    "{{group}} {{partition}}",
                )
            ],
        ),
        chart(
            "Lag in records",
            "Offsets between a group's next record and the end, by partition.",
            "short",
            [
                Query(
                    f"max by (group, partition) ({select('newswire_group_lag_records', GROUP)})",
                    "{{group}} {{partition}}",
                )
            ],
        ),
        chart(
            "Committed",
            "Offsets that a group has committed, a second, by partition. A partition at zero under lag stands still.",
            "ops",
            [
                Query(
                    "max by (group, partition) "
                    f"(deriv({select('newswire_group_offset_records', GROUP)}[$__rate_interval]))",
                    "{{group}} {{partition}}",
                )
            ],
        ),
        chart(
            "Assigned partitions, by worker",
            "Partitions of news.articles that each worker reads; together twelve.",
            "short",
            [Query(f"sum by (instance) ({select('newswire_assigned_partitions')} > 0)", "{{instance}}")],
            stacked=True,
        ),
        chart(
            "Rebalances, by worker",
            "Times that partitions were taken or given, in the last ten minutes; all workers stop meanwhile.",
            "short",
            [
                Query(
                    f"max by (instance) (increase({select('newswire_rebalances_total')}[10m])){WORKERS}", "{{instance}}"
                )
            ],
        ),
        chart(
            "Since the last commit, by worker",
            "Grows while there is nothing to do; while there is lag it must not.",
            "s",
            [
                Query(
                    f"time() - max by (instance) ({select('newswire_last_commit_timestamp_seconds')} > 0)",
                    "{{instance}}",
                )
            ],
        ),
    ]


def batches() -> list[Panel]:
    """Where the time of a batch goes."""
    return [
        chart(
            "Stages, p99 of a batch",
            "Slowest hundredth of the batches in each stage of the worker.",
            "s",
            [Query(quantile(0.99, "newswire_stage_seconds", "stage"), "{{stage}}")],
        ),
        chart(
            "Transaction times",
            "From begin to commit of one transaction: outputs, dead letters and offsets.",
            "s",
            [Query(quantile(share, "newswire_transaction_seconds"), name) for share, name in QUANTILES],
        ),
        chart(
            "Items a batch, by worker",
            "Mean of the committed batches. Small at rest is right; small under lag means that something waits.",
            "short",
            [Query(mean("newswire_batch_items", "instance") + WORKERS, "{{instance}}")],
        ),
        chart(
            "Records written",
            "Records a second in committed transactions: every item goes to each of its streams.",
            "ops",
            [Query(rate("newswire_output_records_total", "instance") + WORKERS, "{{instance}}")],
            stacked=True,
        ),
        chart(
            "Transactions, by result",
            "An aborted one is done again and leaves no trace for readers; more than a few mean trouble at the broker.",
            "ops",
            [Query(rate("newswire_transactions_total", "result"), "{{result}}")],
        ),
        chart(
            "Items labelled, by worker",
            "Items a second whose outcome each worker has committed.",
            "ops",
            [Query(rate("newswire_read_items_total", "instance") + WORKERS, "{{instance}}")],
            stacked=True,
        ),
    ]


def model() -> list[Panel]:
    """What labels, and whether it is as sure as it was when it was evaluated."""
    return [
        chart(
            "Model by worker",
            "One line a worker; another version than the others is a rollout, or a worker that it forgot.",
            "short",
            [
                Query(
                    f"max by (instance, name, version) ({select('newswire_model_info')})",
                    "{{instance}}: {{name}} {{version}}",
                )
            ],
        ),
        chart(
            "Confidence against the evaluation",
            "Mean probability of the first topic, and what the model's evaluation leads to expect.",
            "percentunit",
            [
                Query(mean("newswire_confidence_ratio", "axis"), "{{axis}}, now"),
                Query(f"max by (axis) ({select('newswire_model_confidence_ratio')})", "{{axis}}, evaluation"),
            ],
        ),
        chart(
            "Topics against the evaluation",
            "Share of each topic now less its share in the model's evaluation, which has seldom topics more often.",
            "percentunit",
            [
                Query(
                    f"{rate('newswire_topic_items_total', 'topic')} / on () group_left () "
                    f"{rate('newswire_topic_items_total')} "
                    f"- on (topic) max by (topic) ({select('newswire_model_topic_ratio')})",
                    "{{topic}}",
                )
            ],
            signed=True,
        ),
    ]


def processes() -> list[Panel]:
    """Every process of ours that is scraped."""
    return [
        chart(
            "CPU",
            "Cores that each process uses. A worker uses one at most: more of them, not a larger machine for one.",
            "short",
            [Query(rate("process_cpu_seconds_total", "job, instance"), "{{job}} {{instance}}")],
        ),
        chart(
            "Memory",
            "Resident memory of each process. A worker has its model in it.",
            "bytes",
            [
                Query(
                    f"max by (job, instance) ({select('process_resident_memory_bytes')})",
                    "{{job}} {{instance}}",
                )
            ],
        ),
        chart(
            "Event loop",
            "How late each process's event loop came back from its last sleep; pages and heartbeats wait as long.",
            "s",
            [Query(f"max by (instance) ({select('newswire_event_loop_lag_seconds')})", "{{instance}}")],
        ),
        chart(
            "Garbage collections",
            "Collections a second by generation, of all processes; the oldest generation stops everything longest.",
            "ops",
            [Query(rate("python_gc_collections_total", "generation"), "generation {{generation}}")],
        ),
        chart(
            "Open files",
            "File descriptors of each process: a climb is a leak of connections.",
            "short",
            [Query(f"max by (job, instance) ({select('process_open_fds')})", "{{job}} {{instance}}")],
        ),
        chart(
            "Uptime",
            "Since each process started; it falls to zero at a restart.",
            "s",
            [
                Query(
                    f"time() - max by (job, instance) ({select('process_start_time_seconds')})",
                    "{{job}} {{instance}}",
                )
            ],
        ),
    ]
