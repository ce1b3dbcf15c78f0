"""The feeds of the gateway: everything, one topic or one region, each as Atom and as JSON Feed, narrowed by filters."""

from __future__ import annotations

from email.utils import formatdate, parsedate_to_datetime
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Literal

from fastapi import Query, Request, Response

from streams.gateway.query import Names, Percent, gateway_of, selection_asked
from streams.gateway.syndication import Document, atom, document, json_feed

if TYPE_CHECKING:
    from streams.gateway.query import Gateway

Format = Literal["atom", "json"]
Limit = Annotated[int, Query(ge=1, le=200)]
TYPES = {"atom": "application/atom+xml", "json": "application/feed+json"}
# Feed readers ask every few minutes at best; a shared cache before the gateway may answer them for so long
CACHE_SECONDS = 30


async def everything_feed(
    request: Request,
    format: Format,  # noqa: A002 - the name in the path
    topic: Names = [],  # noqa: B006 - FastAPI copies the default
    region: Names = [],  # noqa: B006
    language: Names = [],  # noqa: B006
    min_confidence: Percent = 0,
    limit: Limit = 50,
) -> Response:
    """The newest labelled items as a feed, narrowed by any filters."""
    gateway = gateway_of(request)
    wanted = selection_asked(gateway, topic, region, language, min_confidence)
    entries = gateway.hub.window.newest(wanted, limit)
    named = [*topic, *region, *language]
    return _answer(request, format, "Newswire" + (": " + ", ".join(named) if named else ""), entries)


async def topic_feed(
    request: Request,
    slug: str,
    format: Format,  # noqa: A002
    region: Names = [],  # noqa: B006
    language: Names = [],  # noqa: B006
    min_confidence: Percent = 0,
    limit: Limit = 50,
) -> Response:
    """The newest items of a topic as a feed; `slug` as in news.topic.<slug>."""
    gateway = gateway_of(request)
    wanted = selection_asked(gateway, [slug], region, language, min_confidence)
    name = {label.slug: label.names.get("en") for label in gateway.labels.topics.values()}.get(slug.lower())
    return _answer(request, format, f"Newswire: {name or slug}", gateway.hub.window.newest(wanted, limit))


async def region_feed(
    request: Request,
    slug: str,
    format: Format,  # noqa: A002
    topic: Names = [],  # noqa: B006
    language: Names = [],  # noqa: B006
    min_confidence: Percent = 0,
    limit: Limit = 50,
) -> Response:
    """The newest items of a region (slug as in news.region.<slug>) or a country (ISO code) as a feed."""
    gateway = gateway_of(request)
    wanted = selection_asked(gateway, topic, [slug], language, min_confidence)
    regions = {label.slug: label.names for label in gateway.labels.regions.values()}
    country = gateway.labels.countries.get(slug.upper())
    name = (country.names if country else regions.get(slug.lower(), {})).get("en")
    return _answer(request, format, f"Newswire: {name or slug}", gateway.hub.window.newest(wanted, limit))


ROUTES: dict[str, Any] = {
    "/feeds/topic/{slug}.{format}": topic_feed,
    "/feeds/region/{slug}.{format}": region_feed,
    "/feeds/all.{format}": everything_feed,
}


def _answer(request: Request, form: Format, title: str, entries: list[Any]) -> Response:
    gateway: Gateway = gateway_of(request)
    home = str(request.base_url)
    feed = document(title, str(request.url), home, entries, empty_since=gateway.started)
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
