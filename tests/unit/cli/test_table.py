"""The live table and the lines: drawn by rich into a terminal of a given size, read as text."""

from __future__ import annotations

import io
import re
import time
import unicodedata

import pytest
from prometheus_client import CollectorRegistry
from rich.cells import cell_len
from rich.console import Console

from streams.cli.board import Board, Figures, Row, View, figures_of, row_of, safe
from streams.cli.table import Addresses, bar, line_of, screen, sparkline
from streams.metrics import Metrics
from tests.unit.gateway.examples import LABELS, NOW, article

ADDRESSES = Addresses("http://127.0.0.1:8080", "127.0.0.1:9092", "http://127.0.0.1:6066/metrics")
ROW = Row(NOW, "ar", [("sport", 91), ("economy", 44)], ["SN", "CM"], "السنغال تتعادل مع الكاميرون")


def view(rows=(), **changes) -> View:
    made = View(
        71, 66, Figures(66, 63, 2, 1, 5), 2.1, [0] * 58 + [4, 2], {"sport": 20, "arts": 1}, {"western-asia": 7}, rows
    )
    return made._replace(**changes)


def drawn(of: View, width: int = 120, height: int = 40) -> list[str]:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False, color_system=None)
    console.print(screen(of, ADDRESSES, 83.4, width, height), height=height)
    return console.file.getvalue().splitlines()


def test_shows_addresses_figures_counts_and_items():
    lines = drawn(view([ROW]))
    text = "\n".join(lines)
    assert "up 1:23   live page http://127.0.0.1:8080" in lines[0]
    assert "Kafka 127.0.0.1:9092   metrics http://127.0.0.1:6066/metrics" in lines[1]
    assert re.search(r"published +read +labelled +abstained +dead +lag +items/s", text)
    assert re.search(r"71 +66 +63 +2 +1 +5 +2\.1", text)
    assert re.search(r"sport +━+ +20 .*western-asia +━+ +7", text)
    assert re.search(r"ar +sport 91% +economy 44% +SN CM +السنغال تتعادل مع الكاميرون", text)


@pytest.mark.parametrize(("width", "height"), [(80, 24), (120, 40), (200, 60), (40, 12), (20, 8)])
def test_fits_the_terminal(width, height):
    rows = [ROW._replace(title="x" * 500), ROW._replace(labels=[]), ROW] * 20
    counts = {label.slug: n for n, label in enumerate(LABELS.topics.values(), 1)}
    regions = {label.slug: n for n, label in enumerate(LABELS.regions.values(), 1)}
    lines = drawn(view(rows, topics=counts, regions=regions), width, height)
    assert len(lines) <= height
    assert max(cell_len(line) for line in lines) <= width


def test_title_stands_last_on_its_line():
    line = next(line for line in drawn(view([ROW])) if "91%" in line)
    assert line.rstrip().endswith(ROW.title)


def test_nothing_yet():
    text = "\n".join(drawn(View(0, 0, Figures(), 0.0, [0] * 60, {}, {}, [])))
    assert re.search(r"0 +0 +0 +0 +0 +0 +0\.0", text)


def test_line_of_an_item():
    clock = time.strftime("%H:%M:%S", time.localtime(NOW))
    assert line_of(ROW) == f"{clock}  ar  sport 91%, economy 44%  SN,CM  السنغال تتعادل مع الكاميرون"
    assert line_of(ROW._replace(labels=[], countries=[])).startswith(f"{clock}  ar  -  -  ")


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("\x1b]0;owned\x07\x1b[2Jfine", "]0;owned [2Jfine"),
        ("two\r\nlines\u2028here\x85", "two lines here"),
        ("\u202eright to left\u2066", "right to left"),
        ("عنوان", "عنوان"),
    ],
)
def test_title_cannot_drive_the_terminal(title, shown):
    assert safe(title) == shown
    assert not any(unicodedata.category(letter) in ("Cc", "Cf") for letter in safe(title))


def test_row_of_an_item():
    row = row_of(article(topics={"economy": 81, "politics": 44}, countries={"TR": 90}, title="a\tb"), LABELS)
    assert row == Row(NOW, "en", [("economy", 81), ("politics", 44)], ["TR"], "a b")


def test_board_counts_what_was_labelled_since_the_start():
    clock = [NOW]
    told: list[Row] = []
    board = Board(LABELS, lambda: clock[0], told.append)
    board.add([article(1, at=NOW - 1)])  # of an earlier run
    clock[0] = NOW + 5
    board.add([article(2, at=NOW + 4, countries={"TR": 80, "SA": 80}), article(3, at=NOW + 4, topics={}, countries={})])
    board.sent()
    board.sent()
    board.settle(1)
    board.update(Figures(read=2))
    clock[0] = NOW + 8
    seen = board.view()
    assert (seen.published, seen.seen, seen.figures.read) == (1, 2, 2)
    assert seen.topics == {"sport": 1}
    assert seen.regions == {"western-asia": 1}
    assert seen.rate == 0.2
    assert seen.seconds[-3] == 2
    assert [row.title for row in seen.rows] == ["Headline 3", "Headline 2"]
    assert [row.title for row in told] == ["Headline 2", "Headline 3"]


def test_board_forgets_seconds_that_are_past():
    clock = [NOW]
    board = Board(LABELS, lambda: clock[0])
    for second in range(1000):
        clock[0] = NOW + second
        board.add([article(second, at=clock[0])])
    assert len(board._by_second) <= 121
    assert sum(board.view().seconds) == 60


def test_figures_are_sums_over_the_workers():
    pages = []
    for worker in range(2):
        metrics = Metrics(CollectorRegistry())
        metrics.read_items.inc(10)
        metrics.items.labels("labelled").inc(7 + worker)
        metrics.items.labels("abstained").inc(2)
        metrics.items.labels("dead").inc()
        for partition in range(2):
            metrics.lag_items.labels(str(partition)).set(3)
        pages.append(metrics.exposition()[0].decode())
    assert figures_of([*pages, ""]) == Figures(read=20, labelled=15, abstained=4, dead=2, lag=12)


def test_bars_and_sparklines():
    assert [bar(share, 4) for share in (0, 0.01, 0.5, 0.6, 1)] == ["", "╸", "━━", "━━╸", "━━━━"]
    assert sparkline([0, 1, 4, 8]) == " ▁▄█"
    assert sparkline([0, 0]) == "  "
    assert sparkline([]) == ""
