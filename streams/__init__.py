"""Articles in, labelled articles out. For a subscriber: `streams.subscribe`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.kafka.subscriber import subscribe

__all__ = ["subscribe"]


def __getattr__(name: str) -> Any:
    """`subscribe` is imported when it is asked for: importing `streams.wire` must not import a Kafka client."""
    if name == "subscribe":
        from streams.kafka.subscriber import subscribe  # noqa: PLC0415

        return subscribe
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
