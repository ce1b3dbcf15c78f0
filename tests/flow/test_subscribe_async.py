"""Subscribing in an event loop, and the examples of docs/subscribe.md, on a real Kafka."""

from __future__ import annotations

import asyncio
import contextlib
import io
import re
from typing import TYPE_CHECKING, Any

import pytest

import streams
from streams.errors import InvalidError, TransientError
from streams.settings import load_labels
from tests.flow.edges import SECONDS, make_wire
from tests.flow.labelled import Streams, labelled, labels_of
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kafka

SPORT = "01000000"


@pytest.fixture
def wire(bootstrap_servers: str, unique: str) -> Iterator[Streams]:
    make_wire(bootstrap_servers)
    with Streams(bootstrap_servers, labels_of(unique), unique) as streams_:
        yield streams_


@pytest.fixture
def wanted(bootstrap_servers: str, unique: str) -> dict[str, Any]:
    return {"topics": [f"{unique}-sport"], "start": "earliest", "bootstrap_servers": bootstrap_servers}


def items(*numbers: int) -> list[dict[str, Any]]:
    return [labelled(f"urn:e:{n}", [(SPORT, 90)]) for n in numbers]


async def all_of(**wanted: Any) -> list[str]:
    async with asyncio.timeout(SECONDS), streams.subscribe_async(**wanted) as found:
        return [item.uri async for item in found]


def test_items_come_while_the_loop_goes_on(wire: Streams, wanted: dict[str, Any]) -> None:
    async def write_later() -> None:
        for _ in range(10):  # turns of the loop: were the wait for an item a standstill, it would last for ever
            await asyncio.sleep(0.01)
        wire.write(items(2))

    async def main() -> list[str]:
        async with asyncio.timeout(SECONDS), streams.subscribe_async(**wanted, limit=2) as found:
            first = await anext(found)
            assert found.record is not None
            writing = asyncio.create_task(write_later())
            second = await anext(found)
            with pytest.raises(StopAsyncIteration):
                await anext(found)
            await writing
        return [first.uri, second.uri]

    wire.write(items(1))
    assert asyncio.run(main()) == ["urn:e:1", "urn:e:2"]


def test_a_wait_that_is_given_up_loses_nothing(wire: Streams, wanted: dict[str, Any]) -> None:
    async def main() -> list[str]:
        got = []
        async with asyncio.timeout(SECONDS), streams.subscribe_async(**wanted) as found:
            for number in range(5):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.01):
                        got.append((await anext(found)).uri)
                wire.write(items(number))
            while len(got) < 5:
                got.append((await anext(found)).uri)
        return got

    assert asyncio.run(main()) == [f"urn:e:{n}" for n in range(5)]


def test_a_group_goes_on_behind_the_last_item_whose_body_ended(
    wire: Streams, wanted: dict[str, Any], unique: str
) -> None:
    async def until_the_third() -> None:
        async with asyncio.timeout(SECONDS), streams.subscribe_async(**wanted, group=unique) as found:
            async for item in found:
                if item.uri == "urn:e:2":
                    raise ZeroDivisionError

    wire.write(items(0, 1, 2, 3))
    with pytest.raises(ZeroDivisionError):
        asyncio.run(until_the_third())
    assert asyncio.run(all_of(**wanted, group=unique, follow=False)) == ["urn:e:2", "urn:e:3"]


def test_a_task_that_is_cancelled_while_it_waits_leaves_at_once_and_commits_nothing_undone(
    wire: Streams, wanted: dict[str, Any], unique: str
) -> None:
    async def main() -> None:
        task = asyncio.create_task(all_of(**wanted, group=unique))
        wire.write(items(0))
        await asyncio.sleep(0)  # the task has begun, it connects
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert asyncio.run(all_of(**wanted, group=unique, follow=False)) == ["urn:e:0"]


def test_what_is_wrong_is_told_when_it_connects(bootstrap_servers: str) -> None:
    async def main() -> None:
        with pytest.raises(InvalidError, match="min_confidence is a percentage"):
            await streams.subscribe_async(min_confidence=101).__aenter__()
        with pytest.raises(TransientError, match="no Kafka broker answers"):
            await streams.subscribe_async(bootstrap_servers="127.0.0.1:1").__aenter__()
        with pytest.raises(RuntimeError, match="async with"):
            await anext(streams.subscribe_async(bootstrap_servers=bootstrap_servers))

    asyncio.run(main())


EXAMPLES = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "subscribe.md").read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("number", range(4))
def test_the_examples_of_the_page_run(bootstrap_servers: str, unique: str, number: int) -> None:
    assert len(EXAMPLES) == 4
    make_wire(bootstrap_servers)
    with Streams(bootstrap_servers, load_labels(), unique) as real:
        real.write([labelled(f"urn:{unique}:{n}", [("15000000", 90)]) for n in range(2)])
    code = EXAMPLES[number].replace("127.0.0.1:9092", bootstrap_servers).replace("my-archive", unique)
    assert bootstrap_servers in code
    said = io.StringIO()
    names: dict[str, Any] = {}
    with contextlib.redirect_stdout(said):
        exec(code, names)
    if number == 1:
        assert f"urn:{unique}:1" in names["stored"]
    elif number == 3:
        assert said.getvalue() == "nothing new for half a second\n"
    else:
        assert said.getvalue().count("Headline of") == 2
