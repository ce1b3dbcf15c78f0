"""How well the text of a page is found: F1 of word 4-grams over the 181 pages of ../shared/data/extraction.

    python -m tests.bench.bench_extraction [--data ../shared/data/extraction]

The metric is that of the benchmark's own evaluate.py (scrapinghub/article-extraction-benchmark): 4-grams of words as a
multiset; true and false positives and false negatives of a page are divided by their sum, so that every page weighs
the same; precision and recall are made of the sums over all pages. Goal: >= .95.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from streams.errors import InvalidError
from streams.sources.extract import Extractor

GOAL = 0.95
WORD = re.compile(r"\w+", re.UNICODE)
GRAM = 4


class Scores(NamedTuple):
    """Sums over pages, and what is made of them."""

    precision: float
    recall: float
    f1: float
    exact: float
    empty: int


def grams(text: str) -> Counter[tuple[str, ...]]:
    """Word 4-grams; the words themselves of a text that is shorter."""
    words = WORD.findall(text)
    size = min(GRAM, len(words)) or 1
    return Counter(tuple(words[i : i + size]) for i in range(len(words) - size + 1)) if words else Counter()


def counts(found: str, wanted: str) -> tuple[float, float, float]:
    """True positives, false positives and false negatives of a page; they add up to 1 unless both are empty."""
    ours, theirs = grams(found), grams(wanted)
    shared = sum((ours & theirs).values())
    tp, fp, fn = shared, sum(ours.values()) - shared, sum(theirs.values()) - shared
    total = tp + fp + fn
    return (tp / total, fp / total, fn / total) if total else (0.0, 0.0, 0.0)


def measure(data: Path) -> tuple[Scores, float]:
    """The scores, and pages a second of wall time (the extractor is a child)."""
    truth = json.loads((data / "ground-truth.json").read_text(encoding="utf-8"))
    tp = fp = fn = exact = 0.0
    empty = 0
    began = time.monotonic()
    with Extractor() as extractor:
        for name, page in truth.items():
            html = gzip.decompress((data / "html" / f"{name}.html.gz").read_bytes())
            try:
                found = extractor.extract(html).text
            except InvalidError as error:
                print(f"{name}: {error}")
                found, empty = "", empty + 1
            right, extra, missed = counts(found, page["articleBody"])
            tp, fp, fn = tp + right, fp + extra, fn + missed
            exact += extra == missed == 0.0
    precision, recall = tp / (tp + fp), tp / (tp + fn)
    scores = Scores(precision, recall, 2 * precision * recall / (precision + recall), exact / len(truth), empty)
    return scores, len(truth) / (time.monotonic() - began)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path(__file__).parents[3] / "shared" / "data" / "extraction")
    data = parser.parse_args().data
    if not data.is_dir():
        print(f"{data} is not here: it holds the pages and is no part of the project")
        return
    scores, rate = measure(data)
    print(
        f"F1 {scores.f1:.3f} (goal {GOAL}), precision {scores.precision:.3f}, recall {scores.recall:.3f}, "
        f"exact {scores.exact:.3f}, empty {scores.empty}; {rate:.0f} pages/s"
    )


if __name__ == "__main__":
    main()
