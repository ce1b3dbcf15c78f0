"""Finds the names of places, peoples and national actors in the words of a document.

A form table (built by `classifiers.gazetteer_build`) says which word or phrase stands for which country, in which
languages, and how it must be written. A `Matcher` serves one language. Every surface form is looked up once and its
action remembered, so that a text costs one dictionary look-up a word; a phrase then costs one more for its second word.
"""

from __future__ import annotations

from collections import defaultdict
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.gazetteer_bases import added, bases
from classifiers.text import Memo, cjk_runs, normalise
from classifiers.words import Words, marks_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

KINDS = ("name", "demonym", "city", "actor", "null")
NULL = KINDS.index("null")
CASELESS = frozenset(("ar", "fa", "zh"))
RUNS_REMEMBERED = 20_000  # runs of Chinese a generation: a run is a part of a sentence and seldom comes again
START, END = "^", "$"  # beside a form at the beginning or end of headline or text; no word of a text is one
_INSIDE = 3  # what is done with a run of Chinese: forms are looked for inside

_STEM_LETTERS = 5  # most letters after a stem form ("polsk*"); "chin*" would else take chinchilla and its like
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
    """What a word does: forms it is by itself, and phrases that it begins, by their second word, longest first.

    Words of a phrase after its first are numbers of `FormTable.following`.
    """

    alone: tuple[int, ...]
    phrases: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]]


class Found(NamedTuple):
    """What stands in some words, in order."""

    forms: list[int]  # numbers of forms
    positions: list[int]  # of the first word of each
    ends: list[int]  # the position after its last word
    numbers: NDArray[np.int32]  # of every word: its number in `FormTable.following`, -1 for none


Entry = tuple[tuple[str, ...], int, str]  # words after the first, number of the form, case rule


