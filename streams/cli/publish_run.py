"""One source to its end: what the commands under `newswire publish` share."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.cli.publishing import Outcome
    from streams.kafka.connection import Where
    from streams.kafka.publisher import Acknowledged, Publisher, SourcePublisher
    from streams.metrics import Metrics
    from streams.sources.base import Source


def run(
    context: click.Context, source: Source, bootstrap_servers: str | None, *, dry_run: bool, resume: bool = False
) -> None:
    """One source to its end, with a bar in a terminal and a line of what became of it on stderr."""
    from streams.cli.connection import kafka_of
    from streams.cli.logs import start_log
    from streams.cli.main import settings_of
    from streams.cli.publishing import print_items
    from streams.cli.terminal import progress_bar, quiet_clients, quiet_end, write_line
    from streams.cli.tracing import followed, traced

    quiet_clients()
    with quiet_end(), contextlib.closing(source), progress_bar(source.kind, source.progress) as tick:
        if dry_run:
            outcome = print_items(source, write_line, tick)
        else:
            settings = settings_of(context, kafka__bootstrap_servers=bootstrap_servers)
            start_log(settings.log.level, settings.log.format)
            where = kafka_of(settings)
            with (
                served_metrics(settings.publish.metrics_port, settings.metrics.host) as metrics,
                traced(settings, "publish") as spans,
                _publisher(where, source, followed(spans), resume=resume) as publisher,
            ):
                outcome = _publish(source, publisher, metrics, tick)
    click.echo(f"newswire: {source.name}: {outcome}", err=True)


def _publisher(
    where: Where, source: Source, acknowledged: Acknowledged, *, resume: bool
) -> Publisher | SourcePublisher:
    from streams.kafka.publisher import Publisher, SourcePublisher

    if resume:
        return SourcePublisher(where, f"{source.kind}:{source.name}", acknowledged=acknowledged)
    return Publisher(where, acknowledged=acknowledged)


def _publish(
    source: Source, publisher: Publisher | SourcePublisher, metrics: Metrics, tick: Callable[[], None]
) -> Outcome:
    from streams.cli.publishing import publish_items, publish_resumably
    from streams.kafka.publisher import Publisher

    if isinstance(publisher, Publisher):
        return publish_items(source, publisher, metrics, tick)
    return publish_resumably(source, publisher, metrics, tick)


@contextlib.contextmanager
def served_metrics(port: int, host: str) -> Iterator[Metrics]:
    """The metrics of this run, served on a port where the settings name one."""
    from prometheus_client import CollectorRegistry, start_http_server

    from streams.metrics import Metrics

    registry = CollectorRegistry()
    metrics = Metrics(registry).with_process()
    if not port:
        yield metrics
        return
    server, thread = start_http_server(port, addr=host, registry=registry)
    try:
        yield metrics
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
