"""Web archives of our own making: sound, odd, damaged, cut off."""

from __future__ import annotations

import contextlib
import gzip
import os
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from streams.articles import Article, main_headline, main_text
from streams.errors import InvalidError
from streams.sources.base import Rejected, Step
from streams.sources.normalise import Defaults, ShortItem, article_of_short
from streams.sources.warc import WarcPages
from streams.sources.warc_records import MAX_PAGE_BYTES, DamagedError, captures
from tests.servers.web import bomb

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CAPTURED = "2019-05-04T03:02:01Z"
NOW = datetime(2026, 1, 2, tzinfo=UTC)


class Archive:
    """Writes an archive record by record (WARC 1.0), each in a gzip member of its own where `packed`."""

    def __init__(self, *, packed: bool = True) -> None:
        self._packed = packed
        self._records: list[bytes] = []

    def page(
        self,
        url: str,
        body: bytes | str,
        status: str = "200 OK",
        content_type: str = "text/html",
        **headers: str,
    ) -> Archive:
        fields = {"Content-Type": content_type, **{k.replace("_", "-"): v for k, v in headers.items()}}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        data = body.encode() if isinstance(body, str) else body
        block = f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + data
        return self.record(url, "response", block, "application/http; msgtype=response")

    def request(self, url: str) -> Archive:
        block = b"GET / HTTP/1.1\r\nHost: news.example\r\n\r\n"
        return self.record(url, "request", block, "application/http; msgtype=request")

    def record(self, url: str, kind: str, block: bytes, content_type: str) -> Archive:
        head = (
            f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:example:{len(self._records)}>\r\n"
            f"WARC-Target-URI: {url}\r\nWARC-Date: {CAPTURED}\r\nContent-Type: {content_type}\r\n"
            f"Content-Length: {len(block)}\r\n\r\n"
        )
        whole = head.encode() + block + b"\r\n\r\n"
        self._records.append(gzip.compress(whole) if self._packed else whole)
        return self

    def bytes(self) -> bytes:
        return b"".join(self._records)


def story(number: int) -> Archive:
    return Archive().page(f"https://news.example/{number}", f"Story {number}")


def arc(url: str, body: str) -> bytes:
    """An archive of the format before WARC (archive.org, ARC 1)."""
    version = "1 0 Example\nURL IP-address Archive-date Content-type Archive-length\n"
    head = f"filedesc://example.arc 0.0.0.0 20190504030201 text/plain {len(version)}\n"
    block = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n{body}"
    return f"{head}{version}\n{url} 127.0.0.1 20190504030201 text/html {len(block)}\n{block}\n".encode()


def articles(body: bytes, url: str, moment: datetime) -> Sequence[Article]:
    """One article a line, so that a page may hold several."""
    if b"no article" in body:
        raise InvalidError("the page holds no article")
    lines = body.decode().splitlines()
    items = [ShortItem(text=line, url=url if n == 0 else None) for n, line in enumerate(lines)]
    return [article_of_short(item, Defaults("example"), moment) for item in items]


def steps(path: Path, data: bytes, position: dict[str, int] | None = None) -> list[Step]:
    path.write_bytes(data)
    pages = WarcPages(path, articles, lambda: NOW, lambda: None)
    try:
        return list(pages.steps(position))
    finally:
        pages.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "archive.warc.gz"


def titles(found: Sequence[Step]) -> list[str]:
    return [main_headline(s.outcome) for s in found if isinstance(s.outcome, Article)]


@pytest.mark.parametrize("packed", [True, False])
def test_pages_become_articles_at_the_time_of_their_capture(path: Path, packed: bool) -> None:
    archive = Archive(packed=packed).page("https://news.example/1", "Story 1").page("https://news.example/2", "خبر")
    first, second = steps(path, archive.bytes())
    assert isinstance(first.outcome, Article)
    assert first.outcome.version_created == "2019-05-04T03:02:01+00:00"
    assert first.outcome.alt_ids is not None
    assert first.outcome.alt_ids[0].value == "https://news.example/1"
    assert (first.position, second.position) == ({"records": 1}, {"records": 2})
    assert titles([second]) == ["خبر"]


def test_what_is_no_page_is_passed_over(path: Path) -> None:
    archive = (
        Archive()
        .request("https://news.example/1")
        .page("https://news.example/pixel", b"\x89PNG\r\n\0", content_type="image/png")
        .page("https://news.example/old", "", status="301 Moved", Location="/new")
        .page("https://news.example/gone", "Not found", status="404 Not Found")
        .page("https://news.example/data", "{}", content_type="application/json")
        .record("urn:crawl", "resource", b"log of the crawler", "text/plain")
        .record("https://news.example/2", "resource", b"A page kept as a file", "text/html")
        .record("https://news.example/3", "conversion", b"A page as plain text", "text/plain")
        .page("https://news.example/4", "Story 4")
    )
    found = steps(path, archive.bytes())
    assert titles(found) == ["A page kept as a file", "A page as plain text", "Story 4"]
    assert [s.position for s in found] == [{"records": 7}, {"records": 8}, {"records": 9}]


def test_a_page_of_several_items_is_cut_only_after_the_last(path: Path) -> None:
    found = steps(path, Archive().page("https://news.example/", "One\nTwo\nThree").bytes())
    assert [s.position for s in found] == [None, None, {"records": 1}]


