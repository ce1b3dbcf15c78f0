from __future__ import annotations

import random
import string

import pytest

from classifiers.gazetteer import KINDS, Form, FormTable, Matcher
from classifiers.text import tokenise


def form(words: str, country: str, kind: str = "name", case: str = "any", languages: str = "ar,tr,en,pl,zh,fa") -> Form:
    stem = words.endswith("*")
    return Form(
        tuple(words.rstrip("*").split(" ")), country, KINDS.index(kind), case, tuple(languages.split(",")), is_stem=stem
    )


FORMS = [
    form("تركيا", "TR"),
    form("العراق", "IQ"),
    form("المغرب", "MA"),
    form("المغرب العربي", "", "null"),
    form("اليمني", "YE", "demonym"),
    form("الولايات المتحده", "US"),
    form("turkey", "TR", case="cap", languages="en"),
    form("us", "US", case="upper", languages="en"),
    form("york", "GB", "city", "cap", "en"),
    form("new york", "US", "city", "cap", "en"),
    form("new york times", "", "null", "cap", "en"),
    form("georgia", "GE", "name", "cap", "en"),
    form("georgia", "US", "city", "cap", "en"),
    form("irak", "IQ", case="cap", languages="tr"),
    form("kara", "", "null", "cap", "tr"),
    form("kanada", "CA", case="cap", languages="tr"),
    form("polsk*", "PL", "demonym", languages="pl"),
    form("美国", "US", languages="zh"),
    form("中国", "CN", languages="zh"),
    form("中国城", "", "null", languages="zh"),
    form("ایران".replace("ی", "ي"), "IR", languages="fa"),
]


@pytest.fixture(scope="module")
def table() -> FormTable:
    return FormTable(FORMS)


def found(table: FormTable, language: str, text: str) -> list[tuple[str, str]]:
    matcher = Matcher(table, language)
    matched = matcher.match(tokenise(text, "")[0])
    assert matched.positions == sorted(matched.positions)
    return [(table.keys[number], table.countries[number]) for number in matched.forms]


@pytest.mark.parametrize("word", ["تركيا", "وتركيا", "بتركيا", "وبتركيا", "لتركيا", "كتركيا", "تُركيا", "تركـيا"])
def test_arabic_clitics_and_vowel_marks_come_off_before_a_known_form(table: FormTable, word: str) -> None:
    assert found(table, "ar", f"زار {word} أمس") == [("تركيا", "TR")]


def test_arabic_article_joins_its_preposition(table: FormTable) -> None:
    assert found(table, "ar", "رسالة للعراق وللولايات المتحدة") == [("العراق", "IQ"), ("الولايات المتحده", "US")]


def test_a_clitic_letter_of_a_plain_word_stays(table: FormTable) -> None:
    assert found(table, "ar", "كتاب وفاء بسيط") == []


def test_the_right_hand_is_not_yemeni(table: FormTable) -> None:
    assert found(table, "ar", "اليد اليمنى") == []
    assert found(table, "ar", "الرئيس اليمني") == [("اليمني", "YE")]


def test_a_blocking_phrase_swallows_the_place_in_it(table: FormTable) -> None:
    assert found(table, "ar", "دول المغرب العربي") == [("المغرب العربي", "")]
    assert found(table, "ar", "ملك المغرب العاهل") == [("المغرب", "MA")]


def test_the_longest_phrase_wins_and_its_words_are_used_up(table: FormTable) -> None:
    assert found(table, "en", "He left New York for York") == [("new york", "US"), ("york", "GB")]
    assert found(table, "en", "said the New York Times") == [("new york times", "")]


def test_case_tells_names_from_words(table: FormTable) -> None:
    assert found(table, "en", "Tell us how to cook a turkey") == []
    assert found(table, "en", "The US and Turkey; the U.S. again") == [("us", "US"), ("turkey", "TR"), ("us", "US")]


def test_a_text_without_any_capital_is_read_as_if_it_had_them(table: FormTable) -> None:
    assert found(table, "en", "quake in turkey") == [("turkey", "TR")]


def test_one_form_may_stand_for_two_countries(table: FormTable) -> None:
    assert found(table, "en", "Georgia votes") == [("georgia", "GE"), ("georgia", "US")]


@pytest.mark.parametrize("word", ["Irak", "Irak'ta", "Iraka", "Iraktaki", "IRAK"])
def test_turkish_suffixes_with_and_without_an_apostrophe(table: FormTable, word: str) -> None:
    assert found(table, "tr", f"Bugün {word} konuşuldu") == [("irak", "IQ")]


def test_a_turkish_suffix_is_cut_from_names_only(table: FormTable) -> None:
    assert found(table, "tr", "Kuşun kanadanın Karada") == []


def test_a_stem_covers_inflections_but_not_longer_words(table: FormTable) -> None:
    assert found(table, "pl", "polskiego rządu") == [("polsk*", "PL")]
    assert found(table, "pl", "polskojęzycznego rządu") == []


def test_chinese_is_read_by_longest_substring(table: FormTable) -> None:
    assert found(table, "zh", "美国总统会见中国代表") == [("美国", "US"), ("中国", "CN")]
    assert found(table, "zh", "在中国城里") == [("中国城", "")]


def test_persian_endings_come_off(table: FormTable) -> None:
    assert [country for _, country in found(table, "fa", "دولت ایرانی")] == ["IR"]


def test_a_language_without_forms_finds_nothing(table: FormTable) -> None:
    assert found(table, "ru", "Turkey US 美国") == []


def test_any_words_are_taken(table: FormTable) -> None:
    random.seed(7)
    letters = string.printable + "اليمنىوبتركيالعراقIİıi\u0307美国\u200c\ud7ff\U0001f600"
    for language in ("ar", "tr", "en", "pl", "zh", "fa"):
        matcher = Matcher(table, language)
        for _ in range(300):
            tokens = ["".join(random.choices(letters, k=random.randint(1, 9))) for _ in range(random.randint(0, 12))]
            matched = matcher.match(tokens)
            assert len(matched.forms) == len(matched.positions) == len(matched.ends)
            assert len(matched.numbers) == len(tokens)
            spans = zip(matched.positions, matched.ends, strict=True)
            assert all(0 <= position < end <= len(tokens) for position, end in spans)
