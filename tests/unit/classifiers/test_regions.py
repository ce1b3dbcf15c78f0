from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import classifiers
from classifiers.contract import AbstainReason, Decision, Document, Item
from classifiers.region_features import ACCEPTING
from classifiers.region_files import FORMS_FILE, MODEL_FILE
from classifiers.regions import MOST_COUNTRIES, Regions, load_regions
from classifiers.text import tokenise

SHIPPED = Path(classifiers.__file__).parent / "models" / "newswire"


@pytest.fixture(scope="module")
def regions() -> Regions:
    return load_regions(SHIPPED)


def document(language: str, title: str, text: str = "", home: str | None = None) -> Document:
    return Document(Item(title, text, None, home), language, 0.99, *tokenise(title, text))


# Our own sentences. What is expected is what a reader would say at once.
EXPECTED = [
    ("ar", "وزير الخارجية التركي يبحث في دمشق مع نظيره السوري عودة اللاجئين", {"TR", "SY"}),
    ("ar", "البرلمان اللبناني يؤجل جلسة انتخاب الرئيس", {"LB"}),
    ("ar", "الفلبين تحتج لدى الصين بعد حادث في بحر الصين الجنوبي", {"PH", "CN"}),
    ("ar", "ألمانيا تفوز على البرازيل في مباراة ودية", {"DE", "BR"}),
    ("tr", "Japonya'da 6,2 büyüklüğünde deprem", {"JP"}),
    ("tr", "Erzurum'da kar yağışı köy yollarını kapattı", {"TR"}),
    ("tr", "Yunanistan ile Bulgaristan arasında yeni gaz boru hattı açıldı", {"GR", "BG"}),
    ("en", "Kenya and Ethiopia agree to reopen their border crossing", {"KE", "ET"}),
    ("en", "Canadian wildfire smoke reaches Toronto", {"CA"}),
    ("en", "quake kills four in peru", {"PE"}),
    ("de", "Erdbeben in Chile: Behörden warnen vor Nachbeben", {"CL"}),
    ("fr", "Le président sénégalais attendu à Dakar", {"SN"}),
    ("es", "El gobierno de Bolivia anuncia elecciones", {"BO"}),
    ("pl", "Premier Ukrainy z wizytą w Warszawie", {"UA", "PL"}),
    ("fa", "رئیس جمهور افغانستان به پاکستان سفر کرد", {"AF", "PK"}),
    ("zh", "法国和德国领导人举行会谈", {"FR", "DE"}),
]


@pytest.mark.parametrize(("language", "title", "countries"), EXPECTED, ids=[title[:30] for _, title, _ in EXPECTED])
def test_countries_of_a_headline(regions: Regions, language: str, title: str, countries: set[str]) -> None:
    verdict = regions.classify([document(language, title)])[0]
    assert {label.code for label in verdict.labels} == countries
    assert verdict.decision is Decision.ASSIGNED


def test_no_place_is_an_answer(regions: Regions) -> None:
    verdict = regions.classify([document("en", "Five exercises for a stronger back", "Stretch every morning.")])[0]
    assert verdict == (Decision.NONE, (), verdict.scores, regions.threshold, None, "linear", b"", ())


def test_abstains_without_words_and_in_a_language_without_forms(regions: Regions) -> None:
    empty, strange = regions.classify([document("en", "", " 1 % "), document("ka", "საქართველო")])
    assert (empty.decision, empty.reason) == (Decision.ABSTAINED, AbstainReason.TOO_SHORT)
    assert (strange.decision, strange.reason) == (Decision.ABSTAINED, AbstainReason.UNSUPPORTED_LANGUAGE)


def test_an_empty_batch_is_answered(regions: Regions) -> None:
    assert regions.classify([]) == []


def test_a_verdict_is_well_formed(regions: Regions) -> None:
    title = "Leaders of Iran, Iraq, Syria, Lebanon, Jordan and Egypt meet in Cairo"
    text = "Iran and Iraq spoke first. Syria, Lebanon and Jordan agreed. Egypt, the host, thanked Iran, Iraq and Syria."
    verdict = regions.classify([document("en", title, text)])[0]
    assert len(verdict.labels) == MOST_COUNTRIES
    assert len(verdict.scores) == 5
    probabilities = [score.probability for score in verdict.scores]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(0 < probability < 1 for probability in probabilities)
    assert set(verdict.labels) <= set(verdict.scores)


def test_a_country_that_only_the_feed_names_is_marked(regions: Regions) -> None:
    titles = ["The mayor opens a new school", "Council votes on the budget", "Police close the bridge"]
    verdicts = regions.classify([document("en", title, home="NZ") for title in titles])
    methods = [score.method for verdict in verdicts for score in verdict.scores if score.code == "NZ"]
    assert methods == ["source-prior"] * 3
    named = regions.classify([document("en", "The mayor of Auckland opens a school", home="NZ")])[0]
    assert [(label.code, label.method) for label in named.labels] == [("NZ", "text")]


