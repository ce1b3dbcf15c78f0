"""Weights of the lexical step, and how often pages are cut right: synthetic pages, made from real articles.

    python -m tests.bench.bench_segmentation train --data ../shared/data
    python -m tests.bench.bench_segmentation measure --data ../shared/data

A page is an article, perhaps a sign-off, perhaps a notice, and the leads of up to five other articles of the same
source. The articles of the data have lost their paragraphs: one to three sentences make one here.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
from sklearn.linear_model import LogisticRegression

from streams.sources import segmentation
from streams.sources.segmentation import FEATURES, Weights, features, find_cut

LANGUAGES = ("ar", "tr", "en")
SENTENCE = re.compile(r"(?<=[.!?؟])\s+")
NOTICES = {
    "ar": ["تنبيه: جميع حقوق النشر محفوظة لوكالة الاختبار ولا يجوز استخدام الأخبار والصور دون إذن مسبق."],
    "tr": ["UYARI: Haber, fotoğraf ve videoların tüm hakları Deneme Ajansı'na aittir; izinsiz kullanılamaz."],
    "en": [
        "Notice: all rights to news, photos and video are reserved; nothing may be redistributed without permission."
    ],
}
SIGN_OFFS = {"ar": ["(İLKHA)", "(رويترز)", "(AFP)"], "tr": ["(DHA)", "(İLKHA)"], "en": ["(AP)", "(AFP)"]}


class Story(NamedTuple):
    source: str
    title: str
    paragraphs: list[str]


class Page(NamedTuple):
    paragraphs: list[str]
    main: int  # how many belong to the main story
    notice: bool


def stories(data: Path, language: str, split: str, limit: int = 4000) -> list[Story]:
    """Articles with a title and at least three paragraphs; `split` as the desk's files have it."""
    rng = random.Random(f"{language} {split}")
    found = []
    with gzip.open(data / "desk" / f"{language}.jsonl.gz", "rt", encoding="utf-8") as lines:
        for item in map(json.loads, lines):
            if item["split"] == split and item["title"]:
                paragraphs = paragraphs_of(item["text"], rng)
                if 3 <= len(paragraphs) <= 25:
                    found.append(Story(item["source"], item["title"], paragraphs))
    rng.shuffle(found)
    return found[:limit]


def paragraphs_of(text: str, rng: random.Random) -> list[str]:
    sentences = [s for s in SENTENCE.split(text) if s.strip()]
    paragraphs = []
    while sentences:
        count = rng.choice((1, 1, 2, 2, 3))
        paragraphs.append(" ".join(sentences[:count]))
        del sentences[:count]
    if paragraphs and not re.search(r"[.!?؟]$", paragraphs[-1]):
        paragraphs.pop()  # the desk's texts are cut at 4,000 letters
    return [p for p in paragraphs if len(p) > 25]


def page(rng: random.Random, story: Story, others: list[Story], teasers: int, language: str, signs: str) -> Page:
    """`signs`: S for a sign-off, N for a notice."""
    paragraphs = [story.title, *story.paragraphs]
    main = len(paragraphs)
    if "S" in signs:
        paragraphs[-1] += " " + rng.choice(SIGN_OFFS[language])
    if "N" in signs:
        paragraphs.append(rng.choice(NOTICES[language]))
    paragraphs += [other.paragraphs[0] for other in rng.sample(others, teasers)]
    return Page(paragraphs, main, "N" in signs)


def pages(found: list[Story], language: str, count: int, seed: int, signs: str) -> list[Page]:
    rng = random.Random(seed)
    by_source = defaultdict(list)
    for story in found:
        by_source[story.source].append(story)
    made = []
    while len(made) < count:
        story = rng.choice(found)
        others = [o for o in by_source[story.source] if o is not story]
        if len(others) >= 5:
            made.append(page(rng, story, others, rng.choice((0, 0, 2, 3, 4, 5)), language, signs))
    return made


def train(data: Path) -> Weights:
    rows, labels = [], []
    for language in LANGUAGES:
        for made in pages(stories(data, language, "train"), language, 2000, 1, ""):
            rows += features(made.paragraphs)
            labels += [i < made.main for i in range(1, len(made.paragraphs))]
    values = np.array(rows)
    model = LogisticRegression(C=1.0, max_iter=2000).fit(values, np.array(labels))
    print(f"{len(rows)} paragraphs, accuracy {model.score(values, np.array(labels)):.3f}")
    return Weights(round(float(model.intercept_[0]), 2), tuple(round(float(c), 2) for c in model.coef_[0]))


def measure(data: Path) -> None:
    print(
        f"{'':4s}{'signs':6s}{'P':>7s}{'R':>7s}{'F1':>7s}  polluted   clean pages that lost a paragraph to an item   pages/s CPU"
    )
    for language in LANGUAGES:
        found = stories(data, language, "dev")
        for signs in ("SN", "N", "S", ""):
            hits = wrong = missed = polluted = with_teasers = lost = clean = 0
            made = pages(found, language, 400, 11, signs)
            started = time.process_time()
            cuts = [find_cut(p.paragraphs).place for p in made]
            seconds = time.process_time() - started
            for one, place in zip(made, cuts, strict=True):
                main = min(place, one.main)
                extra = sum(1 for i in range(one.main, place) if not (one.notice and i == one.main))
                hits, wrong, missed = hits + main - 1, wrong + extra, missed + one.main - main
                if len(one.paragraphs) > one.main + one.notice:
                    with_teasers, polluted = with_teasers + 1, polluted + (extra > 0)
                else:
                    clean, lost = clean + 1, lost + (main < one.main)
            precision, recall = hits / (hits + wrong), hits / (hits + missed)
            print(
                f"{language:4s}{signs or '-':6s}{precision:7.3f}{recall:7.3f}{2 * precision * recall / (precision + recall):7.3f}"
                f"  {polluted:3d}/{with_teasers:<4d}   {lost:3d}/{clean:<4d} {len(made) / seconds:9.0f}"
            )
        adversarial(found, language)


def adversarial(found: list[Story], language: str) -> None:
    """A sign-off at the end of a paragraph in the middle of a clean story: how often is it cut there?"""
    rng = random.Random(4)
    wrong = count = 0
    for story in found:
        if len(story.paragraphs) >= 6 and count < 300:
            paragraphs = [story.title, *story.paragraphs]
            middle = rng.randrange(2, len(paragraphs) - 2)
            paragraphs[middle] += " (AFP)"
            count += 1
            wrong += find_cut(paragraphs).place < len(paragraphs)
    print(f"{language:4s}a sign-off in the middle of a clean story: cut wrongly {wrong}/{count}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=["train", "measure", "both"])
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    if arguments.what != "measure":
        weights = train(arguments.data)
        print(f"WEIGHTS = Weights({weights.intercept}, {weights.coefficients})")
        print(dict(zip(FEATURES, weights.coefficients, strict=True)))
        segmentation.WEIGHTS = weights
    if arguments.what != "train":
        measure(arguments.data)


if __name__ == "__main__":
    main()
