"""One subscription: an iterator over what a reader brings, and when its place is stored."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.articles import LabelledArticle
    from streams.kafka.link import Record
    from streams.kafka.reader import Reader

COMMIT_SECONDS = 1.0  # between two commits of a group: what a crash repeats
_POLL_SECONDS = 0.5


class Subscription:
    """An iterator of labelled items, and a context manager that closes the connection.

    An item counts as dealt with when the next one is asked for. Ask from one thread only.
    """

    def __init__(
        self,
        reader: Reader,
        choose: Callable[[Record], LabelledArticle | None],
        *,
        limit: int | None = None,
        follow: bool = True,
    ) -> None:
        self._reader = reader
        self._choose = choose
        self._left = limit
        self._follow = follow
        self._records: deque[Record] = deque()
        self._committed_at = time.monotonic()
        self._closed = False
        self._interrupted = threading.Event()
        self.record: Record | None = None  # what brought the item that was delivered last

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> LabelledArticle:
        """The next item, waiting for it. Raises StopIteration at the end, TransientError where Kafka refuses."""
        if self.record is not None:
            self._reader.finished(self.record)
            self.record = None
        while not self._closed:
            if self._left == 0 or not (self._records or self._fill()):
                self.close()
                break
            record = self._records.popleft()
            article = self._choose(record)
            if article is None:
                self._reader.finished(record)
                continue
            if self._left is not None:
                self._left -= 1
            self.record = record
            return article
        raise StopIteration

    def interrupt(self) -> None:
        """Ends the iteration at the item that is waited for; the one thing that another thread may call."""
        self._interrupted.set()

    def close(self) -> None:
        """Stores the group's place and leaves; the item delivered last counts only if the next was asked for."""
        if not self._closed:
            self._closed = True
            try:
                self._reader.commit()
            finally:
                self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # `for item in subscribe(...): break` leaves no other place to let go of the connection
        with contextlib.suppress(Exception):
            self.close()

    def _fill(self) -> bool:
        """Waits for records; False at the end of what there was, where the subscription does not go on."""
        while not self._interrupted.is_set():
            if time.monotonic() - self._committed_at > COMMIT_SECONDS:
                self._reader.commit()
                self._committed_at = time.monotonic()
            self._records.extend(self._reader.poll(_POLL_SECONDS))
            if self._records:
                return True
            if not self._follow and self._reader.at_end():
                return False
        return False
