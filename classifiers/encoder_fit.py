"""Fits how the encoder joins in: the powers of the blend and its thresholds, by language and by length of item.

Fitted on items from which neither tier has learned: on its own training data the linear tier is so sure that the
encoder would get no say. How the powers are shared between the tiers is not fitted there: see ENCODER_SHARE.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from scipy.optimize import minimize_scalar

from classifiers.calibration_fit import fit_second_threshold
from classifiers.dataset import digest
from classifiers.encoder import (
    GRAPH_FILE,
    HEADLINE_LETTERS,
    NUMBERS_FILE,
    TOKENIZER_FILE,
    TWIN,
    Blend,
    Mixture,
    Numbers,
    blended,
    open_network,
    read_numbers,
)
from classifiers.topic_train import documents_of, main_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from classifiers.dataset import Example
    from classifiers.encoder import Encoder
    from classifiers.linear import LinearModel

LEAST_OF_LANGUAGE = 400  # examples from which a language is fitted alone; the smaller ones are fitted together
_ABSTAIN_QUANTILE = 0.003  # share of the items under the first label's threshold, as in the linear tier
_ABSTAIN_MOST = 0.2
# The encoder's part of the powers. The linear tier knows the words of the publishers that it learned from, so items of
# the same ones (dev) do not tell; new publishers are what a newsroom has. On four publishers that neither tier had
# seen, macro-F1 with twins of two encoders: .620 and .634 at .5, .633 and .650 at .65, .638 and .651 at .7, .638 and
# .644 at .75 (docs/train.md). The second on dev: .820, .824, .826, .825.
ENCODER_SHARE = 0.7
_MOST_SHARP = 3.0  # the sum of the powers; 1 to 1.3 seen
_OPENING = 120  # letters of a text that stand in for a headline that it lacks


class Asked(NamedTuple):
    """What both tiers say of some examples."""

    examples: Sequence[Example]
    linear: NDArray[np.float64]  # (examples, labels), probabilities
    encoder: NDArray[np.float64]  # (examples, labels), logarithms of probabilities

    def where(self, chosen: Sequence[int]) -> Asked:
        """Some of them."""
        return Asked([self.examples[at] for at in chosen], self.linear[chosen], self.encoder[chosen])


def ask(examples: Sequence[Example], models: Mapping[str, LinearModel], encoder: Encoder) -> Asked:
    """Ask both tiers about examples in languages of `models`."""
    documents = documents_of(examples)
    linear = [models[document.language].probabilities([document]).values[0] for document in documents]
    return Asked(examples, np.array(linear), encoder.read(documents).logarithms)


def headlines_of(examples: Sequence[Example]) -> list[Example]:
    """Examples as headlines: the title alone, or the opening where there is none; a short item stays what it is."""
    found = []
    for one in examples:
        if len(one.title) + len(one.text) < HEADLINE_LETTERS:
            found.append(one)
        elif one.title.strip():
            found.append(replace(one, text=""))
        else:
            found.append(replace(one, text=one.text[:_OPENING]))
    return found


def fit_blend(asked: Asked, codes: Sequence[str]) -> Blend:
    """The sum of the powers that makes the main labels most likely; then the thresholds on the probabilities."""
    truth = main_labels(asked.examples, codes)
    chosen = np.arange(len(truth))

    def shared(total: float) -> tuple[float, float]:
        return total * (1 - ENCODER_SHARE), total * ENCODER_SHARE

    def loss(total: float) -> float:
        found = blended(asked.linear, asked.encoder, *shared(total))
        return float(-np.log(found[chosen, truth] + 1e-9).mean())

    best = minimize_scalar(loss, bounds=(0.1, _MOST_SHARP), method="bounded").x
    linear, encoder = (round(power, 3) for power in shared(float(best)))
    values = blended(asked.linear, asked.encoder, linear, encoder)
    number = {code: column for column, code in enumerate(codes)}
    return Blend(
        linear=linear,
        encoder=encoder,
        first=round(min(float(np.quantile(values.max(axis=1), _ABSTAIN_QUANTILE)), _ABSTAIN_MOST), 4),
        second=fit_second_threshold(values, [frozenset(number[code] for code in one.topics) for one in asked.examples]),
    )


def fit_mixtures(articles: Asked, headlines: Asked, codes: Sequence[str]) -> dict[str, Mixture]:
    """The mixture of each language of the examples."""
    places: dict[str, list[int]] = {}
    for at, example in enumerate(articles.examples):
        places.setdefault(example.language, []).append(at)
    small = [at for group in places.values() if len(group) < LEAST_OF_LANGUAGE for at in group]
    mixtures: dict[str, Mixture] = {}
    shared: Mixture | None = None
    for language, group in places.items():
        if len(group) >= LEAST_OF_LANGUAGE:
            mixtures[language] = _mixture(articles.where(group), headlines.where(group), codes, always=False)
            continue
        shared = shared or _mixture(articles.where(small), headlines.where(small), codes, always=True)
        mixtures[language] = shared
    return mixtures


def _mixture(articles: Asked, headlines: Asked, codes: Sequence[str], *, always: bool) -> Mixture:
    return Mixture(fit_blend(articles, codes), fit_blend(headlines, codes), always)


def add_encoder(
    examples: Sequence[Example], models: Mapping[str, LinearModel], codes: Sequence[str], origin: Path, out: Path
) -> None:
    """Copy the encoder of the folder `origin` to the folder `out` and fit how it joins `models` there.

    Where `origin` has a twin that has not learned the dev items, the twin is copied; `finish_encoder` takes the other.

    Args:
        examples: labelled items that neither `models` nor the encoder, or its twin, has learned from.
        models: the linear model of each language.
        codes: their labels, which must be those of the encoder.
        origin: a folder with an encoder.
        out: the folder of the artefact that is being made.

    Raises ArtefactError where the encoder cannot be used, ValueError where it knows other labels, has learned these
    examples, or there are too few of them.

    """
    origin = origin / TWIN if (origin / TWIN).is_dir() else origin
    numbers = read_numbers(origin)
    if list(numbers.codes) != list(codes):
        raise ValueError(f"the encoder of {origin} has labels of its own; train without it")
    if numbers.learned_dev and numbers.learned_dev == digest([one for one in examples if one.topics]):
        raise ValueError(
            f"the encoder of {origin} has learned these dev items, and has no twin there that has not: a blend fitted "
            "on them would trust it too much; name the folder that `newswire train-encoder --with-dev` made"
        )
    known = [one for one in examples if one.topics and one.language in models]
    if len(known) < LEAST_OF_LANGUAGE:
        raise ValueError(f"{len(known)} dev examples; fitting an encoder's part needs {LEAST_OF_LANGUAGE}")
    encoder = open_network(origin / GRAPH_FILE, origin / TOKENIZER_FILE, numbers)
    mixtures = fit_mixtures(ask(known, models, encoder), ask(headlines_of(known), models, encoder), codes)
    for name in (GRAPH_FILE, TOKENIZER_FILE):
        shutil.copyfile(origin / name, out / name)
    write_numbers(out, msgspec.structs.replace(numbers, languages=mixtures))


def finish_encoder(origin: Path, out: Path) -> None:
    """Put the encoder that knows the dev items, if `origin` has one, in the place of its twin; the blend stays."""
    if (origin / TWIN).is_dir():
        numbers = msgspec.structs.replace(read_numbers(origin), languages=read_numbers(out).languages)
        shutil.copyfile(origin / GRAPH_FILE, out / GRAPH_FILE)
        write_numbers(out, numbers)


def write_numbers(directory: Path, numbers: Numbers) -> None:
    """Write encoder.json."""
    data = msgspec.json.format(msgspec.json.encode(numbers), indent=1)
    (directory / NUMBERS_FILE).write_bytes(data + b"\n")
