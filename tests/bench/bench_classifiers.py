"""What labelling costs: process CPU of one core, all threads, in batches of texts that the process has not seen before.

Figures depend on the machine and its load, so each stands beside scikit-learn's TfidfVectorizer (words, sublinear) with
a linear model of as many labels, measured in the same run, batch by batch in turn. With ../shared the texts are real
articles; without it they are made of the words of our own sample, whose vocabulary is small: those figures flatter.

    python -m tests.bench.bench_classifiers [--quality fast|balanced|best] [--items N] [--data DIR]
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import json
import random
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from classifiers import language
from classifiers.contract import Item
from classifiers.dataset import read_examples
from classifiers.model import load_model
from classifiers.text import TEXT_CHARACTERS, tokenise
from streams.collector import let_it_rest
from tests.bench.resident import resident

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from classifiers.model import Model

BATCH = {"fast": 500, "balanced": 200, "best": 100}  # about a second of work, as the worker's are
ITEMS = {"fast": 6000, "balanced": 1800, "best": 900}  # a language
TARGETS = {"fast": 2500, "balanced": 350, "best": 120}  # items a second
FIRST = 10  # items of the first batch after loading; of a hundred the encoder alone takes a second
ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "data" / "desk_sample.jsonl"
REAL = {
    "ar": ["unlabelled/saudinewsnet.jsonl.gz"],
    "tr": ["topics/kemik_42bin/data.jsonl.gz"],
    "en": ["topics/masakhanews/data.jsonl.gz", "topics/reuters21578/data.jsonl.gz"],
}
LEAST_CHARACTERS = 1200  # articles of 200 to 300 words
WARM_UP = 1 / 3  # of the items: a worker that has been running


def real_items(data: Path, tag: str) -> Iterator[Item]:
    for name in REAL[tag]:
        with gzip.open(data / name, "rt", encoding="utf-8") as file:
            for row in map(json.loads, file):
                if len(row["text"]) >= LEAST_CHARACTERS and row["lang"] == tag:
                    yield Item(row["title"] or "", row["text"])


def made_items(tag: str, seed: int) -> Iterator[Item]:
    """Endless texts of 270 words drawn from our sample."""
    rng = random.Random(seed)
    words = [w for one in read_examples(SAMPLE) if one.language == tag for w in f"{one.title}. {one.text}".split()]
    while True:
        yield Item(" ".join(rng.choices(words, k=9)), " ".join(rng.choices(words, k=270)))


class Clock:
    """CPU microseconds an item, by step."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self.items = 0

    def run(self, step: str, work: Callable[[], object]) -> object:
        began = time.process_time()
        result = work()
        self.spent[step] += time.process_time() - began
        return result

    def microseconds(self, *steps: str) -> float:
        return sum(self.spent[step] for step in steps) / max(self.items, 1) * 1e6


def measure(model: Model, items: list[Item], size: int) -> Clock:
    """Label the items in batches; the first third warms up and is not counted."""
    warm = round(WARM_UP * len(items)) // size * size
    texts = [f"{item.title} {item.text[:TEXT_CHARACTERS]}" for item in items]
    reference = TfidfVectorizer(sublinear_tf=True, min_df=2).fit(texts[: max(warm, size)])
    weights = np.random.default_rng(0).normal(size=(len(reference.vocabulary_), 17)).astype(np.float32)
    clock = Clock()
    for start in range(0, len(items) - size + 1, size):
        if start == warm:
            clock = Clock()
        batch = items[start : start + size]
        documents = clock.run("prepare", lambda batch=batch: model.prepare(batch))
        clock.run("topics", lambda documents=documents: model.topics.classify(documents))
        clock.run("regions", lambda documents=documents: model.regions.classify(documents))
        rest = texts[start : start + size]
        clock.run("scikit-learn", lambda rest=rest: (reference.transform(rest) @ weights).argmax(axis=1))
        clock.run("(language)", lambda batch=batch: [language.identify(item.title, item.text) for item in batch])
        clock.run("(words)", lambda batch=batch: [tokenise(item.title, item.text) for item in batch])
        clock.items += len(batch)
    return clock


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quality", choices=TARGETS, default="fast")
    parser.add_argument("--items", type=int, help="items a language")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    arguments = parser.parse_args()
    quality, size = arguments.quality, BATCH[arguments.quality]
    began = time.process_time()
    model = load_model(quality=quality)
    loaded = time.process_time() - began
    let_it_rest()  # as a worker does
    items = list(itertools.islice(made_items("tr", 2), FIRST))
    began = time.process_time()
    documents = model.prepare(items)
    model.topics.classify(documents)
    model.regions.classify(documents)
    first = time.process_time() - began
    print(
        f"{quality}: load {loaded:.2f} s, first batch of {FIRST} {first * 1000:.0f} ms (CPU), resident {resident():.0f} MB"
    )
    whole = ("prepare", "topics", "regions")
    steps = (*whole, "(language)", "(words)", "scikit-learn")
    print(
        f"{'us an item':12s}"
        + "".join(f"{step:>14s}" for step in steps)
        + f"{'items/s':>10s}{'ratio':>8s}{'topics only':>13s}"
    )
    for tag in REAL:
        real = arguments.data.is_dir()
        source = real_items(arguments.data, tag) if real else made_items(tag, 1)
        clock = measure(model, list(itertools.islice(source, arguments.items or ITEMS[quality])), size)
        row = "".join(f"{clock.microseconds(step):14.0f}" for step in steps)
        cost, reference = clock.microseconds(*whole), clock.microseconds("scikit-learn")
        topics = reference / clock.microseconds("prepare", "topics")
        print(f"{tag + ('' if real else ' made'):12s}{row}{1e6 / cost:10.0f}{reference / cost:8.2f}{topics:13.2f}")
    print(
        f"aim {TARGETS[quality]:,} items/s; resident at last {resident():.0f} MB, scikit-learn's vocabularies among it"
    )


if __name__ == "__main__":
    main()
