from __future__ import annotations

from classifiers.contract import Document, Item
from classifiers.gazetteer import END, KINDS, START, Form, FormTable, Matcher
from classifiers.region_hits import find, headline
from classifiers.text import tokenise


def document(title: str, text: str = "", language: str = "en") -> Document:
    return Document(Item(title, text), language, 1.0, *tokenise(title, text))


def table() -> FormTable:
    forms = [("france", "FR", "en"), ("new york", "US", "en"), ("تركيا", "TR", "ar"), ("中国", "CN", "zh")]
    return FormTable(
        Form(tuple(words.split(" ")), country, KINDS.index("name"), "any", (language,), is_stem=False)
        for words, country, language in forms
    )


def beside(*documents: Document) -> list[tuple[str, ...]]:
    known = table()
    known.number((START, END, "in", "from", "wins", "ب+", "من"))
    hits = find({language: Matcher(known, language) for language in known.languages}, documents)
    words = {number: word for word, number in known.following.items()}
    return [tuple(words.get(number, "") for number in row) for row in hits.beside.tolist()]


def test_the_words_before_and_after_a_name() -> None:
    assert beside(document("", "Storm in France wins a prize")) == [("in", "", "wins")]
    assert beside(document("", "Storm over France yesterday")) == [("", "", "")]


def test_a_name_at_an_edge_of_title_or_text() -> None:
    found = beside(document("France wins in New York", "France from France"))
    assert found == [(START, "", "wins"), ("in", "", END), (START, "", "from"), ("from", "", END)]


def test_what_is_written_together_with_a_name() -> None:
    assert beside(document("", "زلزال بتركيا من أمس", "ar")) == [("", "ب+", "من")]


def test_each_document_has_its_own_words() -> None:
    found = beside(document("in", ""), document("France", ""), document("", "中国", "zh"), document("", "x", "ka"))
    assert found == [(START, "", END), (START, "", END)]


def test_words_that_only_stand_beside_names_open_no_phrase() -> None:
    known = table()
    before = Matcher(known, "en").match(["new", "wins", "new", "york"])
    known.number(("wins",))
    after = Matcher(known, "en").match(["new", "wins", "new", "york"])
    assert before[:3] == after[:3] == ([after.forms[0]], [2], [4])
    assert (before.numbers.tolist()[1], after.numbers.tolist()[1]) == (-1, known.following["wins"])


def test_some_of_the_hits() -> None:
    known = table()
    hits = find({"en": Matcher(known, "en")}, [document("", "France and New York"), document("", "France")])
    some = hits.where(hits.position == 0)
    assert some.document.tolist() == [0, 1]
    assert some.beside.shape == (2, 3)
    assert some.words.tolist() == [4, 1]


def test_a_title_that_repeats_the_opening_is_no_headline() -> None:
    assert headline(document("France and", "France and Spain")) == []
    assert headline(document("France wins", "France and Spain")) == ["France", "wins"]
    assert headline(document("", "France")) == []
