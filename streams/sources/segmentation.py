"""One page of flat text, several items: the main story, then notices, then teasers of other stories.

A page is not a sequence of equal topics: it has one main story, and what may follow is unrelated to it and short. So:
look for a sign that the story has ended (streams/sources/cues.py), verify by the words of what follows, and without
a sign cut only where the words alone are clear. Nothing is thrown away but notices at the end of the story: what is cut
off becomes an item of its own, with the confidence and the reason of the cut.

TextTiling and C99 were measured on the same pages and cut 92 of 99 clean stories (notes on ingestion, 5).
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from streams.sources.cues import fold, heads_others, is_notice, sign_off

if TYPE_CHECKING:
    from collections.abc import Sequence

Kind = Literal["main", "teaser"]


class Segment(NamedTuple):
    """An item of a page. `confidence`: 0-1, that its borders are right; `reason`: what set them, for `edNote`."""

    title: str
    text: str
    kind: Kind
    confidence: float
    reason: str


class Weights(NamedTuple):
    """The logistic regression that tells a paragraph of the main story from others by its words: log-odds of `main`."""

    intercept: float
    coefficients: tuple[float, ...]  # in the order of FEATURES


FEATURES = (
    "shared_before",  # weighted share of the paragraph's words that occurred before it
    "shared_lead",  # in the headline or the first paragraph
    "headline_in",  # share of the headline's words that occur in it
    "shared_previous",  # in the paragraph before
    "shared_best",  # in the most similar earlier paragraph
    "next_shares",  # share of the next paragraph's words that occur in it
    "length",  # in thousands of letters, at most 1.5
    "number",  # log(1 + place on the page)
    "place",  # place / paragraphs
    "quotes",  # begins with a quotation mark
    "tiny",  # fewer than six words
)
# python -m tests.bench.bench_segmentation train --data DIR
WEIGHTS = Weights(4.73, (8.34, -1.17, 8.05, 5.01, 4.67, 3.84, -2.64, 0.23, -11.19, 0.83, 1.39))

# A sign is believed unless what follows it looks like the story on average (mean log-odds over this). A sign-off alone
# is weak, it may stand in the middle of a story: at 0.5 one clean story of four with one there was cut, at -0.5 one of
# ten, at -1.5 one of fifteen, but then eight of a hundred pages with a true one keep a teaser in the story.
VERIFY_NOTICE = 1.5
VERIFY_SIGN_OFF = -0.5
# Without any sign the gain in log-odds must be this large: at 4, 10 of 100 clean Arabic and Turkish stories lost their
# last paragraph to an item of its own, at 6 one and three, at 8 none and one, but twice as many teasers stay in a story
MARGIN = 7.0
MIN_MAIN = 2  # headline and lead: what stands before them cannot be a story
_CLIP = 9.2  # of log-odds: one paragraph may not decide alone (a probability of 0.0001)
_LEAD_LETTERS = 120
_HEADLINE_LETTERS = 250
_TINY_WORDS = 6
_WORD_LETTERS = 3

_WORD = re.compile(r"[^\W\d_]+")
_ARABIC_PREFIX = re.compile(r"^(?:وال|بال|كال|فال|لل|ال|و(?=\w{4})|ب(?=\w{5})|ل(?=\w{5}))")
_ARABIC_SUFFIX = re.compile(r"(?:ها|هم|ين|ون|ات|يه|ان|ه|ي)$")
_STEM_LETTERS = 6
_FINAL = re.compile(r"[.!?؟。…][\"'”»)\]]*$")
_SENTENCE = re.compile(r"(?<=[.!?؟。…])\s")
_QUOTES = "\"“”«'‘"


def segment_paragraphs(paragraphs: Sequence[str], *, by_words: bool = True) -> list[Segment]:
    """The items of a page, main story first. `by_words=False`: cut at signs only, where a layout has been read."""
    paragraphs = [p for p in (paragraph.strip() for paragraph in paragraphs) if p]
    if not paragraphs:
        return []
    cut = find_cut(paragraphs, by_words=by_words)
    story, rest = list(paragraphs[: cut.place]), list(paragraphs[cut.place :])
    while len(story) > 1 and is_notice(story[-1]):
        story.pop()
    main = _item(story, "main", cut.confidence, cut.reason)
    return [main, *_teasers(rest, cut)]


class Cut(NamedTuple):
    """Where the main story ends: before the paragraph `place`, which is their number where it is the whole page."""

    place: int
    confidence: float
    reason: str


def find_cut(paragraphs: Sequence[str], *, by_words: bool = True) -> Cut:
    """The end of the main story."""
    size = len(paragraphs)
    odds = log_odds(paragraphs)
    notices = [is_notice(p) for p in paragraphs]
    doubted = ""
    sign = _first_sign(paragraphs, notices)
    if sign:
        place, name, limit = sign
        tail = [odds[i] for i in range(place, size) if not notices[i]]
        mean = sum(tail) / len(tail) if tail else -_CLIP
        if mean < limit:
            return Cut(place, _sigmoid(limit - mean + 2), name)
        doubted = f"; {name}, but what follows shares its words"
    last = next((i for i in range(size - 1, 0, -1) if not notices[i]), 0)
    if not sign and sign_off(paragraphs[last]):
        return Cut(last + 1, _sigmoid(MARGIN), "the sign-off ends the page")
    if by_words:
        place, gain = _best_cut(odds, notices)
        if gain >= MARGIN:
            return Cut(place, _sigmoid(gain - 2), "what follows shares hardly a word with the story" + doubted)
        return Cut(size, _sigmoid(MARGIN - gain), "no sign of another story" + doubted)
    return Cut(size, _sigmoid(MARGIN), "no sign of another story" + doubted)


def log_odds(paragraphs: Sequence[str], weights: Weights | None = None) -> list[float]:
    """For each paragraph, how much more its words speak for the main story than against it; the headline's is _CLIP."""
    intercept, coefficients = weights or WEIGHTS
    odds = [_CLIP]
    for values in features(paragraphs):
        score = intercept + sum(c * v for c, v in zip(coefficients, values, strict=True))
        odds.append(max(-_CLIP, min(_CLIP, score)))
    return odds


