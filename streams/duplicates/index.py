"""The items of a window by their signatures: which earlier items may overlap with this one, in bounded memory.

Locality-sensitive hashing by bands (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4): 32 bands of 4 places
meet at least once with probability 1 - (1 - s^4)^32: .87 at a similarity of .5, .9998 at .7.

A ring of arrays, no dictionary of bands: an item takes 512 bytes of signature, 128 of links, 24 more and, of the bands'
tables, 256. The items of one bucket are a chain from the newest to the oldest, so what has left the window needs no
deletion: a chain ends where it begins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from streams.duplicates.signature import BANDS, PLACES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from streams.duplicates.signature import Signature

NEAR_SHARE = 0.5  # of 29,280 Arabic articles of 14 outlets: recall 1.0 at a Jaccard of .7, precision .93 at .5
# Buckets of boilerplate (weather tables, exchange rates) hold thousands of items: the newest of them are looked at
CHAIN = 64
_LAST = np.iinfo(np.int32).max
_ROW = np.arange(BANDS)


class Candidate(NamedTuple):
    """An earlier item by its number, the share of equal places, whether its text is the same."""

    number: int
    similarity: float
    same_text: bool


class SignatureIndex:
    """The last `capacity` items. Numbers grow by one with each that is added; memory is taken as it is used."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._bits = np.uint64(64 - max(capacity * 2 - 1, 1).bit_length())
        buckets = 1 << (64 - int(self._bits))
        self._heads = np.full((BANDS, buckets), -1, dtype=np.int32)
        self._next = np.zeros((capacity, BANDS), dtype=np.int32)
        self._places = np.zeros((capacity, PLACES), dtype=np.uint32)
        self._texts = np.zeros(capacity, dtype="S16")
        self._near = np.zeros(capacity, dtype=np.bool_)
        self._shift = 0  # taken from all numbers, so that they fit into 32 bits
        self._end = 0

    @property
    def end(self) -> int:
        """The number that the next item gets."""
        return self._end + self._shift

    def add(self, signature: Signature) -> int:
        """Remembers an item in place of the oldest; gives its number."""
        if self._end == _LAST:
            self._renumber()
        slot = self._end % self._capacity
        buckets = (signature.bands >> self._bits).view(np.int64)
        self._places[slot] = signature.places
        self._texts[slot] = signature.text
        self._near[slot] = signature.near
        self._next[slot] = self._heads[_ROW, buckets]
        self._heads[_ROW, buckets] = self._end
        self._end += 1
        return self.end - 1

    def candidates(self, signature: Signature, first: int) -> list[Candidate]:
        """The items from number `first` on that have its text, or NEAR_SHARE of its places, in their order."""
        first = max(first - self._shift, self._end - self._capacity, 0)
        found = self._reached((signature.bands >> self._bits).view(np.int64), first)
        if not found.size:
            return []
        slots = found % self._capacity
        same_text = self._texts[slots] == np.array(signature.text, dtype="S16")
        similar = (self._places[slots] == signature.places).mean(axis=1)
        alike = same_text | (self._near[slots] & signature.near & (similar >= NEAR_SHARE))
        return [
            Candidate(int(number) + self._shift, float(share), bool(same))
            for number, share, same in zip(found[alike], similar[alike], same_text[alike], strict=True)
        ]

    def _reached(self, buckets: NDArray[np.int64], first: int) -> NDArray[np.int32]:
        """The numbers in the chains of some buckets, sorted, each once; -1 and what has left end a chain."""
        row, numbers = _ROW, self._heads[_ROW, buckets]
        found = []
        for _ in range(CHAIN):
            alive = numbers >= first
            if not alive.any():
                break
            row, numbers = row[alive], numbers[alive]
            found.append(numbers)
            numbers = self._next[numbers % self._capacity, row]
        return np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.int32)

    def _renumber(self) -> None:
        """Takes from every number a multiple of the capacity, so that each keeps its slot."""
        shift = (self._end - self._capacity) // self._capacity * self._capacity
        for table in (self._heads, self._next):
            np.maximum(table.astype(np.int64) - shift, -1, out=table, casting="unsafe")
        self._end -= shift
        self._shift += shift
