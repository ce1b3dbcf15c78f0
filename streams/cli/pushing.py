"""The parts of `POST /articles`, put together from the settings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.articles import Article
    from streams.gateway.push import Push
    from streams.kafka.connection import Where
    from streams.traces import Spans

SOURCE = "push"  # the name of the source of items that name none


def make_push(tokens: str, bootstrap_servers: Where, spans: Spans | None = None) -> Push | None:
    """The endpoint's parts, None where there is no token; connects with the first item that comes.

    `tokens`: as in the settings, comma-separated. Raises InvalidError for a token that is not one.
    """
    from streams.cli.tracing import followed
    from streams.gateway.intake import Intake
    from streams.gateway.push import Push
    from streams.gateway.tokens import Tokens, split
    from streams.kafka.publisher import Publisher
    from streams.wire import ARTICLES

    given = split(tokens)
    if not given:
        return None
    return Push(Tokens(given), parse, Intake(lambda: Publisher(bootstrap_servers, [ARTICLES], followed(spans))))


def parse(value: bytes) -> Article:
    """An article from one JSON object. Raises InvalidError."""
    from streams.sources.normalise import Defaults, article_of_json

    return article_of_json(value, Defaults(SOURCE), datetime.now(UTC))
