"""The short form and ninjs 3.1 become articles of the wire; what is neither is refused with a reason."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from streams.articles import Article, decode_article, encode, main_headline, main_text
from streams.errors import InvalidError
from streams.sources.normalise import Defaults, ShortItem, article_of_json, article_of_short, language_tag
from tests.items import article_json, as_bytes

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def made(**item: Any) -> Article:
    return article_of_json(as_bytes(item), Defaults("the file"), NOW)


def test_the_short_form_whole() -> None:
    article = made(
        title="Kars'ta <b>peynir</b> müzesi",
        text="Müze açıldı.\n\nİlk gün dolu geçti.",
        url="https://www.example.org/a?utm_source=x",
        language="tr_TR",
        published="Sun, 01 Mar 2026 10:00:00 +0300",
        source="Örnek Ajansı",
    )
    assert json.loads(encode(article)) == {
        "uri": article.uri,
        "type": "text",
        "versionCreated": "2026-03-01T10:00:00+03:00",
        "firstCreated": "2026-03-01T10:00:00+03:00",
        "headlines": [{"value": "Kars'ta peynir müzesi", "role": "main", "contentType": "text/plain"}],
        "bodies": [{"value": "Müze açıldı.\n\nİlk gün dolu geçti.", "role": "main", "contentType": "text/plain"}],
        "infoSources": [{"name": "Örnek Ajansı"}],
        "language": "tr-TR",
        "altIds": [{"role": "canonicalUrl", "value": "https://www.example.org/a"}],
    }
    assert decode_article(encode(article)) == article


def test_what_the_item_does_not_say_comes_from_the_defaults() -> None:
    article = article_of_json(b'{"text": "It rained. All day."}', Defaults("wire", "en"), NOW)
    assert (article.info_sources[0].name, article.language, article.version_created) == (
        "wire",
        "en",
        "2026-03-01T12:00:00+00:00",
    )
    assert main_headline(article) == "It rained."
    assert article.first_created is None


def test_a_long_lead_is_cut_at_a_word() -> None:
    title = main_headline(made(text="word " * 60))
    assert title.endswith("word…")
    assert len(title) <= 121


def test_a_uri_is_kept_and_what_is_none_is_refused() -> None:
    assert made(uri="urn:agency:1", text="x y").uri == "urn:agency:1"
    for uri in ("no uri", "urn:with space:1", "u" * 3000, "urn:"):
        with pytest.raises(InvalidError, match="uri"):
            made(uri=uri, text="x y")


def test_the_same_item_has_the_same_uri_whatever_the_file() -> None:
    line = as_bytes({"title": "t", "text": "x y"})
    later = datetime(2026, 3, 2, tzinfo=UTC)
    assert article_of_json(line, Defaults("a"), NOW).uri == article_of_json(line, Defaults("b"), later).uri


def test_a_date_in_the_future_is_flagged_and_does_not_date_the_version() -> None:
    article = made(text="x y", published="2036-01-01T00:00:00Z")
    assert article.version_created == "2026-03-01T12:00:00+00:00"
    assert article.first_created == "2036-01-01T00:00:00Z"
    assert article.ed_note == "firstCreated lies in the future, as the publisher gave it"


def test_ninjs_passes_as_it_came() -> None:
    item = article_json(subjects=[{"name": "publisher's own"}], version="3", urgency=2, pubStatus="canceled")
    assert json.loads(encode(article_of_json(as_bytes(item), Defaults("x"), NOW))) == item


def test_ninjs_is_cleaned_where_people_read_and_named_where_it_has_no_source() -> None:
    item = article_json(
        infoSources=None,
        headlines=[{"value": "A\x00 &amp; B\n"}],
        bodies=[{"value": "x\x07y"}, {"value": "<p>&amp;</p>", "contentType": "text/html"}],
    )
    article = article_of_json(as_bytes(item), Defaults("wire"), NOW)
    assert main_headline(article) == "A & B"
    assert [b.value for b in article.bodies] == ["xy", "<p>&amp;</p>"]
    assert article.info_sources[0].name == "wire"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (b"not json", "not JSON in UTF-8"),
        (b'{"title": "x", "text": ', "not JSON in UTF-8"),
        (b"\xff\xfe{}", "not JSON in UTF-8"),
        (b'{"text": "\xed\xa0\x80"}', "not JSON in UTF-8"),
        (b'{"text": "\\ud800 alone, and much behind it"}', "not JSON in UTF-8"),
        (b'{"text": "a\x01b"}', "not JSON in UTF-8"),
        (b"[" * 100_000, "nested too deep|not an item"),
        (b"[]", "not an item|Expected `object`|JSON object"),
        (b"42", "not an item|Expected `object`|JSON object"),
        (b"{}", "missing required field `text`"),
        (b'{"title": "only a title"}', "missing required field `text`"),
        (b'{"text": 5}', "Expected `str`, got `int` - at `\\$.text`"),
        (b'{"text": null}', "Expected `str`, got `null`"),
        (b'{"text": "x", "titel": "typo"}', "unknown field `titel`"),
        (b'{"text": ""}', "`text` is empty"),
        (b'{"text": " \\u0000\\n&nbsp; "}', "`text` is empty"),
        (b'{"text": "x", "published": "yesterday"}', "published: 'yesterday' is not a date"),
        (b'{"text": "x", "published": "2026-02-30T00:00:00Z"}', "published: .* is not a date"),
        (b'{"text": "x", "url": "not an address"}', "url: "),
        (b'{"text": "x", "language": "klingon!"}', "language: 'klingon!' is not a tag"),
        (b'{"text": "\\ufffd\\ufffd\\ufffd x"}', "wrong charset"),
        (as_bytes(article_json(versionCreated="2026-02-30T00:00:00Z")), "ninjs"),
        (as_bytes(article_json(versionCreated=None)), "missing required field `versionCreated`"),
        (as_bytes(article_json(uri=None)), "missing required field `uri`"),
        (as_bytes(article_json(headlines="a headline")), "ninjs"),
        (as_bytes(article_json(bodies=[])), "ninjs"),
        (as_bytes(article_json(bodies=[{"value": " "}])), "every body is empty"),
        (as_bytes(article_json(colour="blue")), "unknown field `colour`"),
        (as_bytes({**article_json(), "language": None}), "never null"),
    ],
)
def test_what_is_no_item_is_refused_with_the_reason(line: bytes, complaint: str) -> None:
    with pytest.raises(InvalidError, match=complaint):
        article_of_json(line, Defaults("x"), NOW)


def test_a_body_of_half_a_surrogate_pair_from_python_is_refused() -> None:
    with pytest.raises(InvalidError, match="lone surrogate"):
        article_of_short(ShortItem(text="half \ud800"), Defaults("x"), NOW)


@pytest.mark.parametrize(("given", "tag"), [("ar", "ar"), ("tr_TR", "tr-TR"), (" zh-Hans-CN ", "zh-Hans-CN")])
def test_language_tags(given: str, tag: str) -> None:
    assert language_tag(given) == tag


def test_main_text_reads_what_was_published() -> None:
    assert main_text(made(text="<p>One.</p><p>Two.</p>")) == "One.\nTwo."
