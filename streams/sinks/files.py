"""JSON lines in files, one file for a range of offsets of a partition; exactly once.

    news.labelled-3.00000000000000001200-00000000000000002210.jsonl      or .jsonl.gz, .jsonl.zst

holds what partition 3 had from offset 1,200 up to before 2,210. A file appears whole, under its final name, or not at
all: it is written under another name, synced and renamed. So the names alone say what is stored, and a start reads on
behind them. Files may be moved away once they have their name: the consumer group remembers too.
"""

from __future__ import annotations

import contextlib
import gzip
import os
from typing import TYPE_CHECKING, Any, BinaryIO, Literal

import msgspec
import zstandard

from streams.errors import TransientError
from streams.sinks.base import POLL_RECORDS, Place, Settled
from streams.sinks.folder import Range, Rotation, ends_of, range_of, sync, take

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from streams.kafka.link import Offsets, Record

Compression = Literal["none", "gzip", "zstd"]
_UNFINISHED = ".tmp"
_SUFFIXES: dict[Compression, str] = {"none": ".jsonl", "gzip": ".jsonl.gz", "zstd": ".jsonl.zst"}
_ZSTD_LEVEL = 3  # zstd's own default: a quarter of the size at 3 us an item
_GZIP_LEVEL = 6


class _File:
    """A file that is being written."""

    def __init__(self, path: Path, first: int, since: float, compression: Compression) -> None:
        self.path, self.first, self.since = path, first, since
        self.raw: BinaryIO = path.open("wb")
        self.items = self.bytes = 0
        self._out: Any = self.raw
        if compression == "gzip":  # without name and time: the same items give the same bytes
            self._out = gzip.GzipFile("", "wb", _GZIP_LEVEL, self.raw, mtime=0)
        elif compression == "zstd":
            self._out = zstandard.ZstdCompressor(level=_ZSTD_LEVEL).stream_writer(self.raw, closefd=False)

    def write(self, line: bytes) -> None:
        self._out.write(line)
        self.items += 1
        self.bytes += len(line)

    def finish(self) -> None:
        """Everything on the disk; only the name is missing then."""
        if self._out is not self.raw:
            self._out.close()
        self.raw.flush()
        os.fsync(self.raw.fileno())
        self.raw.close()

    def drop(self) -> None:
        """Closes and deletes it unfinished; whatever the disk says, for its items come again."""
        for closable in (self._out, self.raw):
            with contextlib.suppress(OSError):
                closable.close()
        with contextlib.suppress(OSError):
            self.path.unlink(missing_ok=True)


class FilesSink:
    """Writes to `directory`, one process at a time; `clock` in seconds."""

    name = "files"
    guarantee: Literal["exactly once", "at least once"] = "exactly once"
    group_counts = True

    def __init__(
        self, directory: Path, rotation: Rotation, clock: Callable[[], float], compression: Compression = "none"
    ) -> None:
        self._directory = directory
        self._rotation = rotation
        self._clock = clock
        self._compression: Compression = compression
        self._open: dict[Place, _File] = {}
        self._next: dict[Place, int] = {}  # offset of the next record, of what was written
        self._lock: int | None = None

    def resume(self) -> Offsets:
        """See Sink. Removes what a run before this left unfinished."""
        try:
            self._lock = take(self._directory, self.name)
            for left in self._directory.glob(f"*{_UNFINISHED}"):
                left.unlink()
            # also files of another compression: the setting may have changed
            found = (range_of(path.name, _SUFFIXES.values()) for path in self._directory.iterdir())
            self._next = ends_of([one for one in found if one], self.name)
        except OSError as error:
            raise TransientError(f"sink files: {self._directory}: {error.strerror}") from error
        return dict(self._next)

    def room(self) -> int:
        """See Sink."""
        return POLL_RECORDS

    def write(self, records: Sequence[Record]) -> None:
        """See Sink."""
        try:
            for record in records:
                place = record.kafka_topic, record.partition
                if record.offset < self._next.get(place, 0):
                    continue
                if record.value:
                    self._file(place, record.offset).write(_line(record.value))
                self._next[place] = record.offset + 1
        except OSError as error:
            self._drop()  # a buffer that could not be written whole must not become a file
            raise TransientError(f"sink files: cannot write to {self._directory}: {error.strerror}") from error

    def settle(self, *, everything: bool = False) -> Settled:
        """See Sink."""
        now = self._clock()
        due = [place for place, file in self._open.items() if everything or self._is_due(file, now)]
        items = sum(self._open[place].items for place in due)
        try:
            for place in due:
                self._finish(place)
            if due:
                # the renames themselves; dies before: the old names are back, it is written again
                sync(self._directory)
        except OSError as error:
            raise TransientError(f"sink files: cannot finish a file in {self._directory}: {error.strerror}") from error
        return Settled({place: self._next[place] for place in due}, items)

    def close(self) -> None:
        """See Sink."""
        self._drop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _is_due(self, file: _File, now: float) -> bool:
        limits = self._rotation
        return (
            file.items >= limits.max_items or file.bytes >= limits.max_bytes or now - file.since >= limits.max_seconds
        )

    def _drop(self) -> None:
        for file in self._open.values():
            file.drop()
        self._open.clear()

    def _file(self, place: Place, offset: int) -> _File:
        found = self._open.get(place)
        if found is None:
            first = self._next.get(place, offset)
            path = self._directory / f".{place[0]}-{place[1]}.{first:020d}.jsonl{_UNFINISHED}"
            found = self._open[place] = _File(path, first, self._clock(), self._compression)
        return found

    def _finish(self, place: Place) -> None:
        file = self._open[place]
        file.finish()
        # dies here: the file has no final name, it is removed at the next start and written again
        name = Range(place, file.first, self._next[place]).name(_SUFFIXES[self._compression])
        file.path.rename(self._directory / name)
        del self._open[place]


def _line(value: bytes) -> bytes:
    if b"\n" in value:  # written by somebody else, over several lines
        value = msgspec.json.format(value, indent=-1)
    return value + b"\n"
