"""What is new in a feed, and what it is called, whatever the publisher renames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from streams.sources.feed_entries import KEPT_BEYOND, MAX_REVISIONS, FeedEntry, Seen
from streams.sources.feed_fields import RawEntry
from streams.sources.identity import guid_uri, text_uri, url_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

URL = "https://feeds.news.example/main.xml"


def entry(number: int = 1, **changes: object) -> RawEntry:
    made = RawEntry(
        guid=f"item-{number:06}",
        url=f"https://news.example/story/{number}",
        title=f"Story {number}",
        text=f"Text of story {number}.",
        language=None,
        published="2025-11-24T08:00:00+00:00",
        updated=None,
        author=None,
        categories=(),
    )
    return made._replace(**changes)


class Poller:
    """Polls a feed again and again; its memory is packed between polls, as it is in Kafka."""

    def __init__(self) -> None:
        self.packed = b""

    def poll(self, *entries: RawEntry) -> list[FeedEntry]:
        seen = Seen(self.packed)
        found = list(seen.select(entries, URL, "example"))
        self.packed = seen.packed(len(entries))
        return found


def test_new_entries_come_once_and_the_oldest_first() -> None:
    poller = Poller()
    assert [e.title for e in poller.poll(entry(3), entry(2), entry(1))] == ["Story 1", "Story 2", "Story 3"]
    assert [e.title for e in poller.poll(entry(4), entry(3), entry(2))] == ["Story 4"]
    assert poller.poll(entry(4), entry(3), entry(2), entry(1)) == []


@pytest.mark.parametrize(
    ("raw", "uri"),
    [
        (entry(), guid_uri("item-000001", "news.example")),
        (entry(guid="https://news.example/?p=17"), url_uri("https://news.example/?p=17")),
        (entry(guid=""), url_uri("https://news.example/story/1")),
        (entry(guid="", url=""), text_uri("example", "Story 1", "2025-11-24T08:00:00+00:00", "")),
        (entry(guid="", url="", published=None), text_uri("example", "Story 1", None, "Text of story 1.")),
        (entry(guid="https://news.example/"), url_uri("https://news.example/story/1")),
        (entry(guid="7"), url_uri("https://news.example/story/1")),
        (entry(guid="item-12"), url_uri("https://news.example/story/1")),
    ],
)
def test_the_name_of_an_entry(raw: RawEntry, uri: str) -> None:
    assert [e.identity for e in Poller().poll(raw)] == [uri]


def test_the_same_guid_of_two_hosts_names_two_entries() -> None:
    one, other = entry(), entry(url="https://other.example/story/1")
    assert Poller().poll(one)[0].identity != Poller().poll(other)[0].identity


@pytest.mark.parametrize(
    "renamed",
    [
        entry(guid="changed-guid-1"),  # DW: the guid holds the title
        entry(guid=""),
        entry(guid="https://news.example/story/1#1"),  # BBC: the guid counts the edits
        entry(url="http://www.news.example/story/1/?utm_source=feed"),
        entry(url="http://m.news.example/story/1", guid="other"),
        entry(url="https://news.example/elsewhere?token=5f3a"),  # a token that changes at every poll
    ],
)
def test_an_entry_keeps_its_name_when_guid_or_address_change(renamed: RawEntry) -> None:
    poller = Poller()
    first = poller.poll(entry())[0]
    assert poller.poll(renamed) == []
    changed = poller.poll(renamed._replace(text="Corrected."))
    assert [(e.identity, e.revision) for e in changed] == [(first.identity, 1)]


def test_a_changed_title_is_a_revision_and_no_new_item() -> None:
    poller = Poller()
    first = poller.poll(entry())[0]
    (changed,) = poller.poll(entry(title="Story 1, updated"))
    assert (changed.identity, changed.revision, changed.title) == (first.identity, 1, "Story 1, updated")
    assert poller.poll(entry(title="Story 1, updated")) == []


def test_a_text_that_changes_at_every_poll_comes_to_an_end() -> None:
    poller = Poller()
    found = [e for n in range(50) for e in poller.poll(entry(text=f"Read {n} times."))]
    assert [e.revision for e in found] == list(range(MAX_REVISIONS + 1))


def test_guids_that_repeat_within_a_feed_name_nothing() -> None:
    poller = Poller()
    found = poller.poll(*(entry(n, guid="the-same") for n in range(5)))
    assert len({e.identity for e in found}) == 5


def test_a_guid_that_begins_or_ceases_to_repeat_brings_nothing_twice() -> None:
    one, two = entry(1, guid="the-same"), entry(2, guid="the-same")
    for polls in (((one,), (two, one), (two,)), ((two, one), (one,), (two, one))):
        poller = Poller()
        assert sum(len(poller.poll(*entries)) for entries in polls) == 2


def test_a_guid_that_moves_on_takes_no_name_from_the_entry_that_stays_at_its_address() -> None:
    moved, stays = entry(2, guid="item-000001"), entry(1, guid="item-000002")
    poller = Poller()
    first = poller.poll(entry(1))[0]
    found = poller.poll(moved, stays)
    assert [e.title for e in found] == ["Story 2"]
    assert found[0].identity != first.identity
    assert poller.poll(moved, stays) == []
    (changed,) = poller.poll(moved, stays._replace(text="Corrected."))
    assert changed.identity == first.identity


def test_addresses_that_repeat_within_a_feed_name_nothing() -> None:
    front = [entry(n, guid="", url="https://news.example/live") for n in range(5)]
    anchors = [entry(n, guid=f"https://news.example/live#{n}", url=f"https://news.example/live#{n}") for n in range(5)]
    for entries in (front, anchors):
        assert len({e.identity for e in Poller().poll(*entries)}) == 5


def test_front_pages_name_nothing() -> None:
    found = Poller().poll(*(entry(n, guid="", url="https://news.example/") for n in (1, 2)))
    assert len({e.identity for e in found}) == 2


def test_the_same_entry_twice_in_a_feed_is_one() -> None:
    assert len(Poller().poll(entry(), entry())) == 1
    poller = Poller()
    poller.poll(entry(), entry())
    assert poller.poll(entry()) == []


def test_memory_holds_what_the_feed_shows_and_a_bounded_rest() -> None:
    poller = Poller()
    for start in range(0, 5000, 50):
        poller.poll(*(entry(n) for n in range(start + 100, start, -1)))
    assert len(poller.packed) == 29 * (100 + KEPT_BEYOND)
    assert poller.poll(*(entry(n) for n in range(5050, 4950, -1))) == []


def test_a_poll_that_is_cut_off_forgets_nothing_that_the_feed_still_shows() -> None:
    poller = Poller()
    poller.poll(*(entry(n) for n in range(2000)))
    shown = [entry(9999), *(entry(n) for n in range(100))]
    seen = Seen(poller.packed)
    next(seen.select(shown, URL, "example"))
    poller.packed = seen.packed()  # what a batch in the middle of a poll stores
    assert poller.poll(*shown) == []


def test_a_batch_in_the_middle_knows_only_what_it_gave() -> None:
    seen = Seen()
    fresh = seen.select([entry(n) for n in range(10)], URL, "example")
    given = [next(fresh) for _ in range(4)]
    rest = list(Seen(seen.packed()).select([entry(n) for n in range(10)], URL, "example"))
    assert {e.title for e in given} | {e.title for e in rest} == {f"Story {n}" for n in range(10)}
    assert len(rest) == 6


raw_entries = st.builds(
    RawEntry,
    guid=st.sampled_from(["", "a-guid-1000", "a-guid-1001", "5", "https://news.example/a", "https://news.example/a#1"]),
    url=st.sampled_from(["", "https://news.example/", "https://news.example/a", "http://m.news.example/b?utm_x=1"]),
    title=st.sampled_from(["", "One", "Two"]),
    text=st.sampled_from(["", "text", "other text"]),
    language=st.none(),
    published=st.sampled_from([None, "2025-11-24T08:00:00+00:00"]),
    updated=st.none(),
    author=st.none(),
    categories=st.just(()),
)


NAMELESS = entry(guid="", url="", title="", text="", published=None)
MOVED = NAMELESS._replace(guid="a-guid-1001", url="http://m.news.example/b?utm_x=1")


# a guid that moves on, and another entry at its old address: one hid the other, which came with the next poll
@example([[MOVED._replace(url="https://news.example/a")], [MOVED, NAMELESS._replace(url="https://news.example/a")]])
@example([[MOVED], [MOVED._replace(url="https://news.example/a"), MOVED._replace(guid="")]])
@given(st.lists(st.lists(raw_entries, max_size=6), max_size=4))
def test_the_same_document_twice_brings_nothing_the_second_time(polls: Sequence[Sequence[RawEntry]]) -> None:
    poller = Poller()
    for entries in polls:
        found = poller.poll(*entries)
        assert len({e.identity for e in found}) == len(found)
        assert poller.poll(*entries) == []


@given(st.binary(max_size=200))
def test_damaged_memory_is_no_error(packed: bytes) -> None:
    assert len(list(Seen(packed).select([entry()], URL, "example"))) <= 1
