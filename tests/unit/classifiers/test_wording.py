"""What the wording says of how many countries a document is about: learnt, stored, passed on, judged by and explained."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from classifiers.model import load_model
from classifiers.region_examples import Examples, copies, document_of
from classifiers.region_files import MODEL_FILE, read_model
from classifiers.region_train import train_regions
from classifiers.regions import THRESHOLD, THRESHOLD_WORDED, Regions, load_regions
from classifiers.terms import fit_terms
from classifiers.topic_files import load_topics, save_topics
from classifiers.topic_train import train_language
from classifiers.train import Plan, train
from classifiers.wording import WORDING_FEATURES, WORDING_WORD
from classifiers.wording_train import fit_wording, unseen_wording, wanted

if TYPE_CHECKING:
    from pathlib import Path

    from classifiers.contract import Document
    from classifiers.dataset import Example

NAMES = {"FR": "France", "ES": "Spain", "KE": "Kenya", "JP": "Japan"}
CODES = list(NAMES)


def rows() -> list[dict[str, object]]:
    """Items about a country, and recipes and studies that name one, at the same place, and are about none."""
    made = []
    for number in range(960):
        code, other = CODES[number % 4], CODES[(number // 4) % 4]
        title, countries = {
            0: (f"Parliament of {NAMES[code]} votes on budget {number}", [code]),
            1: (f"Storm in {NAMES[code]} sinks a boat {number}", [code]),
            2: (f"Recipe from {NAMES[other]} cooks with onions {number}", []),
            3: (f"Study in {NAMES[other]} praises long sleep {number}", []),
        }[number // 4 % 4]
        row = {"id": f"en{number}", "lang": "en", "title": title, "text": "", "countries": countries}
        made.append(row | {"source": f"paper {number % 7}", "split": "train"})
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("regions")
    train_regions(rows(), out, seed=1)
    return out


@pytest.fixture(scope="module")
def regions(folder: Path) -> Regions:
    return load_regions(folder)


def worded(title: str, *, none: float, countries: float) -> Document:
    return replace(document_of("en", title, ""), wording=(none, countries))


def test_what_is_to_be_learnt() -> None:
    assert wanted([[], ["FR"], ["FR", "ES", "KE", "JP"]]).tolist() == [[1, 0], [0, 1], [0, 3]]
    assert wanted([]).shape == (0, len(WORDING_FEATURES))


def test_maps_tell_items_about_no_place() -> None:
    examples = copies(rows())
    terms = fit_terms(examples.documents, 2)
    wording = fit_wording(terms.transform(examples.documents).matrix, examples.countries)
    new = [document_of("en", title, "") for title in ("Recipe from Japan with onions", "Parliament of Japan votes")]
    recipe, vote = wording.scores(terms.transform(new)).tolist()
    assert recipe[0] > 0.7 > 0.3 > vote[0]
    assert recipe[1] < 0.3 < 0.7 < vote[1]


def test_a_score_does_not_depend_on_the_batch() -> None:
    documents = copies(rows()).documents[:90]
    terms = fit_terms(documents, 2)
    wording = fit_wording(terms.transform(documents).matrix, [row["countries"] for row in rows()[:90]])
    together = wording.scores(terms.transform(documents))
    assert together.tolist() == [wording.scores(terms.transform([one])).tolist()[0] for one in documents]


def test_maps_have_not_learnt_the_source_that_they_speak_of() -> None:
    some = rows()
    for row in some:  # one source has a word of its own, and its recipes and studies are about countries
        if row["source"] == "paper 0":
            row["title"], row["countries"] = f"Gazette: {row['title']}", ["FR"]
    examples = copies(some)
    mine = np.array([some[row]["source"] == "paper 0" for row in examples.row])
    is_recipe = np.array(["Recipe" in document.item.title for document in examples.documents])
    unseen = unseen_wording(examples, mine.astype(np.int64))
    seen = unseen_wording(examples, examples.row % 2)
    assert unseen[mine & is_recipe, 0].min() > seen[mine & is_recipe, 0].max() + 0.2


def test_a_language_of_few_items_has_the_means() -> None:
    documents = [document_of("pl", "Zupa", "")] * 8
    few = Examples(documents, [["PL"]] * 6 + [[]] * 2, np.arange(8), np.zeros(8, np.int64), np.ones(8))
    assert unseen_wording(few, np.arange(8) % 2).tolist() == [[0.25, 0.75]] * 8


def test_a_name_counts_less_where_the_wording_is_of_no_place(regions: Regions) -> None:
    documents = [worded("Boat of Kenya found at sea", none=none, countries=1 - none) for none in (0.0, 1.0)]
    much, little = (verdict.scores[0].probability for verdict in regions.classify(documents))
    assert much > 0.8 > 0.4 > little


def test_documents_with_and_without_wording_side_by_side(regions: Regions) -> None:
    titles = [str(row["title"]) for row in rows()[:40]]
    mixed = [
        worded(title, none=at % 2, countries=1 - at % 2) if at % 3 else document_of("en", title, "")
        for at, title in enumerate(titles)
    ]
    whole = regions.classify(mixed)
    assert whole == [regions.classify([document])[0] for document in mixed]
    assert whole[::-1] == regions.classify(mixed[::-1])
    assert {verdict.threshold for verdict in whole} == {THRESHOLD, THRESHOLD_WORDED}
    assert {verdict.tier for verdict in whole} == {"linear"}


def test_the_explanation_says_what_the_wording_changed(regions: Regions) -> None:
    document = worded("Boat of Kenya found at sea", none=0.0, countries=1.0)
    plain = replace(document, wording=())
    [verdict], [before] = regions.classify([document]), regions.classify([plain])
    words = {word.word: word.weight for word in regions.explain(document, verdict)}
    assert words[WORDING_WORD] == pytest.approx(verdict.scores[0].probability - before.scores[0].probability)
    assert words["Kenya"] > 0
    assert WORDING_WORD not in {word.word for word in regions.explain(plain, before)}


def test_a_model_of_an_earlier_version_reads_names_alone(folder: Path, tmp_path: Path, regions: Regions) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with np.load(folder / MODEL_FILE) as stored:
        content = {name: column for name, column in stored.items() if not name.startswith("worded_")}
    np.savez_compressed(tmp_path / MODEL_FILE, **content)
    assert read_model(tmp_path).worded is None
    document = worded("Boat of Kenya found at sea", none=1.0, countries=0.0)
    plain = regions.classify([replace(document, wording=())])
    assert load_regions(tmp_path).classify([document]) == plain


def test_a_file_of_another_version(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with np.load(folder / MODEL_FILE) as stored:
        content = dict(stored)
    np.savez_compressed(tmp_path / MODEL_FILE, **content | {"worded_features": np.array(["wording_none"])})
    with pytest.raises(ValueError, match="another version"):
        load_regions(tmp_path)


def test_the_topics_model_carries_it_to_the_countries(examples: list[Example], tmp_path: Path) -> None:
    turkish = [example for example in examples if example.language == "tr"]
    codes = sorted({code for example in turkish for code in example.topics})
    model, _ = train_language(turkish, codes, seed=0, teach_places=True)
    save_topics(tmp_path, codes, {"tr": model})
    topics = load_topics(tmp_path, "1")
    documents = [document_of("tr", example.title, example.text) for example in turkish]
    verdicts = topics.classify(documents)
    assert model.wording is not None
    scores = model.wording.scores(topics.models["tr"].terms.transform(documents))
    assert [list(verdict.wording) for verdict in verdicts] == scores.tolist()
    without, _ = train_language(turkish, codes, seed=0)
    assert without.wording is None
    assert without.probabilities(documents[:2]).wording == [(), ()]


def test_examples_that_teach_no_countries_teach_no_wording(examples: list[Example], tmp_path: Path) -> None:
    """Their model has the shipped countries, which would take every item of theirs for one about no place."""
    turkish = [replace(example, countries=()) for example in examples if example.language == "tr"]
    train(turkish, [], tmp_path, Plan("own", "1", "2026-01-01T00:00:00+00:00"), lambda *_: None)
    model = load_model(tmp_path)
    documents = model.prepare([example.item for example in turkish])
    topics, regions = model.classify(documents)
    assert {verdict.wording for verdict in topics} == {()}
    assert {verdict.threshold for verdict in regions} == {THRESHOLD}


def test_the_shipped_model_hands_it_over(examples: list[Example]) -> None:
    model = load_model()
    documents = model.prepare([example.item for example in examples])
    topics, regions = model.classify(documents)
    assert all(len(verdict.wording) == len(WORDING_FEATURES) for verdict in topics if verdict.scores)
    assert {verdict.threshold for verdict in regions} == {THRESHOLD_WORDED}
