"""What an item costs in a sink: CPU of this process, time, and items a second by that time.

python tests/bench/bench_sinks.py [ITEMS]

The server's own CPU (PostgreSQL's) is not in the first figure, its time is in the others.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.articles import decode_labelled
from streams.collector import let_it_rest
from streams.kafka.link import Record
from streams.sinks.files import FilesSink
from streams.sinks.folder import Rotation
from streams.sinks.item import read_item
from streams.sinks.parquet import Layout, ParquetSink
from streams.sinks.rows import rows_of
from tests.contract.sink_cases import LABELS, NAME, Graveyard, open_sql
from tests.items import as_bytes, labelled_json
from tests.servers.postgresql import Postgresql, programs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BATCH = 1000  # what a poll brings at most
WORDS = 180  # 1.2 thousand characters, as real items have; 3.2 kB as JSON with the labels
SAMPLE = Path(__file__).parents[1] / "data" / "desk_sample.jsonl"


def values(count: int) -> list[bytes]:
    """Each with words of its own in Arabic, Turkish and English: one text for all would be compressed to nothing."""
    rng = random.Random(7)
    words = [word for line in SAMPLE.read_text().splitlines() for word in json.loads(line)["text"].split()]

    def value(number: int) -> bytes:
        text = " ".join(rng.choices(words, k=WORDS))
        return as_bytes(labelled_json(uri=f"urn:n:{number}", bodies=[{"value": text}]))

    return [value(number) for number in range(count)]


def measure(name: str, items: list[bytes], work: Callable[[list[Record]], None]) -> None:
    """Records come and go as they do from a poll: the collector of a process that held them all would look at each."""
    wall = cpu = 0.0
    for first in range(0, len(items), BATCH):
        numbers = range(first, min(first + BATCH, len(items)))
        batch = batch_of(items, numbers)
        wall, cpu = wall - time.perf_counter(), cpu - time.process_time()
        work(batch)
        wall, cpu = wall + time.perf_counter(), cpu + time.process_time()
    each = 1e6 / len(items)
    print(f"{name:<20} {each * cpu:6.1f} us CPU, {each * wall:6.1f} us an item: {len(items) / wall:8,.0f} items/s")


def batch_of(items: list[bytes], numbers: Iterable[int]) -> list[Record]:
    return [Record(NAME, n % 12, n // 12, b"k", items[n], [], 0) for n in numbers]


def parquet(folder: Path, rotation: Rotation) -> ParquetSink:
    return ParquetSink(Layout(folder, ("day", "topic"), rotation), LABELS, time.monotonic, Graveyard())


def through(sink: Any) -> Callable[[list[Record]], None]:
    sink.resume()

    def work(batch: list[Record]) -> None:
        sink.write(batch)
        sink.settle()

    return work


def main() -> None:
    items = values(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
    let_it_rest()
    measure("decoding alone", items, lambda batch: [decode_labelled(r.value) for r in batch] and None)
    measure("reading alone", items, lambda batch: [read_item(r.value or b"") for r in batch] and None)
    measure("rows alone", items, lambda batch: [rows_of(r, LABELS) for r in batch] and None)
    rotation = Rotation(10_000, 64 << 20, 60.0)
    with tempfile.TemporaryDirectory() as folder:
        measure("files", items, through(FilesSink(Path(folder, "a"), rotation, time.monotonic)))
        measure("files, zstd", items, through(FilesSink(Path(folder, "b"), rotation, time.monotonic, "zstd")))
        warm = through(parquet(Path(folder, "c"), rotation))  # pyarrow looks for pandas: a second; its memory is new
        for first in range(0, rotation.max_items, BATCH):
            warm(batch_of(items, range(first, first + BATCH)))
        measure("parquet", items, through(parquet(Path(folder, "d"), rotation)))
        measure("sql, SQLite", items, through(open_sql(f"sqlite:///{folder}/x.db", Graveyard())))
    installed = programs()
    if installed is None:
        print("sql, PostgreSQL: not installed")
        return
    with Postgresql(installed) as server:
        measure("sql, PostgreSQL", items, through(open_sql(server.database(), Graveyard())))


if __name__ == "__main__":
    main()
