"""Answers that are problems (RFC 9457, application/problem+json), and how the interface's description tells of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fastapi import FastAPI, Request

TITLES = {
    400: "not an item",
    401: "not authorized",
    404: "not there",
    405: "not allowed here",
    408: "too slow",
    413: "too large",
    422: "not understood",
    429: "too many requests",
    503: "not available now",
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "line": {"type": "integer", "description": "the line of the body that is at fault"},
    },
}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Responses of the interface's description, by status."""
    return {
        status: {"description": TITLES[status], "content": {"application/problem+json": {"schema": SCHEMA}}}
        for status in statuses
    }


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any) -> JSONResponse:
    """The answer. `members`: more of the document."""
    title = TITLES.get(status) or HTTPStatus(status).phrase.lower()
    document = {"type": "about:blank", "title": title, "status": status, "detail": detail}
    return JSONResponse(document | members, status, dict(headers or {}), "application/problem+json")


def answer_in_problems(app: FastAPI) -> None:
    """What FastAPI and Starlette answer by themselves becomes a problem too."""
    app.add_exception_handler(HTTPException, _raised)
    app.add_exception_handler(RequestValidationError, _misunderstood)


async def _raised(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for nothing else
    headers = dict(error.headers or {})
    if error.status_code == 405:  # Starlette names the methods of the first route of the path only
        headers["allow"] = ", ".join(sorted(_methods_of(request)))
    return problem(error.status_code, error.detail, headers)


def _methods_of(request: Request) -> set[str]:
    return {
        method
        for route in request.app.routes
        if route.matches(request.scope)[0] is not Match.NONE
        for method in getattr(route, "methods", None) or ()
    }


async def _misunderstood(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    said = [f"{'.'.join(map(str, one['loc'][1:]))}: {one['msg']}" for one in error.errors()]
    return problem(422, "; ".join(said))
