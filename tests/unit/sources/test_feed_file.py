"""The file that names the feeds."""

from __future__ import annotations

from pathlib import Path

import pytest

from streams.errors import InvalidError
from streams.sources.feed_file import read_feeds

ONE = '[[feeds]]\nname = "a"\nurl = "https://news.example/rss"\n'


def test_a_feed_needs_a_name_and_an_address_and_has_defaults_for_the_rest() -> None:
    file, (feed,) = read_feeds(ONE, "x.toml")
    assert feed == ("a", "https://news.example/rss", None, None, None, None, False, True)
    assert (file.poller.name, file.poller.parsers) == ("feeds", 1)


def test_every_setting_is_read() -> None:
    text = (
        '[poller]\nname = "wire"\nallow = ["10.0.0.0/8", "intranet.example"]\n'
        + ONE
        + (
            'source = "Example"\nlanguage = "tr_TR"\ncountry = "TR"\ninterval_minutes = 5\nfull_text = true\nrobots = false\n'
        )
    )
    file, (feed,) = read_feeds(text, "x.toml")
    assert feed[2:] == ("Example", "tr-TR", "TR", 300.0, True, False)
    assert file.allowed().names == {"intranet.example"}


def test_the_file_that_is_shipped_is_sound() -> None:
    path = Path(__file__).parents[3] / "configs" / "sources.toml"
    _, feeds = read_feeds(path.read_text(encoding="utf-8"), "sources.toml")
    assert {feed.language for feed in feeds} >= {"ar", "tr", "en"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "feeds"),
        ("feeds = []", "feeds"),
        ("[[feeds]\n", "x.toml: "),
        ('[[feeds]]\nname = "a"\n', "url"),
        (ONE.replace('"a"', '"a b"'), "name"),
        (ONE.replace("https", "ftp"), "'a': 'ftp://news.example/rss' is not an address of http"),
        (ONE.replace("https://news.example/rss", "http://[::1"), "'a'"),
        (ONE + 'langauge = "ar"\n', "langauge"),
        (ONE + 'language = "arabic language"\n', "'a': language"),
        (ONE + 'country = "Turkey"\n', "country"),
        (ONE + "interval_minutes = 0\n", "interval_minutes"),
        (ONE + "full_text = 1\n", "full_text"),
        (ONE + ONE, "two feeds are named 'a'"),
        ('[poller]\nallow = ["http://x"]\n' + ONE, "not a host name"),
        ('[poller]\nname = "a b"\n' + ONE, "name"),
        ("[poller]\nparsers = 0\n" + ONE, "parsers"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, message: str) -> None:
    with pytest.raises(InvalidError) as caught:
        read_feeds(text, "x.toml")
    assert message in str(caught.value)
    assert str(caught.value).startswith("x.toml: ")
    assert "\n" not in str(caught.value)
