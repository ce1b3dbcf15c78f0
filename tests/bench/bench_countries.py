"""Countries on outlets of which nothing was learned, from the names alone and with what the encoder reads.

Needs ../shared. Teaches the region classifier anew without nine outlets and measures it on them; the encoder is the one
that is served, which has learned these outlets' topics but no countries. Half an hour of CPU, most of it the encoder's.

    python -m tests.bench.bench_countries [--data DIR]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from classifiers.artefact import checksum
from classifiers.dataset import Example, read_examples
from classifiers.encoder import GRAPH_FILE, load_encoder
from classifiers.evaluate import CORE, answers, region_figures
from classifiers.model import SHIPPED, load_model
from classifiers.region_reading_train import Vectors
from classifiers.region_train import train_regions
from classifiers.regions import load_regions
from streams.cli.evaluate import sub_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.encoder import Quality

ROOT = Path(__file__).parents[2]
HELD = {
    "sanad_khaleej",
    "asnd",
    "inshorts",
    "lgl",
    "nyt_frontpage",
    "geowebnews",
    "tr-news",
    "okaz",
    "aleqtisadiya",
}  # the last part of a source's name
COLUMNS = ("f1", "exact", "first", "order", "none_kept", "sub_region_f1", "calibration_error")
QUALITIES: tuple[Quality, ...] = ("fast", "balanced", "best")


def is_held(example: Example) -> bool:
    return example.source.rpartition("/")[2] in HELD


def row_of(example: Example) -> dict[str, object]:
    row = asdict(replace(example, split="train"))
    row["lang"] = row.pop("language")
    return row


def measure(examples: Sequence[Example], directory: Path, digest: str) -> None:
    print(f"{'quality':10s}{'items of':10s}{'items':>6s}" + "".join(f"{name:>18s}" for name in COLUMNS))
    for quality in QUALITIES:
        model = replace(load_model(SHIPPED, quality), regions=load_regions(directory, digest), words={})
        found = answers(model, examples)
        for language in ("all", *CORE):
            group = [one for one in found if language in {"all", one.example.language}]
            if group:
                figures = region_figures(group, sub_regions())
                cells = "".join(f"{figures[name]:18.4f}" for name in COLUMNS)
                print(f"{quality:10s}{language:10s}{len(group):6d}{cells}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    data = parser.parse_args().data
    if not data.is_dir():
        print(f"{data} is not here: nothing to measure")
        return
    examples = read_examples(data / "desk")
    learned = [one for one in examples if not is_held(one)]
    held = [one for one in examples if is_held(one)]
    digest = checksum(SHIPPED / GRAPH_FILE)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(1):
        vectors = Vectors(load_encoder(SHIPPED), digest)
        train_regions([row_of(one) for one in learned], Path(folder), seed=0, vectors=vectors)
        measure(held, Path(folder), digest)


if __name__ == "__main__":
    main()