def features(paragraphs: Sequence[str]) -> list[list[float]]:
    """One row of FEATURES for each paragraph but the first."""
    words = [_words(p) for p in paragraphs]
    size = len(words)
    headline = words[0]
    lead = headline | (words[1] if size > 1 else set())
    before = set(headline)
    rows = []
    for i in range(1, size):
        own = words[i]
        following = words[i + 1] if i + 1 < size else set()
        rows.append(
            [
                _share(own, before),
                _share(own, lead if i > 1 else headline),
                _share(headline, own),
                _share(own, words[i - 1]),
                max((_share(own, words[j]) for j in range(1, i)), default=0.0),
                _share(following, own),
                min(len(paragraphs[i]), 1500) / 1000,
                math.log1p(i),
                i / size,
                float(paragraphs[i].lstrip()[:1] in _QUOTES),
                float(len(own) < _TINY_WORDS),
            ]
        )
        before |= own
    return rows


def lead_of(text: str) -> str:
    """The first sentence, cut at a word where it is longer than a headline."""
    first = _SENTENCE.split(text.partition("\n")[0], maxsplit=1)[0].strip()
    if len(first) <= _LEAD_LETTERS:
        return first
    return first[:_LEAD_LETTERS].rsplit(None, 1)[0] + "…"


def _first_sign(paragraphs: Sequence[str], notices: Sequence[bool]) -> tuple[int, str, float] | None:
    """Place behind the first sign that the story has ended, its name, and how sure the words must be to overrule it."""
    size = len(paragraphs)
    for i in range(MIN_MAIN, size):
        if notices[i]:
            return i, "a notice ends the story", VERIFY_NOTICE
        if heads_others(paragraphs[i]):
            return i, "a heading over other stories ends it", VERIFY_NOTICE
        agency = sign_off(paragraphs[i])
        if agency and i + 1 < size:
            followed = notices[i + 1] or heads_others(paragraphs[i + 1])
            return i + 1, f"the sign-off ({agency}) ends the story", VERIFY_NOTICE if followed else VERIFY_SIGN_OFF
    return None


def _best_cut(odds: Sequence[float], notices: Sequence[bool]) -> tuple[int, float]:
    best, gain, place = 0.0, 0.0, len(odds)
    for i in range(len(odds) - 1, MIN_MAIN, -1):
        gain -= 0.0 if notices[i] else odds[i]
        if gain > best:
            best, place = gain, i
    return place, best


def _teasers(rest: Sequence[str], cut: Cut) -> list[Segment]:
    """Each paragraph is an item; a short line without an end is the headline of what follows it."""
    found: list[Segment] = []
    title = ""
    for paragraph in rest:
        if is_notice(paragraph) or heads_others(paragraph):
            continue
        if len(paragraph) <= _HEADLINE_LETTERS and not _FINAL.search(paragraph):
            if title:
                found.append(Segment(title, title, "teaser", cut.confidence, cut.reason))
            title = paragraph
            continue
        found.append(Segment(title or lead_of(paragraph), paragraph, "teaser", cut.confidence, cut.reason))
        title = ""
    if title:
        found.append(Segment(title, title, "teaser", cut.confidence, cut.reason))
    return found


def _item(paragraphs: Sequence[str], kind: Kind, confidence: float, reason: str) -> Segment:
    """The first line is the headline where more follows and it has a headline's length."""
    if len(paragraphs) > 1 and len(paragraphs[0]) <= _HEADLINE_LETTERS:
        return Segment(paragraphs[0], "\n".join(paragraphs[1:]), kind, confidence, reason)
    text = "\n".join(paragraphs)
    return Segment(lead_of(text), text, kind, confidence, reason)


def _words(paragraph: str) -> set[str]:
    return {stem for word in _WORD.findall(fold(paragraph)) if len(stem := _stem(word)) >= _WORD_LETTERS}


def _stem(word: str) -> str:
    if not "\u0600" <= word[0] <= "\u06ff":
        return word[:_STEM_LETTERS]
    bare = _ARABIC_PREFIX.sub("", word)
    return _ARABIC_SUFFIX.sub("", bare) if len(bare) > _STEM_LETTERS - 1 else bare


def _weight(word: str) -> float:
    """Long words say more of what a text is about; there is no table of frequencies to carry along."""
    return len(word) - 1.0


def _share(words: set[str], others: set[str]) -> float:
    total = sum(_weight(w) for w in words)
    return sum(_weight(w) for w in words & others) / total if total else 0.0


def _sigmoid(value: float) -> float:
    """At most 0.99: the synthetic pages it was learnt from are tidier than real ones."""
    return min(0.99, 1 / (1 + math.exp(-value)))
