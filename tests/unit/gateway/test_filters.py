from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.articles import encode
from streams.errors import InvalidError
from streams.gateway.filters import EVERYTHING, passes, selection_of
from streams.gateway.items import Labelled, entry_of
from streams.kafka.link import Record
from streams.kafka.selection import Selection, chosen
from streams.wire import LABELLED, labelled_headers
from tests.unit.gateway.examples import LABELS, article, entry

TOPICS = ["sport", "economy", "politics"]
COUNTRIES = ["TR", "EG", "DE", "AQ"]
REGIONS = ["western-asia", "northern-africa", "western-europe"]
sure = st.integers(0, 100)


@given(
    topics=st.dictionaries(st.sampled_from(TOPICS), sure, max_size=3),
    countries=st.dictionaries(st.sampled_from(COUNTRIES), sure, max_size=3),
    language=st.sampled_from(["tr", "ar"]),
    wanted=st.builds(
        Selection,
        st.frozensets(st.sampled_from(TOPICS), max_size=2),
        st.frozensets(st.sampled_from(REGIONS), max_size=2),
        st.frozensets(st.sampled_from(COUNTRIES), max_size=2),
        st.frozensets(st.sampled_from(["tr", "ar"]), max_size=1),
        st.sampled_from([0, 1, 50, 100]),
    ),
)
def test_a_listener_gets_what_a_subscriber_gets(topics, countries, language, wanted):
    item = article(topics=topics, countries=countries, language=language)
    record = Record(LABELLED, 0, 0, b"", encode(item), labelled_headers(item, LABELS), 0)
    subscriber = chosen(record, wanted, [LABELLED], LABELS) is not None
    assert passes(wanted, entry_of(Labelled(0, 0, item), LABELS)) == subscriber


def test_without_filters_everything_passes():
    assert passes(EVERYTHING, entry(topics={}, countries={}))


def test_values_may_be_repeated_or_listed_and_case_does_not_matter():
    wanted = selection_of(
        LABELS, topics=["Sport,economy", "politics"], regions=["tr, western-asia"], languages=["ar-EG"]
    )
    assert wanted == Selection(
        frozenset({"sport", "economy", "politics"}), frozenset({"western-asia"}), frozenset({"TR"}), frozenset({"ar"})
    )


@pytest.mark.parametrize(
    ("given_names", "message"),
    [
        ({"topics": ["sprot"]}, "unknown topic 'sprot'; did you mean 'sport'"),
        ({"regions": ["west-asia"]}, "unknown region 'west-asia'; did you mean 'western-asia'"),
        ({"regions": ["XX"]}, "unknown region 'xx'; known: "),
        ({"topics": ["qqqq" * 100]}, "unknown topic 'qqqq"),
    ],
)
def test_unknown_name_is_refused_with_the_nearest(given_names, message):
    with pytest.raises(InvalidError) as error:
        selection_of(LABELS, **given_names)
    assert str(error.value).startswith(message)
    assert len(str(error.value)) < 500
