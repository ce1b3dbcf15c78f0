"""Pages, HTML or plain text: one page may hold several items, and each becomes an article of its own.

for item in segment(Path("page.txt").read_text()):
    print(item.kind, item.title, item.confidence, item.reason)
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams.errors import InvalidError, TransientError
from streams.ninjs import Association
from streams.sources.base import KEPT_BYTES, Position, Progress, Rejected, Step
from streams.sources.extract import MAX_PAGE_BYTES, Extractor
from streams.sources.normalise import Defaults, ShortItem, article_of_short, language_tag
from streams.sources.segmentation import Segment, segment_paragraphs
from streams.sources.text import clean, clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from streams.articles import Article

__all__ = ["Pages", "Segment", "segment"]

_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|article|main|section|div|p|h1)\b", re.IGNORECASE)
_HEAD_LETTERS = 2_000
_BLANK_LINE = re.compile(r"\n\s*\n")
_END = re.compile(r"[.!?؟。…:][\"'”»)\]]*$")
# Text wrapped by a mail program or an old terminal: lines of at most this, most of them ending within a sentence
_WRAPPED_LETTERS = 100


class _Page(NamedTuple):
    """What a page says."""

    paragraphs: list[str]
    date: str = ""
    url: str = ""
    language: str = ""
    site: str = ""
    is_html: bool = False


def segment(text_or_html: str | bytes, extractor: Extractor | None = None) -> list[Segment]:
    """The items of a page, the main story first; notices are in none of them.

    Plain text holds a paragraph a line. Raises InvalidError: no text, not UTF-8, HTML without an article.
    """
    return _segments(_read(text_or_html, extractor))


class Pages:
    """A source of pages in files. A teaser is an item whose `associations` name the main item as its parent.

    `now` returns aware datetimes. A page that cannot be read is one Rejected, and the rest goes on.
    """

    kind = "page"
    guarantee = "in the order given; goes on at the page after the last one whose items are all stored"

    def __init__(
        self,
        paths: Sequence[Path],
        defaults: Defaults,
        now: Callable[[], datetime],
        extractor: Extractor | None = None,
    ) -> None:
        self.name = str(paths[0]) if len(paths) == 1 else f"{len(paths)} pages"
        self._paths = paths
        self._defaults = defaults
        self._now = now
        self._extractor = extractor or Extractor()
        self._done = 0

    def steps(self, position: Position | None) -> Iterator[Step]:
        """See Source."""
        start = 0 if position is None else position.get("pages")
        if not isinstance(start, int) or not 0 <= start <= len(self._paths):
            raise InvalidError(f"{position!r} is not a position in {self.name}")
        for number, path in enumerate(self._paths[start:], start=start + 1):
            outcomes = self._outcomes(path)
            for outcome in outcomes[:-1]:
                yield Step(outcome, None)
            yield Step(outcomes[-1], {"pages": number})
            self._done = number

    def progress(self) -> Progress:
        """Pages."""
        return Progress(self._done, len(self._paths), "items")

    def close(self) -> None:
        """Ends the process that parses HTML."""
        self._extractor.close()

    def _outcomes(self, path: Path) -> Sequence[Article | Rejected]:
        try:
            with path.open("rb") as file:
                value = file.read(MAX_PAGE_BYTES + 1)
        except IsADirectoryError:
            return [Rejected(b"", 0, "it is a directory", str(path))]
        except FileNotFoundError:
            return [Rejected(b"", 0, "there is no such file", str(path))]
        except OSError as error:
            raise TransientError(f"cannot read {path}: {error.strerror}") from error
        if len(value) > MAX_PAGE_BYTES:
            message = f"the page has more than {MAX_PAGE_BYTES:,} bytes"
            return [Rejected(value[:KEPT_BYTES], len(value), message, str(path))]
        try:
            return articles_of(_read(value, self._extractor), self._defaults, self._now())
        except InvalidError as error:
            return [Rejected(value[:KEPT_BYTES], len(value), str(error), str(path))]


def articles_of(page: _Page, defaults: Defaults, now: datetime) -> list[Article]:
    """One article a segment; its `edNote` says what the segment is and why. Raises InvalidError."""
    main, *others = _segments(page)
    source = clean_line(page.site) or defaults.source
    language = _language(page.language) or defaults.language
    defaults = Defaults(source, language)
    first = article_of_short(
        ShortItem(title=main.title, text=main.text, url=page.url or None, published=page.date or None), defaults, now
    )
    parent = Association(uri=first.uri, name=main.title, rel="parent")
    made = [msgspec.structs.replace(first, ed_note=_note(main))]
    for teaser in others:
        item = article_of_short(ShortItem(title=teaser.title, text=teaser.text), defaults, now)
        made.append(msgspec.structs.replace(item, associations=[parent], ed_note=_note(teaser)))
    return made


def _note(segment_: Segment) -> str:
    kind = "main story" if segment_.kind == "main" else "teaser"
    return f"{kind} of a page, confidence {segment_.confidence:.2f}: {segment_.reason}"


def _segments(page: _Page) -> list[Segment]:
    # where the layout has been read the story is free of its neighbours; a cut by words alone would rather harm it
    segments = segment_paragraphs(page.paragraphs, by_words=not page.is_html)
    if not segments or not segments[0].text:
        raise InvalidError("the page holds no text")
    return segments


def _read(page: str | bytes, extractor: Extractor | None) -> _Page:
    text = _decoded(page)
    if text is not None and not (_HTML.search(text[:_HEAD_LETTERS]) and text.lstrip("\ufeff \t\r\n").startswith("<")):
        return _Page(_paragraphs(clean(text)))
    raw = page if isinstance(page, bytes) else page.encode("utf-8", "replace")
    if extractor is not None:
        found = extractor.extract(raw)
    else:
        with Extractor() as own:
            found = own.extract(raw)
    title = clean_line(found.title)
    paragraphs = [p for p in clean(found.text).split("\n") if p.strip()]
    if title and not (paragraphs and paragraphs[0].startswith(title)):
        paragraphs.insert(0, title)
    return _Page(paragraphs, found.date, found.url, found.language, found.site, is_html=True)


def _decoded(page: str | bytes) -> str | None:
    """The text of a page; None for HTML that is not UTF-8, whose charset its parser finds. Raises InvalidError."""
    if isinstance(page, str):
        return page
    if page[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return page.decode("utf-16", "replace")
    if b"\x00" in page:
        raise InvalidError("the page is binary, neither text nor HTML")
    try:
        return page.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if page.lstrip()[:1] == b"<":
            return None
        raise InvalidError(f"the page is not UTF-8 ({error.reason} at byte {error.start}): convert it first") from error


def _paragraphs(text: str) -> list[str]:
    """The lines; the blocks between blank lines where the lines only wrap."""
    lines = [line for line in text.split("\n") if line.strip()]
    blocks = [" ".join(block.split("\n")).strip() for block in _BLANK_LINE.split(text) if block.strip()]
    wrapped = (
        1 < len(blocks) < len(lines)
        and max(map(len, lines)) <= _WRAPPED_LETTERS
        and sum(not _END.search(line) for line in lines) > len(lines) / 2
    )
    return blocks if wrapped else lines


def _language(declared: str) -> str | None:
    try:
        return language_tag(declared) if declared else None
    except InvalidError:  # a page may declare anything; the text is asked anyway
        return None
