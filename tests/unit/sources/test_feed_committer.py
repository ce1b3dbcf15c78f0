"""Many polls, few transactions."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING

from streams.errors import TransientError
from streams.kafka.link import Output
from streams.sources import feed_committer
from streams.sources.feed_committer import Committer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pytest


class Store:
    """What was published, transaction by transaction; `gate` holds a transaction up."""

    def __init__(self) -> None:
        self.transactions: list[tuple[list[Output], dict[str, bytes]]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.fail: Exception | None = None
        self.threads: set[int] = set()

    def publish(self, outputs: Sequence[Output], positions: Mapping[str, bytes]) -> None:
        self.entered.set()
        self.threads.add(threading.get_ident())
        assert self.gate.wait(60)
        if self.fail:
            raise self.fail
        self.transactions.append((list(outputs), dict(positions)))


def output(value: str) -> Output:
    return Output("news.articles", b"key", value.encode(), [])


async def held(store: Store, committer: Committer) -> asyncio.Task[None]:
    """A first transaction that is under way until the gate opens."""
    store.gate.clear()
    first = asyncio.create_task(committer.commit([output("first")], "first", b"0"))
    await asyncio.to_thread(store.entered.wait, 60)
    return first


def test_records_and_position_are_one_transaction() -> None:
    async def test() -> None:
        store = Store()
        async with Committer(store.publish) as committer:
            await committer.commit([output("a"), output("b")], "feed:x", b"1")
            assert store.transactions == [([output("a"), output("b")], {"feed:x": b"1"})]

    asyncio.run(test())


def test_what_is_ready_while_one_runs_goes_into_the_next_together() -> None:
    async def test() -> None:
        store = Store()
        async with Committer(store.publish) as committer:
            first = await held(store, committer)
            rest = [asyncio.create_task(committer.commit([output(str(n))], f"feed:{n}", b"1")) for n in range(50)]
            await asyncio.sleep(0)
            store.gate.set()
            await asyncio.gather(first, *rest)
            assert len(store.transactions) == 2
            assert len(store.transactions[1][1]) == 50
            assert len(store.threads) == 1

    asyncio.run(test())


def test_two_positions_of_a_feed_are_two_transactions_in_order() -> None:
    async def test() -> None:
        store = Store()
        async with Committer(store.publish) as committer:
            first = await held(store, committer)
            rest = [asyncio.create_task(committer.commit([], "feed:x", str(n).encode())) for n in range(3)]
            await asyncio.sleep(0)
            store.gate.set()
            await asyncio.gather(first, *rest)
            assert [positions for _, positions in store.transactions[1:]] == [
                {"feed:x": b"0"},
                {"feed:x": b"1"},
                {"feed:x": b"2"},
            ]

    asyncio.run(test())


def test_a_transaction_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_committer, "MAX_RECORDS", 10)

    async def test() -> None:
        store = Store()
        async with Committer(store.publish) as committer:
            first = await held(store, committer)
            outputs = [output("x")] * 4
            rest = [asyncio.create_task(committer.commit(outputs, f"feed:{n}", b"1")) for n in range(6)]
            await asyncio.sleep(0)
            store.gate.set()
            await asyncio.gather(first, *rest)
            assert [len(outputs) for outputs, _ in store.transactions] == [1, 8, 8, 8]

    asyncio.run(test())


def test_a_transaction_that_fails_is_told_to_all_who_wait_for_it() -> None:
    async def test() -> None:
        store = Store()
        store.fail = TransientError("Kafka is away")
        async with Committer(store.publish) as committer:
            found = await asyncio.gather(
                *(committer.commit([], f"feed:{n}", b"1") for n in range(3)), return_exceptions=True
            )
            assert [str(error) for error in found] == ["Kafka is away"] * 3
            store.fail = None
            await committer.commit([], "feed:0", b"2")

    asyncio.run(test())


def test_closing_waits_for_the_transaction_under_way_and_drops_the_others() -> None:
    async def test() -> None:
        store = Store()
        async with Committer(store.publish) as committer:
            first = await held(store, committer)
            second = asyncio.create_task(committer.commit([output("b")], "feed:b", b"1"))
            await asyncio.sleep(0)
            for task in (first, second):
                task.cancel()
            threading.Timer(0.2, store.gate.set).start()
        assert [positions for _, positions in store.transactions] == [{"first": b"0"}]

    asyncio.run(test())
