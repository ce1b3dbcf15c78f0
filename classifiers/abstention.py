"""When to give no answer: text that is too short, no news text at all, or in a language without a model.

Each rule names what it keeps out and how rare it is among 23,674 news items in 11 languages; all together they turn
away less than 1 in 200 of those (tests/unit/classifiers/test_abstention.py holds the cases).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from classifiers.contract import AbstainReason
from classifiers.language import NO_LANGUAGE, UNDETERMINED
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
_MARKS_SAMPLE = 800  # characters searched for the marks of code and links: all of 2,600 cost 15 us more
_LONGEST_MEAN = 10  # visible characters a word up to which letters are not counted: words of five make half of it
_LEAST_DISTINCT = 0.25  # distinct among the first words: keyword lists, test text; news: .32 at least
_REPEATS_FROM, _REPEATS_TO = 60, 120
_LIST_LINES = 8  # menus, link lists, tables of contents: many lines ...
_LIST_WORDS = 6.0  # ... of few words each, and no sentence among them
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
    title, text = document.item.title, document.item.text[:TEXT_CHARACTERS]
    words = document.text_tokens
    sample = f"{title} {text[:_MARKS_SAMPLE]}"
    marks = sum(map(sample.count, _CODE_MARKS))
    if marks >= _CODE_MARKS_FROM and marks > _MOST_CODE_MARKS * len(sample):
        return True
    links = sample.count("://") + sample.count("www.")
    if links >= _LINKS_FROM and links > _MOST_LINKS * (len(words) + len(document.title_tokens)):
        return True
    # Past the 300th word nothing was scanned, so the share is unknown; 300 words in 2,600 characters are enough.
    if len(words) < TEXT_WORDS and _few_letters(document, text):
        return True
    first = words[:_REPEATS_TO]
    if len(first) >= _REPEATS_FROM and len(set(first)) < _LEAST_DISTINCT * len(first):
        return True
    return text.count("\n") >= _LIST_LINES and _is_list(text, len(words))


def _few_letters(document: Document, text: str) -> bool:
    visible = len(text) - text.count(" ") - text.count("\n")
    if visible <= _LONGEST_MEAN * len(document.text_tokens):
        return False
    letters = sum(map(len, document.title_tokens)) + sum(map(len, document.text_tokens))
    title = document.item.title
    return letters < _LEAST_LETTERS * (visible + len(title) - title.count(" "))


def _is_list(text: str, words: int) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    sentences = sum(line.rstrip().endswith(tuple(_SENTENCE_ENDS)) for line in lines)
    return len(lines) >= _LIST_LINES and words < _LIST_WORDS * len(lines) and sentences * 4 < len(lines)
