from __future__ import annotations

import asyncio
import json
import random

import pytest

from streams.gateway.cursor import decode_cursor
from streams.gateway.filters import EVERYTHING, selection_of
from streams.gateway.hub import FullError, Hub, in_order_of_time
from streams.gateway.listener import Bounds, ClosedError, Listener
from streams.gateway.window import Tally, Window
from tests.unit.gateway.examples import LABELS, NOW, entry

SPORT = selection_of(LABELS, topics=["sport"])


def make_hub(*, items: int = 1000, listeners: int = 10, bounds: Bounds | None = None, ready: bool = True) -> Hub:
    hub = Hub(Window(items, 10**9), Tally(), max_listeners=listeners, bounds=bounds)
    hub.start({0: 0, 1: 0})
    if ready:
        hub.accept((), {}, caught_up=True)
    return hub


def taken(listener: Listener, seconds: float = 0.001) -> str:
    """Everything that waits, as text; a listener must be idle afterwards."""

    async def take() -> str:
        text = ""
        while not listener.idle:
            text += (await listener.take(seconds)).decode()
        return text

    return asyncio.run(take())


def frames(text: str) -> list[tuple[str, str, dict]]:
    """(event type, id, data) of each event."""
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines())
        if "data" in fields:
            found.append((fields.get("event", "message"), fields.get("id", ""), json.loads(fields["data"])))
    return found


def heard(text: str) -> list[int]:
    return [int(data["uri"].rpartition(":")[2]) for kind, _, data in frames(text) if kind == "message"]


def test_items_go_to_those_who_asked_for_them():
    hub = make_hub()
    everything, sport = hub.join(EVERYTHING, "card"), hub.join(SPORT, "wire")
    hub.accept([entry(1, topics={"sport": 90}), entry(2, topics={"economy": 90})], {0: 3}, caught_up=True)
    assert heard(taken(everything)) == [1, 2]
    text = taken(sport)
    assert heard(text) == [1]
    assert frames(text)[0][2]["classification"]["status"] == "labelled"


def test_id_holds_the_place_in_every_partition():
    hub = make_hub()
    listener = hub.join(EVERYTHING, "card")
    hub.accept([entry(1, partition=1, offset=7), entry(2, partition=0, offset=3)], {0: 4, 1: 9}, caught_up=True)
    assert [id_ for _, id_, _ in frames(taken(listener))] == ["0:0,1:8", "0:4,1:8"]
    # what follows the last item, a transaction's marker, is had with the next heartbeat
    assert listener.heartbeat(hub.positions) == b"id: 0:4,1:9\n: still here\n\n"


def test_recent_items_come_first_oldest_first():
    hub = make_hub()
    hub.accept([entry(n) for n in range(5)], {}, caught_up=True)
    listener = hub.join(EVERYTHING, "card", recent=3)
    hub.accept([entry(5)], {}, caught_up=True)
    assert heard(taken(listener)) == [2, 3, 4, 5]


def test_connection_that_breaks_within_the_recent_items_goes_on_with_the_next():
    hub = make_hub()
    hub.accept([entry(n, partition=n % 2, offset=n) for n in range(10)], {}, caught_up=True)
    events = frames(taken(hub.join(EVERYTHING, "card", recent=4)))
    assert [int(data["uri"][-1]) for _, _, data in events] == [6, 7, 8, 9]
    again = hub.join(EVERYTHING, "card", since=decode_cursor(events[1][1]), recent=4)
    assert heard(taken(again)) == [8, 9]


def test_what_was_there_at_the_start_is_shown_in_order_of_time_once_all_is_read():
    hub = make_hub(ready=False)
    listener = hub.join(EVERYTHING, "card")
    hub.accept([entry(n, partition=0, offset=n, at=NOW + 2 * n) for n in range(3)], {}, caught_up=False)
    assert listener.idle
    assert not hub.ready
    hub.accept([entry(10 + n, partition=1, offset=n, at=NOW + 2 * n + 1) for n in range(3)], {}, caught_up=True)
    assert hub.ready
    assert heard(taken(listener)) == [0, 10, 1, 11, 2, 12]


def test_order_within_a_partition_survives_clocks_that_differ():
    entries = [entry(0, at=NOW + 9), entry(1, at=NOW), entry(2, partition=1, offset=0, at=NOW + 5)]
    assert [e.uri[-1] for e in in_order_of_time(entries)] == ["2", "0", "1"]