def test_nothing_but_names_speaks_for_a_country(regions: Regions) -> None:
    titles = ["Police close the bridge", "Governor signs the school bill", "Quarterback out for the season"]
    verdicts = regions.classify([document("en", title) for title in titles])
    assert [verdict.decision for verdict in verdicts] == [Decision.NONE] * 3


def test_a_title_that_repeats_the_opening_is_no_headline(regions: Regions) -> None:
    text = "سفينة صينية ترش المياه على قارب فلبيني قرب جزيرة متنازع عليها، ومانيلا تحتج لدى بكين."
    alone, cut = regions.classify([document("ar", "", text), document("ar", text[:40], text)])
    assert {label.code for label in alone.labels} == {"CN", "PH"}
    assert cut == alone


def test_an_unknown_home_is_ignored(regions: Regions) -> None:
    assert regions.classify([document("en", "Police close the bridge", home="QQ")])[0].scores == ()


WORDS = [word for _, title, _ in EXPECTED for word in title.split()]
TEXTS = st.lists(st.sampled_from(WORDS), max_size=40).map(" ".join) | st.text(max_size=60)
DOCUMENTS = st.builds(
    document,
    st.sampled_from(["ar", "tr", "en", "fa", "de", "es", "fr", "it", "pl", "ru", "zh", "ka", "und"]),
    TEXTS,
    TEXTS,
    st.sampled_from([None, "TR", "SA", "US", "QQ"]),
)


@settings(deadline=None, max_examples=60)
@given(st.lists(DOCUMENTS, min_size=1, max_size=8), st.randoms())
def test_a_verdict_does_not_depend_on_the_batch(documents: list[Document], random) -> None:
    regions = load_once()
    together = regions.classify(documents)
    assert together == [regions.classify([one])[0] for one in documents]
    order = list(range(len(documents)))
    random.shuffle(order)
    assert regions.classify([documents[index] for index in order]) == [together[index] for index in order]
    for one, verdict in zip(documents, together, strict=True):
        evidence = regions.explain(one, verdict)
        assert {word.code for word in evidence} <= {label.code for label in verdict.labels}


_LOADED: list[Regions] = []


def load_once() -> Regions:
    """Hypothesis takes no module fixture; loading at every example would cost a minute."""
    if not _LOADED:
        _LOADED.append(load_regions(SHIPPED))
    return _LOADED[0]


def test_the_explanation_names_the_words_that_carried_each_country(regions: Regions) -> None:
    one = document("ar", "وزير الخارجية التركي يصل إلى دمشق", "التقى الوزير التركي مسؤولين سوريين.")
    evidence = regions.explain(one, regions.classify([one])[0])
    words = {(word.code, word.word) for word in evidence}
    assert ("TR", "التركي") in words
    assert {("SY", "دمشق"), ("SY", "سوريين")} & words
    assert all(code in {"TR", "SY"} for code, _ in words)
    assert max(evidence, key=lambda word: word.weight).weight > 0.05


def test_the_explanation_of_a_phrase_gives_the_phrase(regions: Regions) -> None:
    one = document("en", "South Korea raises rates")
    assert [word.word for word in regions.explain(one, regions.classify([one])[0])] == ["South Korea"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    for name in (MODEL_FILE, FORMS_FILE):
        shutil.copyfile(SHIPPED / name, tmp_path / name)
    return tmp_path


def test_a_changed_form_table_is_refused(copied: Path) -> None:
    with (copied / FORMS_FILE).open("a", encoding="utf-8") as table:
        table.write("FR\tcity\tcap\ten\town\tatlantis\n")
    with pytest.raises(ValueError, match="is not the form table"):
        load_regions(copied)


def test_a_model_without_a_part_is_refused(copied: Path) -> None:
    with np.load(copied / MODEL_FILE) as stored:
        parts = {name: stored[name] for name in stored.files if name != "reliability"}
    np.savez(copied / MODEL_FILE, **parts)
    with pytest.raises(ValueError, match="lacks 'reliability"):
        load_regions(copied)


def test_a_model_of_other_features_is_refused(copied: Path) -> None:
    with np.load(copied / MODEL_FILE) as stored:
        parts = {name: stored[name] for name in stored.files}
    parts["features"] = parts["features"][::-1]
    np.savez(copied / MODEL_FILE, **parts)
    with pytest.raises(ValueError, match="another version"):
        load_regions(copied)


def test_a_model_of_an_earlier_version_is_read(copied: Path) -> None:
    with np.load(copied / MODEL_FILE) as stored:
        parts = {name: stored[name] for name in stored.files if not name.startswith("context")}
    parts["features"] = parts["features"][:ACCEPTING]
    np.savez(copied / MODEL_FILE, **parts)
    verdict = load_regions(copied).classify([document("en", "Earthquake in Peru")])[0]
    assert [label.code for label in verdict.labels] == ["PE"]


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="regions"):
        load_regions(tmp_path)
