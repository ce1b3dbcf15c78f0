"""Feeds in charsets that they claim, deny or get wrong."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import InvalidError
from streams.sources.charset import decoded

ARABIC = "<rss><title>انعقاد اجتماع المجلس الوطني في العاصمة لمناقشة الأزمة</title><d>قال المتحدث إن الاجتماع ناقش قضايا مهمة</d></rss>"
TURKISH = "<rss><title>İstanbul'da şiddetli yağış: çok sayıda ev su altında kaldı, ığdır</title></rss>"
FRENCH = "<rss><title>L'été à Noël, créée naïve, où ça : « l'œuvre »</title></rss>"
RUSSIAN = "<rss><title>Москва готовится к выборам президента страны</title></rss>"
ICELANDIC = "<rss><title>Það á að vera gott veður í dag, sagði þingmaður á fundi þingsins í morgun, og síðan í kvöld</title></rss>"
GREEK = "<rss><title>Η κυβέρνηση ανακοίνωσε νέα μέτρα για την οικονομία</title></rss>"


@pytest.mark.parametrize("declared", [None, "utf-8", "iso-8859-1", "us-ascii", "no-such-charset", "utf-16"])
@pytest.mark.parametrize(
    ("text", "charset"),
    [
        (ARABIC, "cp1256"),
        (ARABIC, "iso8859-6"),
        (ARABIC, "utf-8"),
        (ARABIC, "utf-8-sig"),
        (ARABIC, "utf-16"),
        (ARABIC, "utf-16-le"),
        (ARABIC, "utf-16-be"),
        (ARABIC, "utf-32"),
        (TURKISH, "utf-8"),
        (TURKISH, "cp1254"),
        (FRENCH, "cp1252"),
        (FRENCH, "utf-8"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (GREEK, "cp1253"),
    ],
)
def test_the_text_is_right_whatever_is_declared(text: str, charset: str, declared: str | None) -> None:
    assert decoded(text.encode(charset), declared).text == text


@pytest.mark.parametrize(
    ("text", "charset"), [(ARABIC, "cp1256"), (TURKISH, "iso-8859-9"), (FRENCH, "iso-8859-15"), (ICELANDIC, "cp1252")]
)
def test_a_true_claim_in_the_prolog_is_believed(text: str, charset: str) -> None:
    text = text.replace("œ", "oe")
    document = f"<?xml version='1.0' encoding='{charset}'?>{text}"
    assert decoded(document.encode(charset)).text == document


def test_a_claim_of_the_server_comes_before_that_of_the_prolog() -> None:
    document = f"<?xml version='1.0' encoding='koi8-r'?>{RUSSIAN}"
    assert decoded(document.encode("cp1251"), "windows-1251").text == document


def test_utf8_with_a_few_stray_bytes_of_windows_stays_utf8() -> None:
    body = (ARABIC * 3).encode() + b"it\x92s \x93quoted\x94"
    text, charset = decoded(body, "utf-8")
    assert charset == "utf-8"
    assert text == ARABIC * 3 + "it’s “quoted”"


@pytest.mark.parametrize("body", [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"PK\x03\x04\x14\0\0\0", b"text\0text"])
def test_binary_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidError, match="binary"):
        decoded(body)


@given(st.binary(max_size=300), st.sampled_from([None, "utf-8", "cp1256", "hex", "rot13", "base64", "\0", "é" * 50]))
def test_any_bytes_give_text_or_are_refused(body: bytes, declared: str | None) -> None:
    with contextlib.suppress(InvalidError):
        assert isinstance(decoded(body, declared).text, str)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=300))
def test_utf8_is_never_misread(text: str) -> None:
    document = f"<rss>{text}</rss>"
    assert decoded(document.encode(), "iso-8859-1").text == document
