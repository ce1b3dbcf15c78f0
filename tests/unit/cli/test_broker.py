"""What `newswire broker` shows while a first start downloads and prepares."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING

from streams.cli.broker import shown_progress

if TYPE_CHECKING:
    import pytest


def test_a_terminal_gets_a_bar_on_stderr(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.openpty()
    monkeypatch.setenv("TERM", "xterm")
    with os.fdopen(writing, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with shown_progress() as progress:
            progress("downloading Kafka", 0, 45_000_000)
            progress("downloading Kafka", 22_500_000, 45_000_000)
    drawn = b""
    with contextlib.suppress(OSError):  # the end of a terminal that nobody writes to any more
        while part := os.read(reading, 65536):
            drawn += part
    os.close(reading)
    assert b"downloading Kafka" in drawn
    assert b"50 %" in drawn
    assert capsys.readouterr().out == ""


def test_a_file_gets_one_line_for_each_thing_done(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as progress:
        for done in range(4):
            progress("downloading Kafka", done, 3)
        progress("preparing Kafka", 0, 3)
    assert capsys.readouterr() == ("", "downloading Kafka ...\npreparing Kafka ...\n")
