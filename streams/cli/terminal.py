"""What the commands share: a progress bar on stderr, lines on stdout, clients that keep quiet, an end by signal."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.sources.base import Progress

bootstrap_option = click.option(
    "--bootstrap-servers", metavar="HOST:PORT[,...]", help="Where Kafka is; else from the settings."
)

_REDRAW_STEPS = 256  # between two updates of the bar: an update takes as long as reading an item


def quiet_clients() -> None:
    """Keeps kafka-python's log off stderr: in an outage it says twenty times a second what our line says once."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL + 1)


@contextlib.contextmanager
def progress_bar(title: str, progress: Callable[[], Progress]) -> Iterator[Callable[[], None]]:
    """Yields a function to call at every step; it draws a bar where stderr is a terminal and does nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    share = TextColumn("{task.percentage:>3.0f} %")
    columns = (TextColumn("{task.description}"), BarColumn(), share, TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=progress().total)
        count = 0

        def step() -> None:
            """One item more; the bar is drawn anew every _REDRAW_STEPS."""
            nonlocal count
            count += 1
            if count % _REDRAW_STEPS == 0:
                bar.update(task, completed=progress().done, description=f"{title} {count:,}")

        yield step


def stop_on_signals() -> threading.Event:
    """An Event that SIGTERM and Ctrl-C set; a second Ctrl-C ends the process at once."""
    stop = threading.Event()

    def ask(signum: int, _frame: object) -> None:
        stop.set()
        signal.signal(signum, signal.SIG_DFL)

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop


@contextlib.contextmanager
def quiet_end() -> Iterator[None]:
    """Ends the process without a word where the reader of our stdout has gone (0) or on Ctrl-C (130).

    click would answer the first with status 1 and the second with an empty line.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is still to be flushed at exit
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def write_line(line: bytes) -> None:
    """One line of data on stdout; `sys.stdout.flush()` where somebody waits for it."""
    sys.stdout.buffer.write(line + b"\n")
