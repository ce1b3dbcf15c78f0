from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.region_evidence import teach
from classifiers.region_examples import FOLDS, document_of, number_of
from classifiers.region_hits import find

if TYPE_CHECKING:
    from pathlib import Path

FORMS = "KE\tname\tany\ten\town\tkenya\nPE\tname\tany\ten\town\tperu\n"


@pytest.fixture
def form_table(tmp_path: Path) -> Path:
    path = tmp_path / "forms.tsv"
    path.write_text(FORMS, encoding="utf-8")
    return path


def test_an_item_is_judged_by_what_the_others_taught(form_table: Path) -> None:
    common = [
        {"id": str(number), "lang": "en", "title": "", "text": "Rain in Kenya today", "countries": ["KE"]}
        for number in range(40)
    ]
    alone = {"id": "alone", "lang": "en", "title": "", "text": "Rain near Peru today", "countries": ["PE"]}
    taught = teach([*common, alone], form_table)
    hits = find(taught.matchers, [document_of("en", "", "Rain near Peru today"), document_of("en", "", "In Kenya")])
    unseen = taught.unseen(hits, np.array([number_of("alone", "fold") % FOLDS] * 2))
    peru, kenya = hits.form.tolist()
    assert unseen.reliability[0] < taught.reliability[peru]  # seen in this item alone
    assert unseen.reliability[1] == pytest.approx(taught.reliability[kenya], abs=0.05)
    assert len(unseen.context) == 2
    assert taught.context.words == ("$", "^", "in", "today")
