"""The feeds of the gateway: everything, one topic or one region, each as Atom and as JSON Feed, narrowed by filters."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime
from hashlib import blake2b
from typing import Annotated, Any, Literal

from fastapi import Query, Request, Response

from streams.gateway.query import Filtered, Filters, gateway_of, selection_asked
from streams.gateway.syndication import Document, atom, document, json_feed

Format = Literal["atom", "json"]
Limit = Annotated[int, Query(ge=1, le=200)]
TYPES = {"atom": "application/atom+xml", "json": "application/feed+json"}
# Feed readers ask every few minutes at best; a shared cache before the gateway may answer them for so long
CACHE_SECONDS = 30


async def everything_feed(request: Request, format: Format, filters: Filtered, limit: Limit = 50) -> Response:  # noqa: A002
    """The newest labelled items as a feed, narrowed by any filters."""
    named = ", ".join([*filters.topic, *filters.region, *filters.language])
    return _answer(request, format, f"Newswire: {named}" if named else "Newswire", filters, limit)


async def topic_feed(
    request: Request,
    slug: str,
    format: Format,  # noqa: A002 - the name in the path
    filters: Filtered,
    limit: Limit = 50,
) -> Response:
    """The newest items of a topic as a feed; `slug` as in news.topic.<slug>."""
    names = {label.slug: label.names.get("en") for label in gateway_of(request).labels.topics.values()}
    title = f"Newswire: {names.get(slug.lower()) or slug}"
    return _answer(request, format, title, filters._replace(topic=[slug]), limit)


async def region_feed(
    request: Request,
    slug: str,
    format: Format,  # noqa: A002
    filters: Filtered,
    limit: Limit = 50,
) -> Response:
    """The newest items of a region (slug as in news.region.<slug>) or a country (ISO code) as a feed."""
    labels = gateway_of(request).labels
    regions = {label.slug: label.names for label in labels.regions.values()}
    country = labels.countries.get(slug.upper())
    name = (country.names if country else regions.get(slug.lower(), {})).get("en")
    return _answer(request, format, f"Newswire: {name or slug}", filters._replace(region=[slug]), limit)


ROUTES: dict[str, Any] = {
    "/feeds/topic/{slug}.{format}": topic_feed,
    "/feeds/region/{slug}.{format}": region_feed,
    "/feeds/all.{format}": everything_feed,
}


def _answer(request: Request, form: Format, title: str, filters: Filters, limit: int) -> Response:
    gateway = gateway_of(request)
    entries = gateway.hub.window.newest(selection_asked(gateway, filters), limit)
    feed = document(title, str(request.url), str(request.base_url), entries, empty_since=gateway.started)
    body = atom(feed, gateway.labels) if form == "atom" else json_feed(feed, gateway.labels)
    headers = {
        "etag": f'"{blake2b(body, digest_size=12).hexdigest()}"',
        "last-modified": formatdate(int(feed.updated), usegmt=True),
        "cache-control": f"max-age={CACHE_SECONDS}",
    }
    if _unchanged(request, headers["etag"], feed):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=TYPES[form], headers=headers)


def _unchanged(request: Request, etag: str, feed: Document) -> bool:
    """Whether the reader has it: by its tag, and by the date only where it sends no tag (RFC 9110 §13.2.2)."""
    tags = request.headers.get("if-none-match")
    if tags is not None:
        return tags.strip() == "*" or etag in (tag.strip().removeprefix("W/") for tag in tags.split(","))
    since = request.headers.get("if-modified-since")
    try:
        return since is not None and int(feed.updated) <= parsedate_to_datetime(since).timestamp()
    except ValueError:
        return False
