"""Records in, outcomes out, in two steps: one for each agent. Knows neither Faust nor Kafka; the clock is an argument.

begin   decode, prepare, topics      (the topic agent)
finish  regions, route, encode       (the region agent)
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple, Protocol

from classifiers.contract import Decision, Item
from streams import wire
from streams.agents.batch import Outcome, Poison, bisect
from streams.agents.dead_letters import Failure, dead_letter, invalid, poisoned
from streams.agents.label import Author, Claim, label_article, pass_through
from streams.articles import decode_article, encode, home_country, main_headline, main_text
from streams.errors import InvalidError
from streams.kafka.link import Output

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from classifiers.contract import Classifier, Document, Evidence, Verdict
    from streams.articles import Article, LabelledArticle
    from streams.kafka.link import Record

CANCELED = "canceled"


class LoadedModel(Protocol):
    """What the worker needs of a model (classifiers.model.load_model)."""

    name: str
    version: str
    topics: Classifier
    regions: Classifier

    def prepare(self, items: Sequence[Item]) -> list[Document]:
        """Items made ready for both classifiers, in order."""
        ...


class Draft(NamedTuple):
    """A record between the two steps: an article whose topics are known."""

    record: Record
    article: Article
    document: Document
    topics: Verdict
    topic_words: Sequence[Evidence]


class Canceled(NamedTuple):
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
        self._labels = labels
        self._prefix = prefix
        self._explain = explain
        self._observe = observe
        self._author = Author(model.name, model.version, labels)

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
            verdicts = iter(bisect([draft.document for draft in drafts], self._regions, "regions"))
        with self._timed("encode"):
            return [self._outcome(step, verdicts, now) for step in steps]

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
        self, step: Step, verdicts: Iterator[tuple[Verdict, Sequence[Evidence]] | Poison], now: str
    ) -> Outcome:
        if isinstance(step, Outcome):
            return step
        if isinstance(step, Canceled):
            return self._labelled(step.record, pass_through(step.article, now), None, now)
        found = next(verdicts)
        if isinstance(found, Poison):
            return self._dead(step.record, poisoned(found, step.article.uri), now)
        claim = Claim(step.document, step.topics, found[0], step.topic_words, found[1])
        return self._labelled(step.record, label_article(step.article, claim, self._author, now), claim, now)

    def _labelled(self, record: Record, article: LabelledArticle, claim: Claim | None, now: str) -> Outcome:
        try:
            value = encode(article)
        except InvalidError as error:
            return self._dead(record, invalid(error, "encode", article.uri), now)
        key = wire.record_key(article)
        headers = wire.labelled_headers(article, self._labels, record.headers)
        size = len(value) + len(key) + sum(len(name) + len(data) for name, data in headers)
        if size > wire.MAX_RECORD_BYTES:
            return self._dead(record, _too_large(size, article.uri), now)
        streams = wire.streams_of(article, self._labels)
        return Outcome(
            article.classification.status,
            [Output(self._prefix + stream, key, value, headers) for stream in streams],
            record.timestamp_ms,
            _reason(claim) if article.classification.status == "abstained" else "",
            [s.removeprefix(wire.TOPIC_STREAM) for s in streams if s.startswith(wire.TOPIC_STREAM)],
            [s.removeprefix(wire.REGION_STREAM) for s in streams if s.startswith(wire.REGION_STREAM)],
            _confidence(claim.topics) if claim else None,
            _confidence(claim.regions) if claim else None,
        )

    def _dead(self, record: Record, failure: Failure, now: str) -> Outcome:
        return dead_letter(record, failure, now, self._prefix + wire.DEAD_LETTERS)

    @contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self._observe(stage, time.perf_counter() - began)


def _item(article: Article) -> Item:
    return Item(main_headline(article), main_text(article), article.language, home_country(article))


def _too_large(size: int, uri: str) -> Failure:
    message = f"{size} bytes with its labels; at most {wire.MAX_RECORD_BYTES} can be published"
    return Failure("too_large", "encode", "TooLarge", message, uri=uri)


def _reason(claim: Claim | None) -> str:
    if claim is None:
        return CANCELED
    return claim.topics.reason.value if claim.topics.reason else "low_confidence"


def _confidence(verdict: Verdict) -> float | None:
    return verdict.labels[0].probability if verdict.decision is Decision.ASSIGNED else None
