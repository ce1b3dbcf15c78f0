"""Which labelled items a subscriber wants, and which Kafka topics must be read to see each of them once.

An item is on the stream of each of its topics and regions. Of the streams that a subscriber reads, the first that an
item belongs to delivers it and the others pass it over: no memory of what was seen, the same after a restart, and the
same where the members of a group share the streams out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streams.articles import decode_labelled
from streams.errors import InvalidError
from streams.wire import LABELLED, labelled_headers, region_stream, topic_stream

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streams.articles import LabelledArticle
    from streams.kafka.link import Record
    from streams.wire import Labels

_COUNTRY_LETTERS = 2


class Selection(NamedTuple):
    """Filters: within one kind any of its values, between kinds all of them; an empty kind filters nothing."""

    topics: frozenset[str] = frozenset()  # slugs
    regions: frozenset[str] = frozenset()  # slugs
    countries: frozenset[str] = frozenset()  # ISO 3166-1 alpha-2
    languages: frozenset[str] = frozenset()  # BCP 47 primary tags, as detected
    min_confidence: int = 0  # 0-100, of the labels asked for; of the main topic where none is asked for


def selection(
    topics: Iterable[str], regions: Iterable[str], languages: Iterable[str], min_confidence: int
) -> Selection:
    """A Selection from what people write: a region is a slug or the two letters of a country. Raises InvalidError."""
    if not 0 <= min_confidence <= 100:
        raise InvalidError(f"min_confidence is a percentage from 0 to 100, not {min_confidence}")
    places = {r.strip() for r in regions}
    countries = frozenset(p.upper() for p in places if len(p) == _COUNTRY_LETTERS)
    slugs = frozenset(p.lower() for p in places if len(p) != _COUNTRY_LETTERS)
    primary = frozenset(tag.strip().lower().partition("-")[0] for tag in languages)
    return Selection(frozenset(t.strip().lower() for t in topics), slugs, countries, primary, min_confidence)


def kafka_topics_for(wanted: Selection, labels: Labels | None) -> list[str]:
    """The fewest Kafka topics that hold every wanted item; `news.labelled` where the wanted labels name no streams.

    The order is fixed: it decides which of them delivers an item.
    """
    topics = [topic_stream(slug) for slug in sorted(wanted.topics)]
    regions = _region_streams(wanted, labels)
    if topics and regions:
        return regions if len(regions) < len(topics) else topics
    return topics or regions or [LABELLED]


def _region_streams(wanted: Selection, labels: Labels | None) -> list[str]:
    slugs = set(wanted.regions)
    for country in wanted.countries:
        region = labels.region_of(country) if labels else None
        if region is None:  # no table, or a country without a sub-region: its items are on news.labelled alone
            return []
        slugs.add(region.slug)
    return [region_stream(slug) for slug in sorted(slugs)]


def chosen(record: Record, wanted: Selection, reading: Iterable[str], labels: Labels | None) -> LabelledArticle | None:
    """The item of a record where it is wanted and this stream is the one to deliver it.

    Headers first, the JSON only of what is left. Raises InvalidError where the value is no labelled article.
    """
    headers = dict(record.headers)
    article = None
    if not headers.get("news-status"):  # written by somebody else: take the labels from the item itself
        article = decode_labelled(record.value)
        headers = dict(labelled_headers(article, labels)) if labels else headers
    topics, regions, countries = (_listed(headers, f"news-{kind}") for kind in ("topic", "region", "country"))
    streams = {topic_stream(t) for t in topics} | {region_stream(r) for r in regions} | {LABELLED}
    if record.kafka_topic in streams and record.kafka_topic != next((s for s in reading if s in streams), None):
        return None
    if wanted.topics and wanted.topics.isdisjoint(topics):
        return None
    if (wanted.regions or wanted.countries) and (
        wanted.regions.isdisjoint(regions) and wanted.countries.isdisjoint(countries)
    ):
        return None
    language = "".join(_listed(headers, "news-language")).lower().partition("-")[0]
    if wanted.languages and language not in wanted.languages:
        return None
    article = article or decode_labelled(record.value)
    return article if wanted.min_confidence <= _confidence(article, wanted, topics, labels) else None


def _listed(headers: Mapping[str, bytes], name: str) -> list[str]:
    value = (headers.get(name) or b"").decode("utf-8", "replace")  # a foreign producer may write a header without value
    return value.split(",") if value else []


def _confidence(article: LabelledArticle, wanted: Selection, topics: list[str], labels: Labels | None) -> int:
    """The lower of the best wanted topic and the best wanted region; of the main topic where no label is asked for."""
    if not wanted.min_confidence:
        return 100
    ours = dict(
        zip(topics, _topic_confidences(article), strict=False)
    )  # the header lists the topics in the item's order
    best = []
    if wanted.topics or not (wanted.regions or wanted.countries):
        best.append(max((c for slug, c in ours.items() if not wanted.topics or slug in wanted.topics), default=0))
    if wanted.regions or wanted.countries:
        best.append(
            max((c for country, c in _country_confidences(article) if _is_wanted(country, wanted, labels)), default=0)
        )
    return min(best)


def _topic_confidences(article: LabelledArticle) -> list[int]:
    codes = article.topics
    found = {s.literal: s.confidence or 0 for s in article.subjects or ()}
    return [found.get(f"medtop:{code}", 0) for code in codes]


def _country_confidences(article: LabelledArticle) -> list[tuple[str, int]]:
    axis = next((a for a in article.classification.axes if a.axis == "region"), None)
    countries = set(article.countries)
    return [(s.code, round(100 * s.score)) for s in axis.scores if s.code in countries] if axis else []


def _is_wanted(country: str, wanted: Selection, labels: Labels | None) -> bool:
    if country in wanted.countries or labels is None:
        return True
    region = labels.region_of(country)
    return region is not None and region.slug in wanted.regions
