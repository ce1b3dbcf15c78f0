"""The near-duplicate stage without Kafka: items a second of CPU, recall and precision by exact overlap, memory an item.

    python tests/bench/bench_duplicates.py [--data ../shared/data/unlabelled/saudinewsnet.jsonl.gz] [--items N]

The truth is the Jaccard similarity of the two items' sets of word triples, of all pairs that share a rare triple.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import resource
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from streams.duplicates.index import SignatureIndex
from streams.duplicates.marker import Marker, Window
from streams.duplicates.signature import signature_of, words_of
from streams.kafka.link import Record
from tests.unit.duplicates.examples import NOW, item

if TYPE_CHECKING:
    from collections.abc import Sequence

DATA = Path(__file__).parents[3] / "shared" / "data" / "unlabelled" / "saudinewsnet.jsonl.gz"
RARE = 30  # a triple in more items than this joins nobody: formulas of telegrams, datelines
BATCH = 500

Pairs = dict[tuple[int, int], float]


def truth(texts: Sequence[str]) -> Pairs:
    """The Jaccard similarity of every pair at .3 and above."""
    sets = [set(zip(words, words[1:], words[2:], strict=False)) for words in map(words_of, texts)]
    holders: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for number, triples in enumerate(sets):
        for triple in triples:
            holders[triple].append(number)
    shared: Counter[tuple[int, int]] = Counter()
    for numbers in holders.values():
        if 2 <= len(numbers) <= RARE:
            shared.update(itertools.combinations(numbers, 2))
    exact = {}
    for (one, other), count in shared.items():
        if count >= 0.15 * min(len(sets[one]), len(sets[other])):
            common = len(sets[one] & sets[other])
            exact[one, other] = common / (len(sets[one]) + len(sets[other]) - common)
    return {pair: share for pair, share in exact.items() if share >= 0.3}


def found(texts: Sequence[str]) -> Pairs:
    """Every pair that the index gives."""
    index, pairs = SignatureIndex(len(texts)), {}
    for text in texts:
        signature = signature_of("", text)
        pairs |= {(c.number, index.end): c.similarity for c in index.candidates(signature, 0)}
        index.add(signature)
    return pairs


def speed(items: Sequence[dict[str, str]]) -> None:
    records = [
        Record("t", 0, n, b"", item(f"urn:{n}", made["text"], made["source"]), [], int(NOW * 1000))
        for n, made in enumerate(items)
    ]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    marker = Marker(Window(len(records)), lambda: NOW, {})
    began = time.process_time()
    marked = [marker.mark(records[start : start + BATCH]) for start in range(0, len(records), BATCH)]
    seconds = time.process_time() - began
    kinds = sum((m.kinds for m in marked), Counter[str]())
    unique = sum(m.unique for m in marked)
    print(
        f"{len(records) / seconds:,.0f} items/s of CPU, decoding and outputs included; {unique:,} unique, {dict(kinds)}"
    )
    del marked
    print(
        f"grown by {(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 / len(records):,.0f} B an item"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--items", type=int, default=1_000_000)
    given = parser.parse_args()
    with gzip.open(given.data, "rt", encoding="utf-8") as file:
        items = [json.loads(line) for line in itertools.islice(file, given.items)]
    print(f"{len(items):,} items, {sum(len(i['text']) for i in items) / len(items):,.0f} letters each")
    speed(items)
    texts = [i["text"] for i in items]
    exact, pairs = truth(texts), found(texts)
    for low, high in ((0.9, 1.01), (0.7, 0.9), (0.5, 0.7)):
        wanted = [pair for pair, share in exact.items() if low <= share < high]
        print(
            f"recall at Jaccard {low:.1f} to {min(high, 1):.1f}: {sum(p in pairs for p in wanted) / max(len(wanted), 1):.3f}"
        )
    for least in (0.3, 0.5, 0.7):
        right = sum(exact.get(pair, 0.0) >= least for pair in pairs)
        print(f"precision at Jaccard {least}: {right / max(len(pairs), 1):.3f} of {len(pairs):,} pairs")


if __name__ == "__main__":
    main()
