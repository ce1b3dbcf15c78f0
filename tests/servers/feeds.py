"""A feed server whose feeds change, and what it has ever shown."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class ChangingFeed:
    """A feed of RSS that shows its newest stories; `add` puts one on top, `grow` says how many each request adds."""

    def __init__(
        self,
        name: str,
        *,
        text: str = "",
        validators: bool = True,
        shown: int = 20,
        grow: Callable[[], int] = lambda: 0,
    ) -> None:
        self.name = name
        self.shown = shown
        self.grow = grow
        self.count = 0
        self.text = text
        self.titles: dict[int, str] = {}
        self.validators = validators
        self.requests: list[Mapping[str, str]] = []
        self.status = 200
        self.headers: dict[str, str] = {}

    def add(self, count: int = 1) -> None:
        self.count += count

    def guid(self, number: int) -> str:
        return f"{self.name}-story-{number:05}"

    def document(self, base: str) -> str:
        items = "".join(self._item(n, base) for n in range(self.count, max(self.count - self.shown, 0), -1))
        return f"<rss version='2.0'><channel><title>{self.name}</title>{items}</channel></rss>"

    def _item(self, number: int, base: str) -> str:
        title = escape(self.titles.get(number, f"Story {number} of {self.name}"))
        return (
            f"<item><title>{title}</title><link>{base}/{self.name}/{number}</link>"
            f"<guid isPermaLink='false'>{self.guid(number)}</guid>"
            f"<description>Text of story {number}. {self.text}</description></item>"
        )

    async def answer(self, request: web.Request) -> web.Response:
        self.requests.append(dict(request.headers))
        self.add(self.grow())
        if self.status != 200:
            return web.Response(status=self.status, headers=self.headers)
        body = self.document(str(request.url.origin())).encode()
        tag = f'"{hashlib.blake2b(body, digest_size=8).hexdigest()}"'
        headers = dict(self.headers) | ({"ETag": tag} if self.validators else {})
        if self.validators and request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, content_type="application/rss+xml", headers=headers)
