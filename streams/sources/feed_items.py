"""From an entry of a feed to an article of the wire."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from streams.articles import Article, ContactInfo, InfoSource, Subject, parse_timestamp
from streams.errors import InvalidError
from streams.ninjs import Address
from streams.sources.base import KEPT_BYTES, Rejected
from streams.sources.dates import stamp
from streams.sources.normalise import Defaults, ShortItem, article_of_short

if TYPE_CHECKING:
    from datetime import datetime

    from streams.sources.feed_entries import FeedEntry


class Publisher(NamedTuple):
    """Whose feed it is: the name shown, BCP 47 of entries that give none, ISO 3166-1 alpha-2 of the house."""

    name: str
    language: str | None = None
    country: str | None = None


def outcome_of(entry: FeedEntry, publisher: Publisher, now: datetime) -> Article | Rejected:
    """The article of an entry, or why it is none. An entry without text is its title: many feeds give no more."""
    try:
        return _article(entry, publisher, now)
    except InvalidError as error:
        value = msgspec.json.encode(entry._asdict())
        return Rejected(value[:KEPT_BYTES], len(value), str(error), entry.url or entry.identity)


def _article(entry: FeedEntry, publisher: Publisher, now: datetime) -> Article:
    item = ShortItem(
        text=entry.text or entry.title,
        title=entry.title,
        uri=entry.identity,
        url=entry.url or None,
        language=entry.language,
        published=entry.published or entry.updated,
        source=publisher.name,
    )
    article = article_of_short(item, Defaults(publisher.name, publisher.language), now)
    extra: dict[str, Any] = {"by": entry.author, "info_sources": [_source(publisher)]}
    if not entry.published:
        extra["first_created"] = None  # an entry of Atom may only say when it was last changed
    if entry.categories:
        extra["subjects"] = [Subject(name=name, rel="about") for name in entry.categories]
    if entry.revision:
        extra |= {"version": str(entry.revision + 1), "version_created": _changed(entry, article, now)}
    return msgspec.structs.replace(article, **extra)


def _source(publisher: Publisher) -> InfoSource:
    country = [ContactInfo(address=Address(country=publisher.country))] if publisher.country else None
    return InfoSource(name=publisher.name, contact_info=country)


def _changed(entry: FeedEntry, article: Article, now: datetime) -> str:
    """When this version was made: as the feed says, or now where that is no later than the version before.

    Consumers tell versions apart by it, and many feeds change a text under the old date.
    """
    updated = parse_timestamp(entry.updated) if entry.updated else None
    if updated and parse_timestamp(article.version_created) < updated <= now:
        return stamp(updated)
    return stamp(now)
