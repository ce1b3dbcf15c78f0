"""A call that hangs is left behind; one that ends, ends as it did."""

from __future__ import annotations

import threading

import pytest

from streams.kafka.within import within


def test_what_comes_back_has_been_done() -> None:
    done: list[int] = []
    within(30.0, lambda: done.append(threading.get_ident()))
    assert len(done) == 1
    assert done[0] != threading.get_ident()


def test_what_it_raises_is_raised() -> None:
    def fail() -> None:
        raise KeyError("refused")

    with pytest.raises(KeyError, match="refused"):
        within(30.0, fail)


def test_what_hangs_is_given_up() -> None:
    hold = threading.Event()
    try:
        with pytest.raises(TimeoutError):
            within(0.05, hold.wait)
    finally:
        hold.set()
