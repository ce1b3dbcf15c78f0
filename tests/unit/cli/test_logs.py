"""The log of a command: text for people, one JSON object a line for machines."""

from __future__ import annotations

import io
import json
import logging
import re
from typing import TYPE_CHECKING, Any

import pytest

from streams.cli.logs import ALWAYS, FIELDS, LAST, start_log
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger without handlers, put back afterwards; so are the levels that start_log sets."""
    root, kafka = logging.getLogger(), logging.getLogger("kafka")
    before, level, kafka_level = root.handlers[:], root.level, kafka.level
    yield root
    root.handlers[:] = before
    root.setLevel(level)
    kafka.setLevel(kafka_level)


def lines(form: Any) -> list[str]:
    out = io.StringIO()
    logging.getLogger().handlers.clear()  # those of the test run
    start_log("INFO", form, out)
    log = logging.getLogger("streams.test")
    log.info("labelled %d items", 3)
    log.debug("not said")
    log.warning("late: %s", "çok geç\nvery late", extra={"uri": "urn:example:1", "colour": "red"})
    logging.getLogger("faust").info("a framework's own affair")
    try:
        int("a bug")
    except ValueError:
        log.exception("left")
    return out.getvalue().splitlines()


@pytest.mark.usefixtures("root")
def test_each_record_is_one_json_object_on_one_line() -> None:
    first, second, third = (json.loads(line) for line in lines("json"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", first.pop("time"))
    assert first == {"level": "info", "logger": "streams.test", "message": "labelled 3 items"}
    assert second["message"] == "late: çok geç\nvery late"
    assert (second["uri"], "colour" in second) == ("urn:example:1", False)  # what stands in FIELDS, and no more
    assert third["exception"].endswith("invalid literal for int() with base 10: 'a bug'")


@pytest.mark.usefixtures("root")
def test_text_is_for_people() -> None:
    first, second, third, *rest = lines("text")
    assert re.fullmatch(r"[\d-]+ [\d:]+ \[info +\] labelled 3 items \[streams.test\]", first)
    assert (second[-13:], third) == ("late: çok geç", "very late [streams.test] uri=urn:example:1")
    assert rest[-1] == "ValueError: invalid literal for int() with base 10: 'a bug'"


@pytest.mark.usefixtures("root")
def test_a_traceback_shows_no_values_of_variables() -> None:
    def log_in(password: str) -> None:
        raise ValueError("refused")

    out = io.StringIO()
    logging.getLogger().handlers.clear()
    start_log("INFO", "text", out)
    try:
        log_in("s3cret")
    except ValueError:
        logging.getLogger("streams.test").exception("left")
    assert "refused" in out.getvalue()
    assert "s3cret" not in out.getvalue().replace('log_in("s3cret")', "")


@pytest.mark.usefixtures("root")
def test_what_json_cannot_hold_is_shown_as_text() -> None:
    out = io.StringIO()
    logging.getLogger().handlers.clear()
    start_log("INFO", "json", out)
    logging.getLogger("streams.test").info("m", extra={"partition": {1}})
    assert json.loads(out.getvalue())["partition"] == "{1}"


def test_the_page_has_every_field() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    table = re.findall(r"^\| `(\w+)` \| (.+?) \|$", page.split("## Logs")[1].split("\n## ")[0], re.MULTILINE)
    assert dict(table) == ALWAYS | FIELDS | LAST
