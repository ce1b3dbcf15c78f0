"""Labelled items as Parquet files, in folders by day and topic; exactly once.

    day=2026-03-01/topic=sport/news.labelled-3.00000000000000001200-00000000000000002210.parquet
    _offsets/news.labelled-3.00000000000000001200-00000000000000002210

A range of offsets gives a file in each folder that its items belong to, and at last an empty file in `_offsets`: that
one makes them count. A start removes files whose range is not there and reads on behind those that are. Files, not
`_offsets`, may be moved away.
"""

from __future__ import annotations

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from streams.errors import InvalidError, TransientError
from streams.sinks.base import POLL_RECORDS, Bury, Place, Settled
from streams.sinks.folder import Range, Rotation, ends_of, range_of, sync, take
from streams.sinks.rows import ArticleRow, Rows, fresh_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from streams.kafka.link import Offsets, Record
    from streams.wire import Labels

Values = tuple[Any, ...]  # of the keys of a folder

KEYS = ("day", "topic")  # what folders may be made by
SUFFIX = ".parquet"
# The folder of items without a topic. Hive's own name for no value, __HIVE_DEFAULT_PARTITION__, is one that pandas 3.1
# with pyarrow 26 cannot read: "Cannot yet unify dictionaries with nulls".
NOTHING = "none"
_OFFSETS = "_offsets"  # readers of Hive's layout pass over names that begin with _ or .
_UNFINISHED = ".unfinished"
# Records that become columns together: with a thousand the texts no longer fit the processor's cache, and an item costs
# 85 us instead of 36.
AT_A_TIME = 100
WRITERS = 4
_LONG = frozenset({"headline", "text", "item"})
_Texts = pa.list_(pa.string())
SCHEMA = pa.schema(
    [
        ("uri", pa.string()),
        ("version", pa.string()),
        ("published", pa.timestamp("us", tz="UTC")),
        ("day", pa.date32()),
        ("labelled_at", pa.timestamp("us", tz="UTC")),
        ("status", pa.string()),
        ("abstain_reason", pa.string()),
        ("language", pa.string()),
        ("topic", pa.string()),
        ("topics", _Texts),
        ("topic_confidences", pa.list_(pa.int16())),
        ("country", pa.string()),
        ("countries", _Texts),
        ("regions", _Texts),
        ("source", pa.string()),
        ("url", pa.string()),
        ("headline", pa.string()),
        ("text", pa.string()),
        ("model", pa.string()),
        ("item", pa.string()),
        ("kafka_partition", pa.int32()),
        ("kafka_offset", pa.int64()),
    ]
)


class Layout(NamedTuple):
    """Where files go and when. `keys`: some of KEYS, in the order of the folders."""

    directory: Path
    keys: tuple[str, ...]
    rotation: Rotation  # of all partitions together: what is gathered is held in memory


class ParquetSink:
    """Writes to a folder, one process at a time; `clock` in seconds."""

    name = "parquet"
    guarantee: Literal["exactly once", "at least once"] = "exactly once"
    group_counts = True

    def __init__(self, layout: Layout, labels: Labels, clock: Callable[[], float], bury: Bury) -> None:
        self._layout = layout
        self._labels = labels
        self._clock = clock
        self._bury = bury
        self._stored: dict[Place, int] = {}
        self._next: dict[Place, int] = {}  # behind what was written
        self._gathered = _Gathered(layout.keys)
        self._first: dict[Place, int] = {}  # of what is gathered
        self._bytes = 0
        self._since: float | None = None
        self._lock: int | None = None

    def resume(self) -> Offsets:
        """See Sink. Removes what a run before this did not come to an end with."""
        folder = self._layout.directory
        try:
            self._lock = take(folder, self.name)
            shutil.rmtree(folder / _UNFINISHED, ignore_errors=True)
            (folder / _UNFINISHED).mkdir()
            (folder / _OFFSETS).mkdir(exist_ok=True)
            found = (range_of(path.name, ("",)) for path in (folder / _OFFSETS).iterdir())
            stored = {one for one in found if one}
            for path in folder.rglob(f"*{SUFFIX}"):
                one = range_of(path.name, (SUFFIX,))
                if one and one not in stored:
                    path.unlink()
        except OSError as error:
            raise TransientError(f"sink parquet: {folder}: {error.strerror}") from error
        self._stored = ends_of(stored, self.name)
        self._next = dict(self._stored)
        return dict(self._stored)

    def room(self) -> int:
        """See Sink."""
        return POLL_RECORDS

    def write(self, records: Sequence[Record]) -> None:
        """See Sink. What is no labelled article is buried."""
        for start in range(0, len(records), AT_A_TIME):
            self._take(records[start : start + AT_A_TIME])

    def _take(self, records: Sequence[Record]) -> None:
        found = []
        for record, rows in fresh_rows(records, self._next, self._labels, self._bury):
            place = record.kafka_topic, record.partition
            self._first.setdefault(place, self._stored.get(place, record.offset))
            if rows:
                found.append((place, rows))
                self._bytes += len(record.value or b"")
        if self._first and self._since is None:
            self._since = self._clock()
        self._gathered.add(found)

    def settle(self, *, everything: bool = False) -> Settled:
        """See Sink."""
        limits = self._layout.rotation
        items = self._gathered.items
        waited = 0.0 if self._since is None else self._clock() - self._since
        due = items >= limits.max_items or self._bytes >= limits.max_bytes or waited >= limits.max_seconds
        if self._since is None or not (everything or due):
            return Settled({}, 0)
        done = {place: self._next[place] for place in self._first}
        tables = self._gathered.tables()
        ranges = [Range(place, first, self._next[place]) for place, first in self._first.items()]
        try:
            # a file is compressed and synced outside of Python's lock: beside each other they take half the time
            with ThreadPoolExecutor(WRITERS, thread_name_prefix="parquet") as pool:
                list(pool.map(lambda what: self._finish(what, tables.get(what.place, {})), ranges))
        except OSError as error:
            raise TransientError(f"sink parquet: {self._layout.directory}: {error.strerror or error}") from error
        self._stored |= done
        self._forget()
        return Settled(done, items)

    def close(self) -> None:
        """See Sink."""
        self._forget()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _forget(self) -> None:
        self._gathered = _Gathered(self._layout.keys)
        self._first, self._bytes, self._since = {}, 0, None

    def _finish(self, what: Range, tables: Mapping[Values, Any]) -> None:
        """The files of one range; nothing of it counts before the last step."""
        directory = self._layout.directory
        unfinished = directory / _UNFINISHED
        for values, table in tables.items():
            folder = self._folder(values)
            folder.mkdir(parents=True, exist_ok=True)
            path = unfinished / what.name(".tmp")  # readers' globs may look into hidden folders too
            _write(table, path)
            sync(path)
            path.rename(folder / what.name(SUFFIX))
            sync(folder)
        # dies here: the files do not count, they are removed at the next start and written again
        mark = unfinished / what.name()
        mark.touch()
        mark.rename(directory / _OFFSETS / mark.name)
        sync(directory / _OFFSETS)

    def _folder(self, values: Values) -> Path:
        folder = self._layout.directory
        for key, value in zip(self._layout.keys, values, strict=True):
            folder /= f"{key}={NOTHING if value is None else quote(str(value), safe='')}"
        return folder


