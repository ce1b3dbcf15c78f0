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
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

from streams.errors import InvalidError, TransientError
from streams.sinks.base import POLL_RECORDS, Bury, Place, Settled
from streams.sinks.folder import Range, Rotation, ends_of, range_of, sync, take
from streams.sinks.rows import Rows, decoded_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from streams.kafka.link import Offsets, Record
    from streams.wire import Labels

KEYS = ("day", "topic")  # what folders may be made by
SUFFIX = ".parquet"
# The folder of items without a topic. Hive's own name for no value, __HIVE_DEFAULT_PARTITION__, is one that pandas 3.1
# with pyarrow 26 cannot read: "Cannot yet unify dictionaries with nulls".
NOTHING = "none"
_OFFSETS = "_offsets"  # readers of Hive's layout pass over names that begin with _ or .
_UNFINISHED = ".unfinished"
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
        self._rows: dict[Place, list[Rows]] = {}
        self._first: dict[Place, int] = {}  # of what is gathered
        self._next: dict[Place, int] = {}
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
        self._next = ends_of(stored, self.name)
        return dict(self._next)

    def room(self) -> int:
        """See Sink."""
        return POLL_RECORDS

    def write(self, records: Sequence[Record]) -> None:
        """See Sink. What is no labelled article is buried."""
        for record in records:
            place = record.kafka_topic, record.partition
            if record.offset < self._next.get(place, 0):
                continue
            if self._since is None:
                self._since = self._clock()
            self._first.setdefault(place, self._next.get(place, record.offset))
            rows = decoded_rows(record, self._labels, self._bury)
            if rows:
                self._rows.setdefault(place, []).append(rows)
                self._bytes += len(record.value or b"")
            self._next[place] = record.offset + 1

    def settle(self, *, everything: bool = False) -> Settled:
        """See Sink."""
        items = sum(map(len, self._rows.values()))
        limits = self._layout.rotation
        waited = 0.0 if self._since is None else self._clock() - self._since
        due = items >= limits.max_items or self._bytes >= limits.max_bytes or waited >= limits.max_seconds
        if self._since is None or not (everything or due):
            return Settled({}, 0)
        done = {place: self._next[place] for place in self._first}
        try:
            for place, first in self._first.items():
                self._finish(Range(place, first, self._next[place]), self._rows.get(place, []))
        except OSError as error:
            raise TransientError(f"sink parquet: {self._layout.directory}: {error.strerror or error}") from error
        self._forget()
        return Settled(done, items)

    def close(self) -> None:
        """See Sink."""
        self._forget()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _forget(self) -> None:
        self._rows, self._first, self._bytes, self._since = {}, {}, 0, None

    def _finish(self, what: Range, rows: Iterable[Rows]) -> None:
        """The files of one range; nothing of it counts before the last step."""
        directory = self._layout.directory
        unfinished = directory / _UNFINISHED
        by_folder: dict[Path, list[dict[str, Any]]] = {}
        for one in rows:
            by_folder.setdefault(self._folder(one), []).append(_flat(one))
        kept = pa.schema([field for field in SCHEMA if field.name not in self._layout.keys])
        for folder, found in by_folder.items():
            folder.mkdir(parents=True, exist_ok=True)
            path = unfinished / what.name(".tmp")  # readers' globs may look into hidden folders too
            pq.write_table(_table(found, kept), path, compression="zstd")
            sync(path)
            path.rename(folder / what.name(SUFFIX))
            sync(folder)
        # dies here: the files do not count, they are removed at the next start and written again
        mark = unfinished / what.name()
        mark.touch()
        mark.rename(directory / _OFFSETS / mark.name)
        sync(directory / _OFFSETS)

    def _folder(self, one: Rows) -> Path:
        folder = self._layout.directory
        for key in self._layout.keys:
            value = one.article[key]
            folder /= f"{key}={NOTHING if value is None else quote(str(value), safe='')}"
        return folder


def _flat(one: Rows) -> dict[str, Any]:
    """An item as one row: its labels as lists, main first."""
    regions = dict.fromkeys(row["region"] for row in one.regions if row["region"])
    return one.article | {
        "topics": [row["topic"] for row in one.topics],
        "topic_confidences": [row["confidence"] for row in one.topics],
        "countries": [row["country"] for row in one.regions],
        "regions": list(regions),
    }


def _table(rows: Sequence[dict[str, Any]], schema: Any) -> Any:
    return pa.Table.from_arrays([pa.array([row[f.name] for row in rows], f.type) for f in schema], schema=schema)


def layout_keys(text: str) -> tuple[str, ...]:
    """The keys of a setting such as "day,topic". Raises InvalidError."""
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    unknown = next((key for key in keys if key not in KEYS), None)
    if unknown or len(set(keys)) < len(keys):
        raise InvalidError(f"sinks.parquet.partition_by: {text!r}; it takes {' and '.join(KEYS)}, each once")
    return keys
