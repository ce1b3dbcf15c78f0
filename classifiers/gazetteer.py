"""Finds the names of places, peoples and national actors in the words of a document.

A form table (built by `classifiers.gazetteer_build`) says which word or phrase stands for which country, in which
languages, and how it must be written. A `Matcher` serves one language. Every surface form is looked up once and its
action remembered, so that a text costs one dictionary look-up a word; a phrase then costs one more for its second word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

from classifiers.text import Memo, cjk_runs, normalise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

KINDS = ("name", "demonym", "city", "actor", "null")
NULL = KINDS.index("null")
CASELESS = frozenset(("ar", "fa", "zh"))
REMEMBERED = 100_000  # surface forms a language, times two generations: 20 MB at most; Arabic news has 1 new form in 60

_STEM_LETTERS = 5  # most letters after a stem form ("polsk*"); "chin*" would else take chinchilla and its like
_TURKISH_LEAST = 5  # a shorter word is not cut: "Adana" would give "Ad"
_TURKISH = re.compile(
    "(lilarin|lilerin|larin|lerin|lari|leri|lar|ler|nin|nun|nün|daki|deki|taki|teki|dan|den|tan|ten|da|de|ta|te"
    "|ya|ye|yi|yu|yü|yle|yla|in|un|ün|i|u|ü|a|e)$"
)
_PERSIAN = re.compile("(هاي|ها|يي|ايي|ان|ي)$")
# "right" (the side) and "course" (of water) end in alef maqsura, which folds into the ya of "Yemeni" and "Hungarian".
_NOT_DEMONYMS = frozenset(("يمني", "اليمني", "مجري", "المجري"))


class Form(NamedTuple):
    """One word or phrase of the table in its normal form. Stands for `country` in each of `languages`."""

    words: tuple[str, ...]
    country: str  # ISO 3166-1 alpha-2; empty for a phrase that blocks the place words in it
    kind: int  # index into KINDS
    case: str  # any; cap: begins with a capital; upper: capitals only
    languages: tuple[str, ...]
    is_stem: bool  # matches words that begin so


class Action(NamedTuple):
    """What a word does: forms it is by itself, and phrases that it begins, by their second word, longest first."""

    alone: tuple[int, ...]
    phrases: dict[str, list[tuple[tuple[str, ...], tuple[int, ...]]]]


Entry = tuple[tuple[str, ...], int, str]  # words after the first, number of the form, case rule


class FormTable:
    """The forms of all languages, numbered by (words, country); a number means the same in every language."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self.countries: list[str] = []  # by form number
        self.kinds: list[int] = []
        self.keys: list[str] = []
        self.whole: dict[str, dict[str, tuple[Entry, ...]]] = {}
        self.stems: dict[str, dict[str, tuple[Entry, ...]]] = {}
        self._fill(forms)

    def _fill(self, forms: Iterable[Form]) -> None:
        numbers: dict[tuple[str, str], int] = {}
        whole: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        stems: dict[str, dict[str, list[Entry]]] = defaultdict(lambda: defaultdict(list))
        for form in forms:
            key = " ".join(form.words) + ("*" if form.is_stem else "")
            number = numbers.get((key, form.country))
            if number is None:
                number = numbers[key, form.country] = len(self.keys)
                self.keys.append(key)
                self.countries.append(form.country)
                self.kinds.append(form.kind)
            self.kinds[number] = min(self.kinds[number], form.kind)  # a name in one language is not an actor in another
            entry = (form.words[1:], number, form.case)
            target = stems if form.is_stem else whole
            for language in form.languages:
                target[language][form.words[0]].append(entry)
        shared: dict[tuple[Entry, ...], tuple[Entry, ...]] = {}  # eight languages of one script share most entries
        for found, kept in ((whole, self.whole), (stems, self.stems)):
            for language, table in found.items():
                kept[language] = {word: shared.setdefault(tuple(e), tuple(e)) for word, e in table.items()}

    @property
    def languages(self) -> frozenset[str]:
        """Primary language tags that have forms of their own."""
        return frozenset(self.whole)


def read_table(path: Path) -> FormTable:
    """Read a built form table: `#` comments, then country, kind, case, languages, origin, forms (`|` between them)."""
    with path.open(encoding="utf-8") as lines:
        return FormTable(_forms(lines))


def _forms(lines: Iterable[str]) -> Iterator[Form]:
    for line in lines:
        if line.startswith("#"):
            continue
        country, kind, case, languages, _, forms = line.rstrip("\n").split("\t")
        head = ("" if country == "-" else country, KINDS.index(kind), case, tuple(languages.split(",")))
        for form in forms.split("|"):
            yield Form(tuple(form.rstrip("*").split(" ")), *head, is_stem=form.endswith("*"))


