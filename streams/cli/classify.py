"""`newswire classify`: labels a text, a page or a file of items. Needs no Kafka."""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from streams.cli.models import model_option, quality_option
from streams.errors import InvalidError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from classifiers.encoder import Quality
    from classifiers.model import Model
    from streams.articles import Article
    from streams.sources.base import Rejected

STDIN = Path("-")
JSON_LINES = (".jsonl", ".ndjson", ".jsonl.gz", ".ndjson.gz")
BATCH = 500  # items labelled at a time; bounds memory


@click.command(name="classify")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False))
@click.option("--page", is_flag=True, help="FILE is one page, text or HTML, that may hold several items.")
@click.option("--format", "form", type=click.Choice(["json", "text"]), default="json", show_default=True)
@click.option("--explain", is_flag=True, help="Also say which words and places carried each label.")
@quality_option
@model_option
@click.pass_context
def command(
    context: click.Context,
    /,
    file: Path,
    form: str,
    quality: Quality | None,
    directory: Path | None,
    *,
    page: bool,
    explain: bool,
) -> None:
    """Label FILE, or with "-" standard input, and print one labelled item a line.

    A .jsonl file (gzip too), or standard input that begins with "{", holds one item a line: ninjs 3.1, or the short
    form {"title", "text", ...}. Anything else is one text, whose first line is its headline if it is short. A line
    that is no item is reported on stderr, the rest goes on, and the exit status is 2.

    \b
    Example:
      newswire classify article.txt --format text --explain
      newswire classify --page page.html
      echo '{"title": "Rain", "text": "It rained in Ankara all day."}' | newswire classify -
    """  # noqa: D301 - click wants the character \b
    from streams.cli.main import settings_of
    from streams.cli.models import chosen_quality, model_directory, open_model
    from streams.cli.terminal import quiet_end

    settings = settings_of(context)
    with quiet_end(), contextlib.ExitStack() as opened:
        outcomes = _outcomes(file, opened, page=page)  # before the model: a missing file need not wait a second for it
        folder = model_directory(settings.model.directory, directory)
        model = open_model(folder, chosen_quality(folder, settings.model.quality, quality))
        rejected = _print(outcomes, _printer(model, form, explain=explain))
    if rejected:
        raise InvalidError(f"{file}: {rejected:,} of its items could not be read, as said above")


def _outcomes(file: Path, opened: contextlib.ExitStack, *, page: bool) -> Iterable[Article | Rejected]:
    """What FILE holds; `opened` closes what must be closed."""
    if file != STDIN:
        name = file.name.partition(".")[0]
        if page:
            return _page(file, name, opened)
        stream = opened.enter_context(io.BufferedReader(_open(file)))
        if file.name.lower().endswith(JSON_LINES):
            return _json_lines(stream, str(file), name, opened)
        return _text(_whole(stream, file), name)
    stream = opened.enter_context(io.BufferedReader(io.FileIO(sys.stdin.fileno(), closefd=False)))
    if page:
        copy = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="newswire-"))) / "stdin"
        copy.write_bytes(_whole(stream, file))
        return _page(copy, "stdin", opened)
    if stream.peek(1)[:64].lstrip()[:1] == b"{" or stream.peek(1)[:2] == b"\x1f\x8b":
        return _json_lines(stream, "-", "stdin", opened)
    return _text(_whole(stream, file), "stdin")


def _open(file: Path) -> io.FileIO:
    try:
        return io.FileIO(file)
    except FileNotFoundError:
        raise InvalidError(f"cannot read {file}: there is no such file") from None
    except OSError as error:
        raise TransientError(f"cannot read {file}: {error.strerror}") from error


def _json_lines(
    stream: io.BufferedReader[Any], path: str, name: str, opened: contextlib.ExitStack
) -> Iterator[Article | Rejected]:
    from streams.sources.jsonl import JsonLines
    from streams.sources.normalise import Defaults

    source = JsonLines(_Unbuffered(stream), path, Defaults(name), lambda: datetime.now(UTC))
    opened.callback(source.close)
    return (step.outcome for step in source.steps(None))


def _page(file: Path, name: str, opened: contextlib.ExitStack) -> Iterator[Article | Rejected]:
    from streams.sources.normalise import Defaults
    from streams.sources.page import Pages

    source = Pages([file], Defaults(name), lambda: datetime.now(UTC))
    opened.callback(source.close)
    return (step.outcome for step in source.steps(None))


def _text(data: bytes, name: str) -> list[Article]:
    from streams.cli.labelling import article_of_text

    return [article_of_text(data, name, datetime.now(UTC))]


def _whole(stream: io.BufferedReader[Any], file: Path) -> bytes:
    """All of a text or page, which is bounded as a page is."""
    from streams.sources.extract import MAX_PAGE_BYTES

    try:
        data = stream.read(MAX_PAGE_BYTES + 1)
    except OSError as error:
        raise TransientError(f"cannot read {file}: {error.strerror}") from error
    if len(data) > MAX_PAGE_BYTES:
        raise InvalidError(f"{file} has more than {MAX_PAGE_BYTES:,} bytes: give items as JSON lines instead")
    return data


def _printer(model: Model, form: str, *, explain: bool) -> Callable[[Sequence[Article]], None]:
    from streams.articles import encode
    from streams.cli.labelling import label_articles, text_lines
    from streams.cli.models import labels_of
    from streams.cli.terminal import write_line
    from streams.settings import load_labels
    from streams.sources.dates import stamp

    labels = labels_of(model.manifest, load_labels())

    def write(articles: Sequence[Article]) -> None:
        for article in label_articles(articles, model, labels, stamp(datetime.now(UTC)), explain=explain):
            write_line(encode(article) if form == "json" else text_lines(article, labels).encode())
        sys.stdout.flush()

    return write


def _print(outcomes: Iterable[Article | Rejected], write: Callable[[Sequence[Article]], None]) -> int:
    """Label and print in batches; return how many items could not be read."""
    from streams.sources.base import Rejected

    rejected = 0
    rest = iter(outcomes)
    while batch := list(islice(rest, BATCH)):
        write([outcome for outcome in batch if not isinstance(outcome, Rejected)])
        for outcome in batch:
            if isinstance(outcome, Rejected):
                click.echo(f"newswire: {outcome.place}: {outcome.message}", err=True)
                rejected += 1
    return rejected


class _Unbuffered(io.RawIOBase):
    """A buffered stream that was peeked into, as the raw stream that JsonLines reads."""

    def __init__(self, stream: io.BufferedReader[Any]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """It can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill `buffer` with what there is."""
        return self._stream.readinto1(buffer)
