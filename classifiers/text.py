"""Words: one scan shared by every classifier, the fold under which two spellings match, a stem, and a bounded memo.

The scan yields words as they stand (surface forms). Folding and stemming cost about 2 us a word, so they are done once
a surface form and remembered (`Memo`): a text of 300 words then costs 300 dictionary look-ups instead.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar
from unicodedata import normalize

if TYPE_CHECKING:
    from collections.abc import Callable

TITLE_CHARACTERS = 400  # longest headline of the desk data is 296; a "title" of 2 MB must not cost more than an article
TEXT_CHARACTERS = 2600  # 300 words of Turkish, the longest words here; the scan is half the cost of the linear tier
TITLE_WORDS = 60
TEXT_WORDS = 300  # macro-F1 at 60 / 100 / 200 / 300 words: .745 / .744 / .760 / .767; flat from there

# Combining accents, Arabic signs and vowel marks, and the zero-width joiners are not \w, yet they stand inside words:
# left out of the class they cut vocalised Arabic and decomposed Turkish into single letters.
_INSIDE = r"\w\u0300-\u036f\u0610-\u061a\u064b-\u065f\u0670\u200c\u200d"
# A word of two or more characters that begins with a letter; a number of four digits, mostly a year; dotted capitals
# (U.S. would else vanish).
_FIRST = r"[^\W\d_]"
_OTHERS = r"|\d{4}(?<!\d{5})(?!\d)|[A-Z]\.(?:[A-Z]\.)+"
_ANY_WORDS = re.compile(rf"{_FIRST}[{_INSIDE}]+{_OTHERS}").findall


def _spelt_out(letters: str) -> str:
    """A class of characters as ranges of the basic plane, which `re` compiles to one table look-up a character."""
    plane = "".join(map(chr, range(0x10000)))
    return (
        "[" + "".join(f"\\u{ord(run[0]):04x}-\\u{ord(run[-1]):04x}" for run in re.findall(letters + "+", plane)) + "]"
    )


# The same words where every character is of the basic plane, in two thirds of the time: `\w` asks four questions of the
# Unicode database a character.
_WORDS = re.compile(f"{_spelt_out(_FIRST)}{_spelt_out(f'[{_INSIDE}]')}+{_OTHERS}").findall


def _words(text: str) -> list[str]:
    is_plain = text.isascii() or len(text.encode("utf-16-le", "surrogatepass")) == 2 * len(text)
    return _WORDS(text) if is_plain else _ANY_WORDS(text)


# Dropped: combining marks that NFKC leaves alone, Arabic vowel signs, tatweel, invisible joiners, the dots of U.S.
_DROPPED = ((0x300, 0x36F), (0x610, 0x61A), (0x64B, 0x65F), (0x6D6, 0x6ED), (0x200B, 0x200F))
_STAYING = ((0x20, 0x7E), (0xC0, 0x24F), (0x400, 0x4FF), (0x600, 0x6FF))
_DROPPED_SINGLY = "\u0670\u0640\ufeff."
_FOLDS = (
    ("أإآٱ", "ا"),
    ("ىیې", "ي"),
    ("ةۀە", "ه"),
    ("ؤ", "و"),
    ("ئ", "ي"),
    ("کڪ", "ك"),
    ("İIı", "i"),  # Turkish has two letters where others have one; both fold to i, else KARISI and karısı differ
    ("ёЁ", "е"),
    ("ß", "s"),
    ("łŁ", "l"),
    ("øØ", "o"),
    ("đĐ", "d"),
)
# Accents that only decorate are dropped. Umlaut, cedilla, breve, ogonek and the dot stay: with them Turkish öldü (died)
# would become oldu (became), and ş, ç, ğ are letters of their own.
_PLAIN = "àáâãåèéêëìíîïñòóôõùúûýÿāēīōūćńśźčěňřšžťďľ"


def _fold_table() -> dict[int, str | int | None]:
    # Letters that stay are in the table too: str.translate raises and swallows a KeyError for each one that is not,
    # which made folding an Arabic word three times as slow.
    table: dict[int, str | int | None] = {code: code for first, last in _STAYING for code in range(first, last + 1)}
    table |= {ord(letter): to for letters, to in _FOLDS for letter in letters}
    for letter in _PLAIN + _PLAIN.upper():
        table[ord(letter)] = normalize("NFD", letter)[0].lower()
    table |= {code: None for first, last in _DROPPED for code in range(first, last + 1)}
    return table | {ord(mark): None for mark in _DROPPED_SINGLY}


_FOLD = _fold_table()
_CJK = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]+").findall
FIRST_CJK = "\u3040"

_ARABIC_ARTICLES = frozenset(("ال", "لل"))
_ARABIC_SUFFIXES = frozenset(("ات", "ون", "ين", "ان", "ها", "هم", "هن", "نا", "كم", "يه", "تي", "وا"))


def tokenise(title: str, text: str) -> tuple[list[str], list[str]]:
    """The words of headline and text as they stand, in order: at most 60 and 300, from 400 and 2,600 characters.

    A run of Chinese or Japanese is one word (`cjk_runs` cuts it out again).
    """
    return _words(title[:TITLE_CHARACTERS])[:TITLE_WORDS], _words(text[:TEXT_CHARACTERS])[:TEXT_WORDS]


def normalise(word: str) -> str:
    """Fold a word for matching; the result may be empty. Idempotent: two words are the same when their folds are equal.

    Arabic: alef, ya, ta marbuta, hamza carriers, Persian kaf and ya, tatweel, vowel marks; Turkish: both i; Latin:
    accents that only decorate; any script: case, width, presentation forms, invisible joiners, dots (U.S. = US).
    """
    if word.isascii():
        return word.lower().replace(".", "")
    return normalize("NFKC", word).translate(_FOLD).lower()


def stem(word: str) -> str:
    """A short form of a normalised word that its inflections share; the word itself where it is short.

    Arabic script: one clitic off the front, one suffix off the end, then six letters; other scripts: five letters
    (four or six for Turkish and English: .761 and .759 against .760, no difference).
    """
    if word < "\u0600" or word >= "\u0700":  # by its first letter
        return word[:5]
    size = len(word)
    if size >= 5:
        if word[:2] in _ARABIC_ARTICLES:
            word = word[2:]
        elif word[0] in "وفبك" and word[1:3] == "ال" and size >= 6:
            word = word[3:]
        elif word[0] in "وفبل":
            word = word[1:]
        size = len(word)
        if size >= 5:
            end = word[-2:]
            if end in _ARABIC_SUFFIXES:
                return word[: min(size - 2, 6)]
            if end == "ما" and size >= 6 and word[-3] in "هك":  # their two, your two
                return word[: min(size - 3, 6)]
            if word[-1] in "هيت":
                return word[: min(size - 1, 6)]
    return word[:6]


def cjk_runs(word: str) -> list[str]:
    """The runs of Chinese and Japanese characters in a word that begins or ends with one; empty for other words."""
    return _CJK(word) if word and (word[0] >= FIRST_CJK or word[-1] >= FIRST_CJK) else []


Value = TypeVar("Value")


class Memo(dict[str, Value], Generic[Value]):
    """`memo[key]` is `compute(key)`, remembered; holds at most `2 * limit` keys of at most 64 characters.

    Two generations: when the young one is full it becomes the old one, and what is asked for again moves back. Filling
    up and then refusing would let one flood of garbage words slow every text after it. `compute` must be pure; any
    thread may ask.
    """

    __slots__ = ("_compute", "_limit", "_old")

    LONGEST_KEY = 64  # a Chinese sentence is one word: keeping such keys grew a memo of 60,000 to 300 MB

    def __init__(self, compute: Callable[[str], Value], limit: int) -> None:
        super().__init__()
        self._compute = compute
        self._limit = limit
        self._old: dict[str, Value] = {}

    def __missing__(self, key: str) -> Value:
        old = self._old
        value = old[key] if key in old else self._compute(key)
        if len(key) <= self.LONGEST_KEY:
            self[key] = value
            if len(self) > self._limit:
                self._old = dict(self)
                self.clear()
        return value

    def remembered(self) -> int:
        """How many keys are held, both generations together."""
        return len(self) + len(self._old)
