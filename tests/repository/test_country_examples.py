"""What docs/labels.md shows of countries, with the names alone and with the encoder, is what the shipped model says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifiers.contract import Item
from classifiers.model import SHIPPED, load_model
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from classifiers.encoder import Quality

SECTION = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8").partition("## Countries\n")[2].partition("\n## ")[0]
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in SECTION.splitlines() if line.startswith("|")]
EXAMPLES = {text: (fast, best) for text, fast, best in (row for row in ROWS[2:] if len(row) == 3)}


def test_the_page_has_examples() -> None:
    assert ROWS[0] == ["", "`fast`", "`best`"]
    assert len(EXAMPLES) == 3


@pytest.mark.parametrize(("column", "quality"), [(0, "fast"), (1, "best")])
def test_the_examples_are_so(column: int, quality: Quality) -> None:
    model = load_model(SHIPPED, quality)
    _, verdicts = model.classify(model.prepare([Item("", text) for text in EXAMPLES]))
    said = [",".join(label.code for label in verdict.labels) or "none" for verdict in verdicts]
    assert said == [example[column] for example in EXAMPLES.values()]
