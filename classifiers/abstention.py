"""When to give no answer: text that is too short, no news text at all, or in a language without a model.

Each rule names what it keeps out and how rare it is among 23,674 news items in 11 languages; all together they turn
away 1 in 160 of those (tests/bench/bench_abstention.py counts them by kind of text and outlet).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.contract import AbstainReason
from classifiers.language import NO_LANGUAGE, UNDETERMINED
from classifiers.prose import CHARACTERS, figures_of, is_prose, symbols_of
from classifiers.text import TEXT_CHARACTERS, TEXT_WORDS, cjk_runs

if TYPE_CHECKING:
    from collections.abc import Container

    from classifiers.contract import Document

LEAST_WORDS = 4  # the shortest news item of the desk data has 5 words
_LEAST_LETTERS = 0.5  # letters among visible characters: tables, numbers, code; news: .64 at the lowest half per cent
_CODE_MARKS = ("{", "}", "=", ";", "\\", "</", "()", "__", "->")
_MOST_CODE_MARKS = 0.012  # of the characters: code has .02 to .2, news .005 at the highest half per cent
_CODE_MARKS_FROM = 4  # a headline may have a semicolon or two
_MOST_LINKS = 0.15  # links a word: link lists ...
_LINKS_FROM = 3  # ... but a post of six words with one link is news
_BULLET = "•"
_LEAST_SIGNS = 3
_BARS = (" | ", f" {_BULLET} ")  # between the entries of a menu
_BARS_FROM, _MOST_BARS = 4, 0.06  # of the words: an entry of a menu has one to three, a headline ten
_LONGEST_MEAN = 10  # visible characters a word up to which letters are not counted: words of five make half of it
_LEAST_DISTINCT = 0.25  # distinct among the first words: keyword lists, test text; news: .32 at least
_REPEATS_FROM, _REPEATS_TO = 60, 120
_LINES_SEEN = 24  # all lines of an agency that breaks them cost 20 us
_LIST_LINES = 8  # menus, link lists, tables of contents: many lines ...
_LIST_WORDS = 6.0  # ... of few words each, and no sentence among them
_MOST_SENTENCES = 1 / 3  # of the lines: at a quarter .952 of the code went, not .957, for 1 news item in 1,400
_MOST_TITLES, _TITLE_WORDS = 0.75, 18.0  # lists of headlines: lines of more words that begin with a capital
_QUOTES = "'\"‘’“«"
_MOST_FIGURES = 0.08  # of the characters: lists of headlines have .03 at most, but for 1 in 20; company results .19
_SENTENCE_ENDS = ".!?؟。！？…"


def reason_to_abstain(document: Document, languages: Container[str]) -> AbstainReason | None:
    """Why `document` gets no answer, before any model is asked; None where a model of `languages` should try."""
    if _word_count(document) < LEAST_WORDS:
        return AbstainReason.TOO_SHORT
    if document.language in (NO_LANGUAGE, UNDETERMINED) or is_no_prose(document):
        return AbstainReason.NOT_NEWS
    if document.language not in languages:
        return AbstainReason.UNSUPPORTED_LANGUAGE
    return None


def _word_count(document: Document) -> int:
    words = len(document.title_tokens) + len(document.text_tokens)
    if words >= LEAST_WORDS:
        return words
    # A run of Chinese is one token; its words have about two characters.
    tokens = document.title_tokens + document.text_tokens
    return max(words, sum(len(run) for token in tokens for run in cjk_runs(token)) // 2)


def is_no_prose(document: Document) -> bool:
    """Tell whether the text is code, a table, a list of links, a menu, or words without end."""
    text, words = document.item.text[:TEXT_CHARACTERS], document.text_tokens
    opening = text[:CHARACTERS]
    symbols = symbols_of(opening)
    if _has_marks(opening, symbols, len(words) + len(document.title_tokens)):
        return True
    # Past the 300th word nothing was scanned, so the share is unknown; 300 words in 2,600 characters are enough.
    if len(words) < TEXT_WORDS and _few_letters(document, text):
        return True
    first = words[:_REPEATS_TO]
    if len(first) >= _REPEATS_FROM and len(set(first)) < _LEAST_DISTINCT * len(first):
        return True
    if text.count("\n") >= _LIST_LINES - 1 and _is_list(text, len(words)):
        return True
    return not is_prose(document, symbols)


def _has_marks(opening: str, symbols: int, words: int) -> bool:
    """Tell whether the marks of code, the bars of a menu or links stand among so many words."""
    # All that is looked for below has symbols, but for two; nine counts over 800 characters cost 10 us.
    signs = symbols + opening.count(_BULLET) + opening.count("www.")
    if signs < _LEAST_SIGNS or signs <= min(_MOST_CODE_MARKS * len(opening), _MOST_BARS * words):
        return False
    marks = sum(map(opening.count, _CODE_MARKS))
    bars = sum(map(opening.count, _BARS))
    links = opening.count("://") + opening.count("www.")
    return (
        (marks >= _CODE_MARKS_FROM and marks > _MOST_CODE_MARKS * len(opening))
        or (bars >= _BARS_FROM and bars > _MOST_BARS * words)
        or (links >= _LINKS_FROM and links > _MOST_LINKS * words)
    )


def _few_letters(document: Document, text: str) -> bool:
    visible = len(text) - text.count(" ") - text.count("\n")
    if visible <= _LONGEST_MEAN * len(document.text_tokens):
        return False
    letters = sum(map(len, document.title_tokens)) + sum(map(len, document.text_tokens))
    title = document.item.title
    return letters < _LEAST_LETTERS * (visible + len(title) - title.count(" "))


def _is_list(text: str, words: int) -> bool:
    lines = [stripped for line in text.split("\n", _LINES_SEEN)[:_LINES_SEEN] if (stripped := line.strip())]
    sentences = sum([line[-1] in _SENTENCE_ENDS for line in lines])
    if len(lines) < _LIST_LINES or sentences >= _MOST_SENTENCES * len(lines):
        return False
    opening = text[:CHARACTERS]
    if figures_of(opening) > _MOST_FIGURES * len(opening):
        return False  # results, prices, scores
    # Prose of an agency that breaks its lines has small letters at their beginnings.
    first = [line.lstrip(_QUOTES)[:1] for line in lines]
    titles = sum([one.isupper() or one.isdigit() for one in first])
    all_lines = text.count("\n") + 1 - text.count("\n\n")
    return words < (_TITLE_WORDS if titles > _MOST_TITLES * len(lines) else _LIST_WORDS) * all_lines
