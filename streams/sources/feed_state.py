"""What is remembered of a feed between polls, as stored in `news.sources` under `feed:<name>`."""

from __future__ import annotations

import msgspec

from streams.errors import InvalidError
from streams.http_outcomes import Validators
from streams.sources.feed_schedule import FIRST_SECONDS, Plan

KEY_PREFIX = "feed:"
SILENT_SECONDS = 3 * 86_400.0  # a news feed that brings nothing over a weekend and a day is worth a look
# Some servers answer 304 for ever (Media Cloud turned conditional requests off for that): once a day the feed is asked
# for without validators, and the digest of the body tells whether it has changed.
CONDITIONAL_SECONDS = 86_400.0


class FeedState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Times in unix seconds; `seen` as packed by feed_entries.Seen (base64 in JSON)."""

    url: str
    next_at: float = 0.0
    interval: float = FIRST_SECONDS
    failures: float = 0.0
    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None
    fetched_at: float = 0.0  # the body last came whole
    new_at: float = 0.0  # it last brought something
    ttl: float | None = None
    seen: bytes = b""

    @property
    def plan(self) -> Plan:
        """Its place in time."""
        return Plan(self.next_at, self.interval, self.failures)

    def with_plan(self, plan: Plan) -> FeedState:
        """The same with another place in time."""
        return msgspec.structs.replace(self, next_at=plan.next_at, interval=plan.interval, failures=plan.failures)

    def with_validators(self, validators: Validators) -> FeedState:
        """The same with other validators, their length bounded: a server chooses them."""
        return msgspec.structs.replace(
            self,
            etag=validators.etag if len(validators.etag or "") <= 500 else None,
            last_modified=validators.last_modified if len(validators.last_modified or "") <= 100 else None,
            digest=validators.digest,
        )

    def validators(self, now: float) -> Validators:
        """What to send with the next request; without ETag and Last-Modified once a day."""
        if 0 <= now - self.fetched_at < CONDITIONAL_SECONDS:
            return Validators(self.etag, self.last_modified, self.digest)
        return Validators(None, None, self.digest)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(FeedState)


def encode_state(state: FeedState) -> bytes:
    """As stored."""
    return _encoder.encode(state)


def decode_state(value: bytes | None, url: str, name: str) -> FeedState:
    """The stored state, or that of a new feed. A feed that has moved keeps what was seen and loses its validators.

    Raises InvalidError for what is no state.
    """
    if value is None:
        return FeedState(url=url)
    try:
        state = _decoder.decode(value)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"the stored position of {name} is not a feed's: {error}") from error
    return state if state.url == url else FeedState(url=url, seen=state.seen, new_at=state.new_at)


def is_silent(new_at: float, now: float) -> bool:
    """Whether a feed has brought nothing for so long that somebody should look; 0 = it has not been polled yet."""
    return bool(new_at) and now - new_at > SILENT_SECONDS
