"""The links by the name that the settings give them; only the chosen one's client is imported."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from streams.errors import InvalidError

if TYPE_CHECKING:
    from streams.kafka.link import Link, LinkSettings, OnRebalance

LINKS = {"kafka-python": "link_kafka_python", "confluent": "link_confluent"}


def open_link(name: str, settings: LinkSettings, on_rebalance: OnRebalance) -> Link:
    """Connects and joins the group. Raises InvalidError for a link that is not here, TransientError without Kafka."""
    if name not in LINKS:
        raise InvalidError(f"label.link: {name!r} is none of {', '.join(LINKS)}")
    try:
        module = importlib.import_module(f"streams.kafka.{LINKS[name]}")
    except ModuleNotFoundError as error:
        raise InvalidError(f"label.link: {name!r} needs its client: pip install 'newswire[{name}]'") from error
    link: Link = module.open_link(settings, on_rebalance)
    return link
