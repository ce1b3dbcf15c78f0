"""The forms that stand in a batch of documents, and the words beside them, as arrays."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from classifiers.gazetteer import Found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Document
    from classifiers.gazetteer import Matcher

# Words of a text in which a form counts for or against its country. Who labelled the desk data read the headline and
# 430 characters; counted in whole articles a name deep in the text spoke against its country, and a teaser on Gaza got
# no Palestine: .33. Up to here .63, dev F1 .8897 for .8885.
OPENING_WORDS = 75
_NOT_READ = Found([], [], [], np.empty(0, np.int32))  # a document of a language without a matcher


class Hits(NamedTuple):
    """Forms found in a batch, ordered by document and position. Arrays of one length but for the last two."""

    document: NDArray[np.int64]
    form: NDArray[np.int64]
    position: NDArray[np.int64]  # of the first word; the title's words come first
    # (hits, 3): numbers (`FormTable.following`) of the words before, in and after the form; -1 for those without.
    beside: NDArray[np.int64]
    title_words: NDArray[np.int64]  # by document
    words: NDArray[np.int64]  # by document, title and text

    def where(self, is_kept: NDArray[np.bool_]) -> Hits:
        """Some of the hits, of the same documents."""
        return self._replace(
            document=self.document[is_kept],
            form=self.form[is_kept],
            position=self.position[is_kept],
            beside=self.beside[is_kept],
        )


def find(matchers: Mapping[str, Matcher], documents: Sequence[Document]) -> Hits:
    """All forms in the documents; a document of a language without a matcher has none. Matchers share a table."""
    found: list[Found] = []
    titles: list[int] = []
    lengths: list[int] = []
    for document in documents:
        title = headline(document)
        tokens = title + document.text_tokens
        matcher = matchers.get(document.language)
        found.append(_match(matcher, document, title, tokens) if matcher is not None else _NOT_READ)
        titles.append(len(title))
        lengths.append(len(tokens))
    edges = next(iter(matchers.values())).edges if matchers else (-1, -1)
    title_words = np.array(titles, np.int64)
    document_of_hit = np.repeat(np.arange(len(documents)), [len(one.forms) for one in found])
    position = np.array(list(chain.from_iterable(one.positions for one in found)), np.int64)
    return Hits(
        document_of_hit,
        np.array(list(chain.from_iterable(one.forms for one in found)), np.int64),
        position,
        _beside(found, document_of_hit, position - title_words[document_of_hit], edges),
        title_words,
        np.array(lengths, np.int64),
    )


def _match(matcher: Matcher, document: Document, title: list[str], tokens: list[str]) -> Found:
    codes = matcher.words.of(document)
    return matcher.match(tokens, codes.title + codes.text if title else codes.text)


def _beside(
    found: Sequence[Found], document: NDArray[np.int64], after_title: NDArray[np.int64], edges: tuple[int, int]
) -> NDArray[np.int64]:
    sizes = np.array([len(one.numbers) for one in found], np.int64)
    starts = (np.cumsum(sizes) - sizes)[document]
    numbers = np.concatenate([*(one.numbers for one in found), np.array([-1], np.int32)])
    position = np.array(list(chain.from_iterable(one.positions for one in found)), np.int64)
    length = np.array(list(chain.from_iterable(one.ends for one in found)), np.int64) - position
    beside = np.empty((len(position), 3), np.int64)
    at = starts + position
    beside[:, 0] = np.where((position == 0) | (after_title == 0), edges[0], numbers[at - 1])
    beside[:, 1] = numbers[at]
    is_end = (after_title + length == 0) | (position + length == sizes[document])
    beside[:, 2] = np.where(is_end, edges[1], numbers[at + length])
    return beside


def headline(document: Document) -> list[str]:
    """The words of the title, none where it only repeats how the text begins.

    A teaser on a page has no headline, so its first words are given as one; counted as a headline they doubled China
    and lost the Philippines, which the sentence names second.
    """
    title = document.title_tokens
    return [] if title == document.text_tokens[: len(title)] else title
