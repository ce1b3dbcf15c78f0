"""What a request comes to, as a value, and what a server says in headers about when to come again."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

Reason = Literal[
    "bad_url",  # not an address of http or https
    "refused_address",  # it leads to an address that is not public
    "dns",
    "connect",
    "tls",
    "timeout",  # of the whole exchange, so a server that drips bytes ends here too
    "too_many_redirects",
    "too_large",
    "content_type",  # a picture, a film, an archive
    "bad_response",  # not HTTP, damaged compression, cut off
    "not_found",
    "gone",
    "forbidden",
    "rate_limited",
    "client_error",
    "server_error",
    "robots",  # robots.txt forbids it
]
MAX_RETRY_SECONDS = 24 * 3600.0  # "come back in a month" (seen in Retry-After) would lose a feed for good


class Validators(NamedTuple):
    """What lets a server, and us, see that nothing has changed. `digest`: of the decoded body."""

    etag: str | None = None
    last_modified: str | None = None
    digest: str | None = None


class Fetched(NamedTuple):
    """The body, decoded, and where it was found."""

    url: str  # after redirects
    body: bytes
    content_type: str  # lower case, without parameters; "" where the server names none
    charset: str | None
    validators: Validators
    fresh_seconds: float | None  # how long the server holds it fresh (Cache-Control max-age, Expires)


class NotModified(NamedTuple):
    """Nothing new: 304, or the same bytes as before."""

    validators: Validators
    fresh_seconds: float | None


class Failed(NamedTuple):
    """What went wrong, in one line, and when the server wants to be asked again."""

    reason: Reason
    message: str
    retry_after: float | None = None  # seconds


Outcome = Fetched | NotModified | Failed


def digest_of(body: bytes) -> str:
    """BLAKE2b-128 of a body, as hexadecimal digits."""
    return hashlib.blake2b(body, digest_size=16).hexdigest()


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Retry-After in seconds from `now` (unix), a number or a date (RFC 9110 10.2.3); at most a day."""
    value = headers.get("Retry-After", "").strip()
    if re.fullmatch(r"\d{1,9}", value):
        return min(float(value), MAX_RETRY_SECONDS)
    moment = _http_date(value)
    return None if moment is None else min(max(moment - now, 0.0), MAX_RETRY_SECONDS)


def fresh_seconds(headers: Mapping[str, str], now: float) -> float | None:
    """How long an answer stays fresh: max-age, else Expires against Date (RFC 9111 4.2.1). None: nothing is said."""
    control = headers.get("Cache-Control", "").lower()
    if "no-cache" in control or "no-store" in control:
        return None
    age = re.search(r"max-age\s*=\s*\"?(\d{1,9})", control)
    if age:
        return float(age.group(1))
    expires = _http_date(headers.get("Expires", ""))
    if expires is None:
        return None
    date = _http_date(headers.get("Date", ""))
    left = expires - (now if date is None else date)
    return left if left > 0 else None


def _http_date(value: str) -> float | None:
    try:
        moment: datetime = parsedate_to_datetime(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
