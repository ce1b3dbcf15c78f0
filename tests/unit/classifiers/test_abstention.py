from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING

import pytest

from classifiers.abstention import is_no_prose, reason_to_abstain
from classifiers.contract import AbstainReason, Item
from classifiers.model import prepare

if TYPE_CHECKING:
    from classifiers.dataset import Example

LANGUAGES = frozenset(("ar", "tr", "en", "zh"))
TOO_SHORT, NOT_NEWS, UNSUPPORTED = (
    AbstainReason.TOO_SHORT,
    AbstainReason.NOT_NEWS,
    AbstainReason.UNSUPPORTED_LANGUAGE,
)
RANDOM = random.Random(11)


def reason(title: str, text: str = "") -> AbstainReason | None:
    return reason_to_abstain(prepare(Item(title, text)), LANGUAGES)


CODE = """
def main(arguments):
    options = {"verbose": True, "paths": []}
    for index, value in enumerate(arguments):
        if value == "--help":
            print(usage()); return 0
        options["paths"].append(value)
    result = [load(path) for path in options["paths"]]
    return max(len(item) for item in result) if result else 1
"""
LINKS = "\n".join(f"https://example.org/stories/{number}.html More" for number in range(20))
MENU = "Home\nNews\nWorld\nSport\nContact us\nAbout\nSign in\nNewsletter\nPrivacy\nTerms"
KEYWORDS = "cheap flights hotel deals " * 40
TABLE = "\n".join(f"{number} | {number * 7.5:.2f} | {number * 3} | 2024-01-{number:02d}" for number in range(10, 30))
BRIEFS = """The council met at noon.
Rain stopped the tennis final.
Two roads in the valley are closed.
A new bakery opened beside the station.
Police look for a missing boat.
Exports of apples grew last month.
The choir sings in the old church tonight.
Firemen saved a horse from the canal.
School starts on Monday.
The mayor will speak at eight."""
RESULTS = """Net profit 163,016 vs 23,527
Shr 19 cts vs 10 cts
Revs 250,469 vs 48,473
Nine months
Net profit 414,200 vs 98,411
Shr 51 cts vs 43 cts
Revs 720,200 vs 193,600
Dividend 4 cts vs 3 cts"""
HEADLINES = """47 Sailors Rescued Off The Northern Coast
Mayor Says Bridge Will Open In Spring
'Harvest Of The Century' Expected In The Valley
Museum Returns Three Statues To Its Neighbours
Rail Strike Enters Its Second Week
Why Bakers Are Leaving The Old Town
Coach Blames The Wind For Lost Final
Two New Schools Planned Near The Harbour"""
WIRED = """عاجل وزير الطاقة يلتقي نظيره الأردني ويوقعان اتفاقية ربط كهربائي جديدة بحضور سفراء دول عربية وأوروبية"""
LETTERS = " ".join("".join(RANDOM.choices(string.ascii_lowercase, k=RANDOM.randrange(3, 9))) for _ in range(60))
PRINTABLE = "".join(RANDOM.choices(string.printable, k=400))


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (TOO_SHORT, ""),
        (TOO_SHORT, "Rain"),
        (TOO_SHORT, "Rain in Ankara"),
        (TOO_SHORT, "天气"),
        (TOO_SHORT, "12 34 56 78 90"),
        (NOT_NEWS, CODE),
        (NOT_NEWS, LINKS),
        (NOT_NEWS, MENU),
        (NOT_NEWS, KEYWORDS),
        (NOT_NEWS, TABLE),
        (NOT_NEWS, HEADLINES),
        (NOT_NEWS, HEADLINES.replace("\n", " | ")),
        (NOT_NEWS, HEADLINES.replace("\n", " ")),
        (NOT_NEWS, LETTERS),
        (NOT_NEWS, PRINTABLE),
        (UNSUPPORTED, "Ministerstvo zdravotnictví oznámilo, že očkování začne příští týden ve všech městech."),
        (UNSUPPORTED, "Sağlıq Nazirliyi peyvənd kampaniyasının gələn həftə bütün rayonlarda başlayacağını açıqladı."),
        (UNSUPPORTED, "سەرۆکی حکوومەت ڕایگەیاند کە پڕۆژە نوێیەکان لە مانگی داهاتوودا دەست پێ دەکەن."),
        (UNSUPPORTED, "משרד הבריאות הודיע כי מבצע החיסונים יתחיל בשבוע הבא בכל הערים."),
    ],
    ids=lambda value: value if isinstance(value, AbstainReason) else value.strip()[:20].replace("\n", " "),
)
def test_what_gets_no_answer(why: AbstainReason, text: str) -> None:
    assert reason("", text) is why


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Floods cut off villages in northern Pakistan", ""),
        ("", "Deprem: Malatya'da 4,9 büyüklüğünde sarsıntı https://example.org/x"),  # one link is news
        ("", "عاجل | زلزال يضرب غربي إيران https://example.org/a #إيران_زلزال"),
        ("Shares rise; oil falls; gold steady", "Brent at 71.20, up 1.5 (2.1 percent), the dollar at 0.92 euros."),
        ("卫生部宣布疫苗接种开始", ""),
        ("Day in brief", BRIEFS),
        ("Day in brief", BRIEFS.replace("\n", " ")),
        ("Quarry Company third quarter", RESULTS),
        ("Quarry Company third quarter", RESULTS.replace("\n", " ")),
        ("", WIRED),  # sixteen words and no function word
    ],
)
def test_news_is_let_through(title: str, text: str) -> None:
    assert reason(title, text) is None


def test_the_sample_is_let_through(examples: list[Example]) -> None:
    assert [example.id for example in examples if reason(example.title, example.text)] == []


def test_a_long_text_is_not_judged_by_what_was_not_scanned() -> None:
    words = " ".join(f"word{number}" for number in range(400))
    assert not is_no_prose(prepare(Item("", words + " 1 2 3 4" * 500)))
