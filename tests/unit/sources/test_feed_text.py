"""HTML of feeds as plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sources.feed_text import MAX_LETTERS, plain_line, plain_text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("5 < 6 and 7 > 3 & more", "5 < 6 and 7 > 3 & more"),
        ("AT&amp;T&nbsp;rises", "AT&T rises"),
        ("<p>One\n  line</p><p>two</p>", "One line\ntwo"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<ul><li>a<li>b</ul>", "a\nb"),
        ("un<b>bro</b>ken", "unbroken"),
        ("<div><p>text</p><script>var x = '<p>no</p>';</script><style>p {}</style></div>", "text"),
        ("<p>kept</p><iframe src='x'>no</iframe><svg><text>no</text></svg>tail", "kept\ntail"),
        ("&lt;p&gt;escaped twice&lt;/p&gt;", "escaped twice"),
        ("<p>خبر <strong>عاجل</strong></p>", "خبر عاجل"),
        ("<p>می‌رود</p>", "می‌رود"),  # the joiner between the parts of a Persian word stays
        ("<p>text</p><p>The post <a>Title</a> appeared first on <a>Site</a>.</p>", "text"),
        ("<p>The post office appeared first on Main Street.</p>", "The post office appeared first on Main Street."),
        ("<p>x<!-- comment --> y</p>", "x y"),
        ("<unknown-tag>kept</unknown-tag>", "kept"),
    ],
)
def test_markup_becomes_words(markup: str, text: str) -> None:
    assert plain_text(markup) == text


def test_a_text_is_bounded() -> None:
    assert len(plain_text("word " * MAX_LETTERS)) <= MAX_LETTERS


def test_markup_nested_without_end_is_no_danger() -> None:
    assert len(plain_text("<div>" * 200_000 + "deep" + "</div>" * 200_000)) < 10


def test_a_line_has_no_breaks_and_no_markup() -> None:
    assert plain_line(" A\n<b>name</b>\t&amp; more ") == "A name & more"


@given(st.text(max_size=200))
def test_no_text_is_an_error(text: str) -> None:
    assert plain_text(f"<p>{text}</p>") is not None
    assert "\n" not in plain_line(text)


@given(st.text(st.sampled_from("<>/ab&;#x \n'\"=!-"), max_size=80))
def test_broken_markup_is_no_error(text: str) -> None:
    assert plain_text(text) is not None
