"""`POST /articles`: items pushed over HTTP, one as JSON or several as JSON lines, taken whole or not at all.

202 means that Kafka has acknowledged every item. Everything else is a problem document (RFC 9457): 400 the body is no
item, 401 who are you, 413 too much, 429 too many at once, 503 Kafka is away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from streams.articles import encode
from streams.errors import InvalidError, TransientError
from streams.gateway.intake import BusyError, Pushed
from streams.gateway.problems import documented, problem
from streams.gateway.tokens import Tokens, bearer
from streams.kafka.link import Output
from streams.wire import ARTICLES, MAX_RECORD_BYTES, article_headers, record_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.articles import Article
    from streams.gateway.intake import Intake
    from streams.metrics import Metrics

SOURCE = "push"  # its class in metrics and headers
MAX_BODY_BYTES = 8 << 20
BODY_SECONDS = 30.0  # for a body to come in: a sender that drips holds nothing for longer
_STATUSES = (400, 401, 408, 413, 429, 503)
_RETRY_SECONDS = {429: "1", 503: "10"}


class Push(NamedTuple):
    """What the endpoint works with; at `app.state.push`. `parse` makes an article of JSON, or raises InvalidError."""

    tokens: Tokens
    parse: Callable[[bytes], Article]
    intake: Intake


class ProblemError(Exception):
    """An answer that is a problem. `members`: more of its document."""

    def __init__(self, status: int, detail: str, **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.members = members


async def push_articles(request: Request) -> Response:
    """Publishes items: one as JSON, or several as JSON lines; ninjs 3.1 or the short form {title, text, ...}.

    Taken whole or not at all: where one line is no item nothing is published. An item has the same uri each time that
    it is pushed, so a request without an answer may be sent again.
    """
    metrics: Metrics = request.app.state.gateway.metrics
    try:
        push = _authorized(request)
        lines = _lines(request, await _body(request))
        items = _items(lines, push, metrics)
        published = await _publish(push, items)
    except ProblemError as found:
        return _answer(found)
    metrics.published_items.labels(SOURCE).inc(published)
    return JSONResponse({"uris": [item.uri for item in items], "published": published}, 202)


def _authorized(request: Request) -> Push:
    push: Push | None = request.app.state.push
    if push is None or not push.tokens:
        raise ProblemError(401, "nothing can be pushed here: gateway.tokens names no token")
    token = bearer(request.headers.get("authorization", ""))
    if token is None or not push.tokens.take(token):
        raise ProblemError(401, "send a token that this gateway knows: Authorization: Bearer TOKEN")
    return push


async def _body(request: Request) -> bytes:
    """The body. ProblemError for one that is too large, says so, is packed, or does not come."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError(400, "a body is taken as it is, without Content-Encoding")
    too_large = ProblemError(413, f"a request takes at most {MAX_BODY_BYTES:,} bytes: send the lines in several")
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:20]) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_BODY_BYTES:
                    raise too_large
    except TimeoutError:
        raise ProblemError(408, f"the body did not come within {BODY_SECONDS:g} s") from None
    return bytes(body)


def _lines(request: Request, body: bytes) -> list[tuple[int, bytes]]:
    """The items of a body with the number of their line; a body that is not called JSON lines is one item."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/json-lines"}:
        return [(1, body)]
    lines = [(number, line) for number, line in enumerate(body.split(b"\n"), 1) if line.strip()]
    if not lines:
        raise ProblemError(400, "the body is empty")
    return lines


def _items(lines: list[tuple[int, bytes]], push: Push, metrics: Metrics) -> list[Pushed]:
    items = []
    for number, line in lines:
        try:
            article = push.parse(line)
            value = encode(article)
        except InvalidError as error:
            metrics.refused_items.labels(SOURCE).inc()
            raise ProblemError(400, f"line {number}: {error}; nothing was published", line=number) from error
        if len(value) > MAX_RECORD_BYTES:
            metrics.refused_items.labels(SOURCE).inc()
            message = f"line {number}: the item takes {len(value):,} bytes, at most {MAX_RECORD_BYTES:,}"
            raise ProblemError(413, f"{message}; nothing was published", line=number)
        output = Output(ARTICLES, record_key(article), value, article_headers(article, SOURCE))
        items.append(Pushed(article.uri, line.strip(), output))
    return items


async def _publish(push: Push, items: list[Pushed]) -> int:
    try:
        return await push.intake.publish(items, asyncio.get_running_loop())
    except BusyError:
        raise ProblemError(429, "as many requests wait for Kafka as this gateway holds: send it again") from None
    except TransientError as error:
        raise ProblemError(503, f"{error}; send it again, the items keep their uri") from error


def _answer(found: ProblemError) -> Response:
    headers = {"retry-after": _RETRY_SECONDS[found.status]} if found.status in _RETRY_SECONDS else {}
    if found.status == 401:
        headers["www-authenticate"] = 'Bearer realm="newswire"'
    return problem(found.status, found.detail, headers, **found.members)


_ITEM = {
    "type": "object",
    "description": "ninjs 3.1, or the short form",
    "example": {"title": "Rain in Ankara", "text": "It rained in Ankara all day.", "language": "en"},
}
_TAKEN = {
    "type": "object",
    "required": ["uris", "published"],
    "properties": {
        "uris": {"type": "array", "items": {"type": "string"}, "description": "of the items, in their order"},
        "published": {"type": "integer", "description": "how many were not there already"},
    },
}
ROUTE: dict[str, Any] = {
    "path": "/articles",
    "status_code": 202,
    "response_class": Response,
    "responses": {
        202: {"description": "Kafka has every item", "content": {"application/json": {"schema": _TAKEN}}},
        **documented(*_STATUSES),
    },
    "openapi_extra": {
        "security": [{"token": []}],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _ITEM},
                "application/x-ndjson": {"schema": {"type": "string", "description": "one item a line"}},
            },
        },
    },
}
SECURITY_SCHEMES = {"token": {"type": "http", "scheme": "bearer", "description": "one of gateway.tokens"}}
