"""Two pictures of an evaluation: what is taken for what, and whether a probability means what it says.

matplotlib is asked for here alone and only when pictures are wanted: an extra, which no worker needs.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from classifiers.calibration import bins_of
from classifiers.evaluate import CORE, confidence_of, guess_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from classifiers.evaluate import Answer

CONFUSION_FILE, RELIABILITY_FILE = "confusion.png", "reliability.png"
BINS = 10  # 15, as the calibration error has, leave bins of twenty items on a thousand
_LEAST_OF_BIN = 20  # items; a share of fewer jumps
_LEAST_OF_LANGUAGE = 200
_LANGUAGES = {"ar": "Arabic", "tr": "Turkish", "en": "English"}
_DPI = 144
_NO_GUESS = "no guess"


class PlotsError(RuntimeError):
    """Pictures cannot be drawn; the message says what to install."""


class Bin(NamedTuple):
    """The guesses whose probability lies in one tenth."""

    confidence: float  # mean probability
    right: float  # share
    items: int


def check_plots() -> None:
    """Raise PlotsError where matplotlib is not installed: before a measurement of minutes, not after it."""
    if find_spec("matplotlib") is None:
        raise PlotsError("pictures need matplotlib: pip install 'newswire[plots]'")


def write_plots(found: Sequence[Answer], names: Mapping[str, str], directory: Path) -> list[Path]:
    """Draw both pictures into a folder, which is made; their paths.

    Args:
        found: answers; those whose example has no topic are left out.
        names: of the topics by code, in the order of the picture.
        directory: where they go; pictures of an earlier evaluation are written over.

    Raises PlotsError without matplotlib, OSError where the folder cannot be written.

    """
    check_plots()
    news = [answer for answer in found if answer.example.topics]
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / CONFUSION_FILE, directory / RELIABILITY_FILE]
    _draw_confusions(news, names).savefig(paths[0], dpi=_DPI)
    _draw_reliability(news).savefig(paths[1], dpi=_DPI)
    return paths


def confusions(found: Sequence[Answer], codes: Sequence[str]) -> NDArray[np.int64]:
    """Counts of shape (topics, topics + 1): main topic by first guess; the last column is no guess at all."""
    number = {code: at for at, code in enumerate([*codes, ""])}
    counts = np.zeros((len(codes), len(codes) + 1), np.int64)
    for answer in found:
        counts[number[answer.example.topics[0]], number[guess_of(answer)]] += 1
    return counts


def reliability(found: Sequence[Answer]) -> list[Bin]:
    """How often the first guesses are right, by tenths of their probability; tenths of few items are left out.

    So are items without a guess: they claim nothing.
    """
    found = [answer for answer in found if guess_of(answer)]
    confidence = np.array([confidence_of(answer) for answer in found])
    right = np.array([guess_of(answer) == answer.example.topics[0] for answer in found])
    place = bins_of(confidence, BINS)
    return [
        Bin(float(confidence[inside].mean()), float(right[inside].mean()), int(inside.sum()))
        for inside in (place == number for number in range(BINS))
        if inside.sum() >= _LEAST_OF_BIN
    ]


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # noqa: PLC0415  an extra; without pyplot no window system is looked for

    return Figure(figsize=(width, height), layout="constrained")


def _draw_confusions(found: Sequence[Answer], names: Mapping[str, str]) -> Figure:
    counts = confusions(found, list(names))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 2.5 + 0.55 * len(names)
    figure = _figure(size + 1, size)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    figure.colorbar(image, label="share of the items of a main topic")
    rows = [f"{name} ({total})" for name, total in zip(names.values(), counts.sum(axis=1).tolist(), strict=True)]
    axes.set_yticks(range(len(rows)), rows)
    axes.set_xticks(range(len(rows) + 1), [*names.values(), _NO_GUESS], rotation=45, ha="right", rotation_mode="anchor")
    for (row, column), count in np.ndenumerate(counts):
        if count:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=colour, fontsize=8)
    axes.set(xlabel="first guess", ylabel="main topic (items)", title=f"What is taken for what: {len(found):,} items")
    return figure


def _draw_reliability(found: Sequence[Answer]) -> Figure:
    figure = _figure(7, 7)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    above.plot([0, 1], [0, 1], color="grey", linestyle="--", linewidth=1, label="means what it says")
    _add_curve(above, "all languages", found, linewidth=2.5, color="black")
    for language in CORE:
        some = [one for one in found if one.example.language == language]
        if len(some) >= _LEAST_OF_LANGUAGE:
            _add_curve(above, _LANGUAGES[language], some, linewidth=1.2)
    above.set(ylabel="share of right guesses", xlim=(0, 1), ylim=(0, 1), title="Is a topic as often right as it says?")
    above.legend(loc="upper left")
    below.hist(
        [confidence_of(answer) for answer in found if guess_of(answer)],
        bins=BINS,
        range=(0, 1),
        color="steelblue",
        edgecolor="white",
    )
    below.set(xlabel="probability of the first guess", ylabel="items")
    return figure


def _add_curve(axes: Axes, name: str, found: Sequence[Answer], **style: Any) -> None:
    bins = reliability(found)
    label = f"{name} ({len(found):,} items)"
    axes.plot(
        [one.confidence for one in bins], [one.right for one in bins], marker="o", markersize=4, label=label, **style
    )
