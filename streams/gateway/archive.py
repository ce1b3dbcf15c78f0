"""Items older than those that the gateway holds, from whatever knows them: cli hands it in."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from fastapi import HTTPException, Response

from streams.articles import decode_labelled
from streams.errors import InvalidError, TransientError
from streams.gateway.items import Labelled, entry_of
from streams.gateway.problems import problem

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.kafka.selection import Selection
    from streams.wire import Labels

_log = logging.getLogger(__name__)
_RETRY = {"retry-after": "10"}


class Page(Protocol):
    """Some items, newest first, as JSON of the wire; `following`: where the next page begins, None at the end."""

    @property
    def items(self) -> Sequence[bytes]: ...
    @property
    def following(self) -> str | None: ...


class Archive(Protocol):
    """What knows older items."""

    def older(self, wanted: Selection, before: str, limit: int) -> Page:
        """Up to `limit` items published before a time (RFC 3339) or where another page ended, newest first.

        Of each item its newest version. Called in a thread, several at once. Raises InvalidError for a `before` that
        is none, TransientError where it cannot be asked now.
        """
        ...


async def older_articles(
    archive: Archive | None, labels: Labels, wanted: Selection, before: str, limit: int, *, cards: bool
) -> Response:
    """{"following": "...", "items": [...]}. HTTPException 404 without an archive, 422 for a wrong `before`."""
    if archive is None:
        raise HTTPException(404, "this gateway gives recent items only: gateway.archive is not set")
    try:
        page = await asyncio.to_thread(archive.older, wanted, before, limit)
    except InvalidError as error:
        raise HTTPException(422, str(error)) from error
    except TransientError as error:
        _log.warning("older items: %s", error)
        return problem(503, "the tables with older items do not answer", _RETRY)
    items = await asyncio.to_thread(_cards, page.items, labels) if cards else page.items
    following = b'"%b"' % page.following.encode() if page.following else b"null"
    return Response(b'{"following":%b,"items":[%b]}' % (following, b",".join(items)), media_type="application/json")


def _cards(items: Sequence[bytes], labels: Labels) -> list[bytes]:
    cards = []
    for item in items:
        try:
            cards.append(entry_of(Labelled(0, 0, decode_labelled(item)), labels).card)
        except InvalidError as error:
            _log.warning("an older item is not shown: %s", error)  # one that harms no other
    return cards
