"""Which items tell a story that is there already. Pure: records in, records out; the clock is an argument.

An item is compared with the items of a window, newest to oldest, under any uri but its own. The first of a story is
passed on as it came; of every other it is said which story it belongs to. A new version under a uri that is known
belongs to its story without a mark: its key is the uri of the first.
"""

from __future__ import annotations

import logging
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from streams.articles import decode_labelled, main_headline, main_text
from streams.duplicates.index import SignatureIndex
from streams.duplicates.signature import signature_of
from streams.duplicates.state import DuplicateMark, decode_remembered, encode_mark, encode_remembered
from streams.errors import InvalidError
from streams.kafka.link import FanOut
from streams.wire import DUPLICATES, SIGNATURES, UNIQUE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streams.duplicates.index import Candidate
    from streams.duplicates.signature import Signature
    from streams.duplicates.state import Kind
    from streams.kafka.link import Record

WIRE_SHARE = 0.8  # an agency's text with a changed opening or a cut end; below it, passages of it
HEADERS = [("content-type", b"application/json")]

log = logging.getLogger(__name__)


class Window(NamedTuple):
    """How many items an item is compared with, and how old they may be."""

    items: int = 500_000
    seconds: float = 3 * 86_400.0


class Marked(NamedTuple):
    """What some records come to. `kinds`: how many marks of each kind, "revision" with new versions of known uris."""

    outputs: list[FanOut]
    kinds: Counter[str]
    unique: int


class _Item(NamedTuple):
    uri: str
    at: int  # milliseconds since 1970
    source: str
    story: str


class _Read(NamedTuple):
    record: Record
    signature: Signature
    uri: str
    source: str


class Marker:
    """The items of the window, and the marks of those that come. `clock` gives seconds since 1970.

    `remembered`: the values of `news.signatures` by key, the oldest first.
    """

    def __init__(self, window: Window, clock: Callable[[], float], remembered: Mapping[str, bytes]) -> None:
        self._window = window
        self._clock = clock
        self._index = SignatureIndex(window.items)
        self._items: deque[_Item] = deque()  # of the last numbers of the index
        self._numbers: dict[str, int] = {}
        self._gone: list[str] = []  # uris whose signatures are to be forgotten
        for uri, value in remembered.items():
            self._restore(uri, value)

    def __len__(self) -> int:
        return len(self._numbers)

    def mark(self, records: Iterable[Record], prefix: str = "") -> Marked:
        """The marks, the firsts of their stories and the new signatures. `prefix`: before the names of Kafka topics.

        What is no labelled item is passed over with a line in the log: it never was on the wire for us.
        """
        marked = Marked([], Counter(), 0)
        for read in _signed(records):
            marked = self._mark(read, marked)
        outputs = [*marked.outputs, *(_record(SIGNATURES, uri, None) for uri in self._gone)]
        self._gone.clear()
        if prefix:
            outputs = [_prefixed(output, prefix) for output in outputs]
        return marked._replace(outputs=outputs)

    def _mark(self, read: _Read, marked: Marked) -> Marked:
        record, signature, uri, source = read
        at = min(record.timestamp_ms, int(self._clock() * 1000))  # one clock that is ahead may not empty the window
        self._forget(at)
        known = self._numbers.get(uri)
        nearest = None if known is not None else self._nearest(signature)
        unique = marked.unique
        if known is not None:
            story = self._items[known - self._first].story
            marked.kinds["revision"] += 1
        elif nearest is not None:
            like = self._items[nearest.number - self._first]
            story, kind = like.story, _kind(nearest, same_source=like.source == source)
            mark = DuplicateMark(uri, story, kind, round(nearest.similarity, 3))
            marked.outputs.append(_record(DUPLICATES, uri, encode_mark(mark)))
            marked.kinds[kind] += 1
        else:
            story = uri
            marked.outputs.append(FanOut((UNIQUE,), record.key, record.value, list(record.headers)))
            unique += 1
        self._remember(_Item(uri, at, source, story), signature)
        marked.outputs.append(_record(SIGNATURES, uri, encode_remembered(signature, at, source, story)))
        return marked._replace(unique=unique)

    @property
    def _first(self) -> int:
        return self._index.end - len(self._items)

    def _nearest(self, signature: Signature) -> Candidate | None:
        """The most similar earlier item; of equals the first."""
        near = [
            candidate
            for candidate in self._index.candidates(signature, self._first)
            if self._is_current(candidate.number)
        ]
        return max(near, key=lambda c: (c.same_text, c.similarity, -c.number), default=None)

    def _is_current(self, number: int) -> bool:
        """Whether it is the newest version of its item: an older one is not stored, and after a restart not there."""
        return self._numbers.get(self._items[number - self._first].uri) == number

    def _remember(self, item: _Item, signature: Signature) -> None:
        if len(self._items) == self._window.items:
            self._drop_oldest()
        self._items.append(item)
        self._numbers[item.uri] = self._index.add(signature)

    def _forget(self, at: int) -> None:
        while self._items and self._items[0].at < at - self._window.seconds * 1000:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        number = self._first
        oldest = self._items.popleft()
        if self._numbers.get(oldest.uri) == number:
            del self._numbers[oldest.uri]
            self._gone.append(oldest.uri)

    def _restore(self, uri: str, value: bytes) -> None:
        try:
            stored = decode_remembered(value)
        except InvalidError as error:
            log.warning("the signature of %s is forgotten: %s", uri, error)
            self._gone.append(uri)
            return
        signature = stored.signature()
        if signature is None:
            self._gone.append(uri)
        else:
            self._remember(_Item(uri, stored.at, stored.source, stored.story), signature)


def _signed(records: Iterable[Record]) -> list[_Read]:
    """What is compared of each record that is a labelled item."""
    read = []
    for record in records:
        try:
            article = decode_labelled(record.value)
        except InvalidError as error:
            log.warning("passed over: %s %d at %d: %s", record.kafka_topic, record.partition, record.offset, error)
            continue
        signature = signature_of(main_headline(article), main_text(article))
        read.append(_Read(record, signature, article.uri, article.info_sources[0].name or ""))
    return read


def _kind(nearest: Candidate, *, same_source: bool) -> Kind:
    if nearest.same_text:
        return "exact"
    if same_source:
        return "revision"
    return "wire" if nearest.similarity >= WIRE_SHARE else "near"


def _record(kafka_topic: str, uri: str, value: bytes | None) -> FanOut:
    return FanOut((kafka_topic,), uri.encode(), value, HEADERS if value is not None else [])


def _prefixed(output: FanOut, prefix: str) -> FanOut:
    return FanOut([prefix + name for name in output.kafka_topics], output.key, output.value, output.headers)


def offsets_of(records: Sequence[Record]) -> dict[tuple[str, int], int]:
    """Where to go on after some records, by Kafka topic and partition."""
    return {(record.kafka_topic, record.partition): record.offset + 1 for record in records}
