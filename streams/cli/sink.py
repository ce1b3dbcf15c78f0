"""`newswire sink`: labelled items into files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from streams.cli.terminal import bootstrap_option

if TYPE_CHECKING:
    from streams.sinks.base import Sink

SINKS = ("files",)


@click.command(name="sink")
@click.argument("name", type=click.Choice(SINKS))
@bootstrap_option
@click.pass_context
def command(context: click.Context, /, name: str, bootstrap_servers: str | None) -> None:
    """Run one sink until it is stopped; its settings are the table sinks.NAME.

    files: JSON lines, one file for a range of offsets, exactly once.

    \b
    Example:
      NEWSWIRE_SINKS__FILES__DIRECTORY=/data/labelled newswire sink files
    """  # noqa: D301 - click wants the character \b
    from streams.cli.main import settings_of
    from streams.cli.terminal import quiet_clients, stop_on_signals
    from streams.kafka.reader import Reader
    from streams.sinks.base import run_sink
    from streams.wire import LABELLED, SINK_GROUP

    quiet_clients()
    settings = settings_of(context, kafka__bootstrap_servers=bootstrap_servers)
    stop = stop_on_signals()
    with Reader(settings.kafka.bootstrap_servers, [LABELLED], group=SINK_GROUP + name, shared=False) as reader:
        stored = run_sink(make_sink(name, settings), reader, stop, lambda _: None)
    click.echo(f"newswire: sink {name}: stored {stored:,} items", err=True)


def make_sink(name: str, settings: Any) -> Sink:
    """The sink of a name, with its settings."""
    import time

    from streams.sinks.files import FilesSink

    assert name in SINKS  # noqa: S101 - click has checked it
    table = settings.sinks.files
    return FilesSink(table.directory, table.max_items, table.max_seconds, time.monotonic)
