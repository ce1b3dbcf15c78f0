"""Memory of a labelling process over 200,000 different items: it must stand still once the memos are full.

Items are made: 270 words, most of them of our own sample, and fifteen that no item had before, as in a news stream.

    python -m tests.bench.bench_memory [--quality fast|balanced|best] [--items N]
"""

from __future__ import annotations

import argparse
import random
import string
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers.contract import Item
from classifiers.dataset import read_examples
from classifiers.model import load_model
from tests.bench.resident import resident

if TYPE_CHECKING:
    from collections.abc import Iterator

SAMPLE = Path(__file__).parents[1] / "data" / "desk_sample.jsonl"
BATCH = 500
STEPS = 10
NEW_WORDS = 15
GROWTH = 15.0  # megabytes from the middle to the end: what an allocator does by itself
LANGUAGES = ("ar", "tr", "en")


def items(seed: int) -> Iterator[Item]:
    """Endless items, in the core languages in turn, no two the same."""
    rng = random.Random(seed)
    words = {
        tag: [w for one in read_examples(SAMPLE) if one.language == tag for w in one.text.split()] for tag in LANGUAGES
    }
    letters = {"ar": "ابتثجحخدرزسشصطعغفقكلمنهوي", "tr": string.ascii_lowercase + "çğıöşü", "en": string.ascii_lowercase}
    while True:
        for tag in LANGUAGES:
            new = ["".join(rng.choices(letters[tag], k=rng.randrange(5, 11))) for _ in range(NEW_WORDS)]
            text = [*rng.choices(words[tag], k=270 - NEW_WORDS), *new]
            yield Item(" ".join(rng.choices(words[tag], k=9)), " ".join(text))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quality", choices=["fast", "balanced", "best"], default="fast")
    parser.add_argument("--items", type=int, default=200_000)
    asked = parser.parse_args()
    model = load_model(quality=asked.quality)
    print(f"{asked.quality}: loaded, resident {resident():.0f} MB", flush=True)
    source, seen, done = items(1), [], 0
    for step in range(1, STEPS + 1):
        while done < asked.items * step // STEPS:
            documents = model.prepare([next(source) for _ in range(BATCH)])
            model.topics.classify(documents)
            model.regions.classify(documents)
            done += BATCH
        seen.append(resident())
        print(f"{done:9,d} items   {seen[-1]:6.0f} MB", flush=True)
    growth = seen[-1] - seen[STEPS // 2 - 1]
    print(f"grown by {growth:.1f} MB in the second half (at most {GROWTH:.0f})")
    return 0 if growth <= GROWTH else 1


if __name__ == "__main__":
    sys.exit(main())
