"""The contract of a source: it iterates articles and what is wrong with its input, each with the place to go on from.

One suite (tests/contract/test_sources.py) runs over every source. A source knows no Kafka client: who publishes takes
its steps, and may store the position in the same transaction as the items.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from streams.articles import encode
from streams.errors import InvalidError
from streams.kafka.link import Output
from streams.wire import ARTICLES, DEAD_LETTERS, MAX_RECORD_BYTES, article_headers, dead_letter_headers, record_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.articles import Article

Position = dict[str, Any]  # a JSON object that only the source itself reads

KEPT_BYTES = (
    65_536  # of an input too large for a record, its beginning goes to the dead letters: enough to find it again
)


class Rejected(NamedTuple):
    """Input that no retry can turn into an article."""

    value: bytes  # as it came; its first KEPT_BYTES where `size` is larger
    size: int  # bytes as it came
    message: str  # what is wrong, in one line
    place: str  # where in the source: "line 17"


class Step(NamedTuple):
    """One outcome of a source."""

    outcome: Article | Rejected
    position: (
        Position | None
    )  # go on from here to get what follows; None where the source cannot be cut after this step


class Progress(NamedTuple):
    """How far a source is, for a progress bar."""

    done: int
    total: int | None  # None where nobody knows, as with standard input
    unit: str  # "bytes" or "items"


class Source(Protocol):
    """Where articles come from. `steps` may be called once; `close` at any time, also twice."""

    kind: str  # its class in metrics and headers: "jsonl", "page"
    name: str  # what its position is stored under and its errors are reported with
    guarantee: str  # what a reader may rely on when publishing is cut off and started again, in one sentence

    def steps(self, position: Position | None) -> Iterator[Step]:
        """Every outcome after `position` (None = from the beginning), in an order that is the same each time.

        Bad input is a Rejected, and the rest goes on. Raises InvalidError where the source as a whole cannot be read or
        the position is not its own, TransientError where it may be readable later.
        """
        ...

    def progress(self) -> Progress:
        """How far `steps` has come."""
        ...

    def close(self) -> None:
        """Lets go of files and processes."""
        ...


def record_of(outcome: Article | Rejected, source: Source, now: Callable[[], str]) -> Output:
    """The record that an outcome costs: the article for `news.articles`, or one dead letter.

    `now` tells the time in RFC 3339. An article that no record can carry becomes a dead letter too: this never raises.
    """
    if not isinstance(outcome, Rejected):
        try:
            value = encode(outcome)
        except InvalidError as error:
            return _dead_letter(Rejected(b"", 0, str(error), outcome.uri), source, now)
        if len(value) <= MAX_RECORD_BYTES:
            return Output(ARTICLES, record_key(outcome), value, article_headers(outcome, source.kind))
        message = f"the item takes {len(value):,} bytes, a record at most {MAX_RECORD_BYTES:,}"
        outcome = Rejected(value[:KEPT_BYTES], len(value), message, outcome.uri)
    return _dead_letter(outcome, source, now)


def _dead_letter(rejected: Rejected, source: Source, now: Callable[[], str]) -> Output:
    error = {
        "stage": "publish",
        "class": "InvalidError",
        "message": rejected.message,
        "attempts": "1",
        "time": now(),
        "source": f"{source.kind}:{source.name}",
        "place": rejected.place,
    }
    if rejected.size > len(rejected.value):
        error["truncated"] = str(rejected.size)
    return Output(DEAD_LETTERS, None, rejected.value, dead_letter_headers((), error))
