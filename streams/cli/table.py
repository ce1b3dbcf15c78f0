"""The live table of `newswire up` in a terminal, with rich; and the same items as lines where there is no terminal."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from rich import box
from rich.console import Group
from rich.layout import Layout
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import RenderableType

    from streams.cli.board import Row, View

BAR_CELLS = 12
HEADER_LINES = 4
FIGURE_LINES = 4
FIGURES_CELLS = 72  # what the seven figures take at most, with their headings
_BLOCKS = " ▁▂▃▄▅▆▇█"
_COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red", "bright_cyan", "bright_magenta")


class Addresses(NamedTuple):
    """Where things are, for the head of the table."""

    page: str
    kafka: str
    metrics: str
    note: str = ""


def line_of(row: Row) -> str:
    """An item as one line of text: the title last, since a right-to-left one may turn around what follows it."""
    labels = ", ".join(f"{slug} {sure}%" for slug, sure in row.labels) or "-"
    clock = time.strftime("%H:%M:%S", time.localtime(row.at))
    return f"{clock}  {row.language}  {labels}  {','.join(row.countries) or '-'}  {row.title}"


def screen(view: View, addresses: Addresses, up_seconds: float, width: int, height: int) -> RenderableType:
    """The whole screen, of so many cells and lines."""
    lists = max(4, min(20, (height - HEADER_LINES - FIGURE_LINES) // 2))
    layout = Layout()
    layout.split_column(
        Layout(_head(addresses, up_seconds), size=HEADER_LINES, name="head"),
        Layout(_figures(view, width), size=FIGURE_LINES, name="figures"),
        Layout(name="lists", size=lists),
        Layout(_items(view.rows, height - HEADER_LINES - FIGURE_LINES - lists), name="items"),
    )
    layout["lists"].split_row(
        Layout(_counts("topics", view.topics, lists)), Layout(_counts("regions", view.regions, lists))
    )
    return layout


def _head(addresses: Addresses, up_seconds: float) -> RenderableType:
    minutes, seconds = divmod(int(up_seconds), 60)
    first = Text.assemble(
        ("Newswire", "bold red"),
        f"  up {minutes}:{seconds:02d}   live page ",
        (addresses.page, f"bold underline link {addresses.page}"),
    )
    second = Text(f"Kafka {addresses.kafka}   metrics {addresses.metrics}   Ctrl-C ends it", style="dim")
    third = Text(addresses.note, style="yellow")
    return Group(first, second, third)


def _figures(view: View, width: int) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), show_edge=False)
    figures = view.figures
    cells = [
        ("published", f"{view.published:,}", ""),
        ("read", f"{figures.read:,}", ""),
        ("labelled", f"{figures.labelled:,}", "green"),
        ("abstained", f"{figures.abstained:,}", "yellow" if figures.abstained else ""),
        ("dead", f"{figures.dead:,}", "red" if figures.dead else ""),
        ("lag", f"{figures.lag:,}", ""),
        ("items/s", f"{view.rate:.1f}", "bold"),
    ]
    for name, _, _ in cells:
        table.add_column(name, justify="right", header_style="dim", no_wrap=True)
    table.add_column("the last minute", header_style="dim", no_wrap=True, ratio=1)
    values: list[Text] = [Text(value, style=style) for _, value, style in cells]
    table.add_row(*values, Text(sparkline(view.seconds[-max(1, width - FIGURES_CELLS) :]), style="red"))
    return table


def _counts(title: str, counts: Mapping[str, int], lines: int) -> RenderableType:
    table = Table(box=None, show_header=False, expand=True, padding=(0, 1))
    table.add_column(no_wrap=True, ratio=1)
    table.add_column(no_wrap=True, width=BAR_CELLS)
    table.add_column(justify="right", no_wrap=True, width=6)
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[: lines - 2]
    most = max(counts.values(), default=1)
    for slug, count in ordered:
        table.add_row(slug, Text(bar(count / most, BAR_CELLS), style=_colour(slug)), f"{count:,}")
    return Panel(table, title=title, title_align="left", border_style="dim", box=box.ROUNDED, padding=0)


def _items(rows: Sequence[Row], lines: int) -> RenderableType:
    table = Table(box=box.SIMPLE_HEAD, expand=True, padding=(0, 1), show_edge=False, header_style="dim")
    table.add_column("time", no_wrap=True, width=8, style="dim")
    table.add_column("", no_wrap=True, width=2, style="dim")
    table.add_column("labels", no_wrap=True, ratio=3, overflow="ellipsis")
    table.add_column("countries", no_wrap=True, width=11, overflow="ellipsis")
    # last, and without a border behind it: a terminal that turns right-to-left text around turns nothing else
    table.add_column("title", no_wrap=True, ratio=5, overflow="ellipsis")
    for row in rows[: max(1, lines - 2)]:
        clock = time.strftime("%H:%M:%S", time.localtime(row.at))
        table.add_row(clock, row.language[:2], _labels(row), Text(" ".join(row.countries)), Text(row.title))
    return table


def _labels(row: Row) -> Text:
    if not row.labels:
        return Text("no topic", style="dim italic")
    text = Text()
    for slug, sure in row.labels:
        text.append(slug, style=_colour(slug))
        text.append(f" {sure}%  ", style="dim")
    return text


def bar(share: float, cells: int) -> str:
    """A bar in halves of a cell; anything above nothing shows."""
    full, half = divmod(max(1, round(share * cells * 2)) if share > 0 else 0, 2)
    return "━" * full + "╸" * half


def sparkline(numbers: Sequence[int]) -> str:
    """One character a number, the largest one full."""
    most = max(numbers, default=0)
    return "".join(_BLOCKS[-(-8 * number // most)] if most else " " for number in numbers)


def _colour(slug: str) -> str:
    return _COLOURS[sum(slug.encode()) % len(_COLOURS)]
