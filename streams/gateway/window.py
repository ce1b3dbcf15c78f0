"""The recent items that the gateway holds, bounded in items and bytes, and how many came in the last hour."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from streams.gateway.filters import passes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streams.gateway.items import Entry, Offsets
    from streams.kafka.selection import Selection

MINUTES = 60


class Window:
    """The newest entries, in the order in which they came. At most `items` of them and about `size_bytes` bytes."""

    def __init__(self, items: int, size_bytes: int) -> None:
        self._items = items
        self._size_limit = size_bytes
        self._entries: deque[Entry] = deque()
        self._size = 0
        self._forgotten: dict[int, int] = {}  # partition -> offset after the last entry that had to go

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> None:
        """Keeps the entry and forgets the oldest where there are too many; the newest one always stays."""
        self._entries.append(entry)
        self._size += entry.size
        while len(self._entries) > 1 and (len(self._entries) > self._items or self._size > self._size_limit):
            gone = self._entries.popleft()
            self._size -= gone.size
            self._forgotten[gone.partition] = gone.offset + 1

    def forget(self, positions: Offsets) -> None:
        """What lies before these positions was never here."""
        self._forgotten.update(positions)

    def back_to(self, entry: Entry) -> Iterator[Entry]:
        """Entries from the newest back to this one."""
        for held in reversed(self._entries):
            yield held
            if held is entry:
                return

    def newest(self, wanted: Selection, limit: int) -> list[Entry]:
        """Up to `limit` entries, newest first, of each uri its newest version only."""
        found: list[Entry] = []
        seen: set[str] = set()
        for entry in reversed(self._entries):
            if len(found) == limit:
                break
            if entry.uri not in seen and passes(wanted, entry):
                found.append(entry)
            seen.add(entry.uri)
        return found

    def find(self, uri: str) -> Entry | None:
        """The newest version of an item, None where the window holds none."""
        return next((entry for entry in reversed(self._entries) if entry.uri == uri), None)

    def since(self, positions: Offsets, wanted: Selection) -> Iterator[Entry]:
        """Entries that a listener at `positions` has not had, oldest first."""
        return (e for e in self._entries if e.offset >= positions.get(e.partition, 0) and passes(wanted, e))

    def covers(self, positions: Offsets) -> bool:
        """Whether nothing is forgotten that a listener at `positions` has not had."""
        return all(positions.get(partition, 0) >= offset for partition, offset in self._forgotten.items())


class Counts(NamedTuple):
    """What came in the last hour; `minutes` and `topic_minutes` hold 60 numbers, oldest first."""

    items: int
    abstained: int
    minutes: list[int]
    topics: Mapping[str, int]
    regions: Mapping[str, int]
    languages: Mapping[str, int]
    topic_minutes: Mapping[str, list[int]]


class Tally:
    """Counts by minute of labelling over the last hour; an item counts in each of its topics and regions."""

    def __init__(self) -> None:
        self._minutes: dict[int, Counter[tuple[str, str]]] = {}

    def add(self, entry: Entry) -> None:
        """Counts the entry at its minute."""
        minute = self._minutes.setdefault(int(entry.at // 60), Counter())
        minute["items", ""] += 1
        minute["status", entry.status] += 1
        minute["language", entry.language] += 1
        for slug in entry.topics:
            minute["topic", slug] += 1
        for slug in entry.regions:
            minute["region", slug] += 1
        if len(self._minutes) > 2 * MINUTES:  # an old item that is relabelled now and then must not grow it
            for old in sorted(self._minutes)[:-MINUTES]:
                del self._minutes[old]

    def counts(self, now: float) -> Counts:
        """The hour that ends at `now`, in seconds since 1970."""
        last = int(now // 60)
        hour = [self._minutes.get(minute, Counter()) for minute in range(last - MINUTES + 1, last + 1)]
        total: Counter[tuple[str, str]] = Counter()
        for minute in hour:
            total.update(minute)

        def axis(name: str) -> dict[str, int]:
            return {value: n for (kind, value), n in total.most_common() if kind == name}

        topics = axis("topic")
        return Counts(
            items=total["items", ""],
            abstained=total["status", "abstained"],
            minutes=[minute["items", ""] for minute in hour],
            topics=topics,
            regions=axis("region"),
            languages=axis("language"),
            topic_minutes={slug: [minute["topic", slug] for minute in hour] for slug in topics},
        )
