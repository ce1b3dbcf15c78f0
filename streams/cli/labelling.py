"""From articles to labelled articles without Kafka, and one text as an article: what `newswire classify` is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.contract import Item, passed_on
from streams.agents.label import Author, Claim, label_article, pass_through
from streams.agents.labeller import CANCELED
from streams.articles import home_country, main_headline, main_text
from streams.errors import InvalidError
from streams.sources.normalise import Defaults, ShortItem, article_of_short

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from classifiers.contract import Classifier, Evidence, Verdict
    from classifiers.model import Model
    from streams.articles import Article, LabelledArticle
    from streams.wire import Labels

HEADLINE_CHARACTERS = 200  # a first line up to this is a headline; the longest of the training data has 296
_WORDS_SHOWN = 6


def label_articles(
    articles: Sequence[Article], model: Model, labels: Labels, now: str, *, explain: bool
) -> list[LabelledArticle]:
    """Label a batch, in order. `now` is RFC 3339. A canceled article is passed through, as the worker does."""
    author = Author(model.name, model.version, labels)
    alive = [article for article in articles if article.pub_status != CANCELED]
    documents = model.prepare([item_of(article) for article in alive])
    topics = model.topics.classify(documents)
    documents = passed_on(documents, topics)
    regions = model.regions.classify(documents)

    def words(classifier: Classifier, at: int, verdict: Verdict) -> Sequence[Evidence]:
        return classifier.explain(documents[at], verdict) if explain else ()

    done: Iterator[LabelledArticle] = (
        label_article(
            article,
            Claim(documents[at], topic, region, words(model.topics, at, topic), words(model.regions, at, region)),
            author,
            now,
        )
        for at, (article, topic, region) in enumerate(zip(alive, topics, regions, strict=True))
    )
    return [pass_through(article, now) if article.pub_status == CANCELED else next(done) for article in articles]


def item_of(article: Article) -> Item:
    """What the classifiers read of an article."""
    return Item(main_headline(article), main_text(article), article.language, home_country(article))


def article_of_text(data: bytes, source: str, now: datetime) -> Article:
    """One plain text as an article: its first line is the headline if it is short and more follows.

    Raises InvalidError: not UTF-8, nothing to read.
    """
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise InvalidError(f"the text is not UTF-8 ({error.reason} at byte {error.start}): convert it first") from error
    first, _, rest = text.partition("\n")
    headed = len(first) <= HEADLINE_CHARACTERS and bool(rest.strip())
    item = ShortItem(title=first if headed else "", text=rest if headed else text)
    return article_of_short(item, Defaults(source), now)


def text_lines(article: LabelledArticle, labels: Labels) -> str:
    """A labelled article for a person: one line, and under it, where it is explained, the words of each label."""
    topics = ",".join(labels.topics[code].slug if code in labels.topics else code for code in article.topics)
    language = article.classification.language.tag
    reason = next((f" ({axis.abstain_reason})" for axis in article.classification.axes if axis.abstain_reason), "")
    head = f"{topics or '-' + reason}\t{','.join(article.countries) or '-'}\t{language}\t{main_headline(article)}"
    return "\n".join([head, *_explained(article, labels)])


def _explained(article: LabelledArticle, labels: Labels) -> list[str]:
    lines = []
    for axis in article.classification.axes:
        words: dict[str, list[str]] = {}
        for evidence in axis.explanation or ():
            words.setdefault(evidence.code, []).append(f"{evidence.word} {evidence.weight:+.2f}")
        scores = {score.code: score.score for score in axis.scores}
        for code, carried in words.items():
            name = labels.topics[code].slug if code in labels.topics else code
            lines.append(f"    {name} {scores.get(code, 0.0):.2f}: {', '.join(carried[:_WORDS_SHOWN])}")
    return lines
