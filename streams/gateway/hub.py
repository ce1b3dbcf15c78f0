"""From the reader to everybody who looks: the window, the counts, and one frame an item for all listeners."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.gateway.cursor import encode_cursor
from streams.gateway.filters import passes
from streams.gateway.listener import Listener, item_frame

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.gateway.items import Entry, Offsets
    from streams.gateway.listener import Bounds, Form
    from streams.gateway.window import Tally, Window
    from streams.kafka.selection import Selection


class FullError(Exception):
    """As many listeners as the gateway may have."""


class Hub:
    """Used in the event loop only. A listener that is slow loses items, and is told; it never holds up the others."""

    def __init__(self, window: Window, tally: Tally, *, max_listeners: int, bounds: Bounds | None = None) -> None:
        self.window = window
        self.tally = tally
        self.ready = False  # the reader has reached what was the end when it started
        self._bounds = bounds
        self._max_listeners = max_listeners
        self._positions: dict[int, int] = {}
        self._backfill: list[Entry] = []
        # by filter and form: two thousand pages without a filter cost one look at an item, not two thousand
        self._groups: dict[tuple[Selection, Form], set[Listener]] = {}
        self._listeners = 0
        self._closed = False

    @property
    def positions(self) -> Offsets:
        """Where a listener stands that has had everything."""
        return self._positions

    @property
    def listeners(self) -> int:
        """How many listen now."""
        return self._listeners

    def start(self, positions: Offsets) -> None:
        """Where reading starts: what lies before is not in the window."""
        self._positions = dict(positions)
        self.window.forget(positions)

    def accept(self, entries: Sequence[Entry], positions: Offsets, *, caught_up: bool) -> None:
        """Items as they were read, and the positions after them.

        What was there before the start comes a partition after the other: it waits until all of it is read and is
        then shown in the order of labelling.
        """
        if self.ready:
            self._publish(entries, positions)
            return
        self._backfill += entries
        if caught_up:
            backfill, self._backfill = in_order_of_time(self._backfill), []
            self.ready = True
            self._publish(backfill, positions)

    def join(self, wanted: Selection, form: Form, *, since: Offsets | None = None, recent: int = 0) -> Listener:
        """A new listener, which gets what it has not had `since`, else the `recent` newest items, and all new ones.

        Raises FullError.
        """
        if self._listeners >= self._max_listeners:
            raise FullError
        listener = Listener(wanted, form, self._bounds)
        if since is not None:
            listener.ahead = {p: offset for p, offset in since.items() if offset > self._positions.get(p, 0)}
            listener.begin(self.window.since(since, wanted), since, complete=self.window.covers(since))
        elif recent:
            backlog = self.window.newest(wanted, recent)[::-1]
            listener.begin(backlog, self._before(backlog), complete=True)
        if self._closed:
            listener.close()
        self._groups.setdefault((wanted, form), set()).add(listener)
        self._listeners += 1
        return listener

    def leave(self, listener: Listener) -> None:
        """The listener has gone."""
        group = self._groups.get((listener.wanted, listener.form), set())
        if listener in group:
            group.remove(listener)
            self._listeners -= 1
            if not group:
                del self._groups[listener.wanted, listener.form]

    def close(self) -> None:
        """Ends every listener, so that the server can stop."""
        self._closed = True
        for group in self._groups.values():
            for listener in group:
                listener.close()

    def _publish(self, entries: Sequence[Entry], positions: Offsets) -> None:
        for entry in entries:
            self._positions[entry.partition] = entry.offset + 1
            self.window.add(entry)
            self.tally.add(entry)
            self._spread(entry)
        self._positions.update(positions)
        for group in self._groups.values():
            for listener in group:
                if listener.ahead:
                    listener.ahead = {
                        p: offset for p, offset in listener.ahead.items() if offset > self._positions.get(p, 0)
                    }

    def _spread(self, entry: Entry) -> None:
        cursor = encode_cursor(self._positions) if self._groups else ""
        for (wanted, form), group in self._groups.items():
            if passes(wanted, entry):
                frame = item_frame(entry, form, cursor)
                for listener in group:
                    listener.offer(entry, frame, self._positions)

    def _before(self, backlog: Sequence[Entry]) -> dict[int, int]:
        """The positions of a listener that has had everything before the first of these, which are in order."""
        if not backlog:
            return dict(self._positions)
        positions = dict(self._positions)
        for entry in self.window.back_to(backlog[0]):
            positions[entry.partition] = entry.offset
        return positions


def in_order_of_time(entries: Sequence[Entry]) -> list[Entry]:
    """By time of labelling, the order within each partition kept also where clocks of workers differ."""
    latest: dict[int, float] = {}
    keyed = []
    for entry in entries:
        latest[entry.partition] = max(latest.get(entry.partition, 0.0), entry.at)
        keyed.append((latest[entry.partition], entry))
    return [entry for _, entry in sorted(keyed, key=lambda pair: pair[0])]
