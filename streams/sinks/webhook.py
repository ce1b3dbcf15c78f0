"""Labelled items posted to a URL as CloudEvents; at least once, with keys by which a receiver tells repeats.

Format: CloudEvents 1.0, JSON format 1.0 (structured), one event a request or batches of them. Signature: Standard
Webhooks 1.0.0: HMAC-SHA256 over "<webhook-id>.<webhook-timestamp>.<body>", base64, after "v1,".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

import msgspec

from streams.errors import InvalidError
from streams.http_outcomes import Failed
from streams.sinks.delivery import Answer
from streams.wire import LABELLED_TYPE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.http_outcomes import Outcome
    from streams.kafka.link import Record
    from streams.sinks.posting import Post

SINGLE = "application/cloudevents+json; charset=utf-8"
BATCH = "application/cloudevents-batch+json; charset=utf-8"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what begins a secret in base64, by Standard Webhooks
# Names of extension attributes are lower-case letters and digits
_EXTENSIONS = {f"news-{name}": f"news{name}" for name in ("topic", "region", "country", "language", "status")}
_WRONG_PLACE = frozenset({"bad_url", "refused_address"})


class Webhook:
    """A Target. `secret`: empty for no signature; `now` in unix seconds.

    `single`: a request is one event, not a batch of them; the sink must send one record at a time then.
    """

    name = "webhook"

    def __init__(self, url: str, secret: str, post: Post, now: Callable[[], float], *, single: bool = False) -> None:
        self._url = url
        self._key = _key(secret)
        self._post = post
        self._now = now
        self._single = single

    def prepare(self) -> None:
        """See Target. Raises InvalidError without a URL."""
        if not self._url:
            raise InvalidError("sink webhook: no address; set sinks.webhook.url")

    def check(self, record: Record) -> None:
        """See Target."""
        try:
            msgspec.json.decode(record.value or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidError(f"not JSON in UTF-8: {error}") from error

    def send(self, records: Sequence[Record]) -> Answer:
        """See Target."""
        return _answer(self._send(records), len(records))

    def close(self) -> None:
        """See Target."""
        self._post.close()

    def _send(self, records: Sequence[Record]) -> Outcome:
        events = [event_of(record) for record in records]
        ids = [str(event["id"]) for event in events]
        body = msgspec.json.encode(events[0] if self._single else events)
        # the same items in one request have the same key, whenever they are sent again
        key = ids[0] if self._single else hashlib.blake2b("\n".join(ids).encode(), digest_size=16).hexdigest()
        headers = {
            "Content-Type": SINGLE if self._single else BATCH,
            "Idempotency-Key": f'"{key}"',  # a string of RFC 8941, as the draft of the header has it
        }
        if self._key:
            moment = str(int(self._now()))
            headers |= {
                "webhook-id": key,
                "webhook-timestamp": moment,
                "webhook-signature": signature(self._key, key, moment, body),
            }
        return self._post(self._url, body, headers)


def event_of(record: Record) -> dict[str, object]:
    """The CloudEvent of a record: attributes from its headers, the labelled item as `data`, byte for byte."""
    headers = {name: (value or b"").decode("utf-8", "replace") for name, value in record.headers}
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": headers.get("ce_id") or f"{record.kafka_topic}-{record.partition}-{record.offset}",
        "source": headers.get("ce_source") or "urn:newswire:label",
        "type": headers.get("ce_type") or LABELLED_TYPE,
        "datacontenttype": "application/json",
    }
    for header, attribute in {"ce_subject": "subject", "ce_time": "time", "traceparent": "traceparent"}.items():
        if headers.get(header):
            event[attribute] = headers[header]
    event |= {attribute: headers[header] for header, attribute in _EXTENSIONS.items() if headers.get(header)}
    event["data"] = msgspec.Raw(record.value or b"null")
    return event


def signature(key: bytes, identity: str, timestamp: str, body: bytes) -> str:
    """The value of `webhook-signature` (Standard Webhooks 1.0.0)."""
    digest = hmac.new(key, f"{identity}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _key(secret: str) -> bytes:
    """The key of a secret: base64 after whsec_, else its own letters. Raises InvalidError."""
    if not secret.startswith(SECRET_PREFIX):
        return secret.encode()
    try:
        return base64.b64decode(secret.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error as error:
        raise InvalidError("sinks.webhook.secret is no base64 after whsec_") from error


def _answer(outcome: Outcome, count: int) -> Answer:
    if not isinstance(outcome, Failed):
        return Answer()
    if outcome.reason in _WRONG_PLACE:
        raise InvalidError(f"sink webhook: {outcome.message}")
    if outcome.reason == "client_error":  # 400, 413, 422 ...: of what was sent
        return Answer(divide=True, message=outcome.message)
    return Answer(again=frozenset(range(count)), message=outcome.message, retry_after=outcome.retry_after)
