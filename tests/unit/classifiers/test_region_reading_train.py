"""Regions with an encoder's vectors: what is learnt from them, and what is served."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest

from classifiers.contract import Decision, Document
from classifiers.encoder import ENCODER_WORD, Reading
from classifiers.region_examples import copies, document_of, source_folds
from classifiers.region_features import Places
from classifiers.region_files import MODEL_FILE, read_model
from classifiers.region_reading_train import Vectors, fit_head, teach_reading
from classifiers.region_train import train_regions
from classifiers.regions import THRESHOLD_READ, Regions, load_regions

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from classifiers.encoder import Encoder

NAMES = {"FR": "France", "ES": "Spain", "KE": "Kenya", "JP": "Japan"}
CODES = list(NAMES)
# What no name says and this encoder knows: each country has a dish.
DISHES = {"FR": "croissant", "ES": "paella", "KE": "ugali", "JP": "ramen"}
WIDTH = 12
DIGEST = "ab" * 32


class Gourmet:
    """An encoder whose vector tells the dishes of a text and whether it is a review, with noise of the text's own."""

    def __init__(self) -> None:
        self.read_texts: Counter[str] = Counter()

    def read(self, documents: Sequence[Document]) -> Reading:
        vectors = []
        for document in documents:
            text = f"{document.item.title} {document.item.text}"
            self.read_texts[text] += 1
            vector = np.random.default_rng(sum(text.encode())).normal(size=WIDTH) * 0.2
            vector[: len(CODES)] += [dish in text for dish in DISHES.values()]
            vector[len(CODES)] += "chapter" in text
            vectors.append(vector.astype(np.float32).tobytes())
        return Reading(np.zeros((len(documents), 2)), vectors)


def vectors() -> Vectors:
    return Vectors(cast("Encoder", Gourmet()), DIGEST)


