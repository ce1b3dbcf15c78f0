"""`newswire serve`: the gateway alone."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from functools import partial
from typing import TYPE_CHECKING

import click

from streams.cli.connection import kafka_of
from streams.cli.terminal import bootstrap_option

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from streams.gateway.items import Source
    from streams.gateway.push import Push
    from streams.gateway.server import Server
    from streams.kafka.connection import Where
    from streams.kafka.lag import GroupLag
    from streams.metrics import Metrics
    from streams.settings import Settings
    from streams.wire import Labels

LAG_CLOSE_SECONDS = 2.0  # of a gateway that ends: a look that hangs then is left to the end of the process


@click.command(name="serve")
@click.option("--host", help="Address to listen on; else from the settings (127.0.0.1).")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.")
@bootstrap_option
@click.pass_context
def command(context: click.Context, /, host: str | None, port: int | None, bootstrap_servers: str | None) -> None:
    """Show labelled items over HTTP: a live page, a stream of events, recent items, counts.

    \b
    Paths:
      /           the live page
      /stream     server-sent events; ?topic= &region= &language= &min_confidence=
      /articles   recent items, newest first, with the same filters; ?before=DATE older ones (gateway.archive)
      /feeds/all.atom /feeds/topic/SLUG.atom /feeds/region/SLUG.atom, .json too: for feed readers
      /articles   POST: items to be published, JSON or JSON lines, with a bearer token of gateway.tokens
      /topics     counts of the last hour
      /healthz /readyz /metrics /openapi.json
    \b
    Beyond this machine it listens only where gateway.read_tokens name tokens, or gateway.public says that all may read.
    \b
    Example:
      newswire serve --port 8080
      curl -N 'http://127.0.0.1:8080/stream?topic=sport&language=tr'
    """  # noqa: D301 - click wants the character \b
    from streams.cli.gatekeeping import refuse_public
    from streams.cli.logs import start_log
    from streams.cli.main import settings_of
    from streams.cli.pushing import make_push
    from streams.cli.tracing import traced
    from streams.gateway.server import address_of, bind
    from streams.gateway.source import labelled_source

    settings = settings_of(context, kafka__bootstrap_servers=bootstrap_servers, gateway__host=host, gateway__port=port)
    start_log(settings.log.level, settings.log.format)
    refuse_public(settings.gateway)
    bound = bind(settings.gateway.host, settings.gateway.port)
    kafka = kafka_of(settings)
    source = labelled_source(kafka, settings.gateway.recent_items)
    metrics = new_metrics()
    with traced(settings, "gateway") as spans:
        push = make_push(settings.gateway.tokens, kafka, spans)
        server = make_server(source, labels_in_use(settings), metrics, settings, bound, push)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.stop())
        click.echo(address_of(bound))
        click.echo(f"live page at {address_of(bound)}, reading Kafka at {kafka}", err=True)
        with lag_shown(metrics, kafka):
            server.run_until_stopped()


def new_metrics() -> Metrics:
    """The metrics of this process, on a registry of their own."""
    from prometheus_client import CollectorRegistry

    from streams.metrics import Metrics

    return Metrics(CollectorRegistry()).with_process()


@contextlib.contextmanager
def lag_shown(metrics: Metrics, bootstrap_servers: Where, prefix: str = "") -> Iterator[None]:
    """Shows in the metrics how far every consumer group of ours is behind, from a thread that asks Kafka itself.

    The gateway does so because it is the one that still answers where a worker or a sink is stuck or gone.
    """
    from streams.kafka.lag import watch_lag

    stop = threading.Event()
    arguments = (bootstrap_servers, stop, partial(show_lag, metrics), time.time, prefix)
    thread = threading.Thread(target=watch_lag, args=arguments, name="lag", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(LAG_CLOSE_SECONDS)


def show_lag(metrics: Metrics, lags: Mapping[tuple[str, int], GroupLag]) -> None:
    """What was seen takes the place of what was shown."""
    shown = (metrics.group_offset_records, metrics.group_lag_records, metrics.group_lag_seconds)
    for gauge in shown:
        gauge.clear()
    for (group, partition), lag in lags.items():
        for gauge, value in zip(shown, lag, strict=True):
            gauge.labels(group, str(partition)).set(value)


def make_server(
    source: Source,
    labels: Labels,
    metrics: Metrics,
    settings: Settings,
    bound: socket.socket,
    push: Push | None,
) -> Server:
    """The gateway over a source, ready to run on a bound socket. Raises InvalidError where a setting is wrong."""
    from streams.cli.gatekeeping import make_archive, make_limits
    from streams.gateway.app import create_app
    from streams.gateway.server import Server

    limits = make_limits(settings.gateway)
    archive = make_archive(settings.gateway, settings.sinks.sql.url)
    app = create_app(source, labels, metrics, clock=time.time, limits=limits, push=push, archive=archive)
    return Server(app, bound)


def labels_in_use(settings: Settings) -> Labels:
    """The label tables with the topics of the model in use; the project's own where there is no model to read."""
    from classifiers.artefact import ArtefactError, read_manifest
    from streams.cli.models import labels_of, model_directory
    from streams.settings import load_labels

    labels = load_labels()
    try:
        return labels_of(read_manifest(model_directory(settings.model.directory)), labels)
    except ArtefactError:
        return labels