class FormTable:
    """The forms of all languages, numbered by (words, country); a number means the same in every language."""

    def __init__(self, forms: Iterable[Form]) -> None:
        self.countries: list[str] = []  # by form number
        self.kinds: list[int] = []
        self.keys: list[str] = []
        self.whole: dict[str, dict[str, tuple[Entry, ...]]] = {}
        self.stems: dict[str, dict[str, tuple[Entry, ...]]] = {}
        self.following: dict[str, int] = {}  # every word that stands in a phrase after its first, numbered
        self._fill(forms)
        self.in_phrases = len(self.following)  # words with a higher number only stand beside forms

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
            for word in form.words[1:]:
                self.following.setdefault(word, len(self.following))
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

    def number(self, words: Iterable[str]) -> NDArray[np.int64]:
        """The numbers of words that are to be told apart beside forms; a matcher made before knows no new ones."""
        return np.array([self.following.setdefault(word, len(self.following)) for word in words], np.int64)


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
    """Matches the forms of one language. Its only state is bounded memos, so any number of texts may pass.

    `words` looks the words up; a model puts its own there, which serve the topics too.
    """

    def __init__(self, table: FormTable, language: str) -> None:
        self.language = language
        self.has_case = language not in CASELESS
        self.words = Words(actions=self.actions_of)
        self._whole = table.whole.get(language, {})
        self._stems = table.stems.get(language, {})
        self._kinds = table.kinds
        self._following = table.following
        self._in_phrases = table.in_phrases
        self.edges = table.following.get(START, -1), table.following.get(END, -1)
        self._longest = max(map(len, self._whole), default=0)
        self._actions: list[Action] = [Action((), {}), Action((), {})]  # nothing; look inside
        self._codes: dict[tuple[Entry, ...], int] = {}
        self._lock = Lock()
        self._runs: Memo[tuple[int, ...]] = Memo(self._look_inside, RUNS_REMEMBERED)

    def match(self, tokens: Sequence[str], codes: bytes | None = None) -> Found:
        """The forms found.

        The longest phrase wins and its words are used up; a null phrase is a form like any other (its number is given
        too: callers drop kind NULL). `codes` are those of the tokens, where they have been looked up already.
        """
        if self.has_case and not any(map(_has_capital, tokens)):
            # A third of the English desk headlines have no capital at all; no case rule could ever reach their names.
            tokens, codes = [token.capitalize() for token in tokens], None
        action, continues = marks_of(self.words.look_up(tokens) if codes is None else codes)
        # Of 72 words of an Arabic article that may begin a form, 59 begin phrases alone ("minister", "president"), and
        # nearly all of these go on with a word that no phrase has.
        is_open = (action & 1) > 0
        is_open[:-1] |= (continues[1:].view(np.uint32) < self._in_phrases) & (action[:-1] > 0)  # -1 becomes the largest
        forms: list[int] = []
        found_at: list[int] = []
        ends: list[int] = []
        used = 0
        for position in np.flatnonzero(is_open).tolist():
            if position < used:
                continue
            code, last = int(action[position]), position + 1
            if code == _INSIDE:
                alone = self._runs[tokens[position]]
            else:
                alone, phrases = self._actions[code >> 1]
                if phrases and position + 1 < len(tokens):
                    for rest, found in phrases.get(int(continues[position + 1]), ()):
                        end = position + 2 + len(rest)
                        if not rest or tuple(continues[position + 2 : end].tolist()) == rest:
                            alone, used, last = found, end, end
                            break
            for form in alone:
                forms.append(form)
                found_at.append(position)
                ends.append(last)
        return Found(forms, found_at, ends, continues)

    def actions_of(self, surface: str, word: str) -> tuple[int, int]:
        """What is done with a surface form whose normal form is `word`: for `words.Words`.

        Twice the number of its action, and 1 more where it is a form by itself; its number in `FormTable.following`,
        of a form with something before or after it the number of that.
        """
        action, base = self._action_of(surface, word)
        number = self._following.get(word, -1)
        if number < 0 and len(base) < len(word):
            number = self._following.get(added(word, base), -1)
        return action, number

    def added_to(self, surface: str) -> str:
        """What a surface form bears before or after a form of the table (`added`); empty for nothing."""
        word = normalise(surface)
        base = self._action_of(surface, word)[1]
        return added(word, base) if len(base) < len(word) else ""

    def _action_of(self, surface: str, word: str) -> tuple[int, str]:
        """The code of a word's action, and the part of the word that has it."""
        if not word:
            return 0, word
        if self.language == "zh" and cjk_runs(word):
            return _INSIDE, word
        code = self._as_form(word, surface, is_whole=True) if word in self._whole else 0
        if code:
            return code, word
        for base, is_whole in bases(word, surface, self.language):
            if base in self._whole:  # seldom: the call would cost more than the question
                code = self._as_form(base, surface, is_whole=is_whole)
                if code:
                    return code, base
        if self._stems:
            for length in range(len(word), max(2, len(word) - _STEM_LETTERS - 1), -1):
                fitting = tuple(e for e in self._stems.get(word[:length], ()) if _fits(e[2], surface))
                if fitting:
                    return self._code(fitting), word[:length]
        return 0, word

    def _as_form(self, base: str, surface: str, *, is_whole: bool) -> int:
        entries = self._whole.get(base)
        if entries is None or (surface[-1] == "ى" and base in _NOT_DEMONYMS):
            return 0
        fitting = tuple(e for e in entries if _fits(e[2], surface) and (is_whole or self._bears_suffix(e)))
        return self._code(fitting) if fitting else 0

    def _look_inside(self, surface: str) -> tuple[int, ...]:
        found: list[int] = []
        for run in cjk_runs(normalise(surface)):
            start = 0
            while start < len(run):
                for size in range(min(self._longest, len(run) - start), 0, -1):
                    entries = self._whole.get(run[start : start + size])
                    if entries:
                        found += [number for _, number, _ in entries]
                        start += size - 1
                        break
                start += 1
        return tuple(found)

    def _bears_suffix(self, entry: Entry) -> bool:
        return not entry[0] and self._kinds[entry[1]] != NULL

    def _code(self, entries: tuple[Entry, ...]) -> int:
        with self._lock:
            code = self._codes.get(entries)
            if code is None:
                action = self._action(entries)
                code = self._codes[entries] = 2 * len(self._actions) + bool(action.alone)
                self._actions.append(action)
            return code

    def _action(self, entries: tuple[Entry, ...]) -> Action:
        phrases: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for words, number, _ in entries:
            if words:
                phrases[tuple(self._following[word] for word in words)].append(number)
        following: dict[int, list[tuple[tuple[int, ...], tuple[int, ...]]]] = defaultdict(list)
        for rest in sorted(phrases, key=len, reverse=True):
            following[rest[0]].append((rest[1:], tuple(phrases[rest])))
        return Action(tuple(number for rest, number, _ in entries if not rest), dict(following))


def _has_capital(token: str) -> bool:
    return token[0].isupper()


def _fits(case: str, surface: str) -> bool:
    if case == "any":
        return True
    return surface[0].isupper() if case == "cap" else surface.isupper()
