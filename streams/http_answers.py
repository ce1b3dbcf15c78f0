"""What a server's answer comes to: its status, its type, its body within bounds, and what aiohttp raises."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
import yarl

from streams.http_guard import REFUSED
from streams.http_outcomes import (
    Failed,
    Fetched,
    NotModified,
    Outcome,
    Reason,
    Validators,
    digest_of,
    fresh_seconds,
    retry_after,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHUNK_BYTES = 1 << 16
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_STATUS_REASONS: Mapping[int, Reason] = {
    401: "forbidden",
    402: "forbidden",
    403: "forbidden",
    404: "not_found",
    408: "server_error",
    410: "gone",
    425: "server_error",
    429: "rate_limited",
    451: "forbidden",
}
# aiohttp's exceptions overlap: the first that fits decides
_EXCEPTIONS: tuple[tuple[type[Exception], Reason, str], ...] = (
    (aiohttp.ClientConnectorDNSError, "dns", "the name of the host is not known"),
    (UnicodeError, "dns", "the name of the host is not one"),
    (aiohttp.ClientSSLError, "tls", "no trusted TLS connection"),
    (ssl.SSLError, "tls", "no trusted TLS connection"),
    (aiohttp.InvalidURL, "bad_url", "not an address of http or https"),
    (aiohttp.NonHttpUrlClientError, "bad_url", "not an address of http or https"),
    (aiohttp.ClientConnectionError, "connect", "no connection"),
    (OSError, "connect", "no connection"),
)


class Wanted(NamedTuple):
    """What kind of document is asked for: the Accept header, and which content types are taken ("" = none named)."""

    accept: str
    takes: Callable[[str], bool]


def _takes_feed(content_type: str) -> bool:
    """Feeds come under every textual name, text/html among them, and as octet-stream."""
    family, _, name = content_type.partition("/")
    return not content_type or family == "text" or name.endswith(("xml", "json", "rss", "atom", "octet-stream"))


def _takes_page(content_type: str) -> bool:
    return not content_type or content_type.startswith("text/") or content_type.endswith("xml")


FEED = Wanted(
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml, application/xml;q=0.9, "
    "text/xml;q=0.9, application/json;q=0.8, */*;q=0.5",
    _takes_feed,
)
PAGE = Wanted("text/html, application/xhtml+xml;q=0.9, text/plain;q=0.8", _takes_page)
ANY = Wanted("*/*", lambda _: True)


async def answer_of(
    response: aiohttp.ClientResponse, place: yarl.URL, wanted: Wanted, known: Validators, max_bytes: int, now: float
) -> Outcome | yarl.URL:
    """The outcome of a hop, or the address that it redirects to; `now` in unix seconds."""
    status = response.status
    if status in _REDIRECTS:
        return _target(response, place)
    if status != 304 and not 200 <= status < 300:
        return _refusal(response, place, now)
    if status == 304:
        return NotModified(_validators(response, known), fresh_seconds(response.headers, now))
    content_type = response.content_type.lower() if "Content-Type" in response.headers else ""
    if not wanted.takes(content_type):
        return Failed("content_type", f"{shown(place)} is {content_type[:80]}")
    body = await _read(response, max_bytes)
    if body is None:
        return Failed("too_large", f"{shown(place)} is larger than {max_bytes:,} bytes")
    return _document(response, place, body, content_type, known.digest, now)


def _document(
    response: aiohttp.ClientResponse, place: yarl.URL, body: bytes, content_type: str, known: str | None, now: float
) -> Fetched | NotModified:
    validators = _validators(response, Validators(digest=digest_of(body)))
    fresh = fresh_seconds(response.headers, now)
    if validators.digest == known:
        return NotModified(validators, fresh)
    return Fetched(str(place), body, content_type, response.charset, validators, fresh)


def failed_exchange(error: Exception, place: yarl.URL, total_seconds: float) -> Failed:
    """The failure behind an exception of a request."""
    where = shown(place)
    text = " ".join(str(getattr(error, "os_error", error)).split())[:200] or type(error).__name__
    if REFUSED in text:
        return Failed("refused_address", f"{where}: {place.raw_host} {REFUSED}; name it in the allow-list to reach it")
    if isinstance(error, TimeoutError):
        return Failed("timeout", f"{where} was not done in {total_seconds:g} s")
    for kind, reason, words in _EXCEPTIONS:
        if isinstance(error, kind):
            return Failed(reason, f"{where}: {words}: {text}")
    return Failed("bad_response", f"{where}: not a sound answer: {text}")


def shown(place: yarl.URL) -> str:
    """An address as it may be logged: without the password that it may hold, and not longer than a line."""
    return str(place.with_user(None) if place.raw_user or place.raw_password else place)[:300]


def address_of(url: yarl.URL) -> yarl.URL:
    """The address, if it is one. Raises ValueError."""
    if url.scheme not in ("http", "https") or not url.raw_host:
        raise ValueError(url)
    return url


def _target(response: aiohttp.ClientResponse, place: yarl.URL) -> Failed | yarl.URL:
    where = response.headers.get("Location", "")
    try:
        return address_of(place.join(yarl.URL(where))) if where else _no_target(place, where)
    except ValueError:
        return _no_target(place, where)


def _no_target(place: yarl.URL, where: str) -> Failed:
    return Failed("bad_response", f"{shown(place)} redirects to {where[:200]!r}, not an address of http or https")


def _refusal(response: aiohttp.ClientResponse, place: yarl.URL, now: float) -> Failed:
    status = response.status
    reason = _STATUS_REASONS.get(status, "server_error" if status >= 500 else "client_error")
    phrase = (response.reason or "")[:60]
    return Failed(reason, f"{shown(place)} answered {status} {phrase}".rstrip(), retry_after(response.headers, now))


def _validators(response: aiohttp.ClientResponse, known: Validators) -> Validators:
    """Those of the answer; a 304 that names none leaves the known ones."""
    return Validators(
        response.headers.get("ETag", known.etag),
        response.headers.get("Last-Modified", known.last_modified),
        known.digest,
    )


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> bytes | None:
    """The body, decoded; None as soon as it is longer than `max_bytes`."""
    length = response.content_length
    if length is not None and length > max_bytes:
        return None
    body = bytearray()
    async for piece in response.content.iter_chunked(_CHUNK_BYTES):
        body += piece
        if len(body) > max_bytes:
            return None
    return bytes(body)
