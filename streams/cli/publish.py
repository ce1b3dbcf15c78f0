"""`newswire publish`: items from files, pages and feeds into Kafka, or onto stdout with --dry-run."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from streams.cli.publish_feeds import feed, feeds, warc
from streams.cli.publish_run import run
from streams.cli.terminal import bootstrap_option
from streams.errors import InvalidError

if TYPE_CHECKING:
    from streams.sources.base import Source

STDIN = Path("-")

_dry_run = click.option("--dry-run", is_flag=True, help="Print the items as JSON lines instead; needs no Kafka.")
_source = click.option("--source", help="Who supplied the items where they do not say so; default: the file's name.")
_language = click.option("--language", metavar="TAG", help="BCP 47 tag of items that give none; default: detected.")


@click.group(name="publish", no_args_is_help=True)
def command() -> None:
    """Publish items: each becomes one record on news.articles, or one dead letter that says what is wrong with it.

    \b
    Example:
      newswire publish jsonl items.jsonl
      newswire publish page article.html --dry-run
    """  # noqa: D301 - click wants the character \b


for _other in (feed, feeds, warc):
    command.add_command(_other)


@command.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@_dry_run
@click.option("--resume", is_flag=True, help="Go on where the last --resume with this file stopped; exactly once.")
@click.option("--rate", type=click.FloatRange(0.001, 100_000), metavar="N", help="At most so many items a second.")
@click.option("--loop", is_flag=True, help="Over and over, for ever; from the second round as new versions.")
@_source
@_language
@bootstrap_option
@click.pass_context
def jsonl(
    context: click.Context,
    /,
    file: Path,
    rate: float | None,
    source: str | None,
    language: str | None,
    bootstrap_servers: str | None,
    **flags: bool,
) -> None:
    """Publish JSON lines, gzip too, from FILE or with "-" from standard input: one item a line.

    An item is ninjs 3.1, or the short form {"title", "text"} with uri, url, language, published and source where they
    are known. A line that is no item becomes one dead letter with its line number, and the rest goes on.

    --rate and --loop replay a file. A round after the first gives every item as a new version: the same uri, a
    `version` that counts up and versionCreated now, so that what keeps the newest version of an item does not grow.

    \b
    Example:
      echo '{"title": "Rain", "text": "It rained in Ankara all day."}' | newswire publish jsonl -
      newswire publish jsonl items.jsonl --rate 5 --loop
    """  # noqa: D301
    from streams.sources.jsonl import open_json_lines
    from streams.sources.normalise import Defaults
    from streams.sources.replay import Pace, Replay

    for flag in ("resume", "loop"):
        if flags[flag] and file == STDIN:
            raise InvalidError(f"--{flag} needs a file: nobody knows what standard input held before")
    defaults = Defaults(source or ("stdin" if file == STDIN else file.name.partition(".")[0]), language)

    def opened() -> Source:
        return open_json_lines(None if file == STDIN else file.absolute(), defaults, lambda: datetime.now(UTC))

    if rate is None and not flags["loop"]:
        run(context, opened(), bootstrap_servers, dry_run=flags["dry_run"], resume=flags["resume"])
        return
    if flags["resume"]:
        raise InvalidError("--resume goes with neither --rate nor --loop: a replay starts from the beginning")
    pace = Pace(rate, time.monotonic, time.sleep) if rate else None
    replay = Replay(opened, pace, lambda: datetime.now(UTC), loop=flags["loop"])
    run(context, replay, bootstrap_servers, dry_run=flags["dry_run"])


@command.command()
@click.argument("places", metavar="PATH|URL...", nargs=-1, required=True)
@_dry_run
@_source
@_language
@click.option("--allow", metavar="HOST", multiple=True, help="A private host, address or network that may be reached.")
@bootstrap_option
@click.pass_context
def page(
    context: click.Context,
    /,
    places: tuple[str, ...],
    source: str | None,
    language: str | None,
    allow: tuple[str, ...],
    bootstrap_servers: str | None,
    *,
    dry_run: bool,
) -> None:
    """Publish pages, plain text or HTML, from files or addresses: a page that holds several items gives several.

    The main story comes first; notices are dropped; teasers of other stories become items of their own that name the
    main story as their parent. `edNote` says how sure the borders are and what set them.

    \b
    Example:
      newswire publish page article.html
      newswire publish page https://news.example/2026/storm.html --dry-run
      newswire publish page wire-*.txt --language ar --source "Örnek Ajansı" --dry-run
    """  # noqa: D301
    from streams.cli.publish_feeds import user_agent
    from streams.http import Client
    from streams.http_guard import allow_list
    from streams.sources.normalise import Defaults
    from streams.sources.page import Pages

    allowed = allow_list(allow)
    defaults = Defaults(source or (_name_of(places[0]) if len(places) == 1 else "pages"), language)
    pages = Pages(
        [place if "://" in place else _existing(Path(place)) for place in places],
        defaults,
        lambda: datetime.now(UTC),
        client=lambda: Client(user_agent(""), allowed=allowed),
    )
    run(context, pages, bootstrap_servers, dry_run=dry_run)


def _name_of(place: str) -> str:
    """What to call the source of a page that does not say it: the host, or the name of the file."""
    return place.partition("://")[2].partition("/")[0] if "://" in place else Path(place).stem


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise InvalidError(f"cannot read {path}: no such file")
    return path
