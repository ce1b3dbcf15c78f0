"""Marks: every item is the first of its story or belongs to one; the window; what is remembered is enough to go on."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from streams.duplicates.marker import Marked, Marker, Window, offsets_of
from streams.duplicates.signature import MAKING
from streams.wire import DUPLICATES, SIGNATURES, UNIQUE
from tests.unit.duplicates.examples import NOW, changed, record, story

if TYPE_CHECKING:
    from streams.kafka.link import Record


def marker(window: Window = Window(1000), remembered: dict[str, bytes] | None = None) -> Marker:  # noqa: B008
    return Marker(window, lambda: NOW + 10 * 86_400, remembered or {})


def marks(marked: Marked) -> list[dict[str, Any]]:
    return [msgspec.json.decode(o.value) for o in marked.outputs if o.kafka_topics == (DUPLICATES,)]


def firsts(marked: Marked) -> list[str]:
    return [(o.key or b"").decode() for o in marked.outputs if o.kafka_topics == (UNIQUE,)]


def stored(*marked: Marked) -> dict[str, bytes]:
    """What a compacted topic holds after some batches."""
    latest: dict[str, bytes] = {}
    for output in (o for m in marked for o in m.outputs if o.kafka_topics == (SIGNATURES,)):
        latest.pop((output.key or b"").decode(), None)
        if output.value is not None:
            latest[(output.key or b"").decode()] = output.value
    return latest


def test_the_first_of_a_story_goes_on_as_it_came_and_the_others_are_marked() -> None:
    first = record("urn:a", story(1), "agency")
    others = [
        record("urn:b", " ".join(story(1)).upper(), "paper"),
        record("urn:c", changed(story(1), 3), "agency"),
        record("urn:d", changed(story(1), 5), "daily"),
        record("urn:e", changed(story(1), 15), "weekly"),
        record("urn:f", story(2), "weekly"),
    ]
    marked = marker().mark([first, *others])
    assert firsts(marked) == ["urn:a", "urn:f"]
    unique = next(o for o in marked.outputs if o.kafka_topics == (UNIQUE,))
    assert (unique.key, unique.value, unique.headers) == (first.key, first.value, first.headers)
    found = marks(marked)
    assert [(m["uri"], m["dupOf"], m["kind"]) for m in found] == [
        ("urn:b", "urn:a", "exact"),
        ("urn:c", "urn:a", "revision"),
        ("urn:d", "urn:a", "wire"),
        ("urn:e", "urn:a", "near"),
    ]
    assert found[0]["similarity"] == 1.0
    assert 0.5 <= found[3]["similarity"] < 0.8
    assert (marked.unique, marked.kinds) == (2, Counter(exact=1, revision=1, wire=1, near=1))


def test_a_copy_of_a_copy_belongs_to_the_first() -> None:
    chain = [record(f"urn:{n}", changed(story(1), 12 * n), f"source {n}") for n in range(4)]
    marked = marker().mark(chain)
    assert firsts(marked) == ["urn:0"]
    assert {m["dupOf"] for m in marks(marked)} == {"urn:0"}


def test_a_new_version_of_an_item_is_neither_marked_nor_passed_on_again() -> None:
    one = marker()
    first = one.mark([record("urn:a", story(1))])
    again = one.mark([record("urn:a", story(1)), record("urn:a", story(2))])
    assert (firsts(first), firsts(again), marks(again)) == (["urn:a"], [], [])
    assert again.kinds == Counter(revision=2)
    assert marks(one.mark([record("urn:b", story(2))]))[0]["dupOf"] == "urn:a"  # known by its newest text
    assert firsts(one.mark([record("urn:c", story(1))])) == ["urn:c"]


@pytest.mark.parametrize(("later", "found"), [(86_400.0, True), (86_402.0, False)])
def test_what_is_older_than_the_window_is_forgotten_here_and_in_kafka(later: float, *, found: bool) -> None:
    one = marker(Window(1000, 86_401.0))
    first = one.mark([record("urn:a", story(1))])
    second = one.mark([record("urn:b", story(1), at=NOW + later)])
    assert bool(marks(second)) is found
    assert set(stored(first, second)) == ({"urn:a", "urn:b"} if found else {"urn:b"})


def test_more_than_so_many_items_are_not_remembered() -> None:
    one = marker(Window(5))
    batches = [one.mark([record(f"urn:{n}", story(n))]) for n in range(12)]
    assert len(one) == 5
    assert set(stored(*batches, one.mark([]))) == {f"urn:{n}" for n in range(7, 12)}
    assert [bool(marks(one.mark([record(f"urn:again-{n}", story(n))]))) for n in (11, 3)] == [True, False]


def test_a_record_from_the_future_does_not_empty_the_window() -> None:
    one = marker()
    one.mark([record("urn:a", story(1), at=NOW + 10 * 86_400)])
    one.mark([record("urn:b", story(2), at=NOW + 10_000 * 86_400)])
    assert marks(one.mark([record("urn:c", story(1), at=NOW + 10 * 86_400)]))


def test_what_is_no_labelled_item_is_passed_over() -> None:
    records = [record("urn:a", story(1), offset=1), record("urn:b", story(2), offset=2)._replace(value=b"{}")]
    marked = marker().mark([*records, records[1]._replace(value=None, offset=3)])
    assert firsts(marked) == ["urn:a"]
    assert offsets_of(records) == {("news.labelled", 0): 3}


def stream(seed: int, count: int) -> list[Record]:
    """Items, copies, changed copies and new versions, mixed."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        words = changed(story(chance.randrange(count // 3)), chance.choice([0, 0, 3, 10, 60]))
        uri = f"urn:{chance.randrange(number + 1) if chance.random() < 0.1 else number}"
        made.append(record(uri, words, f"source {number % 3}", NOW + number, number))
    return made


@pytest.mark.parametrize("seed", range(5))
def test_a_restart_after_any_batch_changes_nothing(seed: int) -> None:
    records = stream(seed, 120)
    window = Window(1000, 60.0)
    whole = marker(window)
    batches = [whole.mark(records[start : start + 10]) for start in range(0, 120, 10)]
    for cut in range(1, 12):
        heir = marker(window, stored(*batches[:cut]))
        again = [heir.mark(records[start : start + 10]) for start in range(cut * 10, 120, 10)]
        assert [(m.kinds, m.unique, marks(m), firsts(m)) for m in again] == [
            (m.kinds, m.unique, marks(m), firsts(m)) for m in batches[cut:]
        ]


def test_signatures_of_another_making_and_damaged_ones_are_forgotten() -> None:
    kept = stored(marker().mark([record("urn:a", story(1)), record("urn:b", story(2))]))
    kept["urn:a"] = kept["urn:a"].replace(MAKING.encode(), b"minhash-of-old")
    kept["urn:c"] = b"{"
    heir = marker(remembered=kept)
    assert len(heir) == 1
    marked = heir.mark([])
    assert {(o.key, o.value) for o in marked.outputs} == {(b"urn:a", None), (b"urn:c", None)}


def test_kafka_topics_may_have_a_prefix() -> None:
    marked = marker().mark([record("urn:a", story(1)), record("urn:b", story(1))], "test.")
    names = {name for output in marked.outputs for name in output.kafka_topics}
    assert names == {f"test.{name}" for name in (UNIQUE, DUPLICATES, SIGNATURES)}
