"""Answers that are problems: RFC 9457, application/problem+json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi.responses import JSONResponse

if TYPE_CHECKING:
    from collections.abc import Mapping

TITLES = {
    400: "not an item",
    401: "not authorized",
    408: "too slow",
    413: "too large",
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


def documented(*statuses: int, **titles: str) -> dict[int | str, dict[str, Any]]:
    """Responses of the interface's description; `titles`: more than TITLES has, as `status_500="..."`."""
    words = {status: TITLES[status] for status in statuses}
    words |= {int(name.removeprefix("status_")): title for name, title in titles.items()}
    return {
        status: {"description": title, "content": {"application/problem+json": {"schema": SCHEMA}}}
        for status, title in words.items()
    }


def problem(
    status: int, detail: str, headers: Mapping[str, str] | None = None, *, title: str = "", **members: Any
) -> JSONResponse:
    """The answer. `title`: where that of TITLES does not fit; `members`: more of the document."""
    document = {"type": "about:blank", "title": title or TITLES[status], "status": status, "detail": detail}
    return JSONResponse(document | members, status, dict(headers or {}), "application/problem+json")
