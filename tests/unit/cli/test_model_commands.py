"""`newswire train`, `evaluate` and `model show` on our own sample."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from classifiers import plots
from classifiers.artefact import verify
from classifiers.dataset import digest, read_examples
from classifiers.model import SHIPPED
from streams.cli.main import group
from streams.cli.models import labels_of
from streams.errors import InvalidError, TransientError
from streams.settings import load_labels

SAMPLE = Path(__file__).parents[2] / "data" / "desk_sample.jsonl"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(group, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A model of a user's own label set, made by the command, and its data."""
    folder = tmp_path_factory.mktemp("own")
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    names = {"15000000": "Sport", "17000000": "Weather & Climate", "03000000": "Accidents", "16000000": "Wars"}
    kept = [{**row, "topics": [names[row["topics"][0]]]} for row in rows if row["topics"][0] in names]
    for row in kept:
        row["lang"] = "en"  # twenty items a language are too few: the classes are told apart over three scripts
    data = folder / "data.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in kept), encoding="utf-8")
    shown = run("train", "--data", data, "--out", folder / "model", "--name", "mine", "--version", "7", "--seed", "3")
    assert shown.exit_code == 0, shown.output
    assert "macro-F1" in shown.stdout
    assert f"mine 7 is in {folder / 'model'}" in shown.stderr
    return folder / "model", data


def test_own_classes_travel_in_the_artefact(own: tuple[Path, Path]) -> None:
    manifest = verify(own[0])
    assert {label.code: label.slug for label in manifest.labels} == {
        "Accidents": "accidents",
        "Sport": "sport",
        "Wars": "wars",
        "Weather & Climate": "weather-climate",
    }
    labels = labels_of(manifest, load_labels())
    assert labels.topics["Weather & Climate"].slug == "weather-climate"
    assert labels.countries == load_labels().countries


def test_own_classes_are_served(own: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "Tennis champion out of tournament", "text": "She lost the first set to her rival."}')
    shown = run("classify", path, "--model", own[0], "--format", "text")
    assert shown.stdout.split("\t")[0].split(",")[0] == "sport"


def test_evaluate_prints_json_or_a_table(own: tuple[Path, Path]) -> None:
    figures = json.loads(run("evaluate", "--data", own[1], "--model", own[0]).stdout)
    assert figures["items"] == 12
    assert figures["topics"]["all"]["items"] == 12
    for figure in (figures["regions"]["all"], *figures["regions"]["languages"].values()):
        assert 0 < figure["sub_region_f1"] <= 1
    assert figures == verify(own[0]).scores["dev"]
    both = json.loads(run("evaluate", "--data", own[1], "--model", own[0], "--split", "all").stdout)
    assert both["items"] == 60
    table = run("evaluate", "--data", own[1], "--model", own[0], "--format", "text").stdout
    assert "weather-climate" in table


def test_evaluate_draws(own: tuple[Path, Path], tmp_path: Path) -> None:
    shown = run("evaluate", "--data", own[1], "--model", own[0], "--plots", tmp_path / "pictures")
    assert json.loads(shown.stdout)["items"] == 12
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["confusion.png", "reliability.png"]
    assert f"newswire: {tmp_path / 'pictures' / 'confusion.png'}" in shown.stderr
    (tmp_path / "file").touch()
    refused = run("evaluate", "--data", own[1], "--model", own[0], "--plots", tmp_path / "file" / "pictures")
    assert isinstance(refused.exception, TransientError)


def test_evaluate_without_matplotlib_says_so_before_it_measures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plots, "find_spec", lambda _: None)
    shown = run("evaluate", "--data", "nowhere.jsonl", "--plots", "pictures")
    assert isinstance(shown.exception, InvalidError)
    assert "pip install 'newswire[plots]'" in str(shown.exception)


def test_show(own: tuple[Path, Path]) -> None:
    shown = run("model", "show", "--model", own[0]).stdout
    assert shown.startswith("mine 7, made ")
    assert "regions: taken over from newswire " in shown
    assert "trained on 48 items (en 48), without the dev split" in shown
    manifest = json.loads(run("model", "show", "--model", own[0], "--format", "json").stdout)
    assert manifest["name"] == "mine"


def test_show_knows_the_shipped_model() -> None:
    shown = run("model", "show").stdout
    assert shown.startswith("newswire ")
    assert "the dev split too; the figures are a twin's that did not" in shown


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("train", "--data", "nowhere.jsonl", "--out", "m"), "no such file or folder"),
        (("evaluate", "--data", "nowhere.jsonl"), "no such file or folder"),
        (("evaluate", "--data", SAMPLE, "--model", "nowhere"), "no manifest.json"),
        (("model", "show", "--model", "nowhere"), "no manifest.json"),
    ],
)
def test_what_is_wrong_is_one_line(
    arguments: tuple[str | Path, ...], complaint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shown = run(*arguments)
    assert isinstance(shown.exception, InvalidError)
    assert complaint in str(shown.exception)
    assert "\n" not in str(shown.exception)


def test_train_refuses_a_folder_in_use(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    shown = run("train", "--data", SAMPLE, "--out", tmp_path)
    assert "is not empty" in str(shown.exception)


def test_evaluate_needs_items_of_the_split(tmp_path: Path) -> None:
    data = tmp_path / "a.jsonl"
    data.write_text('{"lang": "en", "title": "t", "text": "t", "topics": ["x"], "split": "train"}\n')
    assert "no items of split 'dev'" in str(run("evaluate", "--data", data).exception)


@pytest.mark.parametrize("command", [("train",), ("evaluate",), ("model",), ("model", "show")])
def test_help_has_an_example(command: tuple[str, ...]) -> None:
    shown = run(*command, "--help")
    assert shown.exit_code == 0
    assert f"newswire {command[0]}" in shown.output.partition("Example:")[2]


@pytest.mark.shared
def test_the_shipped_scores_are_the_twins(shared: Path) -> None:
    """The manifest's data digest is that of ../shared/data/desk, so its scores can be measured again."""
    manifest = verify(SHIPPED)
    assert manifest.training.digest == digest(read_examples(shared / "data" / "desk"))
    core = manifest.scores["dev"]["topics"]["core"]
    assert core["macro_f1"] >= 0.78
    assert manifest.scores["dev"]["regions"]["core"]["f1"] >= 0.85
