"""What the gateway is given, and what it makes of it: a card for the page and frames for its listeners, each once.

The gateway knows no Kafka client: cli hands in a function that yields batches of labelled items in the order of their
partitions. Everything that costs (decoding, encoding) is done here, in the reader's thread, once for all listeners.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams.articles import (
    COUNTRY_PREFIX,
    MODEL_PREFIX,
    TOPIC_PREFIX,
    LabelledArticle,
    encode,
    main_headline,
    main_text,
    parse_timestamp,
)

if TYPE_CHECKING:
    from streams.wire import Labels

# Two lines of a card on a wide screen; the whole text is a request away, and 2,000 cards stay below 2 MB.
SNIPPET_CHARACTERS = 280
HEADLINE_CHARACTERS = 300

Offsets = Mapping[int, int]  # partition of news.labelled -> offset of the next record to read


class Labelled(NamedTuple):
    """A labelled item and where it stands on `news.labelled`."""

    partition: int
    offset: int
    article: LabelledArticle


class Batch(NamedTuple):
    """Some items in the order of arrival, none where none came; `positions` after them, of every partition read.

    `caught_up`: the reader has reached what was the end when it started.
    """

    items: Sequence[Labelled]
    positions: Offsets
    caught_up: bool


# Called in a thread of its own with a predicate that says when to end. Yields at least once a second, also when
# nothing came, so that it can end.
Source = Callable[[Callable[[], bool]], Iterator[Batch]]


class TopicMark(msgspec.Struct, frozen=True):
    """A topic of an item; confidence 0-100, None where the item does not say."""

    slug: str
    name: str
    confidence: int | None


class CountryMark(msgspec.Struct, frozen=True):
    """A country of an item and the slug of its region; confidence 0-100."""

    code: str
    name: str
    region: str | None
    confidence: int | None


class Card(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the live page shows of an item before it is opened; `at` in milliseconds since 1970, UTC."""

    uri: str
    at: int
    title: str
    snippet: str
    language: str
    status: str
    topics: list[TopicMark] = []
    countries: list[CountryMark] = []
    source: str | None = None
    url: str | None = None
    reason: str | None = None


class Entry(NamedTuple):
    """An item as the window and the hub hold it. `wire` and `card` are one line of JSON each."""

    partition: int
    offset: int
    uri: str
    at: float  # seconds since 1970, UTC: when it was labelled
    topics: Mapping[str, int]  # slug -> confidence 0-100
    countries: Sequence[CountryMark]
    language: str
    status: str
    wire: bytes
    card: bytes

    @property
    def regions(self) -> set[str]:
        """Slugs of its sub-regions."""
        return {mark.region for mark in self.countries if mark.region}

    @property
    def size(self) -> int:
        """Bytes that the entry holds in memory, about."""
        return len(self.wire) + len(self.card)


_encoder = msgspec.json.Encoder()


def entry_of(item: Labelled, labels: Labels) -> Entry:
    """The entry of an item. Raises InvalidError where its time of labelling is no date."""
    card = card_of(item.article, labels)
    return Entry(
        partition=item.partition,
        offset=item.offset,
        uri=card.uri,
        at=card.at / 1000,
        topics={mark.slug: mark.confidence or 0 for mark in card.topics},
        countries=card.countries,
        language=card.language,
        status=card.status,
        wire=encode(item.article),
        card=_encoder.encode(card),
    )


def card_of(article: LabelledArticle, labels: Labels) -> Card:
    """The card of an item; a label that the tables do not know goes by its code."""
    block = article.classification
    topic = next((axis for axis in block.axes if axis.axis == "topic"), None)
    headline = main_headline(article)
    return Card(
        uri=article.uri,
        at=round(parse_timestamp(block.labelled_at, field="labelledAt").timestamp() * 1000),
        title=_shortened(headline, HEADLINE_CHARACTERS),
        snippet=_shortened(_continued(headline, main_text(article)), SNIPPET_CHARACTERS),
        language=block.language.tag,
        status=block.status,
        topics=_topic_marks(article, labels),
        countries=_country_marks(article, labels),
        source=next((s.name for s in article.info_sources if s.name), None),
        url=next((a.value for a in article.alt_ids or () if a.role == "canonicalUrl" and _is_web(a.value)), None),
        reason=topic.abstain_reason if topic else None,
    )


def _topic_marks(article: LabelledArticle, labels: Labels) -> list[TopicMark]:
    ours = set(article.topics)
    marks = []
    for subject in article.subjects or ():
        code = (subject.literal or "").removeprefix(TOPIC_PREFIX)
        if code in ours and (subject.creator or "").startswith(MODEL_PREFIX):
            label = labels.topics.get(code)
            marks.append(TopicMark(label.slug if label else code, subject.name or code, subject.confidence))
            ours.discard(code)
    return marks


def _country_marks(article: LabelledArticle, labels: Labels) -> list[CountryMark]:
    axis = next((axis for axis in article.classification.axes if axis.axis == "region"), None)
    scores = {score.code: score.score for score in axis.scores} if axis else {}
    names = {(place.literal or "").removeprefix(COUNTRY_PREFIX): place.name for place in article.places or ()}
    marks = []
    for code in article.countries:
        region = labels.region_of(code)
        score = scores.get(code)
        percent = None if score is None else round(100 * score)
        marks.append(CountryMark(code, names.get(code) or code, region.slug if region else None, percent))
    return marks


def _continued(headline: str, text: str) -> str:
    """The text; where the headline is its beginning, as with a teaser, what follows on it."""
    lead = headline.rstrip("…")
    if lead and text.startswith(lead):
        rest = text[len(lead) :].lstrip()
        return f"…{rest}" if rest else ""
    return text


def _shortened(text: str, characters: int) -> str:
    """White space as single blanks, and cut at a word with an ellipsis where it is longer than `characters`."""
    text = " ".join(text[: characters * 4].split())
    if len(text) <= characters:
        return text
    head = text[:characters]
    return (head.rpartition(" ")[0] or head) + "…"


def _is_web(address: str | None) -> bool:
    """Whether it may stand in a link: a javascript: address of a hostile publisher must not."""
    return bool(address) and str(address).lower().startswith(("https://", "http://"))
