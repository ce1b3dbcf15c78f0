"""One document from an address, for sources that are read once by people who wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from streams.errors import InvalidError, TransientError
from streams.http_outcomes import Failed, Fetched

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.http import Client
    from streams.http_answers import Wanted

# Not among them: "robots". Who names an address on the command line is a person with a browser, not a crawler
_LASTING = frozenset({"bad_url", "refused_address", "too_large", "content_type", "not_found", "gone", "forbidden"})


def fetched(place: str, wanted: Wanted, client: Callable[[], Client]) -> Fetched:
    """The document. Raises InvalidError where it cannot be had, TransientError where it may be had later."""
    found = asyncio.run(_fetched(place, wanted, client))
    if isinstance(found, Fetched):
        return found
    raise InvalidError(found.message) if found.reason in _LASTING else TransientError(found.message)


async def _fetched(place: str, wanted: Wanted, client: Callable[[], Client]) -> Fetched | Failed:
    async with client() as http:
        found = await http.get(place, wanted)
    if not isinstance(found, Fetched | Failed):
        raise TransientError(f"{place} answered that nothing has changed, though nobody asked")
    return found
