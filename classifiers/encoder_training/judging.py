"""How good an encoder is, alone and beside the linear tier: by language on dev items, by source on held-out sources."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.metrics import f1_score

from classifiers.encoder import blended
from classifiers.encoder_fit import Asked, fit_mixtures
from classifiers.evaluate import CORE
from classifiers.topic_train import documents_of, main_labels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from classifiers.dataset import Example
    from classifiers.encoder import Encoder, Mixture
    from classifiers.encoder_training.lessons import Tier

_DIGITS = 4
_SHARES = (0.0, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0)


def figures(
    encoder: Encoder, tier: Tier, dev: Sequence[Example], held: Sequence[Example], codes: Sequence[str]
) -> dict[str, Any]:
    """Macro-F1 of the main topic, `alone` and `beside` the linear tier, ready for JSON.

    {"dev": ..., "held_out": ...}: on dev the blend is fitted on one half and measured on the other; on held-out sources
    it is the one of all of dev. {"shares": ...}: by the encoder's share of the powers, which is what
    `encoder_fit.ENCODER_SHARE` is chosen by; of all dev items, and the mean of the held-out sources.
    """
    asked = _ask(encoder, tier, dev)
    values = np.zeros_like(asked.linear)
    halves = np.array([hashlib.blake2b(one.id.encode(errors="surrogatepass")).digest()[3] % 2 for one in dev])
    for half in (0, 1):
        others = np.flatnonzero(halves != half).tolist() or list(range(len(dev)))
        mixtures = fit_mixtures(asked.where(others), asked.where(others), codes)
        for at in np.flatnonzero(halves == half).tolist():
            values[at] = _blend(asked.where([at]), mixtures)[0]
    groups = _languages(dev)
    found: dict[str, Any] = {
        "dev": _by_group(asked, values, groups, codes),
        "held_out": {},
        "shares": {name: _by_share(asked, [rows], codes) for name, rows in groups.items() if name in ("all", "core")},
    }
    if held:
        mixtures = fit_mixtures(asked, asked, codes)
        asked = _ask(encoder, tier, held)
        sources = {source: np.array([one.source == source for one in held]) for source in {one.source for one in held}}
        found["held_out"] = _by_group(asked, _blend(asked, mixtures), dict(sorted(sources.items())), codes)
        found["shares"]["held_out"] = _by_share(asked, list(sources.values()), codes)
    return found


def _ask(encoder: Encoder, tier: Tier, examples: Sequence[Example]) -> Asked:
    return Asked(examples, tier.probabilities(examples), encoder.read(documents_of(examples)).logarithms)


def _blend(asked: Asked, mixtures: Mapping[str, Mixture]) -> NDArray[np.float64]:
    """Probabilities of both tiers; of the encoder alone in a language without a mixture."""
    found = np.exp(asked.encoder)
    for at, example in enumerate(asked.examples):
        if example.language in mixtures:
            powers = mixtures[example.language].article
            row = blended(asked.linear[[at]], asked.encoder[[at]], powers.linear, powers.encoder)
            found[at] = row[0]
    return np.asarray(found)


def _languages(examples: Sequence[Example]) -> dict[str, NDArray[np.bool_]]:
    languages = np.array([one.language for one in examples])
    groups = {language: languages == language for language in sorted(set(languages.tolist()))}
    whole = {"all": np.ones(len(examples), bool)}
    if set(CORE) <= set(groups):
        whole["core"] = np.isin(languages, CORE)
    return whole | groups


def _by_group(
    asked: Asked, values: NDArray[np.float64], groups: Mapping[str, NDArray[np.bool_]], codes: Sequence[str]
) -> dict[str, Any]:
    truth = main_labels(asked.examples, codes)
    return {
        name: {
            "items": int(rows.sum()),
            "alone": _macro_f1(truth[rows], asked.encoder[rows]),
            "beside": _macro_f1(truth[rows], values[rows]),
        }
        for name, rows in groups.items()
    }


def _by_share(asked: Asked, groups: Sequence[NDArray[np.bool_]], codes: Sequence[str]) -> dict[str, float]:
    """Mean over the groups at each share; the sum of the powers moves no first topic."""
    truth = main_labels(asked.examples, codes)
    found = {}
    for share in _SHARES:
        values = blended(asked.linear, asked.encoder, 1 - share, share)
        found[f"{share:.2f}"] = round(
            float(np.mean([_macro_f1(truth[rows], values[rows]) for rows in groups])), _DIGITS
        )
    return found


def _macro_f1(truth: NDArray[np.int64], values: NDArray[np.float64]) -> float:
    labels = sorted(set(truth.tolist()))
    return round(
        float(f1_score(truth, values.argmax(axis=1), average="macro", labels=labels, zero_division=0)), _DIGITS
    )
