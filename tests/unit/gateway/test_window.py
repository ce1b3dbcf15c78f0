from __future__ import annotations

from streams.gateway.filters import EVERYTHING, selection_of
from streams.gateway.window import Tally, Window
from tests.unit.gateway.examples import LABELS, NOW, entry

SPORT = selection_of(LABELS, topics=["sport"])


def numbers(entries) -> list[int]:
    return [int(e.uri.rpartition(":")[2]) for e in entries]


def test_holds_the_newest_items():
    window = Window(3, 10**9)
    for number in range(5):
        window.add(entry(number))
    assert numbers(window.newest(EVERYTHING, 10)) == [4, 3, 2]
    assert numbers(window.newest(EVERYTHING, 2)) == [4, 3]


def test_is_bounded_in_bytes_and_keeps_one_that_alone_is_too_large():
    small = entry(0)
    window = Window(1000, 3 * small.size)
    for number in range(5):
        window.add(entry(number))
    assert numbers(window.newest(EVERYTHING, 10)) == [4, 3, 2]
    window.add(entry(9, bodies=[{"value": "x" * 10 * small.size}]))
    assert numbers(window.newest(EVERYTHING, 10)) == [9]


def test_shows_of_each_item_the_newest_version_only():
    window = Window(10, 10**9)
    window.add(entry(1, offset=1, title="first"))
    window.add(entry(2, offset=2))
    window.add(entry(1, offset=3, title="second"))
    assert numbers(window.newest(EVERYTHING, 10)) == [1, 2]
    found = window.find("urn:newswire:example:1")
    assert found is not None
    assert found.offset == 3
    assert window.find("urn:newswire:example:7") is None


def test_item_whose_newest_version_no_longer_fits_is_not_shown_by_an_old_one():
    window = Window(10, 10**9)
    window.add(entry(1, offset=1, topics={"sport": 90}))
    window.add(entry(1, offset=2, topics={"economy": 90}))
    assert window.newest(SPORT, 10) == []


def test_since_gives_what_was_not_had_in_order():
    window = Window(10, 10**9)
    for number, partition, offset in ((1, 0, 0), (2, 1, 0), (3, 0, 1), (4, 1, 1), (5, 2, 7)):
        window.add(entry(number, partition=partition, offset=offset))
    assert numbers(window.since({0: 1, 1: 2, 2: 0}, EVERYTHING)) == [3, 5]


def test_knows_what_it_no_longer_covers():
    window = Window(2, 10**9)
    window.forget({0: 5, 1: 0})
    assert window.covers({0: 5, 1: 0})
    assert not window.covers({0: 4, 1: 0})
    assert not window.covers({1: 9})  # of partition 0 it has had nothing, and something is forgotten
    for number in range(5, 8):
        window.add(entry(number, offset=number))
    assert not window.covers({0: 5, 1: 0})
    assert window.covers({0: 6, 1: 0})


def test_tally_counts_the_last_hour():
    tally = Tally()
    tally.add(entry(1, at=NOW, topics={"sport": 90, "economy": 50}, countries={"TR": 80, "SA": 70}, language="ar"))
    tally.add(entry(2, at=NOW - 59 * 60, topics={"sport": 60}, language="tr"))
    tally.add(entry(3, at=NOW - 60 * 60, topics={"weather": 60}))
    tally.add(entry(4, at=NOW, topics={}, countries={}))
    counts = tally.counts(NOW + 30)
    assert (counts.items, counts.abstained) == (3, 1)
    assert counts.topics == {"sport": 2, "economy": 1}
    assert counts.regions == {"western-asia": 2}  # an item counts once in a region, whatever number of its countries
    assert counts.languages == {"ar": 1, "tr": 1, "en": 1}
    assert counts.minutes[-1] == 2
    assert counts.topic_minutes["sport"] == [1] + [0] * 58 + [1]


def test_tally_forgets_what_is_long_past():
    tally = Tally()
    for minute in range(10_000):
        tally.add(entry(1, at=NOW + 60 * minute))
    assert len(tally._minutes) <= 120
    assert tally.counts(NOW + 60 * 9_999).items == 60
