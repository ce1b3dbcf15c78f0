from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifiers.contract import Item
from classifiers.dataset import DatasetError
from classifiers.gazetteer import KINDS, Form, FormTable, Matcher
from classifiers.region_examples import copies, document_of, opening, region_homes, source_folds
from classifiers.region_hits import OPENING_WORDS, find
from classifiers.region_train import measure, score_regions, train_regions
from classifiers.regions import load_regions

if TYPE_CHECKING:
    from pathlib import Path

NAMES = {"FR": "France", "ES": "Spain", "KE": "Kenya", "PE": "Peru", "JP": "Japan", "NO": "Norway"}
LINES = (
    "{} opens a new railway line",
    "Storm reaches the coast of {}",
    "Parliament of {} votes on the budget",
    "{} wins the final by two goals",
    "Teachers in {} end their strike",
)


def rows(split: str = "train", copies_of_each: int = 8) -> list[dict[str, Any]]:
    made = []
    for number in range(copies_of_each):
        for code, name in NAMES.items():
            for line in LINES:
                other = list(NAMES.values())[(number + len(line)) % len(NAMES)]
                text = f"The news came in the morning, said an agency in {other}. " * (number % 3)
                made.append(
                    {
                        "id": f"{split}-{number}-{code}-{line}",
                        "lang": "en",
                        "title": line.format(name),
                        "text": text,
                        "countries": [code],
                        "source": f"paper {number % 7}",
                        "split": split,
                    }
                )
    return made


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("regions")
    return out, train_regions(rows() + rows("dev", 1), out, seed=3)


def test_what_is_trained_answers(trained: tuple[Path, dict[str, Any]]) -> None:
    out, scores = trained
    assert scores["dev"]["all"]["f1"] > 0.95
    assert scores["dev"]["en"]["items"] == 30.0
    verdict = load_regions(out).classify([document_of("en", "Harbour in Norway closed", "")])[0]
    assert [label.code for label in verdict.labels] == ["NO"]


def test_the_same_rows_and_seed_give_the_same_files(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = trained
    train_regions(rows(), tmp_path, seed=3)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in out.iterdir()
    }


def test_dev_rows_teach_nothing(trained: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    out, _ = trained
    wrong = [{**row, "countries": ["JP"]} for row in rows("dev", 2)]
    scores = train_regions(rows() + wrong, tmp_path, seed=3)
    assert (tmp_path / "regions.npz").read_bytes() == (out / "regions.npz").read_bytes()
    assert scores["dev"]["all"]["f1"] < 0.5


def test_scores_with_the_home_given(trained: tuple[Path, dict[str, Any]]) -> None:
    given = [{**row, "home": "PE"} for row in rows("dev", 1)]
    assert score_regions(given, trained[0], with_home=True)["all"]["items"] == 30.0


def test_measure() -> None:
    found = measure([(["FR", "ES"], ["ES", "FR"]), (["KE"], []), ([], []), ([], ["PE"]), (["JP"], ["JP"])])
    assert found == {
        "f1": pytest.approx(6 / 8),
        "precision": pytest.approx(3 / 4),
        "recall": pytest.approx(3 / 4),
        "exact": pytest.approx(3 / 5),
        "first": pytest.approx(1 / 3),
        "order": 0.0,
        "none_kept": 0.5,
        "items": 5.0,
    }


def test_a_source_has_a_home_when_most_of_its_items_are_about_it() -> None:
    few = [{"source": "few", "lang": "en", "countries": ["FR"]}] * 19
    clear = [{"source": "clear", "lang": "en", "countries": ["FR", "ES"]}] * 12
    clear += [{"source": "clear", "lang": "en", "countries": []}] * 12
    mixed = [{"source": "mixed", "lang": "en", "countries": [code]} for code in ("FR", "ES", "KE")] * 10
    assert region_homes(few + clear + mixed) == {("clear", "en"): "FR"}


def test_copies_of_an_item() -> None:
    row = {"id": "1", "lang": "en", "title": "A headline of more than 25 letters", "text": "word " * 100}
    row |= {"countries": ["FR"], "source": "paper", "home": "FR"}
    found = copies([row])
    forms = [(bool(one.item.title), len(one.item.text), one.item.home) for one in found.documents]
    assert forms == [(True, 500, None), (True, 0, None), (False, 250, None), (True, 500, "FR")]
    assert found.weight.tolist() == [1.0, 0.5, 0.5, 0.5]
    assert set(found.row.tolist()) == {0}
    assert len(set(found.fold.tolist())) == 1
    assert document_of("en", None, None).item == Item("", "")


def test_sources_stay_whole_in_their_folds() -> None:
    many = [{"id": str(n), "source": f"s{n % 9}"} for n in range(90)]
    folds = source_folds(many, 3)
    assert all(len(set(folds[np.arange(90) % 9 == source].tolist())) == 1 for source in range(9))
    assert sorted(np.bincount(folds).tolist()) == [30, 30, 30]
    one = source_folds([{"id": str(n), "source": "only"} for n in range(60)], 3)
    assert set(one.tolist()) == {0, 1, 2}


@pytest.mark.parametrize("countries", [["QQ"], []])
def test_examples_that_teach_no_country_are_one_clear_error(tmp_path: Path, countries: list[str]) -> None:
    taught = [{**row, "countries": countries} for row in rows()]
    with pytest.raises(DatasetError, match="nothing to learn of countries"):
        train_regions(taught, tmp_path, seed=0)


def test_examples_without_any_name_are_one_clear_error(tmp_path: Path) -> None:
    taught = [{**row, "title": "The bridge is closed", "text": ""} for row in rows()]
    with pytest.raises(DatasetError, match="nothing to learn of countries"):
        train_regions(taught, tmp_path, seed=0)


def test_what_stands_after_the_opening_speaks_neither_for_nor_against_a_form() -> None:
    table = FormTable([Form(("france",), "FR", KINDS.index("name"), "any", ("en",), is_stem=False)])
    filler = "word " * OPENING_WORDS
    texts = [("France", filler), ("", "France"), ("Two words", filler + "France"), ("", filler[5:] + "France")]
    hits = find({"en": Matcher(table, "en")}, [document_of("en", *text) for text in texts])
    assert hits.document.tolist() == [0, 1, 2, 3]
    assert opening(hits).document.tolist() == [0, 1, 3]
