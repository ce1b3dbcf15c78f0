"""How far each partition has been dealt with, and what is left to store."""

from __future__ import annotations

from streams.kafka.progress import Progress

A, B = ("news.topic.sport", 0), ("news.topic.sport", 1)


def progress(finished: dict[tuple[str, int], int], stored: dict[tuple[str, int], int] | None = None) -> Progress:
    made = Progress()
    for place, offset in finished.items():
        made.finished(place, offset)
    made.stored(stored or {})
    return made


def test_what_is_stored_is_not_stored_again() -> None:
    ours = progress({A: 5, B: 7}, {A: 5})
    assert ours.unstored() == {B: 7}
    ours.finished(A, 6)
    assert ours.unstored() == {A: 6, B: 7}


def test_a_partition_goes_on_at_the_further_of_committed_and_dealt_with() -> None:
    assert progress({A: 5}).moved({A: 3}) == {A: 5}
    assert progress({A: 5}).moved({A: 9}) == {A: 9}
    assert progress({A: 5}).moved({A: None}) == {A: 5}
    assert progress({}).moved({A: 4, B: None}) == {A: 4, B: None}


def test_what_went_to_another_member_is_never_stored() -> None:
    ours = progress({A: 5, B: 7})
    ours.moved({B: 3})
    assert ours.unstored() == {B: 7}


def test_what_another_member_took_further_is_never_stored() -> None:
    ours = progress({A: 5})
    ours.moved({A: 9})
    assert ours.unstored() == {}


def test_a_partition_that_comes_back_is_stored_from_where_it_then_is() -> None:
    ours = progress({A: 5}, {A: 5})
    ours.moved({})
    ours.moved({A: 9})
    ours.finished(A, 10)
    assert ours.unstored() == {A: 10}


def test_forgotten_is_not_stored() -> None:
    ours = progress({A: 5})
    ours.forget()
    assert ours.unstored() == {}
