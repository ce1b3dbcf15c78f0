"""What an item costs in a sink: process CPU, and items a second where nothing else runs.

python tests/bench/bench_sinks.py [ITEMS]

The server's own CPU (PostgreSQL's) is not in the first figure, its time is in the second.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.articles import decode_labelled
from streams.kafka.link import Record
from streams.sinks.files import FilesSink
from streams.sinks.folder import Rotation
from streams.sinks.parquet import Layout, ParquetSink
from streams.sinks.rows import rows_of
from tests.contract.sink_cases import LABELS, NAME, Graveyard, open_sql
from tests.items import as_bytes, labelled_json
from tests.servers.postgresql import Postgresql, programs

if TYPE_CHECKING:
    from collections.abc import Callable

BATCH = 1000  # what a poll brings at most
# 1.4 kB with its headline, as real ones have
TEXT = "بدأ الخط عمله صباح اليوم بعشر رحلات بين المدينتين وسط اهتمام واسع. " * 15


def records(count: int) -> list[Record]:
    def value(number: int) -> bytes:
        return as_bytes(labelled_json(uri=f"urn:n:{number}", bodies=[{"value": TEXT}]))

    return [Record(NAME, n % 12, n // 12, b"k", value(n), [], 0) for n in range(count)]


def measure(name: str, items: list[Record], work: Callable[[list[Record]], None]) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    for first in range(0, len(items), BATCH):
        work(items[first : first + BATCH])
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:<28} {1e6 * cpu / len(items):7.1f} us CPU an item {len(items) / wall:9,.0f} items/s")


def through(sink: Any) -> Callable[[list[Record]], None]:
    sink.resume()

    def work(batch: list[Record]) -> None:
        sink.write(batch)
        sink.settle()

    return work


def main() -> None:
    items = records(int(sys.argv[1]) if len(sys.argv) > 1 else 30_000)
    measure("decoding alone", items, lambda batch: [decode_labelled(r.value) for r in batch] and None)
    measure("rows alone", items, lambda batch: [rows_of(r, LABELS) for r in batch] and None)
    rotation = Rotation(10_000, 64 << 20, 60.0)
    with tempfile.TemporaryDirectory() as folder:
        measure("files", items, through(FilesSink(Path(folder, "a"), rotation, time.monotonic)))
        measure("files, zstd", items, through(FilesSink(Path(folder, "b"), rotation, time.monotonic, "zstd")))
        layout = Layout(Path(folder, "c"), ("day", "topic"), rotation)
        measure("parquet", items, through(ParquetSink(layout, LABELS, time.monotonic, Graveyard())))
        measure("sql, SQLite", items, through(open_sql(f"sqlite:///{folder}/x.db", Graveyard())))
    installed = programs()
    if installed is None:
        print("sql, PostgreSQL: not installed")
        return
    with Postgresql(installed) as server:
        measure("sql, PostgreSQL", items, through(open_sql(server.database(), Graveyard())))


if __name__ == "__main__":
    main()
