"""Spans by the settings, and what a publisher tells."""

from __future__ import annotations

import logging
import sys

import pytest

from streams.cli.tracing import followed, traced
from streams.errors import InvalidError
from streams.kafka.link import Output
from streams.settings import load_settings
from streams.traces import Place
from streams.wire import ARTICLES, DEAD_LETTERS
from tests.spans import Kept

TRACE = ("traceparent", f"00-{3:032x}-{7:016x}-01".encode())
ENDPOINT = "http://127.0.0.1:9/v1/traces"


def test_nobody_traces_by_default() -> None:
    with traced(load_settings(None, {}, {}), "label") as spans:
        assert spans is None


def test_an_endpoint_makes_spans() -> None:
    with traced(load_settings(None, {}, {"traces.endpoint": ENDPOINT, "traces.ratio": 1.0}), "label") as spans:
        assert spans is not None
        assert spans.wants(7)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "streams.traces_otel", None)  # as if its import found no OpenTelemetry
    settings = load_settings(None, {}, {"traces.endpoint": ENDPOINT})
    with pytest.raises(InvalidError, match=r"pip install 'newswire\[otel\]'"), traced(settings, "label"):
        pass


def test_a_published_batch_is_spans_and_one_line_for_debugging(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept = Kept()
    outputs = [
        Output(ARTICLES, b"urn:example:1", b"{}", [TRACE]),
        Output(DEAD_LETTERS, b"bad", b"?", []),
        Output(ARTICLES, b"urn:example:2", b"{}", []),
    ]
    followed(kept)(outputs, 5)
    assert [(s.name, s.place, s.parent, s.began) for s in kept.stages] == [
        ("publish", Place(3, 7), None, 5),
        ("publish", None, None, 5),
    ]
    (line,) = caplog.records
    assert (line.uri, line.uris, line.items) == ("urn:example:1", ["urn:example:1", "urn:example:2"], 2)
    assert line.traceparent == TRACE[1].decode()


def test_dead_letters_alone_are_no_line_and_no_spans(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kept = Kept()
    followed(kept)([Output(DEAD_LETTERS, b"bad", b"?", [])], 5)
    assert (caplog.records, kept.stages) == ([], [])
