"""Clean text: what goes, what stays, what is refused."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.errors import InvalidError
from streams.sources.text import clean, clean_line

ARABIC = "قال الوزير إنَّ القطار سيصل غداً، والرحلة تستغرق ٢٦ ساعة."
PERSIAN = "او می‌گوید کتاب‌ها را می‌خواند."  # with joiners, which carry meaning
DIRECTED = "\u202bالسعر 90$ \u200eUSD\u200f\u202c"
TURKISH = "İzmir'de ığdır çiçeği, şöyle büyük: ÖĞRENCİ."


@pytest.mark.parametrize(
    "text", [ARABIC, PERSIAN, DIRECTED, TURKISH, "One.\n\nTwo.\nThree.", "a < b && c > d", "AT&T, R&D;"]
)
def test_sound_text_is_left_as_it_is(text: str) -> None:
    assert clean(text) == text


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("e\u0301cole", "école"),
        ("a\x00b\x07c\x7f\x9fd", "abcd"),
        ("soft\xadhyphen \ufeffmark", "softhyphen mark"),
        ("one\r\ntwo\rthree\x0bfour\u2028five", "one\ntwo\nthree\nfour\nfive"),
        ("  many \t  blanks\xa0here  \n  and \n\n\n\n there ", "many blanks here\nand\n\nthere"),
        ("Tom &amp; Jerry &#8217;&#x2019; &quot;x&quot; &nbsp;end", 'Tom & Jerry ’’ "x" end'),
        ("no entity: &lang=2 &copy2 &unknownentity;", "no entity: &lang=2 &copy2 &unknownentity;"),
        ("<p>One.</p><p>Two <b>bold</b> <a href='x'>link</a>.</p>", "One.\nTwo bold link."),
        ("a<br/>b<!-- gone --><script>var x = '<p>';</script>c", "a\nb c"),
        ("&lt;b&gt; stays as it was written", "<b> stays as it was written"),
        (
            "letters, letters, letters, letters, letters, letters&#7;",
            "letters, letters, letters, letters, letters, letters",
        ),
    ],
)
def test_what_does_not_belong_goes(raw: str, cleaned: str) -> None:
    assert clean(raw) == cleaned


@pytest.mark.parametrize("text", [ARABIC * 3, TURKISH * 3, "Größe, naïve façade; “quoted” – and so on"])
def test_utf8_read_as_windows_1252_is_put_right(text: str) -> None:
    assert clean(text.encode().decode("latin-1")) == text
    # the five bytes that Windows-1252 leaves undefined come through as controls, as browsers read them
    as_browsers_read = "".join(bytes([b]).decode("cp1252", "ignore") or chr(b) for b in text.encode())
    assert clean(as_browsers_read) == text


@pytest.mark.parametrize(
    "text", ["Ã¡ is how it looks when UTF-8 is misread, the lesson says. " * 3, "NAÏVE FAÇADE ÂGÉ", "Ø 12 mm, Ø 14 mm"]
)
def test_a_text_about_such_letters_is_left_alone(text: str) -> None:
    assert clean(text) == text.strip()


def test_what_was_read_in_a_wrong_charset_is_refused() -> None:
    broken = "قال الوزير إن القطار سيصل غداً".encode("cp1256").decode("utf-8", "replace")
    with pytest.raises(InvalidError, match=r"a text is \d+ % U\+FFFD: it was read in a wrong charset"):
        clean(broken)
    assert clean(ARABIC * 5 + "\ufffd")  # one letter lost in a long text is no reason


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(InvalidError, match=r"lone surrogate \(U\+D83D\)"):
        clean("half a smile \ud83d here")


def test_a_headline_is_one_line() -> None:
    assert clean_line(" One\n two<br>three\t ") == "One two three"


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing_but_what_entities_hid(text: str) -> None:
    once = clean(text) if text.count("\ufffd") <= 0.02 * len(text) else ""
    assert once == once.strip()
    assert all(c == "\n" or unicodedata.category(c) != "Cc" for c in once)
    assert unicodedata.is_normalized("NFC", once)
    assert "  " not in once
    if "&" not in once and "<" not in once:
        assert clean(once) == once
