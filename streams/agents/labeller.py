"""Records in, outcomes out, in two steps: one for each agent. Knows neither Faust nor Kafka; the clock is an argument.

begin   decode, prepare, topics      (the topic agent)
finish  regions, route, encode       (the region agent)
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import msgspec

from classifiers.contract import Item, passed_on
from streams import wire
from streams.agents.batch import Outcome, Poison, bisect
from streams.agents.dead_letters import Failure, dead_letter, invalid, poisoned
from streams.agents.label import (
    Author,
    Claim,
    accepted_countries,
    accepted_topics,
    pass_through,
    write_labelled,
)
from streams.agents.routes import Routes, Stamp
from streams.articles import decode_article, encode, home_country, main_headline, main_text
from streams.errors import InvalidError
from streams.kafka.link import FanOut

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifiers.contract import Classifier, Document, Evidence, Verdict
    from streams.articles import Article
    from streams.kafka.link import Record

CANCELED = "canceled"
UNDETERMINED = "und"  # BCP 47
MAX_FRAME = 20_000  # bytes of key and headers at most: a uri of 2,048 characters twice, labels, trace


class LoadedModel(Protocol):
    """What the worker needs of a model (classifiers.model.load_model)."""

    name: str
    version: str
    topics: Classifier
    regions: Classifier

    def prepare(self, items: Sequence[Item]) -> list[Document]:
        """Items made ready for both classifiers, in order."""
        ...


class Draft(msgspec.Struct, frozen=True, gc=False):
    """A record between the two steps: an article whose topics are known."""

    record: Record
    article: Article
    document: Document
    topics: Verdict
    topic_words: Sequence[Evidence]


class Canceled(msgspec.Struct, frozen=True, gc=False):
    """A record that is passed through without being classified."""

    record: Record
    article: Article


Step = Draft | Canceled | Outcome  # an outcome is final: the record is dead


class Labeller:
    """One model and its label tables.

    Args:
        prefix: stands before the name of every Kafka topic that is written, where a cluster is shared.
        explain: also keep the words that carried each label (slower, larger items).
        observe: told the seconds that a batch spent in a stage of metrics.STAGES.

    """

    def __init__(
        self,
        model: LoadedModel,
        labels: wire.Labels,
        *,
        prefix: str = "",
        explain: bool = False,
        observe: Callable[[str, float], None] = lambda _stage, _seconds: None,
    ) -> None:
        self._model = model
        self._prefix = prefix
        self._explain = explain
        self._observe = observe
        self._author = Author(model.name, model.version, labels)
        self._routes = Routes(labels, prefix)

    def begin(self, records: Sequence[Record], now: str) -> list[Step]:
        """Decodes and finds the topics; one step a record, in order. `now` is RFC 3339."""
        with self._timed("prepare"):
            decoded = [self._decode(record, now) for record in records]
            articles = [(r, a) for r, a in zip(records, decoded, strict=True) if not isinstance(a, (Outcome, Canceled))]
            documents = bisect([_item(article) for _, article in articles], self._model.prepare, "prepare")
        with self._timed("topics"):
            whole = iter(bisect([d for d in documents if not isinstance(d, Poison)], self._topics, "topics"))
            verdicts = [d if isinstance(d, Poison) else next(whole) for d in documents]
        drafts = iter(self._draft(*pair, verdict, now) for pair, verdict in zip(articles, verdicts, strict=True))
        return [step if isinstance(step, (Outcome, Canceled)) else next(drafts) for step in decoded]

    def finish(self, steps: Sequence[Step], now: str) -> list[Outcome]:
        """Finds the regions, routes and encodes; one outcome a step, in order. `now` is RFC 3339."""
        drafts = [step for step in steps if isinstance(step, Draft)]
        with self._timed("regions"):
            documents = passed_on([draft.document for draft in drafts], [draft.topics for draft in drafts])
            verdicts = iter(bisect(documents, self._regions, "regions"))
        with self._timed("encode"):
            stamp = Stamp(now)
            return [self._outcome(step, verdicts, now, stamp) for step in steps]

    def _decode(self, record: Record, now: str) -> Article | Canceled | Outcome:
        try:
            article = decode_article(record.value)
        except InvalidError as error:
            return self._dead(record, invalid(error, "decode"), now)
        return Canceled(record, article) if article.pub_status == CANCELED else article

    def _topics(self, documents: Sequence[Document]) -> list[tuple[Document, Verdict, Sequence[Evidence]]]:
        verdicts = self._model.topics.classify(documents)
        return [(d, v, self._words(self._model.topics, d, v)) for d, v in zip(documents, verdicts, strict=True)]

    def _regions(self, documents: Sequence[Document]) -> list[tuple[Verdict, Sequence[Evidence]]]:
        verdicts = self._model.regions.classify(documents)
        return [(v, self._words(self._model.regions, d, v)) for d, v in zip(documents, verdicts, strict=True)]

    def _words(self, classifier: Classifier, document: Document, verdict: Verdict) -> Sequence[Evidence]:
        return classifier.explain(document, verdict) if self._explain else ()

    def _draft(
        self,
        record: Record,
        article: Article,
        found: tuple[Document, Verdict, Sequence[Evidence]] | Poison,
        now: str,
    ) -> Draft | Outcome:
        if isinstance(found, Poison):
            return self._dead(record, poisoned(found, article.uri), now)
        return Draft(record, article, *found)

    def _outcome(
        self, step: Step, verdicts: Iterator[tuple[Verdict, Sequence[Evidence]] | Poison], now: str, stamp: Stamp
    ) -> Outcome:
        if isinstance(step, Outcome):
            return step
        record, article = step.record, step.article
        try:
            if isinstance(step, Canceled):
                value = encode(pass_through(article, now))
                return self._labelled(record, article, value, None, stamp)
            found = next(verdicts)
            if isinstance(found, Poison):
                return self._dead(record, poisoned(found, article.uri), now)
            claim = Claim(step.document, step.topics, found[0], step.topic_words, found[1])
            value = write_labelled(record.value or b"", article, claim, self._author, now)
        except InvalidError as error:
            return self._dead(record, invalid(error, "encode", article.uri), now)
        return self._labelled(record, article, value, claim, stamp)

    def _labelled(self, record: Record, article: Article, value: bytes, claim: Claim | None, stamp: Stamp) -> Outcome:
        topics = accepted_topics(claim.topics) if claim else ()
        countries = accepted_countries(claim.regions) if claim else ()
        route = self._routes.of(tuple([t.code for t in topics]), tuple([c.code for c in countries]))
        key = wire.record_key(article)
        language = claim.document.language if claim else UNDETERMINED
        headers = stamp.headers(article, key, language, route, record.headers)
        if len(value) > wire.MAX_RECORD_BYTES - MAX_FRAME and (size := _size(value, headers)) > wire.MAX_RECORD_BYTES:
            return self._dead(record, _too_large(size, article.uri), stamp.labelled_at)
        return Outcome(
            route.status,
            FanOut(route.streams, key, value, headers),
            record.timestamp_ms,
            "" if topics else _reason(claim),
            route.topics,
            route.regions,
            topics[0].probability if topics else None,
            countries[0].probability if countries else None,
        )

    def _dead(self, record: Record, failure: Failure, now: str) -> Outcome:
        return dead_letter(record, failure, now, self._prefix + wire.DEAD_LETTERS)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._observe(stage, time.perf_counter() - began)


def _item(article: Article) -> Item:
    """main_headline and main_text look through all; nine of ten items have one of each, in plain text."""
    headline, body = article.headlines[0], article.bodies[0]
    title = (
        headline.value if len(article.headlines) == 1 and headline.content_type in _PLAIN else main_headline(article)
    )
    text = body.value if len(article.bodies) == 1 and body.content_type in _PLAIN else main_text(article)
    return Item(title, text, article.language, home_country(article))


_PLAIN = (None, "text/plain")


def _size(value: bytes, headers: list[tuple[str, bytes]]) -> int:
    return len(value) + sum(len(name) + len(data) for name, data in headers)


def _too_large(size: int, uri: str) -> Failure:
    message = f"{size} bytes with its labels; at most {wire.MAX_RECORD_BYTES} can be published"
    return Failure("too_large", "encode", "TooLarge", message, uri=uri)


def _reason(claim: Claim | None) -> str:
    if claim is None:
        return CANCELED
    return claim.topics.reason.value if claim.topics.reason else "low_confidence"
