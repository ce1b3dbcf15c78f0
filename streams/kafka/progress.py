"""How far a reader has dealt with each partition, and what of that its group has not stored yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.kafka.link import Offsets

Place = tuple[str, int]  # Kafka topic, partition


class Progress:
    """Offsets of the next record, by partition: of what has been dealt with, and of what is stored."""

    def __init__(self) -> None:
        self._finished: dict[Place, int] = {}
        self._stored: dict[Place, int] = {}

    def finished(self, place: Place, offset: int) -> None:
        """Everything before this offset has been dealt with."""
        self._finished[place] = offset

    def stored(self, offsets: Offsets) -> None:
        """The group has these."""
        self._stored.update(offsets)

    def unstored(self) -> dict[Place, int]:
        """What the group does not have yet."""
        return {place: offset for place, offset in self._finished.items() if self._stored.get(place) != offset}

    def moved(self, committed: Mapping[Place, int | None]) -> dict[Place, int | None]:
        """Where the partitions that one has now go on: committed or dealt with, whichever is further; None: the start.

        What is known of other partitions is forgotten: their new member goes on, and an old offset stored behind its
        back would bring all that again.
        """
        begin: dict[Place, int | None] = {}
        kept: dict[Place, int] = {}
        for place, offset in committed.items():
            ours = self._finished.get(place)
            begin[place] = offset
            if ours is not None and (offset is None or ours > offset):
                begin[place] = kept[place] = ours
        self._finished = kept
        return begin

    def forget(self) -> None:
        """Nothing is dealt with any more that is not stored."""
        self._finished.clear()
