"""What the encoder reads in training: word pieces of title and lead, varied, in batches of one length."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.encoder import lead_of, text_of, title_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from classifiers.contract import Item

_QUERY = "query: "
BEGIN, END = 0, 2  # `<s>` and `</s>` in the tokenizer of every model

# Half of what is classified is shorter than an article: headlines alone, leads alone, texts cut off early.
_WITHOUT_TITLE, _TITLE_ALONE, _CUT = 0.12, 0.12, 0.45  # shares of the rows
_SHORTEST_CUT = 10  # pieces
_THINNED, _LOST = 0.7, 0.08  # share of the rows that lose pieces, and share of the pieces that these lose
_SHORTEST = 4  # pieces of a training row
_SORTED_TOGETHER = 40  # batches whose rows are sorted by length before they are cut into batches


class Pieces(NamedTuple):
    """Word pieces of one item, without `<s>` and `</s>`."""

    title: NDArray[np.int64]
    text: NDArray[np.int64]


def pieces_of(tokenizer: Any, items: Sequence[Item]) -> list[Pieces]:
    """The pieces that `encoder.text_of` gives, title and text apart so that training can drop either."""
    titles = [f"{title}." if title else "" for title in map(title_of, items)]
    texts = [lead_of(item) for item in items]
    encoded = [
        [np.array(one.ids, np.int64) for one in tokenizer.encode_batch(group, add_special_tokens=False)]
        for group in (_valid(titles), _valid(texts))
    ]
    return [Pieces(title, text) for title, text in zip(*encoded, strict=True)]


def _valid(texts: Sequence[str]) -> list[str]:
    return [text.encode(errors="replace").decode() for text in texts]


def questions_of(tokenizer: Any, items: Sequence[Item], limit: int) -> list[NDArray[np.int64]]:
    """`<s>` pieces `</s>` of items in the form that multilingual-e5-small was published for: behind `query: `."""
    encoded = tokenizer.encode_batch([_QUERY + text_of(item) for item in items], add_special_tokens=False)
    return [_closed(np.array(one.ids[: limit - 2], np.int64)) for one in encoded]


def sequence(pieces: Pieces, limit: int) -> NDArray[np.int64]:
    """`<s>` pieces `</s>` of an item as it is served, at most `limit` in all."""
    return _closed(np.concatenate(pieces)[: limit - 2])


def varied(pieces: Pieces, limit: int, random: np.random.Generator) -> NDArray[np.int64]:
    """The same with a title or text missing, an early end, or single pieces lost: another draw at every call."""
    title, text = pieces
    dropped = random.random()
    if dropped < _WITHOUT_TITLE and len(text) > _SHORTEST_CUT:
        title = title[:0]
    elif dropped > 1 - _TITLE_ALONE and len(title) > _SHORTEST:
        text = text[:0]
    row = np.concatenate([title, text])[: limit - 2]
    if random.random() < _CUT:
        row = row[: int(random.integers(_SHORTEST_CUT, limit - 1))]
    if random.random() < _THINNED:
        kept = random.random(len(row)) >= _LOST
        row = row[kept] if kept.any() else row
    return _closed(row)


def _closed(row: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.concatenate([[BEGIN], row, [END]])


def batches(
    items: Sequence[Pieces], limit: int, size: int, random: np.random.Generator
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Each item once, varied: numbers of the items of a batch and their pieces, (items, length); in random order."""
    order = random.permutation(len(items))
    for start in range(0, len(order), size * _SORTED_TOGETHER):
        drawn = [
            (at, varied(items[at], limit, random)) for at in order[start : start + size * _SORTED_TOGETHER].tolist()
        ]
        drawn.sort(key=lambda pair: len(pair[1]))
        groups = [drawn[at : at + size] for at in range(0, len(drawn), size)]
        for chosen in random.permutation(len(groups)).tolist():
            yield np.array([at for at, _ in groups[chosen]]), cropped([row for _, row in groups[chosen]])


def cropped(rows: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Rows as one array of shape (rows, shortest length), each ended by `</s>`: no padding, hence no mask."""
    length = max(_SHORTEST, min(len(row) for row in rows))
    return np.stack([_closed(_long_enough(row, length)[1 : length - 1]) for row in rows])


def _long_enough(row: NDArray[np.int64], length: int) -> NDArray[np.int64]:
    return np.pad(row, (0, max(0, length - len(row))), constant_values=END)
