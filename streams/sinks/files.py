"""JSON lines in files, one file for a range of offsets of a partition; exactly once.

    news.labelled-3.00000000000000001200-00000000000000002210.jsonl

holds what partition 3 had from offset 1,200 up to before 2,210. A file appears whole, under its final name, or not at
all: it is written under another name, synced and renamed. So the names alone say what is stored, and a start reads on
behind them. Files may be moved away once they have their name: the consumer group remembers too.
"""

from __future__ import annotations

import contextlib
import fcntl
import itertools
import os
import re
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple

import msgspec

from streams.errors import InvalidError, TransientError
from streams.sinks.base import POLL_RECORDS, Place, Settled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from streams.kafka.link import Offsets, Record

_NAME = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)\.(?P<first>\d{20})-(?P<next>\d{20})\.jsonl")
_UNFINISHED = ".tmp"
_LOCK = ".lock"


class _Open(NamedTuple):
    """A file that is being written."""

    file: BinaryIO
    path: Path
    first: int
    since: float


class FilesSink:
    """Writes to `directory`, one process at a time. A file ends after `max_items`, or `max_seconds` of `clock`."""

    name = "files"
    guarantee: Literal["exactly once", "at least once"] = "exactly once"
    group_counts = True

    def __init__(self, directory: Path, max_items: int, max_seconds: float, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._max_items = max_items
        self._max_seconds = max_seconds
        self._clock = clock
        self._open: dict[Place, _Open] = {}
        self._next: dict[Place, int] = {}  # offset of the next record, of what was written
        self._items: dict[Place, int] = {}  # in the open file
        self._lock: int | None = None

    def resume(self) -> Offsets:
        """See Sink. Removes what a run before this left unfinished."""
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            self._take()
            for left in self._directory.glob(f"*{_UNFINISHED}"):
                left.unlink()
            self._next = _stored(path.name for path in self._directory.iterdir())
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
                    self._items[place] += 1
                self._next[place] = record.offset + 1
        except OSError as error:
            self._drop()  # a buffer that could not be written whole must not become a file
            raise TransientError(f"sink files: cannot write to {self._directory}: {error.strerror}") from error

    def settle(self, *, everything: bool = False) -> Settled:
        """See Sink."""
        now = self._clock()
        due = [
            place
            for place, file in self._open.items()
            if everything or self._items[place] >= self._max_items or now - file.since >= self._max_seconds
        ]
        items = sum(self._items[place] for place in due)
        try:
            for place in due:
                self._finish(place)
            if due:
                _sync(
                    self._directory
                )  # the renames themselves; dies before: the old names are back, it is written again
        except OSError as error:
            raise TransientError(f"sink files: cannot finish a file in {self._directory}: {error.strerror}") from error
        return Settled({place: self._next[place] for place in due}, items)

    def close(self) -> None:
        """See Sink."""
        self._drop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _drop(self) -> None:
        for file in self._open.values():
            with contextlib.suppress(OSError):
                file.file.close()
            with contextlib.suppress(OSError):
                file.path.unlink(missing_ok=True)
        self._open.clear()

    def _take(self) -> None:
        """One process a directory: two would store the same records. The kernel lets go however a process ends."""
        self._lock = os.open(self._directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidError(f"sink files: another process writes to {self._directory}") from None

    def _file(self, place: Place, offset: int) -> BinaryIO:
        found = self._open.get(place)
        if found is None:
            first = self._next.get(place, offset)
            path = self._directory / f".{place[0]}-{place[1]}.{first:020d}.jsonl{_UNFINISHED}"
            found = self._open[place] = _Open(path.open("wb"), path, first, self._clock())
            self._items[place] = 0
        return found.file

    def _finish(self, place: Place) -> None:
        file, path, first, _ = self._open[place]
        file.flush()
        os.fsync(file.fileno())
        file.close()
        # dies here: the file has no final name, it is removed at the next start and written again
        path.rename(self._directory / f"{place[0]}-{place[1]}.{first:020d}-{self._next[place]:020d}.jsonl")
        del self._open[place]


def _stored(names: Iterable[str]) -> dict[Place, int]:
    """Offset of the next record by partition, from the names of files. Raises InvalidError where two overlap."""
    ranges: dict[Place, list[tuple[int, int]]] = {}
    for name in sorted(names):
        found = _NAME.fullmatch(name)
        if found:
            place = found["topic"], int(found["partition"])
            ranges.setdefault(place, []).append((int(found["first"]), int(found["next"])))
    for place, parts in ranges.items():
        for (_, behind), (first, _) in itertools.pairwise(parts):
            if first < behind:
                raise InvalidError(
                    f"sink files: two files hold offset {first} of {place[0]}-{place[1]}: keep one of them"
                )
    return {place: parts[-1][1] for place, parts in ranges.items()}


def _line(value: bytes) -> bytes:
    if b"\n" in value:  # written by somebody else, over several lines
        value = msgspec.json.format(value, indent=-1)
    return value + b"\n"


def _sync(directory: Path) -> None:
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
