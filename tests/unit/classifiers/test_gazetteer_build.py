from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from classifiers import gazetteer_build
from classifiers.gazetteer import KINDS, FormTable, Matcher, read_table
from classifiers.gazetteer_build import HEADER, LANGUAGES, LEXICON, OUTPUT, inflect, nisba, normal_form
from classifiers.text import normalise, tokenise

if TYPE_CHECKING:
    from pathlib import Path

MOST_BYTES = 3_000_000


@pytest.fixture(scope="module")
def table() -> FormTable:
    return read_table(OUTPUT)


def countries(table: FormTable, language: str, text: str) -> set[str]:
    forms = Matcher(table, language).match(tokenise(text, "")[0]).forms
    return {table.countries[form] for form in forms} - {""}


def test_an_arabic_adjective_takes_gender_number_and_article() -> None:
    forms = set(nisba("سوري"))
    assert {"سوري", "سورية", "السوريين", "السوريون", "السوريات", "سوريا"} <= forms
    assert len(forms) == 18


def test_an_arabic_adjective_of_two_words_agrees() -> None:
    assert {"كوري جنوبي", "الكورية الجنوبية", "الكوريين الجنوبيين"} <= set(nisba("كوري جنوبي"))
    assert {"جنوب أفريقي", "الجنوب أفريقية", "جنوب الأفريقية"} <= set(nisba("جنوب أفريقي"))


def test_a_turkish_demonym_takes_the_plural_of_its_vowels() -> None:
    assert tuple(inflect("=Alman", "demonym", "tr")) == ("Alman", "Almanlar")
    assert tuple(inflect("Suriyeli", "demonym", "tr")) == ("Suriyeli", "Suriyeliler")


@pytest.mark.parametrize(
    ("surface", "form"),
    [
        ("Türkiye", "türkiye"),
        ("İstanbul", "istanbul"),
        ("U.S.", "us"),
        ("Cote d'Ivoire", "cote ivoire"),
        ("المملكة المتحدة", "المملكه المتحده"),
        ("polsk*", "polsk*"),
        ("纳戈尔诺-卡拉巴赫", "纳戈尔诺卡拉巴赫"),
        ("3", ""),
    ],
)
def test_normal_form(surface: str, form: str) -> None:
    assert normal_form(surface) == form


def test_the_committed_table_is_what_the_lists_and_packages_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gazetteer_build, "OUTPUT", tmp_path / "forms.tsv")
    gazetteer_build.main()
    assert (tmp_path / "forms.tsv").read_bytes() == OUTPUT.read_bytes(), "run python -m classifiers.gazetteer_build"


def test_the_table_names_its_sources_and_is_small() -> None:
    text = OUTPUT.read_text(encoding="utf-8")
    assert text.startswith(HEADER)
    assert "CC BY 4.0" in HEADER
    assert "Unicode License" in HEADER
    assert OUTPUT.stat().st_size <= MOST_BYTES
    origins = {line.split("\t")[4] for line in text.splitlines() if not line.startswith("#")}
    assert origins == {"own", "cldr", "geonames"}


def test_every_form_is_normal(table: FormTable) -> None:
    words = {word for key in table.keys for word in key.rstrip("*").split(" ")}
    assert not [word for word in words if normalise(word) != word or not word]


def test_every_language_names_every_large_country(table: FormTable) -> None:
    assert table.languages == set(LANGUAGES)
    large = {"AR", "AU", "BD", "BR", "CA", "CN", "DE", "DZ", "EG", "ES", "FR", "GB", "ID", "IN", "IQ", "IR", "IT", "JP"}
    large |= {
        "KE",
        "KR",
        "MA",
        "MM",
        "MX",
        "NG",
        "PH",
        "PK",
        "PL",
        "PS",
        "RU",
        "SA",
        "SD",
        "SY",
        "TH",
        "TR",
        "UA",
        "US",
    }
    for language in LANGUAGES:
        named = {
            table.countries[number]
            for entries in (*table.whole[language].values(), *table.stems.get(language, {}).values())
            for _, number, _ in entries
            if KINDS[table.kinds[number]] in {"name", "demonym"}
        }
        assert large <= named, (language, large - named)


@pytest.mark.parametrize(
    ("language", "text", "country"),
    [
        ("ar", "السلفادوريين والنيباليات", {"SV", "NP"}),
        ("ar", "الكورية الشمالية", {"KP"}),
        ("tr", "Kırgızların Şırnak'taki", {"KG", "TR"}),
        ("en", "Ghanaian and Kyrgyz officials", {"GH", "KG"}),
        ("de", "der isländischen Regierung", {"IS"}),
        ("fr", "les autorités tchadiennes", {"TD"}),
        ("es", "la cancillería hondureña", {"HN"}),
        ("it", "il governo maltese", {"MT"}),
        ("pl", "słowackiego rządu", {"SK"}),
        ("ru", "киргизского правительства", {"KG"}),
        ("fa", "نیروهای سوری", {"SY"}),
        ("zh", "韩国外长访问越南", {"KR", "VN"}),
    ],
)
def test_demonyms(table: FormTable, language: str, text: str, country: set[str]) -> None:
    assert countries(table, language, text) == country


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ar", "الوضع المالي الجديد يوم الخميس في نادي المدينة"),
        ("tr", "Adalet ve su için para tamam dedi, Salı günü"),
        ("en", "The date of the sale was nice. Most come for the rest."),
    ],
)
def test_words_that_geonames_takes_for_towns_are_rejected(table: FormTable, language: str, text: str) -> None:
    assert countries(table, language, text) == set()


def test_every_list_is_well_formed() -> None:
    for path in sorted(LEXICON.glob("*.tsv")):
        if path == OUTPUT:
            continue
        lines = path.read_text(encoding="utf-8").splitlines()
        columns = len(lines[0].split("\t"))
        assert all(len(line.split("\t")) == columns for line in lines), path.name
        assert not [line for line in lines[1:] if re.search(r"\|\||\|\t|\|$| \||\| ", line)], path.name


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "language", "least"),
    [
        ("arabic", "ar", 0.85),
        ("turkish", "tr", 0.85),
        ("english", "en", 0.9),
        ("german", "de", 0.7),
        ("french", "fr", 0.7),
    ],
)
def test_coverage_of_another_list(shared: Path, table: FormTable, name: str, language: str, least: float) -> None:
    """Countries whose names and demonyms in another project's list our forms find; the list itself is not used."""
    text = (shared / "data" / "regions" / "gazetteer" / "newsmap" / f"{name}.yml").read_text(encoding="utf-8")
    rows = re.findall(r"'([A-Z]{2})':\s*\[(.*?)\]", text, re.DOTALL)
    matcher = Matcher(table, language)
    found = 0
    for country, words in rows:
        surfaces = [word.strip("'\"* ").replace("\t", " ") for word in words.split(",")]
        forms = [form for surface in surfaces for form in matcher.match(tokenise(surface, "")[0]).forms]
        found += any(table.countries[form] == country for form in forms)
    assert found / len(rows) >= least