def test_slow_listener_loses_the_oldest_and_is_told_how_many():
    hub = make_hub(bounds=Bounds(frames=3))
    slow, other = hub.join(EVERYTHING, "card"), hub.join(SPORT, "card")
    hub.accept([entry(n) for n in range(3)], {}, caught_up=True)
    assert heard(taken(other)) == [0, 1, 2]
    hub.accept([entry(n) for n in range(3, 5)], {}, caught_up=True)
    events = frames(taken(slow))
    assert events[0] == ("dropped", "", {"count": 2, "reason": "slow"})
    assert [int(data["uri"][-1]) for _, _, data in events[1:]] == [2, 3, 4]
    hub.accept([entry(5)], {}, caught_up=True)
    assert heard(taken(slow)) == [5]
    assert heard(taken(other)) == [3, 4, 5]


def test_queue_is_bounded_in_bytes():
    size = len(entry(1).wire)
    hub = make_hub(bounds=Bounds(frames=1000, size_bytes=3 * size))
    listener = hub.join(EVERYTHING, "wire")
    hub.accept([entry(n) for n in range(1, 9)], {}, caught_up=True)
    assert listener._size <= 3 * size
    assert heard(taken(listener)) == [7, 8]


def test_who_comes_back_too_late_is_told():
    hub = make_hub(items=2)
    hub.accept([entry(n) for n in range(5)], {}, caught_up=True)
    events = frames(taken(hub.join(EVERYTHING, "card", since={0: 1, 1: 0})))
    assert events[0] == ("dropped", "", {"reason": "window"})
    assert [int(data["uri"][-1]) for _, _, data in events[1:]] == [3, 4]
    assert heard(taken(hub.join(EVERYTHING, "card", since={0: 3, 1: 0}))) == [3, 4]


@pytest.mark.parametrize("seed", range(30))
def test_resuming_at_any_gateway_loses_nothing_and_repeats_nothing(seed):
    """Two gateways see the partitions in different orders and are differently far; a listener hops between them."""
    rng = random.Random(seed)
    logs = {p: [entry(100 * p + n, partition=p, offset=n) for n in range(12)] for p in range(3)}
    hubs = [make_hub(listeners=100), make_hub(listeners=100)]
    read = [dict.fromkeys(logs, 0), dict.fromkeys(logs, 0)]
    got: list[int] = []
    cursor: dict[int, int] | None = {}
    here = 0
    listener = hubs[0].join(EVERYTHING, "card", since={})
    while any(read[here][p] < 12 for p in logs):
        for which in (0, 1):
            p = rng.choice(list(logs))
            if read[which][p] < 12:
                hubs[which].accept([logs[p][read[which][p]]], {}, caught_up=True)
                read[which][p] += 1
        if rng.random() < 0.3:  # some frames arrive, then the connection breaks
            events = frames(taken(listener))
            arrived = events[: rng.randint(0, len(events))]
            got += [int(data["uri"].rpartition(":")[2]) for _, _, data in arrived]
            cursor = decode_cursor(arrived[-1][1]) if arrived else cursor
            hubs[here].leave(listener)
            here = rng.choice((0, 1))
            listener = hubs[here].join(EVERYTHING, "card", since=cursor)
    got += heard(taken(listener))
    assert sorted(got) == sorted(e.offset + 100 * p for p, log in logs.items() for e in log)


def test_leaving_twice_counts_once_and_a_full_gateway_says_so():
    hub = make_hub(listeners=1)
    listener = hub.join(EVERYTHING, "card")
    with pytest.raises(FullError):
        hub.join(EVERYTHING, "card")
    hub.leave(listener)
    hub.leave(listener)
    assert hub.listeners == 0
    hub.join(EVERYTHING, "card")


def test_take_waits_for_patience_and_ends_with_the_hub():
    async def run() -> None:
        hub = make_hub()
        listener = hub.join(EVERYTHING, "card")
        assert await listener.take(0.001) == b""
        waiting = asyncio.ensure_future(listener.take(60))
        await asyncio.sleep(0)
        hub.accept([entry(1)], {}, caught_up=True)
        assert b"Headline 1" in await waiting
        waiting = asyncio.ensure_future(listener.take(60))
        await asyncio.sleep(0)
        hub.close()
        with pytest.raises(ClosedError):
            await waiting
        with pytest.raises(ClosedError):
            await hub.join(EVERYTHING, "card").take(60)

    asyncio.run(run())


def test_many_items_leave_in_bounded_writes():
    hub = make_hub(bounds=Bounds(frames=1000, size_bytes=10**9))
    listener = hub.join(EVERYTHING, "wire")
    hub.accept([entry(n, bodies=[{"value": "x" * 50_000}]) for n in range(40)], {}, caught_up=True)
    recent = hub.join(EVERYTHING, "wire", recent=40)

    async def sizes(of: Listener) -> list[int]:
        found = []
        while not of.idle:
            found.append(len(await of.take(1)))
        return found

    for one in (listener, recent):
        writes = asyncio.run(sizes(one))
        assert len(writes) > 5
        assert max(writes) < 400_000
