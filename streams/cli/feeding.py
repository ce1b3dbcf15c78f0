"""What `newswire up` feeds: the demo items at a pace that one can follow, or files as fast as Kafka takes them."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from streams.cli.board import Board
    from streams.kafka.connection import Where
    from streams.metrics import Metrics
    from streams.sources.base import Position, Progress, Source, Step

JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
PAGES = (".txt", ".html", ".htm", ".xhtml")
DEMO_SOURCE = "Demo Wire"


class Paced:
    """A source at `items_per_second` at most (None = as fast as it goes) that ends early when it is told to."""

    def __init__(self, source: Source, wait: Callable[[float], bool], items_per_second: float | None) -> None:
        self.kind = source.kind
        self.name = source.name
        self.guarantee = source.guarantee
        self._source = source
        self._wait = wait
        self._pause = 1 / items_per_second if items_per_second else 0.0

    def steps(self, position: Position | None) -> Iterator[Step]:
        """Those of the source; `wait` is called before each with the pause in seconds, and says whether to end."""
        for step in self._source.steps(position):
            if self._wait(self._pause):
                return
            yield step

    def progress(self) -> Progress:
        """That of the source; without a total where it is paced, since an item may not wait for the next."""
        progress = self._source.progress()
        return progress._replace(total=None) if self._pause else progress

    def close(self) -> None:
        """Closes the source."""
        self._source.close()


def open_source(path: Path, source_name: str | None = None) -> Source:
    """The source of a file by its suffix. Raises InvalidError where it cannot be read or has another suffix."""
    from streams.sources.normalise import Defaults

    name = path.name.lower()
    defaults = Defaults(source_name or path.name.partition(".")[0])
    if name.endswith(JSON_LINES):
        from streams.sources.jsonl import open_json_lines

        return open_json_lines(path.absolute(), defaults, _now)
    if name.endswith(PAGES):
        from streams.sources.page import Pages

        if not path.is_file():
            raise InvalidError(f"cannot read {path}: no such file")
        return Pages([path.absolute()], defaults, _now)
    known = ", ".join((*JSON_LINES, *PAGES))
    raise InvalidError(f"cannot tell what {path} holds: --publish takes files that end in {known}")


def _now() -> datetime:
    return datetime.now(UTC)


def feed(sources: Sequence[Source], bootstrap_servers: Where, metrics: Metrics, board: Board) -> None:
    """Publishes every source to its end, in order, and closes it. Raises InvalidError, TransientError."""
    from streams.cli.publishing import publish_items
    from streams.kafka.publisher import Publisher

    published = 0
    for source in sources:
        with contextlib.closing(source), Publisher(bootstrap_servers) as publisher:
            published += publish_items(source, publisher, metrics, board.sent).published
        board.settle(published)
