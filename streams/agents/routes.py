"""Where a labelled item goes and its headers, as wire.py says; what is the same in many items is made once.

`wire.streams_of` and `wire.labelled_headers` say the same of a LabelledArticle and cost 20 us an item; a test holds
both equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streams import wire

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from streams.articles import Article

    Header = tuple[str, bytes]
    Status = Literal["labelled", "abstained"]

MAX_KNOWN = 50_000  # combinations of labels; three of 17 topics with four of 250 countries would be more


class Route(NamedTuple):
    """The way of every item with the same labels."""

    status: Status
    streams: tuple[str, ...]  # Kafka topics, prefix and all
    topics: tuple[str, ...]  # slugs
    regions: tuple[str, ...]  # slugs
    headers: tuple[Header, Header, Header]  # topic, region, country
    status_header: Header


class Routes:
    """Routes by labels, and headers by item."""

    def __init__(self, labels: wire.Labels, prefix: str = "") -> None:
        self._labels = labels
        self._prefix = prefix
        self._known: dict[tuple[tuple[str, ...], tuple[str, ...]], Route] = {}

    def of(self, topics: tuple[str, ...], countries: tuple[str, ...]) -> Route:
        """The route of items with these codes."""
        route = self._known.get((topics, countries))
        if route is None:
            if len(self._known) >= MAX_KNOWN:
                self._known.clear()
            route = self._known[topics, countries] = self._route(topics, countries)
        return route

    def _route(self, topics: tuple[str, ...], countries: tuple[str, ...]) -> Route:
        labels = self._labels
        slugs = tuple(labels.topics[code].slug for code in topics if code in labels.topics)
        regions = tuple(region.slug for region in labels.regions_of(countries))
        streams = [wire.LABELLED, *map(wire.topic_stream, slugs), *map(wire.region_stream, regions)]
        status: Status = "labelled" if topics else "abstained"
        return Route(
            status,
            tuple(self._prefix + stream for stream in streams),
            slugs,
            regions,
            (
                ("news-topic", ",".join(slugs).encode()),
                ("news-region", ",".join(regions).encode()),
                ("news-country", ",".join(countries).encode()),
            ),
            ("news-status", status.encode()),
        )


class Stamp:
    """The headers of the items of one batch."""

    def __init__(self, labelled_at: str) -> None:
        self.labelled_at = labelled_at
        self._time = ("ce_time", labelled_at.encode())

    def headers(
        self, article: Article, key: bytes, language: str, route: Route, incoming: Sequence[Header]
    ) -> list[Header]:
        """As wire.labelled_headers; `key` is the record's, the uri; `language` is the detected one."""
        event = wire._event_id(article, "label")  # noqa: SLF001  the map has one author, this is its fast copy
        trace = (incoming and wire._trace_of(incoming)) or event  # noqa: SLF001
        topics, regions, countries = route.headers
        return [
            _VERSION,
            ("ce_id", event.encode()),
            _SOURCE,
            _TYPE,
            ("ce_subject", key),
            self._time,
            _JSON,
            ("traceparent", wire._traceparent(trace, event).encode()),  # noqa: SLF001
            topics,
            regions,
            countries,
            ("news-language", language.encode()),
            route.status_header,
        ]


_VERSION = ("ce_specversion", b"1.0")
_SOURCE = ("ce_source", b"urn:newswire:label")
_TYPE = ("ce_type", wire.LABELLED_TYPE.encode())
_JSON = ("content-type", b"application/json")
