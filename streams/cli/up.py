"""`newswire up`: everything on this machine in one command: Kafka, its topics, a worker, the live page, demo items."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from streams.cli.board import Row
    from streams.cli.everything import Everything, Launch
    from streams.settings import Settings
    from streams.sources.base import Source

TICK_SECONDS = 0.25  # between two looks at what may have ended
DRAW_SECONDS = 0.5  # four drawings a second took a tenth of a core

_file = click.Path(path_type=Path, dir_okay=False)


@click.command(name="up")
@click.option(
    "--publish", "first", type=_file, metavar="FILE...", help="Publish .jsonl, .txt, .html, not the demo items."
)
@click.argument("others", nargs=-1, type=_file, metavar="")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), help="Folder for all data, instead of var.")
@click.option("--external", is_flag=True, help="Use the Kafka of kafka.bootstrap_servers, start none.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the live page; 0 takes a free one.")
@click.option("--kafka-port", type=click.IntRange(0, 65535), help="Port of the embedded Kafka; 0 takes a free one.")
@click.pass_context
def command(
    context: click.Context,
    /,
    first: Path | None,
    others: tuple[Path, ...],
    data: Path | None,
    port: int | None,
    kafka_port: int | None,
    *,
    external: bool,
) -> None:
    """Run everything on this machine: Kafka, its topics, a labelling worker, a live page, and demo items to look at.

    In a terminal it shows a live table, elsewhere one line a labelled item. Ctrl-C ends all of it; what Kafka holds
    stays for the next start.

    \b
    Example:
      newswire up
      newswire up --publish items.jsonl page.html
    """  # noqa: D301 - click wants the character \b
    from streams.cli.everything import Launch
    from streams.cli.gatekeeping import refuse_public
    from streams.cli.main import settings_of
    from streams.cli.terminal import quiet_clients

    if others and first is None:
        raise InvalidError(f"what is {others[0]} for? To publish it: newswire up --publish {others[0]}")
    settings = settings_of(
        context,
        broker__data=str(data / "kafka") if data else None,
        up__logs=str(data / "log") if data else None,
        broker__port=kafka_port,
        gateway__port=port,
    )
    refuse_public(settings.gateway)
    quiet_clients()
    stop = threading.Event()
    sources = open_sources([first, *others] if first else None, settings, stop)
    run(settings, Launch(context.obj["config"], context.obj["environ"], external), sources, stop)


def open_sources(files: Sequence[Path] | None, settings: Settings, stop: threading.Event) -> list[Source]:
    """What is to be fed, opened: the files, or the demo items where there are none. Raises InvalidError."""
    from streams.cli.feeding import DEMO_SOURCE, Paced, open_source
    from streams.settings import configs_directory

    if files is not None:
        return [Paced(open_source(file), lambda _: stop.is_set(), None) for file in files]
    folder = configs_directory() / "demo"
    demo = [open_source(folder / name, DEMO_SOURCE) for name in ("page-ar.txt", "items.jsonl")]
    return [Paced(source, stop.wait, settings.up.items_per_second) for source in demo]


def run(settings: Settings, launch: Launch, sources: Sequence[Source], stop: threading.Event) -> None:
    """Starts everything, shows it until Ctrl-C or SIGTERM, and ends all of it.

    Raises TransientError that says which part ended, and why, after all others are ended.
    """
    from streams.cli.everything import Everything

    terminal = sys.stdout.isatty()
    on_row = (lambda _: None) if terminal else print_row
    everything = Everything(settings, launch, sources, stopping=stop, on_row=on_row)
    interrupt = Interrupt()
    try:
        interrupt.listen()
        everything.start()
        announce(everything)
        with shown(everything) if terminal else contextlib.nullcontext():
            while not interrupt.told:
                everything.check()
                time.sleep(TICK_SECONDS)
    except BaseException:
        # Whatever an interrupted import or client made of the interrupt, it is one.
        if not interrupt.told:
            raise
    finally:
        interrupt.ignore()  # it ends by itself within 10 s; Ctrl-C now must not leave half of it running
        if interrupt.told:
            click.echo("newswire: ending", err=True)
        everything.stop()
    view = everything.board.view()
    click.echo(f"newswire: ended; published {view.published:,} items, saw {view.seen:,} labelled", err=True)


@contextlib.contextmanager
def shown(everything: Everything) -> Iterator[None]:
    """The live table, on the whole terminal, until the body ends."""
    from rich.console import Console
    from rich.live import Live

    from streams.cli.table import screen

    begun = time.monotonic()
    console = Console()

    def drawn() -> RenderableType:
        width, height = console.size
        addresses = everything.addresses._replace(note=everything.note)
        return screen(everything.board.view(), addresses, time.monotonic() - begun, width, height)

    with Live(get_renderable=drawn, console=console, screen=True, refresh_per_second=1 / DRAW_SECONDS):
        yield


def print_row(row: Row) -> None:
    """A labelled item as a line on stdout."""
    from streams.cli.table import line_of

    click.echo(line_of(row))


def announce(everything: Everything) -> None:
    """Where things are, for people on stderr."""
    at = everything.addresses
    click.echo(f"live page  {at.page}\nKafka      {at.kafka}\nmetrics    {at.metrics}\nCtrl-C ends it", err=True)


class Interrupt:
    """Ctrl-C and SIGTERM: the first is raised in the main thread, later ones are ignored.

    It is kept too, since what is raised while a callback or a destructor runs is printed and lost.
    """

    def __init__(self) -> None:
        self.told = False

    def listen(self) -> None:
        """From now on; to be called in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._raise)

    def ignore(self) -> None:
        """Neither is heard any more."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)

    def _raise(self, _number: int, _frame: object) -> NoReturn:
        self.told = True
        self.ignore()
        raise KeyboardInterrupt