def test_it_goes_on_after_a_position(path: Path) -> None:
    archive = Archive()
    for number in range(1, 6):
        archive.request(f"https://news.example/{number}").page(f"https://news.example/{number}", f"Story {number}")
    whole = steps(path, archive.bytes())
    for number, step in enumerate(whole, start=1):
        assert titles(steps(path, archive.bytes(), step.position)) == titles(whole[number:])


@pytest.mark.parametrize("position", [{"records": -1}, {"records": "1"}, {"lines": 3}])
def test_a_position_of_something_else_is_refused(path: Path, position: dict[str, int]) -> None:
    with pytest.raises(InvalidError, match="not a position"):
        steps(path, story(1).bytes(), position)


@pytest.mark.parametrize("packed", [True, False])
def test_the_archives_before_warc_are_read_too(path: Path, packed: bool) -> None:
    data = arc("https://news.example/1", "An old story")
    (found,) = steps(path, gzip.compress(data) if packed else data)
    assert isinstance(found.outcome, Article)
    assert main_text(found.outcome) == "An old story"
    assert found.outcome.version_created.startswith("2019-05-04T03:02:01")


def test_charsets_and_encodings_of_the_server_are_applied(path: Path) -> None:
    archive = (
        Archive()
        .page("https://news.example/1", "خبر عاجل".encode("cp1256"), content_type="text/html; charset=windows-1256")
        .page("https://news.example/2", gzip.compress(b"Packed story"), Content_Encoding="gzip")
        .page("https://news.example/3", "خبر آخر", content_type="text/html; charset=windows-1256")
        .page("https://news.example/4", "Story", content_type='text/html; charset="no-such"')
    )
    assert titles(steps(path, archive.bytes())) == ["خبر عاجل", "Packed story", "خبر آخر", "Story"]


def test_a_page_without_an_article_is_rejected_and_the_rest_goes_on(path: Path) -> None:
    archive = Archive().page("https://news.example/1", "no article").page("https://news.example/2", "Story 2")
    rejected, found = steps(path, archive.bytes())
    assert isinstance(rejected.outcome, Rejected)
    assert (rejected.outcome.value, rejected.outcome.place) == (b"no article", "record 1 (https://news.example/1)")
    assert titles([found]) == ["Story 2"]


def test_a_record_without_a_date_has_the_time_of_reading(path: Path) -> None:
    data = (
        Archive(packed=False)
        .page("https://news.example/1", "Story")
        .bytes()
        .replace(CAPTURED.encode(), b"no date at all here.")
    )
    (found,) = steps(path, data)
    assert isinstance(found.outcome, Article)
    assert found.outcome.version_created == "2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize("packed", [True, False])
def test_an_archive_that_is_cut_off_gives_what_is_whole_and_one_error(path: Path, packed: bool) -> None:
    archive = Archive(packed=packed)
    for number in range(1, 5):
        archive.page(f"https://news.example/{number}", os.urandom(2000).hex() if number == 4 else f"Story {number}")
    *whole, last = steps(path, archive.bytes()[:-1500])
    assert titles(whole) == ["Story 1", "Story 2", "Story 3"]
    assert isinstance(last.outcome, Rejected)
    assert "cut off after record 3" in last.outcome.message
    assert steps(path, archive.bytes()[:-1500], last.position) == []


def test_records_after_a_damaged_one_are_read_where_that_is_possible(path: Path) -> None:
    """fastwarc gives up at the damage, warcio steps over it."""
    archive = Archive(packed=False).page("https://news.example/1", "Story 1 is long")
    damaged = archive.bytes().replace(b"Content-Length: 59", b"Content-Length: 51")
    assert damaged != archive.bytes()
    found = steps(path, damaged + Archive(packed=False).page("https://news.example/2", "Story 2").bytes())
    assert titles(found) == ["Story 1", "Story 2"]


@pytest.mark.parametrize("data", [b"", b"hello\n", b"\x1f\x8b\x08\x00garbage", b"\0" * 5000])
def test_what_is_no_archive_is_refused(path: Path, data: bytes) -> None:
    if not data:
        assert steps(path, data) == []
        return
    with pytest.raises(InvalidError, match="no archive"):
        steps(path, data)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidError, match="cannot read"):
        WarcPages(tmp_path / "absent.warc", articles, lambda: NOW, lambda: None)


def test_a_bomb_in_a_record_is_rejected_and_memory_stays_flat(path: Path) -> None:
    archive = (
        Archive()
        .page("https://news.example/1", bomb(512), Content_Encoding="gzip")
        .page("https://news.example/2", "Story 2")
    )
    tracemalloc.start()
    try:
        rejected, found = steps(path, archive.bytes())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(rejected.outcome, Rejected)
    assert f"{MAX_PAGE_BYTES:,}" in rejected.outcome.message
    assert titles([found]) == ["Story 2"]
    assert peak < 60 << 20


@given(data=st.data())
@hypothesis_settings(max_examples=100, deadline=None)
def test_a_damaged_archive_ends_in_captures_or_one_error(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    packed = data.draw(st.booleans())
    archive = Archive(packed=packed)
    for number in range(3):
        archive.page(f"https://news.example/{number}", f"Story {number}")
    whole = archive.bytes()
    start = data.draw(st.integers(0, len(whole)))
    damaged = whole[:start] + data.draw(st.binary(max_size=30)) + whole[start + data.draw(st.integers(0, 60)) :]
    path = tmp_path_factory.mktemp("warc") / "damaged"
    path.write_bytes(damaged)
    numbers = []
    with path.open("rb", buffering=0) as file, contextlib.suppress(DamagedError):
        numbers += [capture.number for capture in captures(file, 0)]
    assert numbers == sorted(set(numbers))
