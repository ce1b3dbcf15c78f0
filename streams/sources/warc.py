"""Pages of web archives: WARC (gzip, zstd, lz4) and ARC, each page at the time when it was captured.

fastwarc reads twice as fast as warcio; warcio reads what fastwarc refuses, ARC files and some damaged ones. The time of
an item that names none is WARC-Date, not now. It is not the time of the Kafka record: Kafka would throw a record of
last year away within minutes, by its retention of seven days.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streams.errors import InvalidError, TransientError
from streams.sources.base import KEPT_BYTES, Position, Progress, Rejected, Step
from streams.sources.warc_records import Capture, DamagedError, captures

if TYPE_CHECKING:
    import io
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from streams.articles import Article

    # body, address, when it was captured -> articles; raises InvalidError
    Articles = Callable[[bytes, str, datetime], Sequence[Article]]


class WarcPages:
    """The pages of one archive. `articles` makes the articles of a page; `now` stands in where a record has no date.

    Records that are no pages (requests, pictures, redirects, revisits) are passed over. A page without an article is a
    Rejected, and so is the place where a damaged archive ends.
    """

    kind = "warc"
    guarantee = "in the order of the archive; goes on at the record after the last one whose items are all stored"

    def __init__(self, path: Path, articles: Articles, now: Callable[[], datetime], close: Callable[[], None]) -> None:
        self.name = str(path)
        self._articles = articles
        self._now = now
        self._close = close
        try:
            self._file: io.FileIO = path.open("rb", buffering=0)
            self._size = path.stat().st_size
        except OSError as error:
            raise InvalidError(f"cannot read {path}: {error.strerror}") from error

    def steps(self, position: Position | None) -> Iterator[Step]:
        """See Source. A position is a number of records."""
        done = 0 if position is None else position.get("records")
        if not isinstance(done, int) or done < 0:
            raise InvalidError(f"{self.name}: {position!r} is not a position in an archive")
        try:
            for capture in captures(self._file, done):
                done = capture.number
                outcomes = self._outcomes(capture)
                for outcome in outcomes[:-1]:
                    yield Step(outcome, None)
                yield Step(outcomes[-1], {"records": done})
        except DamagedError as error:
            if not error.records:
                raise InvalidError(f"{self.name}: no archive of WARC or ARC, or cut off: {error}") from error
            message = f"the archive is damaged or cut off after record {error.records}: {error}"
            yield Step(Rejected(b"", 0, message, f"record {error.records + 1}"), {"records": error.records + 1})
        except OSError as error:
            raise TransientError(f"{self.name}: cannot read after record {done}: {error}") from error

    def progress(self) -> Progress:
        """Bytes of the file."""
        return Progress(self._size if self._file.closed else self._file.tell(), self._size, "bytes")

    def close(self) -> None:
        """Closes the archive and what makes the articles."""
        self._file.close()
        self._close()

    def _outcomes(self, capture: Capture) -> Sequence[Article | Rejected]:
        place = f"record {capture.number} ({capture.url[:200]})"
        if capture.fault:
            return [Rejected(capture.body[:KEPT_BYTES], capture.size, capture.fault, place)]
        try:
            return self._articles(capture.body, capture.url, capture.date or self._now())
        except InvalidError as error:
            return [Rejected(capture.body[:KEPT_BYTES], capture.size, str(error), place)]
