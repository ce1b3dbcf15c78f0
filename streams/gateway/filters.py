"""Which items a listener asks for: the same selection, with the same meaning, as `newswire subscribe` has."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from streams.errors import InvalidError
from streams.kafka.selection import Selection, selection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.gateway.items import Entry
    from streams.wire import Labels

EVERYTHING = Selection()


def passes(wanted: Selection, entry: Entry) -> bool:
    """Whether the item is one of those asked for.

    Confidence: the lower of the best wanted topic and the best wanted place, and of the best topic where neither is
    asked for, as in streams.kafka.selection; a test holds both together.
    """
    if wanted.languages and entry.language not in wanted.languages:
        return False
    places = wanted.regions or wanted.countries
    if wanted.topics or (wanted.min_confidence and not places):
        sure = [sure for slug, sure in entry.topics.items() if not wanted.topics or slug in wanted.topics]
        if not sure or max(sure) < wanted.min_confidence:
            return False
    if places:
        sure = [
            mark.confidence or 0
            for mark in entry.countries
            if mark.code in wanted.countries or mark.region in wanted.regions
        ]
        return bool(sure) and max(sure) >= wanted.min_confidence
    return True


def selection_of(
    labels: Labels,
    *,
    topics: Iterable[str] = (),
    regions: Iterable[str] = (),
    languages: Iterable[str] = (),
    min_confidence: int = 0,
) -> Selection:
    """What a person typed into an address; a value may hold several, comma-separated.

    Regions are slugs of sub-regions or ISO codes of countries, in any case. Raises InvalidError for a topic or region
    that the tables do not know, with the nearest one.
    """
    known_topics = {label.slug for label in labels.topics.values()}
    known_regions = {label.slug for label in labels.regions.values()}
    return selection(
        [_known(name.lower(), known_topics, "topic") for name in _split(topics)],
        [
            name if name.upper() in labels.countries else _known(name.lower(), known_regions, "region")
            for name in _split(regions)
        ],
        _split(languages),
        min_confidence,
    )


def _split(values: Iterable[str]) -> Sequence[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _known(name: str, known: set[str], kind: str) -> str:
    if name in known:
        return name
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
    raise InvalidError(f"unknown {kind} {name[:60]!r}; {hint}")
