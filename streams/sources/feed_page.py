"""The main text of an article's page, for entries whose feed gives only a teaser."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

    from streams.sources.extract import Extractor


class PageTexts:
    """An Extractor for callers of one event loop: a page at a time, 25 ms each where pages are seconds apart."""

    def __init__(self, extractor: Extractor) -> None:
        self._extractor = extractor
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        """Starts nothing: the first page does."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the child, whatever it is doing."""
        self._extractor.close()

    async def text(self, body: bytes) -> str:
        """The text of a page, paragraphs as lines. Raises InvalidError where there is none."""
        async with self._turn:
            found = await asyncio.to_thread(self._extractor.extract, body)
        return found.text
