"""Trains a whole model: topics and regions from labelled examples, measured by a twin that never saw the dev split."""

from __future__ import annotations

import hashlib
import re
import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from joblib import Parallel, delayed
from sklearn.metrics import accuracy_score, f1_score
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped, unused-ignore]

from classifiers import artefact, dataset, regions
from classifiers.encoder import GRAPH_FILE, TIER, TWIN, load_encoder
from classifiers.encoder_fit import add_encoder, finish_encoder
from classifiers.evaluate import answers, report
from classifiers.model import SHIPPED, load_model
from classifiers.region_reading_train import Vectors
from classifiers.region_train import train_regions
from classifiers.text import normalise
from classifiers.topic_files import load_topics, save_topics
from classifiers.topic_train import LEAST_EXAMPLES, main_labels, train_language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from classifiers.artefact import Label
    from classifiers.dataset import Example
    from classifiers.encoder import Quality
    from classifiers.linear import LinearModel
    from classifiers.topic_train import HeldOut

    Progress = Callable[[str, int, int], None]  # what is done now, steps done, steps in all

LEAST_WITH_COUNTRIES = 100  # under that the region files of the shipped model are taken over
_LEAST_OF_SOURCE = 100  # held-out examples of a source from which its own figures are given
_DIGITS = 4


@dataclass(slots=True, frozen=True)
class Plan:
    """What to train and how it is named."""

    name: str
    version: str
    created: str  # RFC 3339
    seed: int = 0
    with_dev: bool = False  # also learn from the dev split; the scores then come from a twin that did not
    # A folder whose encoder becomes the second tier. One that knows the dev split has a twin that does not: the twin
    # fits the blend and gives the scores.
    encoder: Path | None = None
    sub_regions: Mapping[str, str] | None = None  # M49 code by country; with it the scores have `sub_region_f1`


class TrainingError(ValueError):
    """The examples do not make a model; the message says why."""


def train(
    examples: Sequence[Example], labels: Sequence[Label], out: Path, plan: Plan, progress: Progress
) -> artefact.Manifest:
    """Train into the empty or new folder `out`, verify and load what was written, measure it, return its manifest.

    Fewer than 100 examples with countries do not teach them; the shipped region classifier is then part of the model.

    Args:
        examples: labelled items; those without topics, or of a language with under 30 items, teach regions alone.
        labels: the table of topic codes; a code that only the examples have becomes a label named by its code.
        out: the folder of the artefact.
        plan: names, seed, and whether the dev split is learned too.
        progress: told what is done now.

    Raises TrainingError where the examples do not make a model or `out` is not empty.

    """
    if out.exists() and any(out.iterdir()):
        raise TrainingError(f"{out} is not empty; name a new folder")
    out.mkdir(parents=True, exist_ok=True)
    table = label_table(examples, labels)
    learned = [one for one in examples if one.split == "train"]
    with threadpool_limits(1):  # same sums in the same order on every machine, and no threads spinning on two cores
        readers = _readers(plan.encoder)
        scores = _fit(learned, table, out, plan, readers[0], progress)
        if plan.encoder is not None:
            _join_encoder(examples, out, plan.encoder, progress)
        _seal(learned, table, out, plan, scores)
        scores |= _measure(examples, out, plan.sub_regions, progress)
        if plan.with_dev:
            (out / artefact.MANIFEST).unlink()
            everything = [replace(one, split="train") for one in examples]
            _fit(everything, table, out, plan, readers[-1], progress)
            if plan.encoder is not None:
                finish_encoder(plan.encoder, out)
            learned = everything
    return _seal(learned, table, out, plan, scores)


def label_table(examples: Sequence[Example], labels: Sequence[Label]) -> list[Label]:
    """The labels that the examples use, by code; a code without an entry names itself."""
    known = {label.code: label for label in labels}
    codes = sorted({code for example in examples for code in example.topics})
    if len(codes) < 2:
        raise TrainingError("the examples have fewer than two topics; there is nothing to tell apart")
    table = [known.get(code) or artefact.Label(code, _slug(code), {"en": code}) for code in codes]
    by_slug: dict[str, str] = {}
    for label in table:
        other = by_slug.setdefault(label.slug, label.code)
        if other != label.code:
            raise TrainingError(
                f"topics {other!r} and {label.code!r} would share the stream {label.slug!r}; rename one"
            )
    return table


def _slug(code: str) -> str:
    """The part of a stream's name that a code of the user's own gives: letters a-z, digits and hyphens."""
    slug = re.sub(r"[^a-z0-9]+", "-", normalise(code)).strip("-")
    return slug or hashlib.blake2b(code.encode(), digest_size=6).hexdigest()


def _readers(origin: Path | None) -> list[Vectors | None]:
    """What reads the items for the regions: the encoder's twin that has not learned dev, if it has one, and itself."""
    if origin is None:
        return [None]
    folders = [folder for folder in (origin / TWIN, origin) if folder.is_dir()]
    try:
        return [Vectors(load_encoder(folder), artefact.checksum(folder / GRAPH_FILE)) for folder in folders]
    except artefact.ArtefactError as error:
        raise TrainingError(str(error)) from error


