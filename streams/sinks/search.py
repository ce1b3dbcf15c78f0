"""Labelled items in OpenSearch or Elasticsearch by the bulk API; at least once, and each item one document.

The document's id comes from the item's uri, its version is the item's offset (external versioning): what comes again
or late is answered with a conflict and changes nothing. So a document always is the newest version of its item.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from streams.errors import InvalidError, TransientError
from streams.http_outcomes import Failed, Fetched
from streams.sinks.delivery import Answer
from streams.sinks.rows import rows_of
from streams.sinks.search_template import ANALYZERS, index_template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.http_outcomes import Outcome
    from streams.kafka.link import Record
    from streams.sinks.posting import Post
    from streams.wire import Labels

_JSON = {"Content-Type": "application/json"}
_LINES = {"Content-Type": "application/x-ndjson"}
_COLUMNS = ("uri", "version", "status", "abstain_reason", "language", "topic", "country", "source", "url", "model")
_CONFLICT = 409
_SENT_AGAIN = frozenset({408, 429, 500, 502, 503, 504})


class _Result(msgspec.Struct):
    status: int
    error: Any = None


class _BulkAnswer(msgspec.Struct):
    items: list[dict[str, _Result]]


class Search:
    """A Target: the index `index` of the server at `url`."""

    name = "search"

    def __init__(self, url: str, index: str, labels: Labels, post: Post) -> None:
        self._url = url.rstrip("/")
        self._index = index
        self._labels = labels
        self._post = post

    def prepare(self) -> None:
        """See Target. Puts the index template in place."""
        if not self._url:
            raise InvalidError("sink search: no address; set sinks.search.url")
        body = msgspec.json.encode(index_template(self._index))
        outcome = self._post(f"{self._url}/_index_template/{self._index}", body, _JSON)
        if isinstance(outcome, Failed):
            kind = InvalidError if outcome.reason in ("bad_url", "client_error", "forbidden") else TransientError
            raise kind(f"sink search: cannot put the index template in place: {outcome.message}")

    def check(self, record: Record) -> None:
        """See Target."""
        rows_of(record, self._labels)

    def send(self, records: Sequence[Record]) -> Answer:
        """See Target."""
        body = b"".join(line + b"\n" for record in records for line in self._lines(record))
        return _answer(self._post(f"{self._url}/_bulk", body, _LINES), len(records))

    def close(self) -> None:
        """See Target."""
        self._post.close()

    def _lines(self, record: Record) -> tuple[bytes, bytes]:
        document = document_of(record, self._labels)
        action = {
            "_index": self._index,
            "_id": hashlib.blake2b(document["uri"].encode(), digest_size=16).hexdigest(),  # an id has 512 bytes at most
            "version": record.offset + 1,  # versions begin with 1
            "version_type": "external",
        }
        return msgspec.json.encode({"index": action}), msgspec.json.encode(document)


def document_of(record: Record, labels: Labels) -> dict[str, Any]:
    """The document of a record; members without a value are left out. Raises InvalidError."""
    article, topics, regions = rows_of(record, labels)
    language = article.language if article.language in ANALYZERS else "other"
    document = {name: getattr(article, name) for name in _COLUMNS} | {
        "published": article.published.isoformat(),
        "labelled_at": article.labelled_at.isoformat(),
        "topics": [row.topic for row in topics],
        "countries": [row.country for row in regions],
        "regions": list(dict.fromkeys(row.region for row in regions if row.region)),
        "headline": {language: article.headline},
        "text": {language: article.text},
    }
    return {name: value for name, value in document.items() if value not in (None, [])}


def _answer(outcome: Outcome, count: int) -> Answer:
    everything = frozenset(range(count))
    if isinstance(outcome, Failed):
        if outcome.reason in ("bad_url", "refused_address"):
            raise InvalidError(f"sink search: {outcome.message}")
        if outcome.reason == "client_error":
            return Answer(divide=True, message=outcome.message)
        return Answer(again=everything, message=outcome.message, retry_after=outcome.retry_after)
    try:
        results = msgspec.json.decode(outcome.body if isinstance(outcome, Fetched) else b"", type=_BulkAnswer).items
        found = [next(iter(result.values())) for result in results]
    except (msgspec.DecodeError, UnicodeDecodeError, StopIteration) as error:
        return Answer(again=everything, message=f"no answer of the bulk API: {error}")
    if len(found) != count:
        return Answer(again=everything, message=f"the bulk API answered for {len(found)} of {count} items")
    failed = {n: one for n, one in enumerate(found) if one.status >= 300 and one.status != _CONFLICT}
    words = {n: f"{one.status}: {_reason(one.error)}" for n, one in failed.items()}
    again = frozenset(n for n, one in failed.items() if one.status in _SENT_AGAIN)
    refused = {n: text for n, text in words.items() if n not in again}
    return Answer(refused, again, message=next(iter(words.values()), ""))


def _reason(error: Any) -> str:
    """`type: reason`, and what caused it, of an error of the bulk API."""
    if not isinstance(error, dict):
        return str(error)
    text = f"{error.get('type')}: {error.get('reason')}"
    return f"{text}; {_reason(error['caused_by'])}" if "caused_by" in error else text
