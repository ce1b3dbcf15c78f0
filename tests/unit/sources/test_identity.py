"""The same item gets the same uri, another one another."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from streams.errors import InvalidError
from streams.sources.identity import canonical_url, guid_uri, text_uri, url_key, url_uri

SAME = [
    "https://www.example.org/news/story?id=5&b=2",
    "https://www.Example.org:443/news/../news/story?b=2&id=5#top",
    "http://example.org/news/story/?id=5&b=2&utm_source=feed&utm_medium=rss",
    "https://m.example.org/news/story?id=5&b=2&fbclid=abc",
    "https://amp.example.org/news/story?id=5&b=2&amp=1",
    "https://example.org/amp/news/story?id=5&b=2",
    "https://example.org/news/story/amp?id=5&b=2",
    "https://user:secret@example.org/news/story;jsessionid=A1?id=5&b=2&PHPSESSID=1",
]
DIFFERENT = [
    "https://example.org/news/story?id=6&b=2",
    "https://example.org/news/Story?id=5&b=2",
    "https://example.org/news/other?id=5&b=2",
    "https://sport.example.org/news/story?id=5&b=2",
    "https://example.org:8443/news/story?id=5&b=2",
    "https://example.org/news/story?id=5",
    "https://example.org/news/story?id=5&b=2#!/part",
]


@pytest.mark.parametrize("url", SAME)
def test_one_page_under_many_addresses_has_one_uri(url: str) -> None:
    assert url_uri(url) == url_uri(SAME[0])


def test_other_pages_have_other_uris() -> None:
    assert len({url_uri(url) for url in [SAME[0], *DIFFERENT]}) == 1 + len(DIFFERENT)


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://Example.ORG", "https://example.org/"),
        ("https://example.org/a%7Eb/%2e/c", "https://example.org/a~b/c"),
        ("https://www.example.org/?p=123", "https://www.example.org/?p=123"),
        ("https://example.org/a?ref=home&source=tw", "https://example.org/a?ref=home&source=tw"),
        ("https://example.org/a?x=&utm_id=1", "https://example.org/a?x="),
        ("https://example.org/a b", "https://example.org/a%20b"),
        ("https://münchen.example/straße", "https://xn--mnchen-3ya.example/stra%C3%9Fe"),
        ("https://example.org/ar/خبر-١٢", "https://example.org/ar/%D8%AE%D8%A8%D8%B1-%D9%A1%D9%A2"),
        (
            "https://example.org/ar/%D8%AE%D8%A8%D8%B1-%d9%a1%d9%a2",
            "https://example.org/ar/%D8%AE%D8%A8%D8%B1-%D9%A1%D9%A2",
        ),
        ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]/x"),
    ],
)
def test_a_canonical_address_still_opens_the_page(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.org/a",
        "//example.org/x",
        "ftp://example.org/x",
        "mailto:a@b.c",
        "http://",
        "https://example.org:99999/",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidError, match=r"^url: "):
        canonical_url(url)


@settings(max_examples=300, deadline=None)
@given(
    st.text("abcXYZخبرığ0-9_~.%/ ", max_size=30),
    st.lists(st.tuples(st.text("abخ_=&%+ ", min_size=1, max_size=5), st.text("xyız&=%+ ", max_size=5)), max_size=4),
)
def test_addresses_are_canonical_after_one_step(path: str, query: list[tuple[str, str]]) -> None:
    url = f"https://example.org/{path}?" + "&".join(f"{name}={value}" for name, value in query)
    try:
        once = canonical_url(url)
    except InvalidError:
        assume(False)
    assert canonical_url(once) == once
    assert url_key(once) == url_key(url)
    assert url_uri(
        once.replace("https://", "http://www.") + ("&" if "?" in once else "?") + "utm_campaign=x#frag"
    ) == url_uri(url)


def test_a_guid_is_its_hosts_own() -> None:
    assert guid_uri("42", "www.example.org") == guid_uri(" 42 ", "Example.org")
    assert guid_uri("42", "example.org") != guid_uri("42", "example.com")


def test_without_a_name_title_and_date_decide_and_without_a_date_the_text() -> None:
    dated = text_uri("agency", "Weather", "2026-01-01T00:00:00Z", "Rain.")
    assert dated == text_uri("agency", "Weather", "2026-01-01T00:00:00Z", "Rain, then sun.")
    assert dated != text_uri("agency", "Weather", "2026-01-02T00:00:00Z", "Rain.")
    assert text_uri("agency", "Weather", None, "Rain.") != text_uri("agency", "Weather", None, "Sun.")
    assert dated.startswith("urn:newswire:item:")
    assert len(dated) == len("urn:newswire:item:") + 32


def test_long_texts_hash_as_one_piece_would() -> None:
    text = "خبر " * 5_000
    whole = hashlib.blake2b(f"text\n\nt\n{text}".encode(), digest_size=16).hexdigest()
    assert text_uri("", "t", None, text) == f"urn:newswire:item:{whole}"
