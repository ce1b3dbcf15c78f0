"""Language identification beside py3langid on the whole text: accuracy by language, and CPU an item.

Needs ../shared: the desk items (11 languages) and SIB-200 (sentences in 46 variants).

    python tests/bench/bench_language.py [--items N] [--data DIR]
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from classifiers import language

if TYPE_CHECKING:
    from collections.abc import Callable

    from classifiers.language import Language

ROOT = Path(__file__).parents[2]
# Variants that are written in one language; zh-Hant is Chinese, Dari is Persian.
FOLDED = {"apc": "ar", "arz": "ar", "acm": "ar", "ars": "ar", "ary": "ar", "prs": "fa", "zh-Hant": "zh"}

Row = tuple[str, str, str, str]  # set, language, title, text


def read(path: Path, name: str, items: int) -> list[Row]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = list(map(json.loads, file))
    random.Random(1).shuffle(rows)
    taken: Counter[str] = Counter()
    found = []
    for row in rows:
        taken[row["lang"]] += 1
        if taken[row["lang"]] <= items:
            found.append((name, FOLDED.get(row["lang"], row["lang"]), row["title"] or "", row["text"]))
    return found


def in_full(title: str, text: str) -> Language:
    tag, confidence = language._identifier().classify(f"{title} {text}")
    return language.Language(language._REMAP.get(tag, tag), confidence)


def measure(rows: list[Row], identify: Callable[[str, str], Language]) -> dict[tuple[str, str], tuple[int, int, float]]:
    """Items, right ones and CPU seconds by set and language."""
    found: dict[tuple[str, str], tuple[int, int, float]] = defaultdict(lambda: (0, 0, 0.0))
    for name, tag, title, text in rows:
        began = time.process_time()
        guess = identify(title, text).tag
        spent = time.process_time() - began
        items, right, cpu = found[name, tag]
        found[name, tag] = items + 1, right + (guess == tag), cpu + spent
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=300, help="items a set and language")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    if not arguments.data.is_dir():
        print(f"{arguments.data} is not here: nothing to measure")
        return
    rows = [
        row for path in sorted((arguments.data / "desk").glob("*.gz")) for row in read(path, "desk", arguments.items)
    ]
    rows += read(arguments.data / "topics" / "sib200" / "data.jsonl.gz", "sib200", arguments.items)
    language.warm_up()
    ours, full = measure(rows, language.identify), measure(rows, in_full)
    by_letters = [
        (title, text, tag)
        for _, tag, title, text in rows
        if language.identify(title, text).confidence == language._BY_LETTERS
    ]
    right = sum(language.identify(title, text).tag == tag for title, text, tag in by_letters if tag != "azb")
    decided = sum(tag != "azb" for *_, tag in by_letters)
    print(f"{'set, language':16s}{'items':>7s}{'ours':>8s}{'full':>8s}{'us ours':>9s}{'us full':>9s}")
    for key in sorted(ours):
        items, hits, cpu = ours[key]
        _, full_hits, full_cpu = full[key]
        print(
            f"{' '.join(key):16s}{items:7d}{hits / items:8.3f}{full_hits / items:8.3f}"
            f"{cpu / items * 1e6:9.0f}{full_cpu / items * 1e6:9.0f}"
        )
    for name, found in (("ours", ours), ("py3langid in full", full)):
        items, hits = sum(row[0] for row in found.values()), sum(row[1] for row in found.values())
        print(
            f"{name}: {hits / items:.4f} of {items}, {sum(row[2] for row in found.values()) / items * 1e6:.0f} us an item"
        )
    print(f"decided by letters: {len(by_letters) / len(rows):.2f}, right {right / decided:.4f} (azb aside)")


if __name__ == "__main__":
    main()
