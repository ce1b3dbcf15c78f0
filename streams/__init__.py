"""Articles in, labelled articles out. For a subscriber: `streams.subscribe`, `streams.subscribe_async`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from streams.kafka.subscriber import subscribe, subscribe_async

__all__ = ["subscribe", "subscribe_async"]


def __getattr__(name: str) -> Any:
    """What is exported is imported when it is asked for: importing `streams.wire` must not import a Kafka client."""
    if name in __all__:
        return getattr(importlib.import_module("streams.kafka.subscriber"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
