"""The numbers behind the pictures of an evaluation, and that the pictures are drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from classifiers import plots
from classifiers.contract import AbstainReason, Decision, Score, Verdict
from classifiers.dataset import Example
from classifiers.evaluate import Answer
from classifiers.plots import BINS, CONFUSION_FILE, RELIABILITY_FILE, PlotsError, confusions, reliability, write_plots

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"a": "arts", "b": "economy"}
NOWHERE = Verdict(Decision.NONE, (), (), 0.4)
PNG = b"\x89PNG\r\n\x1a\n"


def answer(truth: str, guess: str, probability: float = 0.9, language: str = "en") -> Answer:
    scores = (Score(guess, probability),) if guess else ()
    reason = None if guess else AbstainReason.NOT_NEWS
    verdict = Verdict(Decision.ASSIGNED if guess else Decision.ABSTAINED, scores, scores, 0.2, reason)
    return Answer(Example("x", language, "", "", tuple(truth), (), "s", "dev"), language, verdict, NOWHERE)


def test_confusions_are_main_topic_by_first_guess() -> None:
    found = [answer("a", "a"), answer("ab", "b"), answer("b", "b"), answer("b", "")]
    assert confusions(found, list(NAMES)).tolist() == [[1, 1, 0], [0, 1, 1]]


def test_reliability_is_by_tenths_and_leaves_out_what_claims_nothing() -> None:
    sure = [answer("a", "a", 0.96) for _ in range(29)] + [answer("b", "a", 0.96)]
    doubtful = [answer("a", "a" if n % 2 else "b", 0.52) for n in range(20)]
    few = [answer("a", "b", 0.75) for _ in range(19)]
    silent = [answer("a", "") for _ in range(30)]
    low, high = reliability(sure + doubtful + few + silent)
    assert (low.items, low.right, low.confidence) == (20, 0.5, pytest.approx(0.52))
    assert (high.items, high.right, high.confidence) == (30, pytest.approx(29 / 30), pytest.approx(0.96))


def test_a_certain_guess_is_in_the_last_tenth() -> None:
    (last,) = reliability([answer("a", "a", 1.0)] * 20)
    assert (last.items, BINS) == (20, 10)


def test_both_pictures_are_written_into_a_new_folder(tmp_path: Path) -> None:
    found = [answer("a", "a", language="ar") for _ in range(250)] + [answer("b", "a", 0.4), answer("", "a")]
    written = write_plots(found, NAMES, tmp_path / "new" / "pictures")
    assert [path.name for path in written] == [CONFUSION_FILE, RELIABILITY_FILE]
    for path in written:
        assert path.read_bytes().startswith(PNG)
        assert path.stat().st_size > 10_000


def test_without_matplotlib_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    with pytest.raises(PlotsError, match=r"pip install 'newswire\[plots\]'"):
        write_plots([answer("a", "a")], NAMES, tmp_path)
