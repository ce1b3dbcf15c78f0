"""A source at a pace, and over and over: for demonstrations, and to see how a pipeline takes a stream for hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from streams.articles import Article
from streams.errors import InvalidError
from streams.sources.base import Step
from streams.sources.dates import stamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from streams.sources.base import Position, Progress, Source

_LATE_SECONDS = 1.0  # what is behind by more is not caught up with: after an outage there would be a burst


class Pace:
    """So many turns a second, evenly. `clock` gives seconds that only grow, `sleep` waits for some."""

    def __init__(self, per_second: float, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
        self._gap = 1 / per_second
        self._clock = clock
        self._sleep = sleep
        self._due = clock()

    def wait(self) -> None:
        """Returns when the next turn is due."""
        now = self._clock()
        self._due = max(self._due, now - _LATE_SECONDS)
        if self._due > now:
            self._sleep(self._due - now)
        self._due += self._gap


class Replay:
    """What `open_source` gives, at a pace (None: as fast as it goes) and, where `loop` is set, for ever.

    From the second round on every item is a new version of itself: the same uri, versionCreated now, `version` counted
    up. So a reader sees a stream that goes on, and what keeps the newest version of an item does not grow.
    """

    guarantee = "in the order of the source; not to be cut: a replay that is started again starts from the beginning"

    def __init__(
        self, open_source: Callable[[], Source], pace: Pace | None, now: Callable[[], datetime], *, loop: bool
    ) -> None:
        self._open = open_source
        self._pace = pace
        self._now = now
        self._loop = loop
        self._source = open_source()
        self.kind, self.name = self._source.kind, self._source.name

    def steps(self, position: Position | None) -> Iterator[Step]:
        """See Source. Raises InvalidError for a source that is to be looped and holds no item."""
        if position is not None:
            raise InvalidError(f"{self.name}: a replay cannot be resumed")
        number = 0
        while True:
            number += 1
            items = 0
            for step in self._source.steps(None):
                outcome = step.outcome
                if isinstance(outcome, Article):
                    items += 1
                    outcome = outcome if number == 1 else self._again(outcome, number)
                elif number > 1:
                    continue  # what is wrong with it has been said
                if self._pace:
                    self._pace.wait()
                yield Step(outcome, None)
            if not self._loop:
                return
            if not items:
                raise InvalidError(f"{self.name} holds no item: there is nothing to loop")
            self._source.close()
            self._source = self._open()

    def progress(self) -> Progress:
        """That of the source; without a total, since an item may not wait for the next."""
        return self._source.progress()._replace(total=None)

    def close(self) -> None:
        """Closes the source."""
        self._source.close()

    def _again(self, article: Article, number: int) -> Article:
        version = f"{article.version}.{number}" if article.version else str(number)
        return msgspec.structs.replace(article, version=version, version_created=stamp(self._now()))
