"""The TOML file that names the feeds to poll; configs/sources.toml is the documented example."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import Annotated

import msgspec
import yarl

from streams.errors import InvalidError
from streams.http_guard import AllowList, allow_list
from streams.sources.feed_poll import Feed
from streams.sources.normalise import language_tag

_Minutes = Annotated[float, msgspec.Meta(ge=1, le=1440)]


class FeedTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One [[feeds]] table."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$")]
    url: str
    source: str | None = None
    language: str | None = None
    country: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{2}$")] | None = None
    interval_minutes: _Minutes | None = None
    full_text: bool = False
    robots: bool = True


class PollerTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The [poller] table. `name`: its place; two processes of one name fence each other."""

    name: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]{1,100}$")] = "feeds"
    contact: str = ""
    allow: tuple[str, ...] = ()
    parsers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1


class FeedsFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole file."""

    poller: PollerTable = PollerTable()
    feeds: Annotated[tuple[FeedTable, ...], msgspec.Meta(min_length=1)]

    def allowed(self) -> AllowList:
        """The private hosts that may be reached."""
        return allow_list(self.poller.allow)


def read_feeds(text: str, where: str) -> tuple[FeedsFile, list[Feed]]:
    """The file and its feeds. `where` names it in errors. Raises InvalidError: what is wrong, and in which feed."""
    try:
        file = msgspec.convert(tomllib.loads(text), FeedsFile)
        feeds = [_feed(table) for table in file.feeds]
        file.allowed()
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, InvalidError) as error:
        raise InvalidError(f"{where}: {error}") from error
    twice = [name for name, count in Counter(feed.name for feed in feeds).items() if count > 1]
    if twice:
        raise InvalidError(f"{where}: two feeds are named {twice[0]!r}: a feed's position is stored under its name")
    return file, feeds


def _feed(table: FeedTable) -> Feed:
    try:
        place = yarl.URL(table.url)
    except ValueError as error:
        raise InvalidError(f"feed {table.name!r}: {table.url!r} is not an address: {error}") from error
    if place.scheme not in ("http", "https") or not place.raw_host:
        raise InvalidError(f"feed {table.name!r}: {table.url!r} is not an address of http or https")
    try:
        language = language_tag(table.language) if table.language else None
    except InvalidError as error:
        raise InvalidError(f"feed {table.name!r}: {error}") from error
    interval = table.interval_minutes * 60 if table.interval_minutes else None
    return Feed(table.name, str(place), table.source, language, table.country, interval, table.full_text, table.robots)
