"""What the endpoints share: the gateway behind a request, and the selection that its parameters ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from fastapi import Depends, HTTPException, Query, Request

from streams.errors import InvalidError
from streams.gateway.filters import selection_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.gateway.archive import Archive
    from streams.gateway.hub import Hub
    from streams.gateway.reader import Reader
    from streams.kafka.selection import Selection
    from streams.metrics import Metrics
    from streams.wire import Labels

Form = Literal["wire", "card"]
Names = Annotated[list[str], Query(max_length=100)]
Percent = Annotated[int, Query(ge=0, le=100)]


class Gateway(NamedTuple):
    """What runs behind the application; at `app.state.gateway`. `clock` gives seconds since 1970."""

    hub: Hub
    reader: Reader
    labels: Labels
    metrics: Metrics
    clock: Callable[[], float]
    started: float
    archive: Archive | None = None


def gateway_of(request: Request) -> Gateway:
    """The gateway that a request came to."""
    gateway: Gateway = request.app.state.gateway
    return gateway


class Filters(NamedTuple):
    """What a request asks for; a value may hold several names, comma-separated."""

    topic: list[str]
    region: list[str]
    language: list[str]
    min_confidence: int


async def filters_of(
    topic: Names = [],  # noqa: B006 - FastAPI copies the default
    region: Names = [],  # noqa: B006
    language: Names = [],  # noqa: B006
    min_confidence: Percent = 0,
) -> Filters:
    """The filters of a request: the same four parameters at every endpoint that gives items."""
    return Filters(topic, region, language, min_confidence)


Filtered = Annotated[Filters, Depends(filters_of)]


def selection_asked(gateway: Gateway, filters: Filters) -> Selection:
    """The selection; HTTPException 422 where a name is unknown, with the nearest one."""
    try:
        return selection_of(
            gateway.labels,
            topics=filters.topic,
            regions=filters.region,
            languages=filters.language,
            min_confidence=filters.min_confidence,
        )
    except InvalidError as error:
        raise HTTPException(422, str(error)) from error
