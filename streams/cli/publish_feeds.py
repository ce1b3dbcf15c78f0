"""`newswire publish feed`, `feeds` and `warc`: items out of the web, once or for ever."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.terminal import bootstrap_option
from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from streams.articles import Article
    from streams.http_politeness import Clock
    from streams.kafka.link import Output
    from streams.metrics import Metrics
    from streams.sources.feed import Report
    from streams.sources.feed_file import FeedsFile
    from streams.sources.feed_poll import Feed
    from streams.sources.warc import WarcPages

ROBOTS_NAME = "newswire"
LOOKUPS = 64  # threads, made as they are needed; more than polls at once

log = logging.getLogger(__name__)

_dry_run = click.option("--dry-run", is_flag=True, help="Print the items as JSON lines instead; needs no Kafka.")


@click.command()
@click.argument("places", metavar="PATH|URL...", nargs=-1, required=True)
@_dry_run
@click.option("--source", help="Who supplied the items; default: the feed's title.")
@click.option("--language", metavar="TAG", help="BCP 47 tag of entries that give none; default: the feed's.")
@click.option("--country", metavar="ISO2", help="Country of the source, ISO 3166-1 alpha-2.")
@click.option("--allow", metavar="HOST", multiple=True, help="A private host, address or network that may be reached.")
@bootstrap_option
@click.pass_context
def feed(
    context: click.Context,
    /,
    places: tuple[str, ...],
    allow: tuple[str, ...],
    bootstrap_servers: str | None,
    *,
    dry_run: bool,
    **publisher: str | None,
) -> None:
    """Publish every entry of feed documents, once: RSS, Atom, RDF or JSON Feed, from files or addresses.

    \b
    Example:
      newswire publish feed https://feeds.bbci.co.uk/arabic/rss.xml --dry-run
    """  # noqa: D301 - click wants the character \b
    from streams.cli.publish_run import run
    from streams.http import Client
    from streams.http_guard import allow_list
    from streams.sources.feed_documents import FeedDocuments
    from streams.sources.feed_items import Publisher

    allowed = allow_list(allow)
    country = (publisher["country"] or "").upper() or None
    documents = FeedDocuments(
        places,
        Publisher(publisher["source"] or "", publisher["language"], country),
        lambda: Client(user_agent(""), allowed=allowed),
        lambda: datetime.now(UTC),
    )
    run(context, documents, bootstrap_servers, dry_run=dry_run)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--once", is_flag=True, help="Poll every feed once, due or not, and end.")
@click.option("--dry-run", is_flag=True, help="Poll every feed once, print the items instead; needs no Kafka.")
@bootstrap_option
@click.pass_context
def feeds(context: click.Context, /, file: Path, bootstrap_servers: str | None, *, once: bool, dry_run: bool) -> None:
    """Poll the feeds of a TOML file for ever, each as often as it brings news, politely; exactly once into Kafka.

    What a feed has shown is stored in Kafka with its items: stop and start as you like, here or on another machine.
    configs/sources.toml is an example with every setting.

    \b
    Example:
      newswire publish feeds sources.toml
      newswire publish feeds sources.toml --dry-run
    """  # noqa: D301
    from streams.cli.connection import kafka_of
    from streams.cli.logs import start_log
    from streams.cli.main import settings_of
    from streams.cli.publish_run import served_metrics
    from streams.cli.tracing import followed, traced
    from streams.http_politeness import SystemClock
    from streams.kafka.publisher import SourcePublisher
    from streams.sources.feed_file import read_feeds

    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidError(f"cannot read {file}: {error}") from error
    named, wanted = read_feeds(text, str(file))
    settings = settings_of(context, kafka__bootstrap_servers=bootstrap_servers)
    start_log(settings.log.level, settings.log.format)
    if dry_run:
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(poll_feeds(named, wanted, {}, _print, _logged, SystemClock(), once=True))
        return
    with (
        traced(settings, "publish") as spans,
        SourcePublisher(kafka_of(settings), named.poller.name, acknowledged=followed(spans)) as publisher,
        served_metrics(settings.publish.metrics_port, settings.metrics.host) as metrics,
    ):
        positions = publisher.positions()
        report = _counted(metrics)
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(poll_feeds(named, wanted, positions, publisher.publish, report, SystemClock(), once=once))


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path, dir_okay=False))
@_dry_run
@click.option("--resume", is_flag=True, help="Go on where the last --resume with this file stopped; exactly once.")
@click.option("--source", help="Who supplied the items; default: what the page says, else its host.")
@click.option("--language", metavar="TAG", help="BCP 47 tag of pages that declare none; default: detected.")
@bootstrap_option
@click.pass_context
def warc(
    context: click.Context,
    /,
    files: tuple[Path, ...],
    source: str | None,
    language: str | None,
    bootstrap_servers: str | None,
    *,
    dry_run: bool,
    resume: bool,
) -> None:
    """Publish the pages of web archives, WARC or ARC, compressed or not; an item's time is that of its capture.

    \b
    Example:
      newswire publish warc crawl-00017.warc.gz --resume
    """  # noqa: D301
    from streams.cli.publish_run import run

    failed = 0
    for path in files:
        try:
            archive = open_warc(path.absolute(), source, language)
            run(context, archive, bootstrap_servers, dry_run=dry_run, resume=resume)
        except InvalidError as error:
            failed += 1
            if len(files) == 1:
                raise
            click.echo(f"newswire: {error}", err=True)
    if failed:
        raise InvalidError(f"{failed} of {len(files)} archives could not be read, see above")


def open_warc(path: Path, source: str | None, language: str | None) -> WarcPages:
    """The pages of an archive, each through the extractor and the segmenter. Raises InvalidError: cannot be opened."""
    import yarl

    from streams.sources.extract import Extractor
    from streams.sources.normalise import Defaults
    from streams.sources.page import articles_of, read_page
    from streams.sources.warc import WarcPages

    extractor = Extractor()

    def articles(body: bytes, url: str, captured: datetime) -> Sequence[Article]:
        page = read_page(body, extractor)._replace(url=url)
        host = yarl.URL(url).host or path.name
        return articles_of(page._replace(site=source or page.site), Defaults(host, language), captured)

    return WarcPages(path, articles, lambda: datetime.now(UTC), extractor.close)


async def poll_feeds(
    file: FeedsFile,
    feeds: Sequence[Feed],
    positions: Mapping[str, bytes],
    publish: Callable[[Sequence[Output], Mapping[str, bytes]], None],
    report: Callable[[Report], None],
    clock: Clock,
    *,
    once: bool,
) -> None:
    """Polls until it is done, or until SIGTERM or Ctrl-C."""
    from streams.http import Client
    from streams.sources.confined import ConfinedPool
    from streams.sources.extract import Extractor
    from streams.sources.feed import Poller
    from streams.sources.feed_committer import Committer
    from streams.sources.feed_page import PageTexts
    from streams.sources.feed_parse import parse_feed
    from streams.sources.feed_poll import Tools
    from streams.sources.robots import Robots

    # Names are looked up in these threads. With the usual six, a few dead name servers (10 s a name) hold every feed up
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup"))
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel if task else lambda: None)
    async with (
        Client(user_agent(file.poller.contact), allowed=file.allowed(), clock=clock) as client,
        ConfinedPool(parse_feed, file.poller.parsers) as parsers,
        PageTexts(Extractor()) as pages,
        Committer(publish) as committer,
    ):
        robots = Robots(client, clock, ROBOTS_NAME)
        tools = Tools(client, robots, parsers.call, pages.text, clock, random.random)
        await Poller(feeds, positions, tools, committer, report).run(once=once)


def user_agent(contact: str) -> str:
    """The name that hosts see."""
    from importlib.metadata import version

    return f"Newswire/{version('newswire')}" + (f" ({contact})" if contact else "")


def _print(outputs: Sequence[Output], _: Mapping[str, bytes]) -> None:
    from streams.cli.terminal import write_line
    from streams.wire import ARTICLES

    for output in outputs:
        if output.kafka_topic == ARTICLES:
            write_line(output.value or b"")


def _counted(metrics: Metrics) -> Callable[[Report], None]:
    def report(done: Report) -> None:
        """Counts one poll of one feed; its two gauges are Unix times in seconds."""
        metrics.published_items.labels("feed").inc(done.published)
        metrics.refused_items.labels("feed").inc(done.dead)
        metrics.feed_polls.labels(done.polled.result).inc()
        metrics.silent_feeds.set(done.silent)
        metrics.feed_last_item_timestamp_seconds.labels(done.feed.name).set(done.state.new_at)
        metrics.feed_next_poll_timestamp_seconds.labels(done.feed.name).set(done.state.next_at)
        _logged(done)

    return report


def _logged(done: Report) -> None:
    fields = {"source": done.feed.name, "items": done.published, "dead": done.dead}
    polled, minutes = done.polled, (done.state.next_at - datetime.now(UTC).timestamp()) / 60
    if polled.result in {"fetched", "not_modified"}:
        brought = f"{polled.new} new, {polled.changed} changed of {polled.shown}" if polled.shown else "nothing new"
        log.info("feed %s: %s; next in %.0f min", done.feed.name, brought, minutes, extra=fields)
    else:
        log.warning(
            "feed %s: %s: %s; next in %.0f min", done.feed.name, polled.result, polled.message, minutes, extra=fields
        )
    if done.dead:
        log.warning("feed %s: %d entries are no items: see the dead letters", done.feed.name, done.dead, extra=fields)
