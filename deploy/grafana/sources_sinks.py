# ruff: noqa: INP001
"""Newswire sources and sinks: what comes in from where, what is silent, and who has got how far at the other end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from panels import ORANGE, RED, Panel, Query, add_row, board, chart, number, rate, select, variable

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders import dashboard as builders

SINKS = 'group=~"newswire.sink..+"'
FEED = 'feed=~"$feed"'

# every process exports every metric; only a gateway tells how far the groups are behind
GATEWAYS = f" and on (instance) {select('newswire_group_lag_records')}"


def dashboard() -> builders.Dashboard:
    """The two ends of the wire."""
    page = board(
        "Newswire sources and sinks",
        "newswire-sources-sinks",
        "What comes in from where, which feeds are silent or fail, and how far every sink and listener has got.",
    )
    page = page.with_variable(variable("feed", "Feed", "label_values(newswire_feed_last_item_timestamp_seconds, feed)"))
    for title, panels in (("Now", now()), ("Sources", sources()), ("Sinks and listeners", sinks())):
        add_row(page, title, panels)
    return page


def now() -> list[Panel]:
    """The row of numbers."""
    last = select("newswire_feed_last_item_timestamp_seconds", FEED)
    return [
        number(
            "Acknowledged",
            "Items that Kafka acknowledged to our publishers.",
            "ops",
            rate("newswire_published_items_total"),
            width=6,
        ),
        number(
            "Refused, 1 h",
            "Items of the last hour that a source could not turn into an article; they are dead letters.",
            "short",
            f"sum(increase({select('newswire_refused_items_total')}[1h]))",
            ((1, ORANGE), (100, RED)),
            width=6,
        ),
        number(
            "Feeds silent for a day",
            "Feeds that have brought nothing new for a day.",
            "short",
            f"count((time() - {last}) > 86400) or vector(0)",
            ((1, ORANGE), (10, RED)),
            width=6,
        ),
        number(
            "Worst sink",
            "Age of the oldest labelled item that some sink has not stored.",
            "s",
            f"max({select('newswire_group_lag_seconds', SINKS)})",
            ((120, ORANGE), (600, RED)),
            width=6,
        ),
    ]


def sources() -> list[Panel]:
    """What comes in."""
    return [
        chart(
            "Published, by class of source",
            "Items a second that Kafka acknowledged, by class of source.",
            "ops",
            [Query(rate("newswire_published_items_total", "source"), "{{source}}")],
            stacked=True,
        ),
        chart(
            "Refused, by class of source",
            "Items a second that could not be turned into an article.",
            "ops",
            [Query(rate("newswire_refused_items_total", "source"), "{{source}}")],
            stacked=True,
        ),
        chart(
            "Polls of feeds",
            "Polls a second by what came of them: fetched and not_modified are well, anything else is a failure.",
            "ops",
            [Query(rate("newswire_feed_polls_total", "result"), "{{result}}")],
            stacked=True,
        ),
        chart(
            "Since the last new item, by feed",
            "How long each feed has brought nothing new.",
            "s",
            [
                Query(
                    f"time() - max by (feed) ({select('newswire_feed_last_item_timestamp_seconds', FEED)})",
                    "{{feed}}",
                )
            ],
            width=12,
        ),
        chart(
            "Until the next poll, by feed",
            "Falls to zero and starts anew. Below zero: the poller is behind.",
            "s",
            [
                Query(
                    f"max by (feed) ({select('newswire_feed_next_poll_timestamp_seconds', FEED)}) - time()",
                    "{{feed}}",
                )
            ],
            width=12,
            signed=True,
        ),
    ]


def sinks() -> list[Panel]:
    """What goes out."""
    return [
        chart(
            "Stored, by sink",
            "Items a second that a sink has written for good.",
            "ops",
            [Query(rate("newswire_sink_items_total", "sink"), "{{sink}}")],
        ),
        chart(
            "Behind, by sink",
            "Age of the first labelled item that a sink has not stored. A file is closed after a minute at most.",
            "s",
            [Query(f"max by (group) ({select('newswire_group_lag_seconds', SINKS)})", "{{group}}")],
        ),
        chart(
            "Listeners",
            "Open streams of the gateway's live page and API.",
            "short",
            [Query(f"sum by (instance) ({select('newswire_gateway_clients')}){GATEWAYS}", "{{instance}}")],
        ),
        chart(
            "Read by the gateway",
            "Labelled items a second that the gateway has read and passed on.",
            "ops",
            [Query(rate("newswire_gateway_items_total", "instance") + GATEWAYS, "{{instance}}")],
        ),
    ]
