"""What a word of a text may be without its clitics or endings: Arabic, Persian and Turkish write them together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_TURKISH_LEAST = 5  # a shorter word is not cut: "Adana" would give "Ad"
_TURKISH = re.compile(
    "(lilarin|lilerin|larin|lerin|lari|leri|lar|ler|nin|nun|nün|daki|deki|taki|teki|dan|den|tan|ten|da|de|ta|te"
    "|ya|ye|yi|yu|yü|yle|yla|in|un|ün|i|u|ü|a|e)$"
)
_ARABIC_CLITICS = "وفبكل"
_PERSIAN = re.compile("(هاي|ها|يي|ايي|ان|ي)$")


def bases(word: str, surface: str, language: str) -> Iterable[tuple[str, bool]]:
    """What a normal form may be without its clitics or endings; False: a guess, good for single words only."""
    if "\u0600" <= word[0] <= "\u06ff":
        found = [(base, True) for base in _arabic_bases(word)] if word[0] in _ARABIC_CLITICS else []
        if language == "fa":
            base = _PERSIAN.sub("", word)
            if len(base) >= 3 and base != word:
                found.append((base, True))
        return found
    if language == "tr" and len(word) >= _TURKISH_LEAST and surface[0].isupper():
        return _turkish_bases(word)
    return ()


def added(word: str, base: str) -> str:
    """What a word has beside its base, with `+` where the base stands: "ب+", "+daki"; "لل" came in place of an article.

    No word of a text has a `+`, so that these may share a table with words.
    """
    if word.startswith(base):
        return "+" + word[len(base) :]
    return (word[: -len(base)] if word.endswith(base) else "لل") + "+"


def _turkish_bases(word: str) -> Iterator[tuple[str, bool]]:
    for _ in range(2):
        shorter = _TURKISH.sub("", word)
        if shorter == word or len(shorter) < _TURKISH_LEAST - 1:
            return
        word = shorter
        yield word, False


def _arabic_bases(word: str) -> Iterator[str]:
    """Without "and" or "so", then without "in", "as", "to"; the article stays, as it tells names from words."""
    whole = [word]
    if word[0] in "وف" and len(word) > 3:
        whole.append(word[1:])
        yield word[1:]
    for base in whole:
        if base.startswith("لل") and len(base) > 4:
            yield "ال" + base[2:]
        if base[0] in "بكل" and len(base) > 3:
            yield base[1:]
