"""A folder that one process writes to: its lock, names that carry offsets, what makes a rename durable."""

from __future__ import annotations

import fcntl
import itertools
import os
import re
from typing import TYPE_CHECKING, NamedTuple

from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from streams.sinks.base import Place

_LOCK = ".lock"
_NAME = re.compile(r"(?P<topic>.+)-(?P<partition>\d+)\.(?P<first>\d{20})-(?P<next>\d{20})(?P<suffix>(?:\.[a-z]+)*)")


class Range(NamedTuple):
    """What a file holds of a partition: from offset `first` up to before `behind`."""

    place: Place
    first: int
    behind: int

    def name(self, suffix: str = "") -> str:
        """The name of the file."""
        return f"{self.place[0]}-{self.place[1]}.{self.first:020d}-{self.behind:020d}{suffix}"


class Rotation(NamedTuple):
    """When a file ends, whichever comes first. `max_bytes`: of what is written, before it is compressed."""

    max_items: int
    max_bytes: int
    max_seconds: float


def range_of(name: str, suffixes: Iterable[str]) -> Range | None:
    """The range that a name says; None for a name that is not of our making."""
    found = _NAME.fullmatch(name)
    if not found or found["suffix"] not in suffixes:
        return None
    return Range((found["topic"], int(found["partition"])), int(found["first"]), int(found["next"]))


def ends_of(ranges: Iterable[Range], sink: str) -> dict[Place, int]:
    """Offset of the next record by partition. Raises InvalidError where two ranges overlap."""
    ends: dict[Place, int] = {}
    for one, after in itertools.pairwise([*sorted(ranges), None]):
        if one and after and after.place == one.place and after.first < one.behind:
            raise InvalidError(
                f"sink {sink}: two files hold offset {after.first} of {one.place[0]}-{one.place[1]}: keep one of them"
            )
        if one:
            ends[one.place] = one.behind
    return ends


def take(directory: Path, sink: str) -> int:
    """One process a directory: two would store the same records. The kernel lets go however a process ends.

    A file descriptor, to be closed. Raises InvalidError, OSError.
    """
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory / _LOCK, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise InvalidError(f"sink {sink}: another process writes to {directory}") from None
    return lock


def sync(directory: Path) -> None:
    """Makes the renames in a directory durable."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
