"""Finds the GeoNames names that mislead: `python -m classifiers.gazetteer_filter FILE.jsonl.gz...`.

Most names of small towns are words of some language: of the city hits in Arabic news more than half were "the new",
"Thursday" or "the club" (towns in Libya, Algeria, Fiji). A name is rejected where the texts that hold it neither carry
the country as a label nor name the country or its people otherwise, or where it is written small. What is rejected is
frozen in lexicon/rejected.tsv, which `gazetteer_build` reads; the texts themselves leave no other trace.

Input: JSON lines {lang, title, text[, countries][, split]}; rows of the split "dev" are not read.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifiers.gazetteer import CASELESS, KINDS, Form, FormTable, Matcher
from classifiers.gazetteer_build import LATIN, LEXICON, build
from classifiers.text import normalise, tokenise

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

REJECTED = LEXICON / "rejected.tsv"
LEAST_TEXTS = 5  # a name seen in fewer texts of a language is judged by all languages of its script together
LEAST_SUPPORT = {"ar": 0.30, "fa": 0.30}  # of the texts with the name, so many must support the country; Arabic script
LEAST_SUPPORT_CASED = 0.12  # has no capitals to tell names from words
LEAST_LIFT = 4.0  # and Arabic support must be so many times the country's share of all texts, if that is not above
MOST_NEEDED = 0.6  # this share: Saudi papers support any Saudi town by chance, yet four times .4 cannot be
SMALL_SHARE = 0.2  # written small so often, a word is no name
LEAST_SMALL = 3

Key = tuple[str, str]  # normal form, country


def rows_of(paths: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The items of JSON line files (.gz too), but for the dev items: what is chosen here must not have seen them."""
    for path in paths:
        opened = gzip.open(path, "rt", encoding="utf-8") if path.endswith(".gz") else Path(path).open(encoding="utf-8")  # noqa: SIM115 - closed by the with below
        with opened as lines:
            for line in lines:
                row = json.loads(line)
                if row.get("split") != "dev":
                    yield row


class Evidence:
    """Counts over the texts of one language."""

    def __init__(self) -> None:
        self.texts = 0
        self.seen: Counter[Key] = Counter()
        self.supported: Counter[Key] = Counter()
        self.country: Counter[str] = Counter()  # texts that support a country
        self.small: Counter[str] = Counter()  # words written small, by normal form
        self.capital: Counter[str] = Counter()


def count(rows: Iterable[dict[str, Any]], table: FormTable, cities: frozenset[Key]) -> dict[str, Evidence]:
    """What the texts say of each GeoNames name, by language."""
    matchers = {language: Matcher(table, language) for language in table.languages}
    by_language: dict[str, Evidence] = defaultdict(Evidence)
    names = frozenset(form for form, _ in cities)
    for row in rows:
        matcher = matchers.get(row["lang"])
        if matcher is None:
            continue
        title, text = tokenise(row.get("title") or "", row.get("text") or "")
        evidence = by_language[row["lang"]]
        evidence.texts += 1
        found = {(table.keys[form], table.countries[form]) for form in matcher.match(title + text).forms}
        support = set(row.get("countries") or ()) | {
            country for form, country in found if (form, country) not in cities
        }
        evidence.country.update(support)
        for key in found & cities:
            evidence.seen[key] += 1
            evidence.supported[key] += key[1] in support
        if matcher.has_case:
            for word in text[1:]:
                (evidence.capital if word[0].isupper() else evidence.small)[normalise(word)] += 1
    for evidence in by_language.values():
        evidence.small = Counter({word: n for word, n in evidence.small.items() if word in names})
    return by_language


def rejects(key: Key, language: str, own: Evidence, pooled: Evidence) -> bool:
    """Whether the name is to be rejected in the language."""
    if language not in CASELESS:
        small, capital = own.small[key[0]], own.capital[key[0]]
        if small >= LEAST_SMALL and small > SMALL_SHARE * (small + capital):
            return True
    evidence = own if own.seen[key] >= LEAST_TEXTS else pooled
    seen = evidence.seen[key]
    if seen < LEAST_TEXTS:
        return False
    share = evidence.supported[key] / seen
    if language not in LEAST_SUPPORT:
        return share < LEAST_SUPPORT_CASED
    usual = evidence.country[key[1]] / evidence.texts
    return share < max(LEAST_SUPPORT[language], min(LEAST_LIFT * usual, MOST_NEEDED))


def pool(evidences: Iterable[Evidence]) -> Evidence:
    """The counts of several languages, added up."""
    total = Evidence()
    for evidence in evidences:
        total.texts += evidence.texts
        total.seen += evidence.seen
        total.supported += evidence.supported
        total.country += evidence.country
    return total


def main(paths: list[str]) -> None:
    """Writes the names that the texts in `paths` speak against, by group of languages."""
    forms, cities = [], set()
    for (country, kind, case, languages, origin), keys in build(rejected=frozenset()).items():
        for key in keys:
            head = ("" if country == "-" else country, KINDS.index(kind), case, languages)
            forms.append(Form(tuple(key.rstrip("*").split(" ")), *head, is_stem=key.endswith("*")))
            if origin == "geonames":
                cities.add((key, country))
    by_language = count(rows_of(paths), FormTable(forms), frozenset(cities))
    pools = {
        group: pool(by_language[language] for language in group if language in by_language)
        for group in (LATIN, ("ar", "fa"), ("ru",), ("zh",))
    }
    lines = []
    for group, pooled in pools.items():
        rejected: dict[str, list[str]] = defaultdict(list)
        for form, country in sorted(cities):
            bad = [lang for lang in group if rejects((form, country), lang, by_language[lang], pooled)]
            if bad:
                rejected[",".join(bad)].append(form)
        lines += [f"{languages}\t{'|'.join(sorted(set(names)))}\n" for languages, names in sorted(rejected.items())]
    REJECTED.write_text("languages\tforms\n" + "".join(lines), encoding="utf-8")
    print(f"{REJECTED}: {sum(line.count('|') + 1 for line in lines)} names rejected")


if __name__ == "__main__":
    main(sys.argv[1:])
