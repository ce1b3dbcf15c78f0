"""Progress of long work on stderr: a bar in a terminal, a line a step elsewhere."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[str, int, int], None]  # what is done now, steps done, steps in all


@contextlib.contextmanager
def shown_progress() -> Iterator[Progress]:
    """Yield the function to call at every step."""
    if not sys.stderr.isatty():
        yield lambda doing, done, total: click.echo(f"newswire: {done}/{total} {doing}", err=True)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("reading")
        yield lambda doing, done, total: bar.update(task, description=doing, completed=done, total=total)
