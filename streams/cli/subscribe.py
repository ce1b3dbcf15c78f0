"""`newswire subscribe`: labelled items as lines on stdout."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal, TypedDict, Unpack

import click

from streams.cli.connection import kafka_of
from streams.cli.terminal import bootstrap_option
from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from streams.articles import LabelledArticle
    from streams.kafka.link import Record
    from streams.kafka.reader import Start
    from streams.kafka.subscription import Subscription
    from streams.wire import Labels


class Flags(TypedDict):
    """What the options below hand over."""

    topics: tuple[str, ...]
    regions: tuple[str, ...]
    languages: tuple[str, ...]
    min_confidence: int
    start: str | None
    group: str | None
    limit: int | None
    no_follow: bool
    form: Literal["json", "text"]
    bootstrap_servers: str | None


@click.command(name="subscribe")
@click.option("--topic", "topics", metavar="SLUG", multiple=True, help="Items of this topic; may be repeated.")
@click.option(
    "--region", "regions", metavar="SLUG|ISO2", multiple=True, help="Items about this region or country; repeatable."
)
@click.option("--language", "languages", metavar="TAG", multiple=True, help="Items in this language; repeatable.")
@click.option("--min-confidence", type=click.IntRange(0, 100), default=0, metavar="N", help="Surer than N per cent.")
@click.option("--from", "start", metavar="earliest|latest|TIME", help="Where to begin; latest, or a group's place.")
@click.option("--group", metavar="NAME", help="Share the items out among all subscribers of this name; keep its place.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Stop after N items.")
@click.option("--no-follow", is_flag=True, help="Stop at what is the end now.")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="json", help="Default: json.")
@bootstrap_option
@click.pass_context
def command(context: click.Context, /, **flags: Unpack[Flags]) -> None:
    """Print labelled items as they come, one a line: each item once, whatever number of the streams it is on.

    \b
    Example:
      newswire subscribe --topic sport --language tr
      newswire subscribe --topic politics --topic conflict --region SY --min-confidence 70
      newswire subscribe --from 2025-10-12T08:00:00+03:00 --format text
    """  # noqa: D301 - click wants the character \b
    from streams.cli.main import settings_of
    from streams.cli.terminal import quiet_clients
    from streams.kafka.subscriber import subscribe
    from streams.settings import load_labels

    quiet_clients()
    labels = load_labels()
    check_names(flags["topics"], flags["regions"], labels)
    settings = settings_of(context, kafka__bootstrap_servers=flags["bootstrap_servers"])
    subscription = subscribe(
        topics=flags["topics"],
        regions=flags["regions"],
        languages=flags["languages"],
        min_confidence=flags["min_confidence"],
        start=parse_start(flags["start"]),
        group=flags["group"],
        limit=flags["limit"],
        follow=not flags["no_follow"],
        bootstrap_servers=kafka_of(settings),
        labels=labels,
    )
    print_items(subscription, flags["form"], labels)


def print_items(subscription: Subscription, form: Literal["json", "text"], labels: Labels) -> None:
    """Items as lines on stdout until the subscription ends."""
    from streams.cli.terminal import quiet_end, write_line

    line_of: Callable[[LabelledArticle, Record], bytes] = _json_line
    if form == "text":
        line_of = lambda article, _: _text_line(article, labels)  # noqa: E731
    with quiet_end(), subscription:
        for article in subscription:
            if subscription.record is not None:
                write_line(line_of(article, subscription.record))
                sys.stdout.flush()  # who reads the pipe waits for this item


def check_names(topics: Iterable[str], regions: Iterable[str], labels: Labels) -> None:
    """Raises InvalidError for a topic, region or country that no table knows, with the nearest name."""
    from streams.settings import nearest

    known_topics = [label.slug for label in labels.topics.values()]
    known_regions = [label.slug for label in labels.regions.values()]
    for slug in topics:
        if slug.lower() not in known_topics:
            raise InvalidError(f"unknown topic {slug!r}{nearest(slug.lower(), known_topics)}")
    for place in regions:
        if len(place) == len("SA"):
            if place.upper() not in labels.countries:
                raise InvalidError(f"unknown country {place!r}: a country is its two letters of ISO 3166-1, such as TR")
        elif place.lower() not in known_regions:
            raise InvalidError(f"unknown region {place!r}{nearest(place.lower(), known_regions)}")


def parse_start(value: str | None) -> Start | None:
    """earliest, latest, or a time in ISO 8601 (without offset: UTC). Raises InvalidError."""
    named: dict[str | None, Start | None] = {None: None, "earliest": "earliest", "latest": "latest"}
    if value in named:
        return named[value]
    try:
        moment = datetime.fromisoformat(value or "")
    except ValueError:
        raise InvalidError(f"--from is earliest, latest or a time such as 2025-10-12T08:00, not {value!r}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _json_line(article: LabelledArticle, record: Record) -> bytes:
    from streams.articles import encode

    value = record.value or b""
    return encode(article) if b"\n" in value else value


def _text_line(article: LabelledArticle, labels: Labels) -> bytes:
    from streams.articles import main_headline

    topics = ",".join(labels.topics[code].slug if code in labels.topics else code for code in article.topics)
    countries = ",".join(article.countries)
    language = article.classification.language.tag
    return f"{topics or '-'}\t{countries or '-'}\t{language}\t{main_headline(article)}\t{article.uri}".encode()