def rows(language: str = "en") -> list[dict[str, Any]]:
    """Items with a name, with a dish, with a name that means nothing, and about no place."""
    made = []
    for number in range(960):
        code, other = CODES[number % 4], CODES[(number // 4) % 4]
        title, countries = {
            0: (f"{NAMES[code]} opens line {number}", [code]),
            1: (f"Cooks of {DISHES[code]} on strike, day {number}", [code]),
            2: (f"Book {number} with a chapter on {NAMES[other]}", []),
            3: (f"Star {number} seen by a telescope", []),
        }[number // 4 % 4 if number % 3 else 1]
        row = {"id": f"{language}{number}", "lang": language, "title": title, "text": "", "countries": countries}
        made.append(row | {"source": f"paper {number % 7}", "split": "train"})
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("regions")
    train_regions(rows(), out, seed=1, vectors=vectors())
    return out


@pytest.fixture(scope="module")
def regions(folder: Path) -> Regions:
    return load_regions(folder, DIGEST)


def read(title: str, language: str = "en") -> Document:
    document = document_of(language, title, "")
    none = float("chapter" in title or "telescope" in title)
    return replace(document, vector=vectors().of([document])[0], wording=(none, 1 - none))


def codes(regions: Regions, document: Document) -> list[str]:
    return [label.code for label in regions.classify([document])[0].labels]


def test_a_country_that_no_name_tells(regions: Regions) -> None:
    title = "A new shop for ramen opens by the lake"
    assert codes(regions, read(title)) == ["JP"]
    assert codes(regions, document_of("en", title, "")) == []
    assert regions.classify([read(title)])[0].tier == "blend"


def test_in_arabic_the_vector_alone_brings_no_country(regions: Regions) -> None:
    assert codes(regions, read("A new shop for ramen opens by the lake", "ar")) == []


def test_a_name_that_the_vector_contradicts(regions: Regions) -> None:
    documents = [read("Paper 4 with a chapter on Kenya"), read("Kenya opens line 9")]
    little, much = (verdict.scores[0].probability for verdict in regions.classify(documents))
    assert little < much


def test_a_vector_is_read_beside_the_wording_alone(regions: Regions) -> None:
    title = "Spain opens line 3"
    half = replace(read(title), wording=())
    assert regions.classify([half]) == regions.classify([document_of("en", title, "")])


def test_documents_with_and_without_a_vector_side_by_side(regions: Regions) -> None:
    titles = [row["title"] for row in rows()[:40]]
    mixed = [read(title) if at % 3 else document_of("en", title, "") for at, title in enumerate(titles)]
    whole = regions.classify(mixed)
    assert whole == [regions.classify([document])[0] for document in mixed]
    assert whole[::-1] == regions.classify(mixed[::-1])
    assert {verdict.threshold for verdict in whole} == {regions.threshold, THRESHOLD_READ}


def test_the_explanation_says_what_the_encoder_changed(regions: Regions) -> None:
    dish, name = read("A new shop for ramen opens by the lake"), read("Spain opens line 3")
    [only] = regions.explain(dish, regions.classify([dish])[0])
    verdict = regions.classify([dish])[0]
    assert (only.code, only.word) == ("JP", ENCODER_WORD)
    assert only.weight == pytest.approx(verdict.labels[0].probability)
    assert "Spain" in {word.word for word in regions.explain(name, regions.classify([name])[0])}
    plain = replace(name, vector=b"", wording=())
    assert ENCODER_WORD not in {word.word for word in regions.explain(plain, regions.classify([plain])[0])}


def test_another_encoders_vectors_are_not_read(folder: Path) -> None:
    title = "A new shop for ramen opens by the lake"
    for other in ("", "cd" * 32):
        verdict = load_regions(folder, other).classify([read(title)])[0]
        assert (verdict.decision, verdict.tier) == (Decision.NONE, "linear")


def test_the_same_rows_and_seed_give_the_same_file(folder: Path, tmp_path: Path) -> None:
    train_regions(rows(), tmp_path, seed=1, vectors=vectors())
    assert (tmp_path / MODEL_FILE).read_bytes() == (folder / MODEL_FILE).read_bytes()


def test_without_a_vector_all_is_as_without_an_encoder(folder: Path, tmp_path: Path, regions: Regions) -> None:
    train_regions(rows(), tmp_path, seed=1)
    assert read_model(tmp_path, DIGEST).reader is None
    documents = [document_of("en", row["title"], "") for row in rows()]
    assert load_regions(tmp_path).classify(documents) == regions.classify(documents)


def test_a_file_of_another_version(folder: Path, tmp_path: Path) -> None:
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    with np.load(folder / MODEL_FILE) as stored:
        content = dict(stored)
    np.savez_compressed(tmp_path / MODEL_FILE, **content | {"read_features": np.array(["read"])})
    assert load_regions(tmp_path).version
    with pytest.raises(ValueError, match="another version"):
        load_regions(tmp_path, DIGEST)


def test_each_text_is_read_once() -> None:
    encoder = Gourmet()
    ours = Vectors(cast("Encoder", encoder), DIGEST)
    documents = [document_of("en", row["title"], "") for row in rows()]
    first = ours.of(documents[:150])
    assert ours.of(documents * 2) == (first + ours.of(documents[150:])) * 2
    assert set(encoder.read_texts.values()) == {1}


def test_what_heads_say_of_a_document_they_have_not_from_its_source() -> None:
    some = rows()
    for row in some:  # one source has a country of its own, which its vectors alone tell
        if row["source"] == "paper 0":
            row["countries"] = ["FR"]
    examples = copies(some)
    places = Places(("ES", "FR", "JP", "KE"), np.empty(0, np.int64), np.empty(0, np.int64))
    marked = [b"".join([np.float32(row["source"] == "paper 0").tobytes(), b"\0" * 4]) for row in some]
    group = source_folds(some, 5)[examples.row]
    taught = teach_reading(examples, [marked[row] for row in examples.row], places, group)
    assert taught is not None
    head, unseen = taught
    mine = np.array([some[row]["source"] == "paper 0" for row in examples.row])
    column = head.countries.tolist().index(1)
    known = head.scores([marked[row] for row in examples.row[mine]])[:, column]
    assert known.min() > unseen.scores[mine, column].max() + 1


def test_too_few_countries_teach_no_head(tmp_path: Path) -> None:
    some = [row | {"countries": ["FR"] if row["countries"] else []} for row in rows()]
    train_regions(some, tmp_path, seed=1, vectors=vectors())
    assert read_model(tmp_path, DIGEST).reader is None


def test_a_head_of_noise_says_the_rate() -> None:
    random = np.random.default_rng(5)
    inputs = random.normal(3, 2, (4000, 6)).astype(np.float32)
    targets = (random.random((4000, 2)) < [0.1, 0.7]).astype(np.float32)
    weights, offsets = fit_head(inputs, targets)
    chance = 1 / (1 + np.exp(-(inputs @ weights + offsets)))
    assert chance.mean(axis=0) == pytest.approx(targets.mean(axis=0), abs=0.01)
    assert chance.std(axis=0).max() < 0.05
