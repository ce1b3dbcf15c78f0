"""What is no news abstains, by kind, and news does not: our own texts, made by a seed."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from classifiers.abstention import reason_to_abstain
from classifiers.contract import Decision, Item
from classifiers.dataset import read_examples
from classifiers.model import Model, load_model, prepare
from classifiers.prose import CHARACTERS, LEAST_WORDS, figures_of, is_prose, symbols_of
from tests.not_news import KINDS

LANGUAGES = frozenset(("ar", "de", "en", "es", "fa", "fr", "it", "pl", "ru", "tr", "zh"))
SAMPLE = Path(__file__).parents[2] / "data" / "desk_sample.jsonl"
COUNT = 400


@pytest.fixture(scope="module")
def shipped() -> Model:
    return load_model()


def prose(text: str, title: str = "") -> bool:
    return is_prose(prepare(Item(title, text)), symbols_of(text[:CHARACTERS]))


# A twentieth of what is cut from programs at random is comments alone, and these are prose: .95 of 400 leaves no room.
@pytest.mark.parametrize(("kind", "least"), [(kind, 0.94 if kind == "code" else 0.97) for kind in KINDS])
def test_what_is_no_news_abstains(shipped: Model, kind: str, least: float) -> None:
    texts = KINDS[kind](random.Random(7), COUNT)
    verdicts = shipped.topics.classify(shipped.prepare([Item("", text) for text in texts]))
    labelled = [text for text, one in zip(texts, verdicts, strict=True) if one.decision is not Decision.ABSTAINED]
    assert len(labelled) <= (1 - least) * COUNT, labelled[:5]


def test_news_does_not() -> None:
    news = [one for one in read_examples(SAMPLE) if one.topics]
    silenced = [one.title for one in news if reason_to_abstain(prepare(one.item), LANGUAGES) is not None]
    assert len(silenced) <= 0.01 * len(news), silenced


@pytest.mark.parametrize(
    "text",
    [
        "Giants Win Playoff Game In Overtime As Fans Storm The Field",  # a headline with function words
        "PENNZOIL SEES LOWER FIRST QUARTER NET BEFORE UNUSUAL ITEM",  # in capitals only
        "Twitter bans president permanently after riot",
        "How the cold changes your garden and what you can do",  # addressed to the reader, as pages are
        "Health minister opens school of music and science in Ankara",  # some sections, and a sentence
        "Facebook's privacy policy breaks the law, a court in Berlin has ruled, and its cookies must go at once.",
        "Sitemizde çerezler",  # too short to tell: reason_to_abstain has a rule for it
        "Tekstas lietuvių kalba, kurios žodžių sąrašo čia nėra, todėl apie jį nieko nesakoma ir jis lieka toks.",
    ],
)
def test_prose_stays(text: str) -> None:
    assert prose(text) or len(text.split()) < 4


@pytest.mark.parametrize(
    "text",
    [
        "World Politics Business Sport Culture Travel Opinion Video Weather Podcasts",
        "© 2019 Example LLC. A Division of Example Universal",
        "Money Markets Lifestyle Real Estate Tech Sports TV Podcasts More",  # "more" is a function word too
        "Home News Business Entertainment Sport Opinion The Node Slideshows",
        "الرئيسية الاقتصاد الرياضة ثقافة وفنون تكنولوجيا أخبار العالم رأي",
        "版权所有 隐私 联系我们 网站地图 免责声明",
        "Subscribe to our newsletter",
    ],
)
def test_menus_and_notices_do_not(text: str) -> None:
    assert not prose(text)


def test_lists_run_into_one_line_have_capitals_and_no_stop() -> None:
    headlines = (
        "Mayor Says Bridge Will Open In Spring Museum Returns Three Statues To Its Neighbours "
        "Rail Strike Enters Its Second Week Why Bakers Are Leaving The Old Town"
    )
    assert not prose(headlines)
    roundup = (
        "Mayor Halvorsen says the bridge will open in spring. The museum returns three statues to its neighbours. "
        "The rail strike enters its second week. Bakers are leaving the old town."
    )
    assert prose(roundup)
    assert prose(roundup.replace(".", ""))  # capitals alone and stops alone do not decide


def test_a_headline_may_have_capitals_alone() -> None:
    assert prose("Port fighting", title="Rebel Gunmen Fiercely Attack Foreign Soldiers Near Port")


def test_every_german_noun_has_a_capital() -> None:
    text = "Bürgermeister und Stadtrat einigen sich auf Sanierung von Brücke und Bahnhof sowie Ausbau der Schule in Neustadt"
    assert prose(text)


def test_figures_are_digits() -> None:
    assert figures_of("Shr 19 cts vs 2.25") == 5
    assert figures_of("٢٠٢٦") == 0


def test_symbols_are_those_of_programs() -> None:
    assert symbols_of("if (a == b) { return x_1[0]; }") == 10
    assert symbols_of("أعلنت وزارة المالية، أمس، «خطة» جديدة (٢٠٢٦).") == 2
    assert symbols_of("") == 0


def test_a_word_more_changes_the_rule_and_not_the_answer() -> None:
    menu = "Home World Politics Business Sport Culture Travel Opinion Video Contact Newsletter Cookies Login Search Weather"
    words = menu.split()
    assert len(words) == LEAST_WORDS
    assert not prose(" ".join(words[:-1]))
    assert not prose(menu)
