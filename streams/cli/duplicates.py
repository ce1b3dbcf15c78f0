"""`newswire duplicates`: the near-duplicate stage."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import click

from streams.cli.terminal import bootstrap_option

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.duplicates.marker import Marked
    from streams.metrics import Metrics
    from streams.settings import Settings

SLOT = "0"  # the window is whole in one process: whoever starts takes the place over


@click.command(name="duplicates")
@bootstrap_option
@click.pass_context
def command(context: click.Context, /, bootstrap_servers: str | None) -> None:
    """Mark items that tell a story again, and pass the first of each story on; labelling never waits for it.

    Reads news.labelled. Writes news.unique, the first item of each story as it came, and news.duplicates, for each of
    the others the first one's uri, the kind (exact, revision, wire or near) and the similarity. What it remembers of
    the window (three days or 500,000 items, see the settings) is in Kafka: it goes on where it stopped, here or on
    another machine.

    \b
    Example:
      newswire duplicates
    """  # noqa: D301 - click wants the character \b
    from streams.cli.logs import start_log
    from streams.cli.main import settings_of
    from streams.cli.publish_run import served_metrics
    from streams.cli.terminal import stop_on_signals

    settings = settings_of(context, kafka__bootstrap_servers=bootstrap_servers)
    start_log(settings.log.level, settings.log.format)
    stop = stop_on_signals()
    with served_metrics(settings.duplicates.metrics_port, settings.metrics.host) as metrics:
        run(settings, metrics, stop.is_set)


def run(settings: Settings, metrics: Metrics, stopped: Callable[[], bool]) -> None:
    """The stage with the settings' Kafka and window. Raises TransientError where it cannot go on."""
    from streams.cli.connection import kafka_of
    from streams.duplicates.marker import Marker, Window
    from streams.duplicates.run import Parts, run_duplicates
    from streams.kafka.compacted import read_latest
    from streams.kafka.link import LinkSettings
    from streams.kafka.links import open_link
    from streams.wire import DUPLICATES_GROUP, LABELLED, SIGNATURES

    kafka, label = kafka_of(settings), settings.label
    window = Window(settings.duplicates.max_items, settings.duplicates.max_days * 86_400)
    link = LinkSettings(
        kafka,
        LABELLED,
        DUPLICATES_GROUP,
        SLOT,
        round(label.session_seconds * 1000),
        round(label.transaction_seconds * 1000),
    )
    parts = Parts(
        partial(open_link, label.link, link),
        lambda: Marker(window, time.time, read_latest(kafka, SIGNATURES)),
        partial(count, metrics),
    )
    run_duplicates(parts, stopped)


def count(metrics: Metrics, marked: Marked) -> None:
    """What was committed."""
    metrics.unique_items.inc(marked.unique)
    for kind, number in marked.kinds.items():
        metrics.duplicates.labels(kind).inc(number)
