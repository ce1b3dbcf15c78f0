from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from classifiers.text import (
    TEXT_CHARACTERS,
    TEXT_WORDS,
    TITLE_CHARACTERS,
    TITLE_WORDS,
    Memo,
    cjk_runs,
    normalise,
    stem,
    tokenise,
)


def words(text: str) -> list[str]:
    return tokenise("", text)[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The U.S. and the E.U. agreed", ["The", "U.S.", "and", "the", "E.U.", "agreed"]),
        ("Plan B was 50 pages in 2024, not 12345678", ["Plan", "was", "pages", "in", "2024", "not"]),
        ("Türkiye'nin e-posta’sı", ["Türkiye", "nin", "posta", "sı"]),
        ("أَعْلَنَ الْوَزِيرُ", ["أَعْلَنَ", "الْوَزِيرُ"]),  # vowel marks are no word borders
        ("I\u0307stanbul cafe\u0301", ["I\u0307stanbul", "cafe\u0301"]),  # nor are combining accents
        ("می\u200cشود", ["می\u200cشود"]),  # nor is the Persian joiner
        ("#باريس_سان_جيرمان", ["باريس_سان_جيرمان"]),
        ("中国政府宣布。新措施", ["中国政府宣布", "新措施"]),
        ("", []),
        ("1 2 % &", []),
    ],
)
def test_words_of_a_text(text: str, expected: list[str]) -> None:
    assert words(text) == expected


def test_title_and_text_are_apart() -> None:
    assert tokenise("One headline", "Some text") == (["One", "headline"], ["Some", "text"])


def test_length_is_bounded_by_words_and_by_characters() -> None:
    title, text = tokenise("ab " * 10_000, "cd " * 10_000)
    assert len(title) == TITLE_WORDS
    assert len(text) == TEXT_WORDS
    title, text = tokenise("a" * 10_000, "b" * 10_000)
    assert [len(word) for word in (*title, *text)] == [TITLE_CHARACTERS, TEXT_CHARACTERS]


@given(st.text(max_size=300), st.text(max_size=300))
def test_tokenise_takes_any_text(title: str, text: str) -> None:
    for word, whole in [(word, title) for word in tokenise(title, text)[0]] + [(word, text) for word in words(text)]:
        assert len(word) >= 2
        assert word in whole
        assert not any(letter.isspace() for letter in word)


@pytest.mark.parametrize(
    ("spellings", "folded"),
    [
        (["İSTANBUL", "istanbul", "ISTANBUL", "ıstanbul", "I\u0307stanbul", "İstanbul"], "istanbul"),
        (["KARISI", "karısı"], "karisi"),
        (["ÖLDÜ", "öldü", "o\u0308ldu\u0308"], "öldü"),
        (["أحمد", "احمد", "أَحْمَد", "احـــمد", "إحمد"], "احمد"),
        (["حكومة", "حكومه"], "حكومه"),
        (["علی", "على", "علي"], "علي"),
        (["کتاب", "كتاب"], "كتاب"),
        (["U.S.", "US", "us"], "us"),
        (["Élan", "elan", "E\u0301lan"], "elan"),
        (["ЁЛКА", "елка"], "елка"),
        (["ＡＢＣ", "abc"], "abc"),
        (["می\u200cشود", "میشود"], "ميشود"),
    ],
)
def test_spellings_of_one_word_fold_alike(spellings: list[str], folded: str) -> None:
    assert {normalise(word) for word in spellings} == {folded}


@pytest.mark.parametrize(("one", "other"), [("öldü", "oldu"), ("şık", "sık"), ("çam", "cam"), ("schön", "schon")])
def test_letters_that_tell_words_apart_stay(one: str, other: str) -> None:
    assert normalise(one) != normalise(other)


@given(st.text())
@example("\u0130\u0307")
@example("ﷺ")
@example("ϒ\u0301Σ")
def test_folding_again_changes_nothing(word: str) -> None:
    assert normalise(normalise(word)) == normalise(word)


@pytest.mark.parametrize(
    ("forms", "root"),
    [
        (["والمدرسه", "المدرسه", "بالمدرسه", "مدرسه", "مدرسات"], "مدرس"),
        (["كتابهما", "كتابهم", "كتابها", "الكتاب"], "كتاب"),
        (["ministry", "minister"], "minis"),
        (["bakanlar", "bakanlık"], "bakan"),
        (["ال"], "ال"),
        ([""], ""),
    ],
)
def test_inflections_share_a_stem(forms: list[str], root: str) -> None:
    assert {stem(form) for form in forms} == {root}


@given(st.text(max_size=20))
def test_a_stem_is_part_of_its_word(word: str) -> None:
    folded = normalise(word)
    assert stem(folded) in folded
    assert len(stem(folded)) <= 6


def test_runs_of_chinese_and_japanese() -> None:
    assert cjk_runs("中国AI技术") == ["中国", "技术"]
    assert cjk_runs("日本の首相") == ["日本の首相"]
    assert cjk_runs("haber") == cjk_runs("خبر") == cjk_runs("") == []


class TestMemo:
    def test_computes_each_key_once(self) -> None:
        asked: list[str] = []

        def compute(key: str) -> str:
            asked.append(key)
            return key.upper()

        memo = Memo(compute, 10)
        assert [memo[key] for key in ("a", "b", "a")] == ["A", "B", "A"]
        assert asked == ["a", "b"]

    def test_is_flat_over_many_keys(self) -> None:
        memo = Memo(str.upper, 1000)
        most = 0
        for number in range(200_000):
            memo[f"word{number}"]
            most = max(most, memo.remembered())
        assert 1000 < most <= 2001

    def test_keeps_what_is_asked_for_through_a_flood(self) -> None:
        asked: list[str] = []

        def compute(key: str) -> int:
            asked.append(key)
            return len(key)

        memo = Memo(compute, 100)
        for number in range(10_000):
            memo["often"]
            memo[f"flood{number}"]
        assert asked.count("often") == 1

    def test_does_not_keep_long_keys(self) -> None:
        memo = Memo(len, 10)
        assert memo["x" * 65] == 65
        assert memo.remembered() == 0

    @given(st.lists(st.text(max_size=70), max_size=60), st.integers(1, 8))
    def test_never_changes_an_answer(self, keys: list[str], limit: int) -> None:
        memo = Memo(str.upper, limit)
        assert [memo[key] for key in keys] == [key.upper() for key in keys]
