"""Single feed documents, from files or addresses, once: a source like any other, without a memory of its own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streams.errors import InvalidError, TransientError
from streams.http_answers import FEED
from streams.sources.base import Position, Progress, Step
from streams.sources.confined import Confined
from streams.sources.feed_entries import unseen
from streams.sources.feed_items import Publisher, outcome_of
from streams.sources.feed_parse import parse_feed
from streams.sources.fetched import fetched

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from streams.http import Client

MAX_BYTES = 64 << 20  # of a file: larger than any feed, small enough to be read at once


class _Document(NamedTuple):
    body: bytes
    url: str
    charset: str | None


class FeedDocuments:
    """Feed documents. `client` makes a client of http for addresses; `publisher.name` "" stands for the feed's title.

    A document that cannot be had or is no feed does not keep the others back: the error comes after the last of them.
    """

    kind = "feed"
    guarantee = (
        "each document once, its oldest entry first; goes on at the document after the last whose items are stored"
    )

    def __init__(
        self,
        places: Sequence[str],
        publisher: Publisher,
        client: Callable[[], Client],
        now: Callable[[], datetime],
    ) -> None:
        self.name = places[0] if len(places) == 1 else f"{places[0]} and {len(places) - 1} more"
        self._places = places
        self._publisher = publisher
        self._client = client
        self._now = now
        self._done = 0
        self._parse = Confined(parse_feed)

    def steps(self, position: Position | None) -> Iterator[Step]:
        """See Source."""
        first = 0 if position is None else position.get("documents")
        if not isinstance(first, int) or not 0 <= first <= len(self._places):
            raise InvalidError(f"{self.name}: {position!r} is not a position in these documents")
        failures: list[InvalidError | TransientError] = []
        for number, place in enumerate(self._places[first:], first + 1):
            self._done = number
            try:
                yield from self._entries(place, number)
            except (InvalidError, TransientError) as error:
                failures.append(error)
        if failures:
            transient = any(isinstance(error, TransientError) for error in failures)
            text = "; ".join(str(error) for error in failures)
            raise TransientError(text) if transient else InvalidError(text)

    def progress(self) -> Progress:
        """Documents."""
        return Progress(self._done, len(self._places), "items")

    def close(self) -> None:
        """Ends the parsing process."""
        self._parse.close()

    def _entries(self, place: str, number: int) -> Iterator[Step]:
        document = self._document(place)
        try:
            parsed = self._parse.call(*document)
        except InvalidError as error:
            raise InvalidError(f"{place}: {error}") from error
        publisher = self._publisher._replace(
            name=self._publisher.name or parsed.title or Path(place).stem,
            language=self._publisher.language or parsed.language,
        )
        entries = unseen(parsed.entries, document.url, publisher.name)
        for left, entry in zip(range(len(entries) - 1, -1, -1), entries, strict=True):
            yield Step(outcome_of(entry, publisher, self._now()), None if left else {"documents": number})

    def _document(self, place: str) -> _Document:
        if "://" not in place:
            return _Document(_read(Path(place)), Path(place).absolute().as_uri(), None)
        found = fetched(place, FEED, self._client)
        return _Document(found.body, found.url, found.charset)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            body = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InvalidError(f"cannot read {path}: {error.strerror}") from error
    if len(body) > MAX_BYTES:
        raise InvalidError(f"{path} is larger than {MAX_BYTES:,} bytes: not a feed")
    return body
