"""The fast copies of wire.py and of label_article say what those say."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import AbstainReason, Decision, Document, Item, Score, Verdict
from streams import wire
from streams.agents.label import Author, Claim, accepted_countries, accepted_topics, label_article, write_labelled
from streams.agents.routes import MAX_KNOWN, Routes, Stamp
from streams.articles import decode_article, decode_labelled, encode
from tests.keyword_model import COUNTRIES, LABELS, TOPICS
from tests.pipeline import item

NOW = "2026-03-01T12:00:00.000Z"
AUTHOR = Author("desk", "1", LABELS)
UNKNOWN = "99000000", "XX"

probabilities = st.floats(0, 1)


def verdicts(codes: list[str]) -> st.SearchStrategy[Verdict]:
    scores = st.lists(
        st.builds(Score, st.sampled_from(codes), probabilities, st.sampled_from(["text", "source-prior"])),
        max_size=6,
        unique_by=lambda s: s.code,
    )
    assigned = st.builds(
        lambda labels, others: Verdict(Decision.ASSIGNED, tuple(labels), tuple(labels[:1] + others), 0.4),
        scores.filter(bool),
        scores,
    )
    return (
        assigned
        | st.just(Verdict(Decision.ABSTAINED, (), (), 0.4, AbstainReason.TOO_SHORT))
        | st.just(Verdict(Decision.NONE, (), (), 0.4))
    )


subjects = st.none() | st.just(
    [{"literal": "house:1"}, {"literal": "medtop:15000000", "creator": "urn:newswire:model:desk:0"}]
)
places = st.none() | st.lists(
    st.sampled_from([{"literal": "iso3166-1a2:YE", "rel": "about"}, {"literal": "iso3166-1a2:DE"}, {"name": "Aden"}]),
    min_size=1,
    max_size=3,
)
traces = st.sampled_from([None, b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", b"damaged", b""])


@given(
    verdicts([*TOPICS.values(), UNKNOWN[0]]),
    verdicts([*COUNTRIES.values(), UNKNOWN[1]]),
    subjects,
    places,
    traces,
    st.sampled_from(["", "\n", "  \t\n"]),
)
def test_value_streams_and_headers_are_those_of_the_whole_article(
    topics: Verdict,
    regions: Verdict,
    own_subjects: list[dict[str, str]] | None,
    own_places: list[dict[str, str]] | None,
    trace: bytes | None,
    blank: str,
) -> None:
    members = {k: v for k, v in (("subjects", own_subjects), ("places", own_places)) if v is not None}
    value = (blank + json.dumps(item(1, "text", version="2", **members), indent=1, ensure_ascii=False) + blank).encode()
    article = decode_article(value)
    claim = Claim(Document(Item("", ""), "ar", 0.91234, [], []), topics, regions)
    whole = label_article(article, claim, AUTHOR, NOW)

    written = write_labelled(value, article, claim, AUTHOR, NOW)
    assert decode_labelled(written) == decode_labelled(encode(whole))

    codes = tuple(s.code for s in accepted_topics(topics)), tuple(s.code for s in accepted_countries(regions))
    route = Routes(LABELS).of(*codes)
    assert list(route.streams) == wire.streams_of(whole, LABELS)
    incoming = [("own", b"1")] + ([("traceparent", trace)] if trace is not None else [])
    headers = Stamp(NOW).headers(article, article.uri.encode(), "ar", route, incoming)
    assert headers == wire.labelled_headers(whole, LABELS, incoming)


@pytest.mark.parametrize("text", ["short", "ends with }", "\u2028 \\ \" ' {[", "عاجل"])
def test_what_is_not_added_stays_as_it_came_to_the_byte(text: str) -> None:
    value = json.dumps(item(1, text)).encode()
    article = decode_article(value)
    nothing = Verdict(Decision.NONE, (), (), 0.4)
    claim = Claim(Document(Item("", ""), "ar", 0.9, [], []), nothing, nothing)
    assert write_labelled(value, article, claim, AUTHOR, NOW).startswith(value[:-1])


def test_a_prefix_stands_before_every_stream() -> None:
    assert Routes(LABELS, "x.").of(("15000000",), ("YE",)).streams == (
        "x.news.labelled",
        "x.news.topic.sport",
        "x.news.region.western-asia",
    )


def test_routes_of_many_combinations_do_not_fill_the_memory() -> None:
    routes = Routes(LABELS)
    for number in range(MAX_KNOWN + 10):
        routes.of((str(number),), ())
    assert len(routes._known) == 10
