"""The figures of a model card, from the manifest; `python -m classifiers.card` writes them into the shipped card."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifiers.artefact import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from classifiers.artefact import Manifest

MODELS = Path(__file__).parent / "models"
CARD = MODELS / "CARD.md"
BEGIN, END = "<!-- figures: python -m classifiers.card -->", "<!-- end of figures -->"
_TOPICS = (
    "macro_f1",
    "top1",
    "calibration_error",
    "calibration_by_chance",
    "accuracy_at_80",
    "answered",
    "second_precision",
    "second_recall",
)
_TOPIC_NAMES = "macro-F1|top-1|calibration|by chance|accuracy at 80 %|answered|second: precision|recall"
_COUNTRIES = ("f1", "exact", "first", "order", "none_kept", "sub_region_f1", "calibration_error")


def figures(manifest: Manifest) -> str:
    """The part of a card between the two marks: who it is, what it learned from, and every table of figures."""
    training, scores = manifest.training, manifest.scores
    learned = ", ".join(f"{language} {count:,}" for language, count in training.languages.items())
    qualities = {"fast": scores["dev"]["topics"]} | {
        name: scores[name] for name in ("balanced", "best") if name in scores
    }
    slugs = {label.code: label.slug for label in manifest.labels}
    parts = [
        f"{manifest.name} {manifest.version}, trained on {training.examples:,} news items ({learned}).",
        f"Their SHA-256: `{training.digest[:16]}`.",
        "Topics by language:",
        _topics(qualities),
        "F1 by topic, all languages:",
        _classes(qualities, slugs),
        "Countries (`none kept`: items about no place that get none; `order`: of the first two, where both are given):",
        _countries(scores),
        "Topics, tier 1, on publishers taken out of training (a fifth at a time where one is most of a language):",
        _held_out(scores["held_out"]),
    ]
    return "\n\n".join(parts)


def _topics(qualities: Mapping[str, Any]) -> str:
    return _table(
        f"quality|language|items|{_TOPIC_NAMES}",
        (
            [name, language, row["items"], *(float(row[column]) for column in _TOPICS)]
            for name, topics in qualities.items()
            for language, row in _groups(topics).items()
        ),
    )


def _classes(qualities: Mapping[str, Any], slugs: Mapping[str, str]) -> str:
    return _table(
        "|".join(["topic", "items", *qualities]),
        (
            [slugs[code], row["items"], *(float(topics["classes"][code]["f1"]) for topics in qualities.values())]
            for code, row in qualities["fast"]["classes"].items()
        ),
    )


def _countries(scores: Mapping[str, Any]) -> str:
    by_quality = {"fast": scores["dev"]["regions"], **scores.get("regions", {})}
    return _table(
        "quality|language|items|micro-F1|exact|first|order|none kept|sub-regions|calibration",
        (
            [name, language, round(row["items"]), *(float(row[column]) for column in _COUNTRIES)]
            for name, regions in by_quality.items()
            for language, row in _groups(regions).items()
        ),
    )


def _held_out(languages: Mapping[str, Any]) -> str:
    return _table(
        "language|source|items|macro-F1|top-1",
        (
            [language, source, row["items"], float(row["macro_f1"]), float(row["top1"])]
            for language, sources in languages.items()
            for source, row in sources.items()
        ),
    )


def _groups(found: Mapping[str, Any]) -> dict[str, Any]:
    whole = {name: found[name] for name in ("all", "core") if name in found}
    return whole | dict(sorted(found["languages"].items(), key=lambda group: (-group[1]["items"], group[0])))


def _table(head: str, rows: Iterable[Iterable[object]]) -> str:
    names = head.split("|")
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(
        "| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in line) + " |"
        for line in lines
    )


def renewed(card: str, manifest: Manifest) -> str:
    """The card with the figures of `manifest` between its marks."""
    before, _, rest = card.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{figures(manifest)}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    CARD.write_text(renewed(CARD.read_text(encoding="utf-8"), read_manifest(MODELS / "newswire")), encoding="utf-8")
