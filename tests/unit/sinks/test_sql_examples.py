"""The queries of docs/sinks.md run as they stand, on both databases, and answer what they say."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from streams.kafka.link import Record
from tests.contract.sink_cases import NAME, Graveyard, open_sql
from tests.flow.labelled import labelled
from tests.repository.source import ROOT
from tests.unit.sinks.test_sql import rows

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "sinks.md").read_text(encoding="utf-8")
QUERIES = re.findall(r"^(\w[^\n]*):\n```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
SPORT, POLITICS, SOCIETY = "15000000", "11000000", "14000000"
ITEMS = [
    labelled("urn:n:1", [(SPORT, 90)], [("TR", 90), ("SY", 60)]),
    labelled("urn:n:2", [(POLITICS, 80), (SOCIETY, 40)], [("SY", 80)]),
    labelled("urn:n:2", [(POLITICS, 75)], [("SY", 80)]) | {"version": "2", "versionCreated": "2026-03-02T10:00:00Z"},
    labelled("urn:n:3", []),
    labelled("urn:n:4", [(SPORT, 45)], [("TR", 70)]),
]
# the first row of each answer, times left out
ANSWERS: dict[str, tuple[Any, ...]] = {
    "The newest items on a topic": ("test", "Headline of urn:n:"),
    "What was said about a country in a span of time": ("Headline of urn:n:",),
    "Items by topic and day": ("2026-03-01", "sport", 2),
    "Which topics each region is in the news with": ("western-asia", "politics", 2),
    "Politics or conflict in western Asia, surely": ("2026-03-02", "Headline of urn:n:2"),
    "Countries that are named together": ("SY", "TR", 1),
    "What each source writes about, in shares": ("test", "50"),
    "Why items were left without a topic": ("tr", 1),
    "Items that changed, and how often": ("urn:n:2", 2, "2026-03-01", "2026-03-02"),
    "Doubtful labels to look at, in the newest version of each item": ("Headline of urn:n:4", "sport", 45),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("examples")
    sqlite = request.param == "sqlite"
    found = f"sqlite:///{folder}/x.db" if sqlite else request.getfixturevalue("postgresql").database()
    sink = open_sql(found, Graveyard())
    sink.resume()
    sink.write([Record(NAME, 0, n, b"k", json.dumps(item).encode(), [], 0) for n, item in enumerate(ITEMS)])
    sink.settle()
    sink.close()
    return str(found)


def test_there_are_ten() -> None:
    assert [title for title, _ in QUERIES] == list(ANSWERS)
    assert len(QUERIES) == 10


@pytest.mark.parametrize("title", ANSWERS)
def test_the_query_answers(url: str, title: str) -> None:
    found = rows(url, dict(QUERIES)[title])
    first = " ".join(str(value) for value in found[0])
    assert all(str(part) in first for part in ANSWERS[title]), found
