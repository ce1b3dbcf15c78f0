"""Who may reach the gateway and what it may ask, put together from the settings."""

from __future__ import annotations

import importlib
import ipaddress
import time
from typing import TYPE_CHECKING

from streams.errors import InvalidError

if TYPE_CHECKING:
    from streams.gateway.app import Limits
    from streams.gateway.archive import Archive
    from streams.settings import GatewaySettings


def refuse_public(settings: GatewaySettings) -> None:
    """Raises InvalidError for an address that others reach without a token, unless the settings say so."""
    try:
        local = settings.host == "localhost" or ipaddress.ip_address(settings.host).is_loopback
    except ValueError:
        local = False
    if not local and not settings.public and not settings.read_tokens.strip(" ,"):
        raise InvalidError(
            f"gateway.host {settings.host} can be reached from elsewhere, and the gateway asks nobody who they are: "
            "name tokens in gateway.read_tokens, or set gateway.public = true if everybody may read"
        )


def make_limits(settings: GatewaySettings) -> Limits:
    """What the gateway holds, who may read and how often. Raises InvalidError for a token that is none."""
    from streams.gateway.access import Pace
    from streams.gateway.app import Limits
    from streams.gateway.tokens import Tokens, split

    readers = Tokens(split(settings.read_tokens), "gateway.read_tokens")
    if readers:  # who may write may read
        readers += Tokens(split(settings.tokens))
    pace = Pace(settings.requests_per_second, time.monotonic) if settings.requests_per_second else None
    return Limits(
        settings.recent_items, settings.recent_megabytes << 20, settings.max_listeners, readers=readers, pace=pace
    )


def make_archive(settings: GatewaySettings, url: str) -> Archive | None:
    """What knows older items, None where the settings do not ask for it; connects with the first request.

    Raises InvalidError for a URL of no database, or where the packages are not installed.
    """
    if not settings.archive:
        return None
    try:
        importlib.import_module("sqlalchemy")
    except ModuleNotFoundError as error:
        raise InvalidError("gateway.archive needs more packages: pip install 'newswire[sql]'") from error
    from streams.sinks.sql_reader import SqlReader

    return SqlReader(url)
