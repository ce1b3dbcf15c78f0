"""Tells prose, whatever it is about, from what has words and no sentences: menus, notices of a page, programs.

Five shares of the opening, weighted. The weights are those of a logistic regression (scikit-learn) on half of 11,300
news items and 2,300 menus, footers and pieces of code, rounded, that of symbols raised until .95 of the code went; on
the other half the regression turned away 1.3 % of the news, 94 to 100 % of the menus and 93 % of the code. With the
other rules, and what they cost on which outlet: `python -m tests.bench.bench_abstention`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.prose_words import ADDRESS, CODE, FUNCTION, PAGE, PAGE_ZH, SECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classifiers.contract import Document

WORDS = 60  # of the text: 120 tell no more (menus .96, code .94) and cost twice as much
LEAST_WORDS = 15  # in fewer, headlines look like entries of a menu
CHARACTERS = 800
_LIMIT = 1.0
_PAGE_WORDS, _SYMBOLS, _CAPITALS, _FUNCTION_WORDS, _BREAKS = 46.0, 85.0, 3.3, -4.1, -15.0
_MOST_PAGE_WORDS = 0.25  # of a short text: 1 in 600 of the news items under LEAST_WORDS has as many
# A menu of one line: names of sections, or one of them, capitals and no function word; what is in capitals only is left
# alone.
_LEAST_ENTRIES, _MOST_CAPITALS = 8, 0.8
_MOST_SECTIONS, _SOME_SECTIONS = 0.5, 2
_MOST_PAGE_WORDS_ZH = 0.15  # of the characters
_TYPICAL = {  # share of function words in the median news item
    "ar": 0.17, "de": 0.35, "en": 0.33, "es": 0.40, "fa": 0.23, "fr": 0.38, "it": 0.28, "pl": 0.13, "ru": 0.12,
    "tr": 0.12,
}  # fmt: skip
_MOST_TYPICAL = 1.2
_ADDED = 6.0  # words of a median item, as if they stood there too
_CASELESS = frozenset(("ar", "fa"))
_CAPITALS_OF_CASELESS = 0.35  # between news (.2) and menus (.9), so that the other shares decide
_LEAST_COUNT = 30  # a lead of 18 words about a web site's privacy policy has four page words
_LEAST_SIZE = 400  # a post of 140 characters with an address and a tag would have the symbols of a program
_WORD = 6  # characters, with the space
_FIGURES = -10.0  # company results have the capitals of a menu, no function word, and a fifth of digits
# Menus and headlines without a break between them: another such regression, on half of 18,500 news items and 310 lists,
# texts of few stops alone. At this limit it found three in four of the lists and turned away 1 news item in 330.
_MOST_STOPS = 0.0033  # of the characters: one news item in five has so few
_RUN_ON_CAPITALS, _RUN_ON_FUNCTION_WORDS, _RUN_ON_COMMAS, _RUN_ON_FIGURES = 7.3, -4.0, -79.0, -50.0
_MOST_COMMAS = 0.05
_RUN_ON_LIMIT = -1.3
_CAPITALS_MORE = {"de": 0.2}  # every noun has one
_BREAK = (". ", ", ", "! ", "? ", "، ", "؟ ")
_NO_SYMBOLS = bytes(set(range(256)) - set(b"{}=;\\<>()[]_|*/+&^~`"))
_NO_DIGITS = bytes(set(range(256)) - set(b"0123456789"))


def _forms(words: Iterable[str]) -> frozenset[str]:
    """As they stand in a text: small, with a capital, in capitals; Turkish i has a capital of its own."""
    found = set[str]()
    for word in words:
        found.update((word, word.capitalize(), word.upper()))
        if word[0] == "i":
            found.add("İ" + word[1:])
    return frozenset(found)


_FUNCTION = {language: _forms(words.split()) for language, words in FUNCTION.items()}
_OF_ALL = _forms(f"{PAGE['en']} {CODE}".split())
_PAGE = {language: _forms(words.split()) | _OF_ALL for language, words in PAGE.items()}
_SECTIONS = {language: _forms(words.split()) for language, words in SECTIONS.items()}
_ADDRESS = {language: _forms(words.split()) for language, words in ADDRESS.items()}
_PAGE_ZH = tuple(PAGE_ZH.split())


def symbols_of(text: str) -> int:
    """How many characters of a text stand in programs and markup and seldom in sentences."""
    return len(text.encode("ascii", "ignore").translate(None, _NO_SYMBOLS))


def is_prose(document: Document, symbols: int) -> bool:
    """Whether the document may be prose; True in languages that no list is of.

    `symbols` is `symbols_of` its first CHARACTERS.
    """
    language, text = document.language, document.item.text[:CHARACTERS]
    if language == "zh":
        hits = sum([text.count(word) * len(word) for word in _PAGE_ZH])
        return hits <= _MOST_PAGE_WORDS_ZH * len(text)
    page_words = _PAGE.get(language)
    if page_words is None:
        return True
    words = document.text_tokens[:WORDS]
    if len(words) < LEAST_WORDS:
        return "©" not in text and _is_short_prose(language, document.title_tokens, words, page_words)
    function = _function_words(language, words)
    return not (
        _is_suspicious(language, words, text, function, page_words, symbols)
        or (text.count(".") <= _MOST_STOPS * len(text) and _is_run_on(language, words, text, function))
    )


def figures_of(text: str) -> int:
    """How many characters of a text are digits."""
    return len(text.encode("ascii", "ignore").translate(None, _NO_DIGITS))


def _is_short_prose(language: str, title: Sequence[str], text: Sequence[str], page_words: frozenset[str]) -> bool:
    words = [*title, *text]
    count, page = len(words), sum(map(page_words.__contains__, words))
    # "Your kids and you", a headline, has no page word but those by which pages address their readers.
    if page >= _MOST_PAGE_WORDS * count > 0 and not _ADDRESS[language].issuperset(
        filter(page_words.__contains__, words)
    ):
        return False
    sections = sum(map(_SECTIONS[language].__contains__, words))
    if sections >= _MOST_SECTIONS * count >= _MOST_SECTIONS * _LEAST_ENTRIES:
        return False
    entries = words if sections else text  # a headline may have capitals alone
    if len(entries) < _LEAST_ENTRIES or language in _CASELESS:
        return True
    function = sum(map(_FUNCTION[language].__contains__, entries))
    capitals = sum([word[0].isupper() for word in entries])
    return (
        function > (sections >= _SOME_SECTIONS)  # "more" and "all" are function words and entries
        or capitals < _MOST_CAPITALS * len(entries)
        or all(map(str.isupper, entries))
    )


def _function_words(language: str, words: Sequence[str]) -> float:
    """Their share over that of the median news item."""
    found = sum(map(_FUNCTION[language].__contains__, words))
    # One Arabic headline of 15 to 20 words in 15 has none: few words tell little where no capitals speak for them.
    added = _ADDED if language in _CASELESS else 0.0
    return min((found / _TYPICAL[language] + added) / (len(words) + added), _MOST_TYPICAL)


def _is_suspicious(
    language: str, words: Sequence[str], text: str, function: float, page_words: frozenset[str], symbols: int
) -> bool:
    """Add the shares up, those that most items do not need last."""
    count, size = len(words), len(text)
    found = (
        _PAGE_WORDS * sum(map(page_words.__contains__, words)) / max(count, _LEAST_COUNT)
        + _SYMBOLS * symbols / max(size, _LEAST_SIZE)
        + _FUNCTION_WORDS * function
    )
    if found <= _LIMIT - _CAPITALS:
        return False  # whatever its capitals: most news ends here
    is_caseless = language in _CASELESS
    capitals = _CAPITALS_OF_CASELESS if is_caseless else sum([word[0].isupper() for word in words]) / count
    found += _CAPITALS * capitals + _FIGURES * figures_of(text) / size
    if found <= _LIMIT:
        return False
    return found + _BREAKS * sum(map(text.count, _BREAK)) * _WORD / size > _LIMIT


def _is_run_on(language: str, words: Sequence[str], text: str, function: float) -> bool:
    """Tell whether so many words with capitals and without a stop are entries or headlines one after the other."""
    if language in _CASELESS:
        return False
    size = len(text)
    capitals = sum([word[0].isupper() for word in words]) / len(words) - _CAPITALS_MORE.get(language, 0.0)
    return (
        _RUN_ON_CAPITALS * capitals
        + _RUN_ON_FUNCTION_WORDS * function
        + _RUN_ON_COMMAS * min(text.count(", ") * _WORD / size, _MOST_COMMAS)
        + _RUN_ON_FIGURES * figures_of(text) / size
    ) > _RUN_ON_LIMIT
