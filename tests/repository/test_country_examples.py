"""What docs/labels.md shows of countries, by names alone and by quality, is what the shipped model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifiers.contract import Item
from classifiers.model import SHIPPED, load_model
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.contract import Verdict
    from classifiers.encoder import Quality

SECTION = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8").partition("## Countries\n")[2].partition("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line.startswith("|")]
EXAMPLES = {text: said for text, *said in (row for row in ROWS[2:] if len(row) == 4)}


def said(verdicts: Sequence[Verdict]) -> list[str]:
    return [",".join(label.code for label in verdict.labels) or "none" for verdict in verdicts]


def test_the_page_has_examples() -> None:
    assert ROWS[0] == ["", "names alone", "`fast`", "`best`"]
    assert len(EXAMPLES) == 4


@pytest.mark.parametrize(("column", "quality"), [(1, "fast"), (2, "best")])
def test_the_examples_are_so(column: int, quality: Quality) -> None:
    model = load_model(SHIPPED, quality)
    documents = model.prepare([Item("", text) for text in EXAMPLES])
    _, verdicts = model.classify(documents)
    assert said(verdicts) == [example[column] for example in EXAMPLES.values()]
    assert said(model.regions.classify(documents)) == [example[0] for example in EXAMPLES.values()]