class _Gathered:
    """Items until they are written: as Arrow's columns, which hold half of what Python's objects do."""

    def __init__(self, keys: tuple[str, ...]) -> None:
        self._keys = keys
        self._batches: list[Any] = []
        self._numbers: dict[Place, dict[Values, list[int]]] = {}  # of the rows by place and folder
        self.items = 0

    def add(self, found: Sequence[tuple[Place, Rows]]) -> None:
        """Takes some items."""
        for number, (place, rows) in enumerate(found, self.items):
            values = tuple(getattr(rows.article, key) for key in self._keys)
            self._numbers.setdefault(place, {}).setdefault(values, []).append(number)
        self.items += len(found)
        if found:
            self._batches.append(_batch([rows for _, rows in found]))

    def tables(self) -> dict[Place, dict[Values, Any]]:
        """The table of each place and folder, without what its folder says."""
        # in one piece first: each take() of a table in pieces would put them together by itself
        everything = pa.Table.from_batches(self._batches, SCHEMA).drop_columns(list(self._keys)).combine_chunks()
        return {
            place: {values: everything.take(numbers) for values, numbers in folders.items()}
            for place, folders in self._numbers.items()
        }


def _batch(items: Sequence[Rows]) -> Any:
    """Items as one row each: the columns of their row, and their labels as lists, main first."""
    columns: dict[str, Sequence[Any]] = dict(
        zip(ArticleRow._fields, zip(*(rows.article for rows in items), strict=True), strict=True)
    )
    columns |= {
        "topics": [[one.topic for one in rows.topics] for rows in items],
        "topic_confidences": [[one.confidence for one in rows.topics] for rows in items],
        "countries": [[one.country for one in rows.regions] for rows in items],
        "regions": [list(dict.fromkeys(one.region for one in rows.regions if one.region)) for rows in items],
    }
    arrays = [pa.array(columns[field.name], field.type) for field in SCHEMA if field.name != "item"]
    arrays.insert(SCHEMA.get_field_index("item"), pa.array(columns["item"], pa.binary()).view(pa.string()))
    return pa.RecordBatch.from_arrays(arrays, schema=SCHEMA)


def _write(table: Any, path: Path) -> None:
    """Dictionaries and bounds for what is looked for by value; both are wasted on what differs in every row."""
    looked_for = [name for name in table.column_names if name not in _LONG]
    pq.write_table(table, path, compression="zstd", use_dictionary=looked_for, write_statistics=looked_for)


def layout_keys(text: str) -> tuple[str, ...]:
    """The keys of a setting such as "day,topic". Raises InvalidError."""
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    unknown = next((key for key in keys if key not in KEYS), None)
    if unknown or len(set(keys)) < len(keys):
        raise InvalidError(f"sinks.parquet.partition_by: {text!r}; it takes {' and '.join(KEYS)}, each once")
    return keys
