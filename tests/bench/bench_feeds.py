"""How fast feeds are parsed: feeds a second of one core, over the feeds of ../shared/data/ingest.

    python -m tests.bench.bench_feeds [--data ../shared/data/ingest] [--repeat 3]

Two figures: all feed documents there (most are small test cases), and the 13 snapshots of real feeds alone, 221 kB on
average. Beside them feedparser as it comes, with the same options and without turning HTML into text, in the same run:
the ratio holds on a busy machine too. Goal: >= 35 feeds/s.
"""

from __future__ import annotations

import argparse
import io
import time
from pathlib import Path
from typing import TYPE_CHECKING

import feedparser
import feedparser.api

from streams.errors import InvalidError
from streams.sources import feed_parse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

GOAL = 35
FOLDERS = ("feeds_fastfeedparser", "feeds_feedparser", "feeds_miniflux", "feeds_trafilatura")
NO_FEED = {".md", ".json", ".html", ".py"}  # expectations and notes beside the feeds


def documents(data: Path) -> list[bytes]:
    paths = (path for folder in FOLDERS for path in sorted((data / folder).rglob("*")))
    return [p.read_bytes() for p in paths if p.is_file() and p.suffix not in NO_FEED and p.name != "LICENSE"]


def ours(body: bytes) -> int:
    try:
        return len(feed_parse.parse_feed(body, "https://news.example/feed").entries)
    except InvalidError:
        return 0


def theirs(body: bytes) -> int:
    return len(feedparser.parse(io.BytesIO(body), sanitize_html=False, resolve_relative_uris=False).entries)


def rate(parse: Callable[[bytes], int], bodies: Sequence[bytes], repeat: int) -> tuple[float, int]:
    """Feeds a second of process CPU, the best of some runs, and the entries of one run."""
    best, entries = float("inf"), 0
    for _ in range(repeat):
        began = time.process_time()
        entries = sum(map(parse, bodies))
        best = min(best, time.process_time() - began)
    return len(bodies) / best, entries


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data" / "ingest")
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    if not options.data.is_dir():
        print(f"{options.data} is not here: it holds the feeds and is no part of the project")
        return
    everything = documents(options.data)
    real = [p.read_bytes() for p in sorted((options.data / FOLDERS[0] / "benchmark_data").iterdir())]
    for name, bodies in (("all documents", everything), ("real snapshots", real)):
        size = sum(map(len, bodies)) / len(bodies) / 1000
        speed, entries = rate(ours, bodies, options.repeat)
        drivers, feedparser.api.PREFERRED_XML_PARSERS = feedparser.api.PREFERRED_XML_PARSERS, []
        stock, _ = rate(theirs, bodies, options.repeat)
        feedparser.api.PREFERRED_XML_PARSERS = drivers
        print(
            f"{name}: {len(bodies)} of {size:.0f} kB, {entries} entries: {speed:.0f} feeds/s of CPU (goal {GOAL}); "
            f"feedparser alone {stock:.0f}, ratio {speed / stock:.2f}"
        )


if __name__ == "__main__":
    main()
