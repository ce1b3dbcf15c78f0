"""A function in a child process that hangs, eats, breaks or dies costs one error."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import pytest

from streams.errors import InvalidError
from streams.sources.confined import Bounds, Confined, ConfinedPool
from tests.helpers import wait_for
from tests.unit.sources.confined_functions import misbehave

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOMY = Bounds(seconds=60.0)


@pytest.fixture
def confined() -> Iterator[Confined[[str], str]]:
    with contextlib.closing(Confined(misbehave, ROOMY)) as made:
        yield made


def test_it_gives_what_the_function_gives(confined: Confined[[str], str]) -> None:
    assert confined.call("word") == "wordword"
    assert confined.call(what="خبر") == "خبرخبر"


def test_one_child_answers_many_calls(confined: Confined[[str], str]) -> None:
    assert confined.call("pid") == confined.call("pid") != str(os.getpid())


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("refuse", "not today"),
        ("break", "cannot be read: ValueError: a bug of two lines"),
        ("eat", "too much memory"),
        ("dive", "too deep"),
        ("die", "ended the process"),
    ],
)
def test_what_goes_wrong_is_one_error_and_the_next_call_is_answered(
    confined: Confined[[str], str], what: str, message: str
) -> None:
    with pytest.raises(InvalidError, match=message):
        confined.call(what)
    assert confined.call("word") == "wordword"


def test_a_call_that_takes_too_long_is_ended() -> None:
    with contextlib.closing(Confined(misbehave, Bounds(seconds=0.3))) as confined:
        child = int(confined.call("pid"))
        with pytest.raises(InvalidError, match=r"more than 0\.3 s"):
            confined.call("hang")
        with pytest.raises(ProcessLookupError):
            os.kill(child, 0)


def test_close_ends_the_child_and_may_be_called_twice(confined: Confined[[str], str]) -> None:
    child = int(confined.call("pid"))
    confined.close()
    confined.close()
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_a_child_that_was_killed_from_outside_is_replaced(confined: Confined[[str], str]) -> None:
    child = int(confined.call("pid"))
    os.kill(child, 9)
    wait_for(lambda: confined._child.poll() is not None, 20.0, "the child lives on")
    assert confined.call("word") == "wordword"


def test_a_pool_answers_as_many_at_once_as_it_has_children() -> None:
    async def test() -> None:
        async with ConfinedPool(misbehave, 2, ROOMY) as pool:
            found = await asyncio.gather(*(pool.call(str(n)) for n in range(20)))
            assert found == [str(n) * 2 for n in range(20)]
            assert len({await pool.call("pid") for _ in range(10)}) <= 2

    asyncio.run(test())


def test_a_caller_that_is_cancelled_loses_no_child() -> None:
    async def test() -> None:
        async with ConfinedPool(misbehave, 1, Bounds(seconds=1.0)) as pool:
            await pool.call("warm")
            call = asyncio.create_task(pool.call("hang"))
            await asyncio.sleep(0)
            call.cancel()
            assert await pool.call("word") == "wordword"

    asyncio.run(test())


def test_leaving_a_pool_ends_a_call_that_is_under_way() -> None:
    async def test() -> None:
        async with ConfinedPool(misbehave, 1, Bounds(seconds=500.0)) as pool:
            await pool.call("warm")
            call = asyncio.create_task(pool.call("hang"))
            await asyncio.sleep(0.1)
        with pytest.raises((InvalidError, asyncio.CancelledError)):  # the second where it had not begun
            await call

    asyncio.run(test())


def test_what_a_library_prints_does_not_mix_with_the_items_on_stdout(
    confined: Confined[[str], str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert confined.call("chatter") == "chatterchatter"
    confined.close()
    assert capfd.readouterr().out == ""
