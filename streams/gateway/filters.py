"""Which items a listener asks for: topics, regions or countries, languages, a least confidence."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from streams.gateway.items import Entry
    from streams.wire import Labels


class Filter(NamedTuple):
    """An empty set lets everything pass on its axis; within an axis one hit is enough, all axes must pass."""

    topics: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()  # slugs of M49 sub-regions
    countries: frozenset[str] = frozenset()  # ISO codes; one axis with the regions
    languages: frozenset[str] = frozenset()
    min_confidence: int = 0  # 0-100: some topic (one of `topics`, where given) is at least so sure

    def passes(self, entry: Entry) -> bool:
        """Whether the item is one of those asked for."""
        if self.languages and entry.language not in self.languages:
            return False
        if (self.regions or self.countries) and not (self.regions & entry.regions or self.countries & entry.countries):
            return False
        if not self.topics and not self.min_confidence:
            return True
        return any(
            confidence >= self.min_confidence
            for slug, confidence in entry.topics.items()
            if not self.topics or slug in self.topics
        )


EVERYTHING = Filter()


def filter_of(
    labels: Labels,
    *,
    topics: Iterable[str] = (),
    regions: Iterable[str] = (),
    languages: Iterable[str] = (),
    min_confidence: int = 0,
) -> Filter:
    """A filter from what a person typed; a value may hold several, comma-separated.

    Regions are slugs of sub-regions or ISO codes of countries, in any case; languages are BCP 47 tags, of which the
    primary part counts. Raises InvalidError for a topic or region that the tables do not know, with the nearest one.
    """
    known_topics = {label.slug for label in labels.topics.values()}
    known_regions = {label.slug for label in labels.regions.values()}
    slugs, codes = set(), set()
    for name in _split(regions):
        if name.upper() in labels.countries:
            codes.add(name.upper())
        else:
            slugs.add(_known(name.lower(), known_regions, "region"))
    return Filter(
        topics=frozenset(_known(name.lower(), known_topics, "topic") for name in _split(topics)),
        regions=frozenset(slugs),
        countries=frozenset(codes),
        languages=frozenset(tag.lower().split("-")[0] for tag in _split(languages)),
        min_confidence=min_confidence,
    )


def _split(values: Iterable[str]) -> Sequence[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _known(name: str, known: set[str], kind: str) -> str:
    if name in known:
        return name
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
    raise InvalidError(f"unknown {kind} {name[:60]!r}; {hint}")
