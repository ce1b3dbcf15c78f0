"""Countries on outlets of which nothing was learned, from names and wording and with what the encoder reads.

Needs ../shared. Teaches tier 1 and the region classifier anew without nine outlets and measures them on these; the
encoder is the one that is served, which has learned these outlets' topics but no countries. Half an hour of CPU, most
of it the encoder's.

    python -m tests.bench.bench_countries [--data DIR]
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits

from classifiers.artefact import checksum
from classifiers.dataset import Example, by_language, read_examples
from classifiers.encoder import GRAPH_FILE, load_encoder
from classifiers.evaluate import CORE, answers, region_figures
from classifiers.model import SHIPPED, load_model
from classifiers.region_reading_train import Vectors
from classifiers.region_train import train_regions
from classifiers.regions import load_regions
from classifiers.topic_train import train_language
from classifiers.topics import TopicClassifier
from streams.cli.evaluate import sub_regions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.encoder import Quality
    from classifiers.linear import LinearModel
    from classifiers.model import Model

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


def taught_topics(examples: Sequence[Example], model: Model) -> dict[str, LinearModel]:
    codes = [label.code for label in model.manifest.labels]
    groups = by_language([one for one in examples if one.topics])
    trained = Parallel(n_jobs=-1)(
        delayed(train_language)(group, codes, seed=0, teach_places=True) for group in groups.values()
    )
    return {language: found for language, (found, _) in zip(groups, trained, strict=True)}


def measure(examples: Sequence[Example], learned: Sequence[Example], directory: Path, digest: str) -> None:
    models = taught_topics(learned, load_model())
    print(f"{'quality':10s}{'items of':10s}{'items':>6s}" + "".join(f"{name:>18s}" for name in COLUMNS))
    for quality in QUALITIES:
        model = replace(load_model(SHIPPED, quality), regions=load_regions(directory, digest), words={})
        assert isinstance(model.topics, TopicClassifier)
        model.topics.models = models
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
        measure(held, learned, Path(folder), digest)


if __name__ == "__main__":
    main()
