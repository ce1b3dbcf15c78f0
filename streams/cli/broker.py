"""`newswire broker`: the embedded Apache Kafka alone."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.kafka.broker import KafkaBroker
    from streams.kafka.jars import Progress

POLL_SECONDS = 0.2
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@click.command(name="broker")
@click.option("--data", type=click.Path(file_okay=False, path_type=Path), help="Folder for its data; made if absent.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port on 127.0.0.1; 0 takes a free one.")
@click.pass_context
def command(context: click.Context, data: Path | None, port: int | None) -> None:
    """Run Apache Kafka on this machine until Ctrl-C or SIGTERM.

    A real broker, on loopback only, with its own Java: the first start fetches it (45 MB). Prints its address once
    clients can connect. Data stays in the folder for the next start.

    \b
    Example:
      newswire broker --data var/kafka --port 9092
    """  # noqa: D301 - click wants the character \b
    from streams.cli.main import settings_of
    from streams.kafka.broker import KafkaBroker

    settings = settings_of(context, broker__data=None if data is None else str(data), broker__port=port).broker
    for number in STOP_SIGNALS:
        signal.signal(number, _stop)
    with contextlib.suppress(KeyboardInterrupt):
        with shown_progress() as progress:
            broker = KafkaBroker(settings.data, settings.port, progress=progress).start()
        keep(broker)


def _stop(*_: object) -> None:
    """Leave whatever is going on, a download as well; a second Ctrl-C must not break into the orderly end."""
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_: None)  # with SIG_IGN, Python writes a traceback for one that is under way
    raise KeyboardInterrupt


def keep(broker: KafkaBroker) -> None:
    """Print the address of a started broker and watch it until interrupted; then it is stopped.

    Raises:
        BrokerError: it ended by itself.

    """
    try:
        click.echo(f"Kafka is ready at {broker.bootstrap_servers}, data in {broker.data}; Ctrl-C ends it", err=True)
        click.echo(broker.bootstrap_servers)  # last: who reads it may end us at once
        while broker.alive:
            time.sleep(POLL_SECONDS)
        raise broker.failure()
    finally:
        broker.stop()


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """A progress bar on stderr for what takes long; plain lines where stderr is no terminal."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
    )
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done)

        yield show


def _plain_lines() -> Progress:
    seen: set[str] = set()

    def show(what: str, _done: int, _total: int) -> None:
        if what not in seen:
            seen.add(what)
            click.echo(f"{what} ...", err=True)

    return show