def _fit(
    examples: Sequence[Example],
    table: Sequence[Label],
    out: Path,
    plan: Plan,
    vectors: Vectors | None,
    progress: Progress,
) -> dict[str, Any]:
    """Write the model files of both classifiers; return the figures of the held-out sources."""
    codes = [label.code for label in table]
    groups = dataset.by_language([example for example in examples if example.topics])
    large = {language: group for language, group in groups.items() if len(group) >= LEAST_EXAMPLES}
    if not large:
        raise TrainingError(f"no language has {LEAST_EXAMPLES} examples with topics")
    steps = len(large) + 1
    models: dict[str, LinearModel] = {}
    held_out: dict[str, Any] = {}
    # One process a core: each language is trained alone, so the order in which they end changes nothing.
    trained = Parallel(n_jobs=-1, return_as="generator")(
        delayed(train_language)(group, codes, seed=plan.seed, teach_places=_teach_regions(examples))
        for group in large.values()
    )
    for step, (language, group) in enumerate(large.items()):
        progress(f"topics, {language}: {len(group)} examples", step, steps)
        models[language], found = next(trained)
        held_out[language] = _held_out_figures(group, codes, found)
    save_topics(out, codes, models)
    progress(f"regions: {len(examples)} examples", len(large), steps)
    if _teach_regions(examples):
        train_regions([_row(example) for example in examples], out, seed=plan.seed, vectors=vectors)
    else:
        for name in (regions.MODEL_FILE, regions.FORMS_FILE):
            shutil.copyfile(SHIPPED / name, out / name)
    progress("trained", steps, steps)
    return {"held_out": held_out}


def _teach_regions(examples: Sequence[Example]) -> bool:
    """Whether the examples can teach countries; a set of own topics usually says nothing of places."""
    return sum(bool(example.countries) for example in examples) >= LEAST_WITH_COUNTRIES


def _taken_over() -> str:
    shipped = artefact.read_manifest(SHIPPED)
    return f"taken over from {shipped.name} {shipped.version}"


def _row(example: Example) -> dict[str, Any]:
    row = asdict(example)
    row["lang"] = row.pop("language")
    return row


def _held_out_figures(group: Sequence[Example], codes: Sequence[str], found: HeldOut) -> dict[str, Any]:
    """Figures by source of models trained without it (without a fifth of it, where it is most of the data)."""
    truth, guess = main_labels(group, codes), found.scores.argmax(axis=1)
    figures = {}
    for source in sorted({example.source for example in group}):
        rows = [at for at, example in enumerate(group) if example.source == source]
        if len(rows) < _LEAST_OF_SOURCE:
            continue
        some, said = truth[rows], guess[rows]
        figures[source] = {
            "items": len(rows),
            "macro_f1": round(
                float(f1_score(some, said, average="macro", labels=sorted(set(some.tolist())), zero_division=0)),
                _DIGITS,
            ),
            "top1": round(float(accuracy_score(some, said)), _DIGITS),
        }
    return figures


def _join_encoder(examples: Sequence[Example], out: Path, origin: Path, progress: Progress) -> None:
    dev = [example for example in examples if example.split == "dev"]
    progress(f"encoder: {len(dev)} dev examples", 0, 1)
    topics = load_topics(out, "")
    try:
        add_encoder(dev, topics.models, topics.codes, origin, out)
    except (artefact.ArtefactError, ValueError) as error:
        raise TrainingError(str(error)) from error
    progress("encoder joined", 1, 1)


def _measure(
    examples: Sequence[Example], out: Path, sub_regions: Mapping[str, str] | None, progress: Progress
) -> dict[str, Any]:
    """Figures of the dev examples.

    `dev`: all of quality "fast"; with an encoder `balanced` and `best`: those of the topics, and `regions`: those of
    the countries, by quality.
    """
    dev = [example for example in examples if example.split == "dev"]
    progress(f"measuring on {len(dev)} dev examples", 0, 1)
    found: dict[str, Any] = {}
    if dev:
        found["dev"] = report(answers(load_model(out), dev), sub_regions)
        if (out / GRAPH_FILE).exists():
            qualities: tuple[Quality, ...] = ("balanced", "best")
            for quality in qualities:
                figures = report(answers(load_model(out, quality), dev), sub_regions)
                found[quality] = figures["topics"]
                found.setdefault("regions", {})[quality] = figures["regions"]
    progress("measured", 1, 1)
    return found


def _seal(
    learned: Sequence[Example], table: Sequence[Label], out: Path, plan: Plan, scores: dict[str, Any]
) -> artefact.Manifest:
    """Write the manifest over what is in the folder, and check it as a reader would."""
    second = [TIER] if (out / GRAPH_FILE).exists() else []
    manifest = artefact.Manifest(
        kind=artefact.KIND,
        format=artefact.FORMAT,
        name=plan.name,
        version=plan.version,
        created=plan.created,
        tiers=["linear", *second],
        labels=list(table),
        libraries=artefact.library_versions(artefact.LIBRARIES + (artefact.ENCODER_LIBRARIES if second else ())),
        training=artefact.Training(
            digest=dataset.digest(learned),
            examples=len(learned),
            languages={language: len(group) for language, group in dataset.by_language(learned).items()},
            with_dev=plan.with_dev,
            seed=plan.seed,
            regions="trained" if _teach_regions(learned) else _taken_over(),
        ),
        scores=scores,
        files=artefact.checksums(out),
    )
    artefact.write_manifest(out, manifest)
    return artefact.verify(out)
