from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.contract import Document, Item
from classifiers.gazetteer import KINDS, Form, FormTable, Matcher
from classifiers.region_features import (
    ACCEPTING,
    FEATURES,
    Candidates,
    Evidence,
    Places,
    accepting,
    candidates,
)
from classifiers.region_hits import find, headline
from classifiers.region_reading import READ_FEATURES, Read
from classifiers.text import tokenise
from classifiers.wording import WORDING_FEATURES

if TYPE_CHECKING:
    from numpy.typing import NDArray


def form(word: str, country: str, kind: str) -> Form:
    return Form(tuple(word.split(" ")), country, KINDS.index(kind), "any", ("en",), is_stem=False)


TABLE = FormTable(
    [
        form("france", "FR", "name"),
        form("french", "FR", "demonym"),
        form("paris", "FR", "city"),
        form("spain", "ES", "name"),
        form("paris hilton", "", "null"),
    ]
)
PLACES = Places.of(TABLE)
MATCHERS = {"en": Matcher(TABLE, "en")}
RELIABILITY = {"france": 0.8, "french": 0.5, "paris": 0.6, "spain": 0.7, "paris hilton": 0.5}


def document(title: str, text: str = "", language: str = "en", home: str | None = None) -> Document:
    return Document(Item(title, text, None, home), language, 1.0, *tokenise(title, text))


def of(
    *documents: Document,
    homes: tuple[int, ...] | None = None,
    read: Read | None = None,
    wording: NDArray[np.float64] | None = None,
) -> Candidates:
    hits = find(MATCHERS, documents)
    reliability = np.array([RELIABILITY[TABLE.keys[number]] for number in hits.form], np.float64)
    return candidates(
        hits,
        PLACES,
        Evidence(reliability, np.zeros(len(reliability))),
        np.array(homes or [-1] * len(documents), np.int64),
        read,
        wording,
    )


def feature(found: Candidates, name: str) -> list[float]:
    return [round(float(value), 4) for value in found.features[FEATURES.index(name)]]


def test_one_row_a_document_and_country() -> None:
    found = of(document("France and Spain"), document("no place"), document("", "French Paris"))
    assert [(d, PLACES.codes[c]) for d, c in zip(found.document, found.country, strict=True)] == [
        (0, "ES"),
        (0, "FR"),
        (2, "FR"),
    ]
    assert found.in_text.all()


def test_what_is_known_of_whole_documents_stands_behind_the_names_and_is_read_to_accept() -> None:
    documents = document("France and Spain"), document("no place"), document("", "French Paris")
    wording = np.array([[0.1, 2], [0.9, 0], [0.3, 1]])
    read = Read(np.array([0]), np.array([[5.0, 1], [-5, 2], [-5, 3]]), np.zeros(3, np.bool_))
    plain, both = of(*documents), of(*documents, read=read, wording=wording)
    assert plain.features.shape == (len(FEATURES), 3)
    assert both.features[: len(FEATURES)].tolist() == plain.features.tolist()
    assert len(both.features) == len(FEATURES) + len(READ_FEATURES) + len(WORDING_FEATURES)
    assert both.features[len(FEATURES) + READ_FEATURES.index("read_none")].tolist() == [1, 1, 3]
    assert both.features[-2:] == pytest.approx(np.array([[0.1, 0.1, 0.3], [2, 2, 1]]))
    assert accepting(both.features).tolist() == [*both.features[:ACCEPTING].tolist(), *both.features[-8:].tolist()]


def test_counts_by_zone_and_kind() -> None:
    body = "word " * 50
    found = of(document("France wins", f"French Paris {body} Paris France"))
    assert feature(found, "title_name") == [1.0]
    assert feature(found, "lead_demonym") == [1.0]
    assert feature(found, "lead_city") == [1.0]
    assert feature(found, "body_city") == [1.0]
    assert feature(found, "body_name") == [1.0]
    assert feature(found, "title_city") == [0.0]


def test_distinct_forms_speak_once() -> None:
    found = of(document("", "France France Paris"))
    assert feature(found, "missing") == [round((1 - 0.8) * (1 - 0.6), 4)]
    assert feature(found, "best") == [0.8]
    assert feature(found, "forms") == [2.0]


def test_rank_and_share_follow_the_weight() -> None:
    found = of(document("France France", "Spain"))
    spain, france = 0, 1
    assert feature(found, "rank") == [1.0, 0.0]
    share = feature(found, "share")
    assert share[france] == pytest.approx(6 / 7.5, abs=1e-4)
    assert share[spain] == pytest.approx(1.5 / 7.5, abs=1e-4)


def test_a_blocking_phrase_is_no_candidate() -> None:
    assert of(document("Paris Hilton sings")).document.size == 0


def test_the_home_is_a_candidate_of_its_own() -> None:
    spain = PLACES.codes.index("ES")
    found = of(document("French bridge"), document("a bridge"), homes=(spain, spain))
    assert [(d, PLACES.codes[c]) for d, c in zip(found.document, found.country, strict=True)] == [
        (0, "ES"),
        (0, "FR"),
        (1, "ES"),
    ]
    assert found.in_text.tolist() == [False, True, False]
    assert feature(found, "home") == [1.0, 0.0, 1.0]
    assert feature(found, "home_known") == [1.0, 1.0, 1.0]


def test_a_language_without_forms_has_no_candidate() -> None:
    assert of(document("France", language="ka")).document.size == 0


def test_a_title_that_repeats_the_opening_is_no_headline() -> None:
    assert headline(document("France and", "France and Spain")) == []
    assert headline(document("France wins", "France and Spain")) == ["France", "wins"]
    assert headline(document("", "France")) == []


def test_an_empty_batch_of_hits() -> None:
    found = of(document(""), document("nothing"))
    assert found.features.shape == (len(FEATURES), 0)


def test_features_do_not_depend_on_the_batch() -> None:
    texts = ["France and Spain", "Paris, Spain and French Paris", "nothing here", "Spain Spain France Paris Hilton"]
    documents = [document("", text) for text in texts]
    together = of(*documents)
    for index, one in enumerate(documents):
        alone = of(one)
        np.testing.assert_array_equal(alone.features, together.features[:, together.document == index])