class Matcher:
    """Matches the forms of one language. Its only state is a bounded memo, so any number of texts may pass."""

    def __init__(self, table: FormTable, language: str) -> None:
        self.language = language
        self.has_case = language not in CASELESS
        self._whole = table.whole.get(language, {})
        self._stems = table.stems.get(language, {})
        self._kinds = table.kinds
        self._longest = max(map(len, self._whole), default=0)
        self._actions: dict[tuple[Entry, ...], Action] = {}
        self._memo: Memo[Action | None] = Memo(self._look, REMEMBERED)
        self._normal: Memo[str] = Memo(normalise, REMEMBERED)

    def match(self, tokens: Sequence[str]) -> tuple[list[int], list[int]]:
        """Numbers of the forms found and the positions of their first words, in order.

        The longest phrase wins and its words are used up; a null phrase is a form like any other (its number is given
        too: callers drop kind NULL).
        """
        if self.has_case and not any(map(_has_capital, tokens)):
            # A third of the English desk headlines have no capital at all; no case rule could ever reach their names.
            tokens = [token.capitalize() for token in tokens]
        actions = list(map(self._memo.__getitem__, tokens))
        forms: list[int] = []
        positions: list[int] = []
        used = 0
        for position in compress(range(len(actions)), actions):
            if position < used:
                continue
            alone, phrases = actions[position]  # type: ignore[misc]  # compress left out None
            if phrases and position + 1 < len(tokens):
                for rest, numbers in phrases.get(self._normal[tokens[position + 1]], ()):
                    end = position + 2 + len(rest)
                    if not rest or tuple(map(self._normal.__getitem__, tokens[position + 2 : end])) == rest:
                        alone, used = numbers, end
                        break
            for number in alone:
                forms.append(number)
                positions.append(position)
        return forms, positions

    def _look(self, surface: str) -> Action | None:
        word = normalise(surface)
        if not word:
            return None
        if self.language == "zh" and (runs := cjk_runs(word)):
            return self._look_inside(runs)
        for base, is_whole in self._bases(word, surface):
            entries = self._whole.get(base, ())
            if not entries or (surface[-1] == "ى" and base in _NOT_DEMONYMS):
                continue
            fitting = tuple(e for e in entries if _fits(e[2], surface) and (is_whole or self._bears_suffix(e)))
            if fitting:
                return self._action(fitting)
        if self._stems:
            for length in range(len(word), max(2, len(word) - _STEM_LETTERS - 1), -1):
                fitting = tuple(e for e in self._stems.get(word[:length], ()) if _fits(e[2], surface))
                if fitting:
                    return self._action(fitting)
        return None

    def _look_inside(self, runs: Sequence[str]) -> Action | None:
        found: list[int] = []
        for run in runs:
            start = 0
            while start < len(run):
                for size in range(min(self._longest, len(run) - start), 0, -1):
                    entries = self._whole.get(run[start : start + size])
                    if entries:
                        found += [number for _, number, _ in entries]
                        start += size - 1
                        break
                start += 1
        return Action(tuple(found), {}) if found else None

    def _bases(self, word: str, surface: str) -> Iterator[tuple[str, bool]]:
        """The word and what it may be without its clitics or endings; False: a guess, good for single words only."""
        yield word, True
        if "\u0600" <= word[0] <= "\u06ff":
            for base in _arabic_bases(word):
                yield base, True
            if self.language == "fa":
                base = _PERSIAN.sub("", word)
                if len(base) >= 3 and base != word:
                    yield base, True
        elif self.language == "tr" and len(word) >= _TURKISH_LEAST and surface[0].isupper():
            base = word
            for _ in range(2):
                shorter = _TURKISH.sub("", base)
                if shorter == base or len(shorter) < _TURKISH_LEAST - 1:
                    return
                base = shorter
                yield base, False

    def _bears_suffix(self, entry: Entry) -> bool:
        return not entry[0] and self._kinds[entry[1]] != NULL

    def _action(self, entries: tuple[Entry, ...]) -> Action:
        action = self._actions.get(entries)
        if action is None:
            phrases: dict[tuple[str, ...], list[int]] = defaultdict(list)
            for rest, number, _ in entries:
                if rest:
                    phrases[rest].append(number)
            following: dict[str, list[tuple[tuple[str, ...], tuple[int, ...]]]] = defaultdict(list)
            for rest in sorted(phrases, key=len, reverse=True):
                following[rest[0]].append((rest[1:], tuple(phrases[rest])))
            action = Action(tuple(number for rest, number, _ in entries if not rest), dict(following))
            self._actions[entries] = action
        return action


def _has_capital(token: str) -> bool:
    return token[0].isupper()


def _fits(case: str, surface: str) -> bool:
    if case == "any":
        return True
    return surface[0].isupper() if case == "cap" else surface.isupper()


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
