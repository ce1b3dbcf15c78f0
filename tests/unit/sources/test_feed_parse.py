"""Feed documents of every format, sound, odd and hostile."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from streams.errors import InvalidError
from streams.sources.feed_fields import MAX_ENTRIES, MAX_URL
from streams.sources.feed_parse import parse_feed

URL = "https://news.example/feeds/main.xml"
RSS = """<?xml version="1.0" encoding="UTF-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/" xmlns:dc="http://purl.org/dc/elements/1.1/">
<channel><title>صحيفة المثال</title><link>https://news.example/</link><language>ar-sa</language><ttl>30</ttl>
<item><title>انعقاد &lt;b&gt;اجتماع&lt;/b&gt; المجلس &amp;amp; مؤتمره</title><link>/story/1?utm_source=rss</link>
<guid isPermaLink="false">n-4711</guid><pubDate>Mon, 24 Nov 2025 10:00:00 +0300</pubDate><dc:creator>كاتب</dc:creator>
<description>ملخص</description><content:encoded><![CDATA[<p>فقرة أولى.</p><p>فقرة ثانية.</p>]]></content:encoded>
<category>سياسة</category><category>سياسة</category><category> اقتصاد </category></item></channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="tr"><title type="html">Örnek &amp;amp; Haber</title>
<id>tag:news.example,2025:feed</id><updated>2025-11-24T10:00:00Z</updated>
<entry><id>tag:news.example,2025:1</id><title type="html">Yağış &lt;i&gt;uyarısı&lt;/i&gt;</title>
<link rel="self" href="https://news.example/1.atom"/><link rel="alternate" href="https://news.example/1"/>
<published>2025-11-24T08:00:00+03:00</published><updated>2025-11-24T09:30:00+03:00</updated>
<author><name>Ayşe Örnek</name></author><category term="hava"/>
<content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Sağanak <b>bekleniyor</b>.</p></div></content></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
<channel rdf:about="https://news.example/"><title>Beispiel</title><sy:updatePeriod>hourly</sy:updatePeriod>
<sy:updateFrequency>2</sy:updateFrequency></channel>
<item rdf:about="https://news.example/9"><title>Wetter</title><link>https://news.example/9</link>
<description>Es regnet.</description><dc:date>2025-11-24T08:00:00+01:00</dc:date></item></rdf:RDF>"""
JSON_FEED = {
    "version": "https://jsonfeed.org/version/1.1",
    "title": "Example",
    "language": "en",
    "items": [
        {
            "id": 17,
            "url": "/17",
            "title": "Rain &amp; wind",
            "content_html": "<p>It rained.</p><p>Then it stopped.</p>",
            "date_published": "2025-11-24T08:00:00Z",
            "authors": [{"name": "A. Writer"}],
            "tags": ["weather", 5, "weather"],
        },
        "not an item",
        {"id": "18", "content_text": "Only text."},
    ],
}


def test_rss() -> None:
    feed = parse_feed(RSS.encode(), URL)
    assert (feed.kind, feed.title, feed.language, feed.ttl_seconds) == ("rss20", "صحيفة المثال", "ar-sa", 1800.0)
    (entry,) = feed.entries
    assert entry.title == "انعقاد اجتماع المجلس & مؤتمره"
    assert entry.text == "فقرة أولى.\nفقرة ثانية."
    assert (entry.guid, entry.url) == ("n-4711", "https://news.example/story/1?utm_source=rss")
    assert (entry.published, entry.author) == ("2025-11-24T07:00:00+00:00", "كاتب")
    assert entry.categories == ("سياسة", "اقتصاد")


def test_atom() -> None:
    feed = parse_feed(ATOM.encode(), URL)
    assert (feed.kind, feed.title) == ("atom10", "Örnek & Haber")
    (entry,) = feed.entries
    assert (entry.guid, entry.url) == ("tag:news.example,2025:1", "https://news.example/1")
    assert (entry.title, entry.text) == ("Yağış uyarısı", "Sağanak bekleniyor.")
    assert (entry.published, entry.updated) == ("2025-11-24T05:00:00+00:00", "2025-11-24T06:30:00+00:00")
    assert (entry.author, entry.language, entry.categories) == ("Ayşe Örnek", "tr", ("hava",))


def test_rdf() -> None:
    feed = parse_feed(RDF.encode(), URL)
    assert (feed.kind, feed.ttl_seconds) == ("rss10", 1800.0)
    assert feed.entries[0].url == "https://news.example/9"
    assert feed.entries[0].published == "2025-11-24T07:00:00+00:00"


def test_json_feed() -> None:
    feed = parse_feed(json.dumps(JSON_FEED).encode(), URL)
    assert (feed.kind, feed.title, feed.language) == ("json1", "Example", "en")
    first, second = feed.entries
    assert (first.guid, first.url, first.title) == ("17", "https://news.example/17", "Rain & wind")
    assert (first.text, first.author, first.categories) == ("It rained.\nThen it stopped.", "A. Writer", ("weather",))
    assert (second.guid, second.text, second.url, second.published) == ("18", "Only text.", "", None)


@pytest.mark.parametrize("charset", ["utf-8", "utf-16", "cp1256"])
@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1", "windows-1256"])
def test_arabic_is_right_in_every_charset_under_every_label(charset: str, declared: str) -> None:
    body = RSS.replace('encoding="UTF-8"', f'encoding="{declared}"').encode(charset)
    for header in (None, declared):
        assert parse_feed(body, URL, header).entries == parse_feed(RSS.encode(), URL).entries


def test_an_entry_may_have_nothing_but_a_title() -> None:
    feed = parse_feed(b"<rss version='2.0'><channel><item><title>Only this</title></item></channel></rss>", URL)
    (entry,) = feed.entries
    assert entry == ("", "", "Only this", "", None, None, None, None, ())


@pytest.mark.parametrize(
    "body",
    [
        "<rss version='2.0'><channel><title>Empty</title></channel></rss>",
        "<feed xmlns='http://www.w3.org/2005/Atom'/>",
        '{"version": "https://jsonfeed.org/version/1", "items": []}',
    ],
)
def test_an_empty_feed_is_a_feed(body: str) -> None:
    assert parse_feed(body.encode(), URL).entries == ()


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"  \r\n ", "empty"),
        (b"hello", "no feed"),
        (b"{}", "no JSON Feed"),
        (b'{"items": []}', "no JSON Feed"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": {}}', "no JSON Feed"),
        (b'{"broken', "not JSON"),
        (b"{" * 100_000, "not JSON"),
        (b"<html><body>Not found</body></html>", "web page"),
        (b"<?xml version='1.0'?><urlset><url><loc>x</loc></url></urlset>", "no feed"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "binary"),
    ],
)
def test_what_is_no_feed_is_refused_with_what_it_is(body: bytes, message: str) -> None:
    with pytest.raises(InvalidError, match=message):
        parse_feed(body, URL)


def test_a_page_that_names_its_feeds_helps_out() -> None:
    page = b"<html><head><link rel='alternate' type='application/rss+xml' href='/rss'></head></html>"
    with pytest.raises(InvalidError, match=r"names: https://news\.example/rss"):
        parse_feed(page, URL)


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "mailto:a@b.example", "http://", "x" * (MAX_URL + 1), "http://[::1"]
)
def test_a_link_that_leads_nowhere_is_no_link(url: str) -> None:
    body = f"<rss version='2.0'><channel><item><title>t</title><link>{url}</link></item></channel></rss>"
    assert parse_feed(body.encode(), URL).entries[0].url == ""


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Mon, 24 Nov 2025 10:00:00 EST", "2025-11-24T15:00:00+00:00"),
        ("2025-11-24", "2025-11-24T00:00:00+00:00"),
        ("24/11/2025 10:00", None),
        ("Thu, 01 Jan 1970 00:00:00 GMT", None),
        ("0001-01-01T00:00:00Z", None),
        ("yesterday", None),
        ("", None),
    ],
)
def test_dates_that_cannot_be_meant_are_none(date: str, expected: str | None) -> None:
    body = f"<rss version='2.0'><channel><item><title>t</title><pubDate>{date}</pubDate></item></channel></rss>"
    assert parse_feed(body.encode(), URL).entries[0].published == expected


def test_control_characters_do_not_end_the_feed() -> None:
    body = RSS.replace("ملخص", "\x0b\x1b").replace("فقرة أولى.", "فقرة\x00 أولى.\ufffe").encode()
    assert parse_feed(body, URL).entries[0].text == "فقرة أولى.\nفقرة ثانية."


def test_what_is_ill_formed_is_read_as_far_as_it_goes() -> None:
    broken = RSS.replace("</channel></rss>", "<item><title>Second & <b>last</title>")
    assert [entry.title for entry in parse_feed(broken.encode(), URL).entries][-1].startswith("Second &")


def test_the_site_of_a_feed_in_a_file_stands_in_for_its_address() -> None:
    assert parse_feed(RSS.encode(), "file:///tmp/feed.xml").entries[0].url.startswith("https://news.example/story/1")


def test_a_feed_of_very_many_entries_is_cut() -> None:
    items = "".join(f"<item><title>{n}</title></item>" for n in range(MAX_ENTRIES + 10))
    feed = parse_feed(f"<rss version='2.0'><channel>{items}</channel></rss>".encode(), URL)
    assert len(feed.entries) == MAX_ENTRIES
    assert feed.entries[0].title == "0"


def test_a_feed_whose_entries_cannot_be_read_is_no_empty_feed() -> None:
    body = "<?xml?xml version='1.0'??><rss rss:version=2.0><rss:channel><rss:item><rss:title>t</rss:title></rss:item>"
    with pytest.raises(InvalidError, match="damaged"):
        parse_feed(body.encode(), URL)


def test_entities_do_not_explode_and_read_no_files() -> None:
    bomb = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    for doctype in (
        f'<!DOCTYPE rss [<!ENTITY e0 "lol">{bomb}<!ENTITY x "&e11;">]>',
        f'<!DOCTYPE rss [<!ENTITY x "{"a" * 100_000}">]>',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE rss SYSTEM "file:///etc/passwd">',
    ):
        body = f"{doctype}<rss version='2.0'><channel><item><title>t &x;{'&x;' * 1000}</title></item></channel></rss>"
        feed = parse_feed(body.encode(), URL)
        assert all("root:" not in entry.title and len(entry.title) <= 1000 for entry in feed.entries)


@given(st.binary(max_size=400))
@hypothesis_settings(max_examples=150, deadline=None)
def test_any_bytes_are_a_feed_or_refused(body: bytes) -> None:
    with contextlib.suppress(InvalidError):
        parse_feed(body, URL)


@given(st.data())
@hypothesis_settings(max_examples=150, deadline=None)
def test_a_damaged_feed_is_a_feed_or_refused(data: st.DataObject) -> None:
    whole = data.draw(st.sampled_from([RSS, ATOM, RDF, json.dumps(JSON_FEED)])).encode()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 200)))
    with contextlib.suppress(InvalidError):
        parse_feed(whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:], URL)
