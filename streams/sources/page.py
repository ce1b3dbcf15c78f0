"""Pages, HTML or plain text: one page may hold several items, and each becomes an article of its own.

for item in segment(Path("page.txt").read_text()):
    print(item.kind, item.title, item.confidence, item.reason)
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from streams.errors import InvalidError, TransientError
from streams.http_answers import PAGE
from streams.ninjs import Association
from streams.sources.base import KEPT_BYTES, Position, Progress, Rejected, Step
from streams.sources.charset import in_utf8
from streams.sources.extract import MAX_PAGE_BYTES, Extractor
from streams.sources.fetched import fetched
from streams.sources.normalise import Defaults, ShortItem, article_of_short, language_tag
from streams.sources.segmentation import Segment, segment_paragraphs
from streams.sources.text import clean, clean_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from streams.articles import Article
    from streams.http import Client

__all__ = ["Pages", "Segment", "segment"]

_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body|article|main|section|div|p|h1)\b", re.IGNORECASE)
_HEAD_LETTERS = 2_000
_BLANK_LINE = re.compile(r"\n\s*\n")
_END = re.compile(r"[.!?؟。…:][\"'”»)\]]*$")
# Text wrapped by a mail program or an old terminal: lines of at most this, most of them ending within a sentence
_WRAPPED_LETTERS = 100


class Page(NamedTuple):
    """What a page says; "" where it is silent. `date` as written, `language` as declared."""

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
    return _segments(read_page(text_or_html, extractor))


class Pages:
    """A source of pages in files (Path) or at addresses (str). A teaser's `associations` name the main item as parent.

    `client` makes the client of http that addresses need; `now` returns aware datetimes. A page that cannot be read is
    one Rejected, and the rest goes on. So it does after an address that may answer later: the error comes at the end.
    """

    kind = "page"
    guarantee = "in the order given; goes on at the page after the last one whose items are all stored"

    def __init__(
        self,
        places: Sequence[Path | str],
        defaults: Defaults,
        now: Callable[[], datetime],
        extractor: Extractor | None = None,
        client: Callable[[], Client] | None = None,
    ) -> None:
        self.name = str(places[0]) if len(places) == 1 else f"{len(places)} pages"
        self._places = places
        self._client = client
        self._defaults = defaults
        self._now = now
        self._extractor = extractor or Extractor()
        self._done = 0

    def steps(self, position: Position | None) -> Iterator[Step]:
        """See Source."""
        start = 0 if position is None else position.get("pages")
        if not isinstance(start, int) or not 0 <= start <= len(self._places):
            raise InvalidError(f"{position!r} is not a position in {self.name}")
        failures: list[str] = []
        for number, place in enumerate(self._places[start:], start=start + 1):
            self._done = number
            try:
                outcomes = self._outcomes(place)
            except TransientError as error:
                failures.append(str(error))
                continue
            for outcome in outcomes[:-1]:
                yield Step(outcome, None)
            yield Step(outcomes[-1], None if failures else {"pages": number})  # who goes on asks for that page again
        if failures:
            raise TransientError("; ".join(failures))

    def progress(self) -> Progress:
        """Pages."""
        return Progress(self._done, len(self._places), "items")

    def close(self) -> None:
        """Ends the process that parses HTML."""
        self._extractor.close()

    def _outcomes(self, place: Path | str) -> Sequence[Article | Rejected]:
        body = b""
        try:
            body, url = self._page(place)
            page = read_page(body, self._extractor)
            return articles_of(page._replace(url=url or page.url), self._defaults, self._now())
        except InvalidError as error:
            return [Rejected(body[:KEPT_BYTES], len(body), str(error), str(place))]

    def _page(self, place: Path | str) -> tuple[bytes, str]:
        """Its bytes and, of one at an address, where it was found. Raises InvalidError, TransientError."""
        if isinstance(place, Path):
            return _stored(place), ""
        if self._client is None:
            raise InvalidError("it is no file, and addresses are not read here")
        found = fetched(place, PAGE, self._client)
        return in_utf8(found.body, found.charset), found.url


def _stored(path: Path) -> bytes:
    """The bytes of a file; one too many where it is too large. Raises InvalidError, TransientError."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_PAGE_BYTES + 1)
    except IsADirectoryError as error:
        raise InvalidError("it is a directory") from error
    except FileNotFoundError as error:
        raise InvalidError("there is no such file") from error
    except OSError as error:
        raise TransientError(f"cannot read {path}: {error.strerror}") from error


def articles_of(page: Page, defaults: Defaults, now: datetime) -> list[Article]:
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


def _segments(page: Page) -> list[Segment]:
    # where the layout has been read the story is free of its neighbours; a cut by words alone would rather harm it
    segments = segment_paragraphs(page.paragraphs, by_words=not page.is_html)
    if not segments or not segments[0].text:
        raise InvalidError("the page holds no text")
    return segments


def read_page(page: str | bytes, extractor: Extractor | None) -> Page:
    """What a page of HTML or plain text says. Raises InvalidError: no text, not UTF-8, HTML without an article."""
    if len(page) > MAX_PAGE_BYTES:
        raise InvalidError(f"the page has more than {MAX_PAGE_BYTES:,} bytes")
    text = _decoded(page)
    if text is not None and not (_HTML.search(text[:_HEAD_LETTERS]) and text.lstrip("\ufeff \t\r\n").startswith("<")):
        return Page(_paragraphs(clean(text)))
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
    return Page(paragraphs, found.date, found.url, found.language, found.site, is_html=True)


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
