"""What the gateway is given from the settings: where it listens, who may read, older items."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from streams.cli.gatekeeping import make_archive, make_limits, refuse_public
from streams.errors import InvalidError
from streams.settings import GatewaySettings, load_settings, masked


def settings(**given: Any) -> GatewaySettings:
    return load_settings(None, {}, {f"gateway.{name}": value for name, value in given.items()}).gateway


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "127.8.9.1"])
def test_this_machine_needs_no_token(host: str) -> None:
    refuse_public(settings(host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "news.example", ""])
def test_another_address_needs_tokens_for_reading_or_to_be_told_so(host: str) -> None:
    for given in ({}, {"tokens": "a-writer"}, {"read_tokens": " , "}):
        with pytest.raises(InvalidError, match=r"gateway\.read_tokens, or set gateway\.public = true"):
            refuse_public(settings(host=host, **given))
    refuse_public(settings(host=host, read_tokens="a-reader"))
    refuse_public(settings(host=host, public=True))


def test_who_may_write_may_read_where_reading_needs_a_token() -> None:
    assert not make_limits(settings(tokens="w")).readers
    readers = make_limits(settings(tokens="w", read_tokens="r, s")).readers
    assert [readers.take(token) for token in ("r", "s", "w", "x")] == [True, True, True, False]
    with pytest.raises(InvalidError, match=r"gateway\.read_tokens: after 'sha256:' come 64"):
        make_limits(settings(read_tokens="sha256:1"))


def test_a_pace_of_nothing_is_no_bound() -> None:
    assert make_limits(settings(requests_per_second=0)).pace is None
    assert make_limits(settings()).pace is not None


def test_older_items_only_where_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "sqlite:///var/newswire.db"
    assert make_archive(settings(), url) is None
    assert make_archive(settings(archive=True), url) is not None
    with pytest.raises(InvalidError, match="is not supported"):
        make_archive(settings(archive=True), "mysql://db/news")
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(InvalidError, match=r"pip install 'newswire\[sql\]'"):
        make_archive(settings(archive=True), url)


def test_tokens_are_masked() -> None:
    found = masked(load_settings(None, {}, {"gateway.tokens": "w", "gateway.read_tokens": "r"}))["gateway"]
    assert {found["tokens"], found["read_tokens"]} == {"********"}
