"""`newswire publish`: items from files, pages and feeds into Kafka, or onto stdout with --dry-run."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from streams.cli.publish_feeds import feed, feeds, warc
from streams.cli.publish_run import run
from streams.cli.terminal import bootstrap_option
from streams.errors import InvalidError

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
@_source
@_language
@bootstrap_option
@click.pass_context
def jsonl(
    context: click.Context,
    /,
    file: Path,
    source: str | None,
    language: str | None,
    bootstrap_servers: str | None,
    *,
    dry_run: bool,
    resume: bool,
) -> None:
    """Publish JSON lines, gzip too, from FILE or with "-" from standard input: one item a line.

    An item is ninjs 3.1, or the short form {"title", "text"} with uri, url, language, published and source where they
    are known. A line that is no item becomes one dead letter with its line number, and the rest goes on.

    \b
    Example:
      echo '{"title": "Rain", "text": "It rained in Ankara all day."}' | newswire publish jsonl -
    """  # noqa: D301
    from streams.sources.jsonl import open_json_lines
    from streams.sources.normalise import Defaults

    if resume and file == STDIN:
        raise InvalidError("--resume needs a file: nobody knows what standard input held before")
    defaults = Defaults(source or ("stdin" if file == STDIN else file.name.partition(".")[0]), language)
    opened = open_json_lines(None if file == STDIN else file.absolute(), defaults, lambda: datetime.now(UTC))
    run(context, opened, bootstrap_servers, dry_run=dry_run, resume=resume)


@command.command()
@click.argument(
    "paths", metavar="PATH...", type=click.Path(path_type=Path, exists=True, dir_okay=False), nargs=-1, required=True
)
@_dry_run
@_source
@_language
@bootstrap_option
@click.pass_context
def page(
    context: click.Context,
    /,
    paths: tuple[Path, ...],
    source: str | None,
    language: str | None,
    bootstrap_servers: str | None,
    *,
    dry_run: bool,
) -> None:
    """Publish pages, plain text or HTML: a page that holds several items gives several.

    The main story comes first; notices are dropped; teasers of other stories become items of their own that name the
    main story as their parent. `edNote` says how sure the borders are and what set them.

    \b
    Example:
      newswire publish page article.html
      newswire publish page wire-*.txt --language ar --source "Örnek Ajansı" --dry-run
    """  # noqa: D301
    from streams.sources.normalise import Defaults
    from streams.sources.page import Pages

    defaults = Defaults(source or (paths[0].stem if len(paths) == 1 else "pages"), language)
    run(context, Pages(paths, defaults, lambda: datetime.now(UTC)), bootstrap_servers, dry_run=dry_run)
