"""What stands beside a name says what its country does in the story: "in Paris", "French troops", "Geneva convention".

Learnt are words before and after a form, and what is written together with it (an Arabic "in", a Turkish case): by how
much more often than its form alone says its country is the first of the labels. That orders the countries of an item;
it does not choose them: choosing by it too gave held-out outlets F1 .867 for .866, dev .892 for .893.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.gazetteer import END, START
from classifiers.region_hits import OPENING_WORDS, headline
from classifiers.text import normalise

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.gazetteer import FormTable, Matcher
    from classifiers.region_features import Places
    from classifiers.region_hits import Hits

LEAST_SEEN = 5  # of a word beside forms of the training items
SHRINK = 20.0  # a word seen beside n forms keeps n / (n + 20) of its own rate
PLACES = 3  # before, inside, after


class Context(NamedTuple):
    """Words that stand beside forms, and what each says there."""

    words: tuple[str, ...]
    rates: NDArray[np.float64]  # (PLACES, words): what is added to the rate of the form, -1 to 1

    def by_number(self, table: FormTable) -> NDArray[np.float64]:
        """The rates by the words' numbers in the table, which learns new ones; the last stands for no word."""
        numbers = table.number(self.words)
        dense = np.zeros((PLACES, len(table.following) + 1))
        dense[:, numbers] = self.rates
        return dense


NO_CONTEXT = Context((), np.zeros((PLACES, 0)))


def context_of(hits: Hits, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """What the words beside each hit add, from `Context.by_number`."""
    before, inside, after = (rates[place, hits.beside[:, place]] for place in range(PLACES))
    result: NDArray[np.float64] = before + inside + after
    return result


def words_beside(matchers: Mapping[str, Matcher], documents: Sequence[Document]) -> list[str]:
    """The words that stand often enough beside forms in headlines and openings, sorted."""
    seen: Counter[str] = Counter((START,) * LEAST_SEEN + (END,) * LEAST_SEEN)
    for document in documents:
        matcher = matchers.get(document.language)
        if matcher is None:
            continue
        title = headline(document)
        tokens = (title + document.text_tokens)[: len(title) + OPENING_WORDS + 1]
        found = matcher.match(tokens)
        for position, end in zip(found.positions, found.ends, strict=True):
            seen.update(normalise(tokens[at]) for at in (position - 1, end) if 0 <= at < len(tokens))
            seen[matcher.added_to(tokens[position])] += 1
    return sorted(word for word, count in seen.items() if word and count >= LEAST_SEEN)


class Lesson(NamedTuple):
    """Hits of items whose labels are known."""

    hits: Hits
    gold: Sequence[Sequence[str]]  # by document
    reliability: NDArray[np.float64]  # of each hit, learnt without its document: P(country among the labels | form)
    places: Places


def learn_context(lesson: Lesson, words: Sequence[str], table: FormTable, used: NDArray[np.bool_]) -> Context:
    """What `words` beside forms say, from the documents that are `used`; the hits know the words' numbers."""
    hits, places = lesson.hits, lesson.places
    keep = used[hits.document] & (places.country[hits.form] >= 0)
    codes = [places.codes[country] for country in places.country[hits.form[keep]].tolist()]
    labels = [lesson.gold[index] for index in hits.document[keep].tolist()]
    is_first = [[code] == list(known[:1]) for code, known in zip(codes, labels, strict=True)]
    surprise = np.array(is_first, np.float64) - lesson.reliability[keep]
    surprise -= surprise.sum() / max(1, len(surprise))
    numbers, size = table.number(words), len(table.following) + 1
    rates = np.zeros((PLACES, len(words)))
    for place in range(PLACES):
        beside = hits.beside[keep, place] % size  # -1, no word, comes last
        seen = np.bincount(beside, minlength=size)
        rates[place] = (np.bincount(beside, surprise, size) / (seen + SHRINK))[numbers]
    return Context(tuple(words), rates)
