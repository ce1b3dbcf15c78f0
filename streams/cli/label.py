"""`newswire label`: a labelling worker, or several."""

from __future__ import annotations

import signal
import sys
import threading
from pathlib import Path  # noqa: TC003  click reads it
from typing import TYPE_CHECKING, NamedTuple

import click

from streams.cli.models import model_option, quality_option
from streams.cli.terminal import bootstrap_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.encoder import Quality
    from streams.settings import Settings


class Choice(NamedTuple):
    """What the command line says beyond the settings."""

    directory: Path
    quality: Quality | None  # None: that of the settings, as far as the model can


@click.command(name="label")
@click.option("--workers", type=click.IntRange(1), metavar="N", help="Processes, one a core; else from the settings.")
@click.option("--slot", metavar="NAME", help="Stable name of this worker's place; never two workers on one.")
@click.option("--link", type=click.Choice(["kafka-python", "confluent"]), help="The Kafka client.")
@click.option("--port", type=click.IntRange(0, 65535), metavar="N", help="Of /metrics, /healthz and /readyz; 0 = any.")
@model_option
@quality_option
@bootstrap_option
@click.pass_context
def command(
    context: click.Context,
    /,
    workers: int | None,
    slot: str | None,
    link: str | None,
    port: int | None,
    directory: Path | None,
    quality: Quality | None,
    bootstrap_servers: str | None,
) -> int:
    """Label the items of news.articles: topics, then regions, each item once on every stream of its labels.

    Start as many workers as there are cores, each with a --slot of its own, or one command with --workers N. SIGTERM
    and Ctrl-C let what is in flight finish. SIGHUP, or another model in the folder of --model, swaps the model between
    two batches. Exit status: 0 told to stop, 1 cannot go on, 70 stalled, 75 not done in
    time; whatever was not committed is labelled by the next worker.

    \b
    Example:
      newswire label
      newswire label --workers 4
      newswire label --slot kafka-7 --bootstrap-servers kafka-1:9092,kafka-2:9092
    """  # noqa: D301 - click wants the character \b
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # until the worker takes over: it has nothing to finish
    hung_up = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: hung_up.set())  # remembered: what is being loaded may be the old one

    from streams.cli.logs import start_log
    from streams.cli.main import settings_of
    from streams.cli.models import model_directory

    settings: Settings = settings_of(
        context,
        label__workers=workers,
        label__slot=slot,
        label__link=link,
        label__port=port,
        kafka__bootstrap_servers=bootstrap_servers,
    )
    start_log(settings.log.level, settings.log.format)
    choice = Choice(model_directory(settings.model.directory, directory), quality)
    if settings.label.workers == 1:
        run(settings, choice, hung_up)
        return 0
    return run_several(settings, choice, context.obj["config"])


def run(settings: Settings, choice: Choice, hung_up: threading.Event) -> None:
    """One worker, in this process. `hung_up`: set by a SIGHUP, until the worker takes signals itself.

    Raises TransientError where it cannot go on, InvalidError for a bad model.
    """
    from functools import partial

    from prometheus_client import CollectorRegistry

    from streams import wire
    from streams.agents.worker import Parts, WorkerSettings, run_worker
    from streams.cli.connection import kafka_of
    from streams.cli.model_pointer import ModelPointer
    from streams.cli.tracing import traced
    from streams.kafka.link import LinkSettings
    from streams.kafka.links import open_link
    from streams.metrics import Metrics

    label = settings.label
    link = LinkSettings(
        kafka_of(settings),
        wire.ARTICLES,
        wire.LABEL_GROUP,
        label.slot,
        round(label.session_seconds * 1000),
        round(label.transaction_seconds * 1000),
    )
    pointer = ModelPointer(choice.directory, settings.model.quality, choice.quality)
    seen = pointer.look()  # before it is loaded: what changes meanwhile is another model
    model, labels, baseline = pointer.open()
    metrics = Metrics(CollectorRegistry()).with_process()
    worker = WorkerSettings(
        batch_size=label.batch_size,
        linger=label.linger_seconds,
        depth=label.depth,
        drain=label.drain_seconds,
        grace=label.grace_seconds,
        stalled=label.stalled_seconds,
        host=label.host,
        port=label.port,
        watch=settings.model.watch_seconds,
    )
    with traced(settings, "label") as spans:
        opening = partial(open_link, label.link, link)
        run_worker(Parts(opening, model, labels, metrics, baseline, pointer, seen, spans, hung_up), worker)


def run_several(settings: Settings, choice: Choice, config: Path | None) -> int:
    """A process a worker, on the slots <slot>-0 to <slot>-N-1; gives the exit status."""
    from streams.agents.supervisor import Policy, supervise
    from streams.agents.terminal import Terminal
    from streams.cli.models import chosen_quality
    from streams.cli.terminal import stop_on_signals

    chosen_quality(choice.directory, settings.model.quality, choice.quality)  # a folder that is no model is told once
    stop, hang_up = stop_on_signals(), threading.Event()
    terminal = Terminal()
    signal.signal(signal.SIGHUP, lambda *_: (stop if terminal.is_gone() else hang_up).set())
    commands = [_command_of(settings, choice, config, worker) for worker in range(settings.label.workers)]
    return supervise(commands, stop, Policy(grace=settings.label.grace_seconds + 5), hang_up)


def _command_of(settings: Settings, choice: Choice, config: Path | None, worker: int) -> Sequence[str]:
    from streams.cli.children import NEWSWIRE

    label = settings.label
    return [
        *NEWSWIRE,
        *(("--config", str(config)) if config else ()),
        "label",
        *("--workers", "1"),
        *("--slot", f"{label.slot}-{worker}"),
        *("--link", label.link),
        *("--port", str(label.port + worker if label.port else 0)),
        *("--model", str(choice.directory)),
        *(("--quality", choice.quality) if choice.quality else ()),
        *("--bootstrap-servers", settings.kafka.bootstrap_servers),
    ]
