"""Pages: text and HTML, the items they hold, what breaks and whom it costs."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.articles import Article, decode_article, encode, main_headline, main_text
from streams.errors import InvalidError, TransientError
from streams.http import Client
from streams.http_guard import allow_list
from streams.sources.base import Rejected
from streams.sources.extract import Extractor
from streams.sources.identity import url_uri
from streams.sources.normalise import Defaults
from streams.sources.page import Pages, segment
from tests.helpers import wait_for
from tests.servers.background import site_of
from tests.servers.web import always

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.sources.base import Step

PAGES = Path(__file__).parents[2] / "data" / "pages"
HTML = (PAGES / "en_article.html").read_bytes()
NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def extractor() -> Iterator[Extractor]:
    with Extractor() as made:
        yield made


def articles(*paths: Path, extractor: Extractor | None = None) -> list[Article]:
    source = Pages(paths, Defaults("wire"), lambda: NOW, extractor or Extractor())
    outcomes = [step.outcome for step in source.steps(None)]
    if extractor is None:
        source.close()
    assert not [o for o in outcomes if isinstance(o, Rejected)]
    return outcomes  # type: ignore[return-value]


def test_a_page_of_text_gives_its_items_and_teasers_name_their_parent() -> None:
    main, *teasers = articles(PAGES / "ar_four_teasers.txt")
    assert len(teasers) == 4
    assert main.associations is None
    assert main.ed_note == "main story of a page, confidence 0.99: the sign-off (ÖRHA) ends the story"
    for teaser in teasers:
        assert teaser.associations is not None
        assert [(a.uri, a.name, a.rel) for a in teaser.associations] == [(main.uri, main_headline(main), "parent")]
        assert (teaser.ed_note or "").startswith("teaser of a page, confidence 0.99: ")
        assert decode_article(encode(teaser)) == teaser
    assert len({a.uri for a in (main, *teasers)}) == 5


def test_the_same_page_again_gives_the_same_uris() -> None:
    first, second = (articles(PAGES / "tr_heading_over_teasers.txt") for _ in range(2))
    assert [a.uri for a in first] == [a.uri for a in second]


def test_a_page_of_html_gives_its_article_and_what_it_says_of_itself(extractor: Extractor) -> None:
    (article,) = articles(PAGES / "en_article.html", extractor=extractor)
    assert main_headline(article) == "Valletta opens a floating library for its harbour villages"
    text = main_text(article)
    assert text.count("\n") >= 3
    assert "“The sea is the one road that never closed.”" in text
    assert "1.2 million euros & the harbour authority" in text
    for foreign in ("Most read", "Bus drivers", "All rights reserved", "tracking", "World"):
        assert foreign not in text
    assert article.version_created == "2026-02-03T00:00:00+00:00"
    assert article.language == "en-GB"
    assert article.info_sources[0].name == "The Example Post"
    assert article.alt_ids is not None
    assert article.alt_ids[0].value == "https://www.example.org/culture/floating-library"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "windows-1252"])
def test_html_in_other_charsets_reads_the_same(extractor: Extractor, encoding: str) -> None:
    declared = HTML.decode().replace('charset="utf-8"', f'charset="{encoding.removesuffix("-sig")}"')
    (item,) = segment(declared.encode(encoding), extractor)
    assert "“The sea is the one road that never closed.”" in item.text


def test_segment_takes_text_and_html() -> None:
    assert len(segment((PAGES / "ar_four_teasers.txt").read_text(encoding="utf-8"))) == 5
    assert len(segment((PAGES / "ar_four_teasers.txt").read_bytes())) == 5
    (item,) = segment(HTML.decode())
    assert item.title == "Valletta opens a floating library for its harbour villages"


def test_wrapped_lines_are_joined_to_paragraphs() -> None:
    text = (PAGES / "en_one_story.txt").read_text(encoding="utf-8")
    title, *paragraphs = [p for p in text.split("\n") if p]
    wrapped = title + "\n\n" + "\n\n".join(p[:60] + "\n" + p[60:120] + "\n" + p[120:] for p in paragraphs)
    (item,) = segment(wrapped)
    assert item.title == title
    assert item.text.count("\n") == len(paragraphs) - 1


@pytest.mark.parametrize(
    ("page", "complaint"),
    [
        (b"", "the page holds no text"),
        (b" \n\t\n", "the page holds no text"),
        (b"\x7fELF\x00\x00", "the page is binary"),
        ("خبر عاجل".encode("cp1256"), "the page is not UTF-8"),
        (b"<html><body></body></html>", "the page holds no article"),
        (b"<!doctype html>" + b"<div>" * 200_000, "the page"),
        (b"<html>" + b"x" * (10 << 20), "the page has"),
        (b"<p>\xff\xfe\xfd</p>", "the page"),
    ],
)
def test_what_holds_no_article_is_refused(extractor: Extractor, page: bytes, complaint: str) -> None:
    with pytest.raises(InvalidError, match=complaint):
        segment(page, extractor)
    assert segment(HTML, extractor)  # and the next page is read


def test_a_page_that_takes_too_long_costs_itself_alone() -> None:
    with Extractor(timeout_seconds=20) as extractor:
        assert segment(HTML, extractor)
        extractor._timeout = 0.5
        assert extractor._child is not None
        os.kill(extractor._child.pid, signal.SIGSTOP)  # a parser that does not come back
        with pytest.raises(InvalidError, match=r"no article was found on the page in 0\.5 s"):
            segment(HTML, extractor)
        extractor._timeout = 20
        assert segment(HTML, extractor)


def test_a_page_that_takes_the_parser_down_costs_itself_alone() -> None:
    with Extractor() as extractor:
        assert segment(HTML, extractor)
        assert extractor._child is not None
        extractor._child.kill()
        extractor._child.wait()
        with pytest.raises(InvalidError, match=r"the page took the parser down \(SIGKILL\)"):
            segment(HTML, extractor)
        assert segment(HTML, extractor)


def test_a_page_that_needs_too_much_memory_costs_itself_alone() -> None:
    with Extractor(memory_bytes=700 << 20) as extractor:
        assert segment(HTML, extractor)
        with pytest.raises(InvalidError, match="the page"):
            segment(b"<html><body>" + b"<p>word <b>word</b> word</p>" * 350_000, extractor)
        assert segment(HTML, extractor)


def test_closing_ends_the_child() -> None:
    extractor = Extractor()
    assert segment(HTML, extractor)
    assert extractor._child is not None
    child = extractor._child
    extractor.close()
    extractor.close()
    wait_for(lambda: child.poll() is not None, 20, "the child lives on")


def test_a_page_that_cannot_be_read_is_one_outcome_and_the_rest_goes_on(tmp_path: Path, extractor: Extractor) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\x00\x01")
    paths = [binary, tmp_path / "missing.txt", tmp_path, PAGES / "en_one_story.txt"]
    steps = list(Pages(paths, Defaults("wire"), lambda: NOW, extractor).steps(None))
    assert [s.outcome.message for s in steps if isinstance(s.outcome, Rejected)] == [
        "the page is binary, neither text nor HTML",
        "there is no such file",
        "it is a directory",
    ]
    assert [s.position for s in steps] == [{"pages": n} for n in (1, 2, 3, 4)]


@pytest.mark.shared
def test_the_first_page_the_project_was_asked_to_serve(shared: Path) -> None:
    (path,) = (shared / "data" / "seed").glob("*.txt")
    lines = [line.strip() for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]
    main, *teasers = segment(path.read_bytes())
    assert (main.title, main.text) == (lines[0], "\n".join(lines[1:8]))
    assert [t.text for t in teasers] == lines[9:]
    assert len(articles(path)) == 5


def fetched(*places: Path | str, extractor: Extractor) -> Iterator[Step]:
    client = partial(Client, "test", allowed=allow_list(["127.0.0.1"]))
    return Pages(places, Defaults("wire"), lambda: NOW, extractor, client).steps(None)


def test_a_page_is_fetched_from_its_address_which_names_the_item(extractor: Extractor) -> None:
    arabic = (
        "<html><body><article><h1>مطر في عمّان</h1><p>هطلت الأمطار طوال اليوم في العاصمة.</p></article></body></html>"
    )
    page = always(arabic.encode("cp1256"), Content_Type="text/html; charset=windows-1256")
    with site_of({"/rain": page, "/old": always("", 301, Location="/rain?utm_source=x")}) as (site,):
        found = [[s.outcome for s in fetched(site.url(path), extractor=extractor)] for path in ("/rain", "/old")]
    (article,), (moved,) = found
    assert isinstance(article, Article)
    assert isinstance(moved, Article)
    assert "هطلت الأمطار" in main_text(article)
    assert article.uri == moved.uri == url_uri(site.url("/rain"))


def test_an_address_that_gives_no_page_costs_itself_alone(extractor: Extractor) -> None:
    with site_of({"/busy": always("", 503), "/film": always(b"\0", Content_Type="video/mp4")}) as (site,):
        steps = fetched(
            PAGES / "en_one_story.txt",
            site.url("/film"),
            site.url("/busy"),
            PAGES / "en_one_story.txt",
            extractor=extractor,
        )
        found = [next(steps) for _ in range(3)]
        with pytest.raises(TransientError, match="503"):
            next(steps)
    assert [type(step.outcome) for step in found] == [Article, Rejected, Article]
    assert [step.position for step in found] == [{"pages": 1}, {"pages": 2}, None]  # who goes on asks /busy again


def test_private_addresses_need_the_operators_word(extractor: Extractor) -> None:
    client = partial(Client, "test")
    (step,) = Pages(["http://127.0.0.1:9/page"], Defaults("wire"), lambda: NOW, extractor, client).steps(None)
    assert isinstance(step.outcome, Rejected)
    assert "allow-list" in step.outcome.message
