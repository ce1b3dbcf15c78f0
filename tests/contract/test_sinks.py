"""What every sink keeps: one suite over all of them."""

from __future__ import annotations

import contextlib
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest

from streams.errors import InvalidError
from streams.kafka.link import Record
from streams.sinks.base import places_to_begin, run_sink
from tests.contract.sink_cases import BATCH, CASES, NAME, Case, Graveyard, Receiver, record, records, uri, uris
from tests.servers.background import site_of
from tests.servers.receivers import BulkApi, Hook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from streams.kafka.link import Offsets
    from streams.sinks.base import Sink


class Bench:
    """One sink of the suite and its place."""

    def __init__(self, case: Case, place: Any) -> None:
        self.case, self.place, self.grave = case, place, Graveyard()

    def open(self) -> Any:
        return self.case.open(self.place, self.grave)

    def stored(self) -> list[str]:
        return self.case.stored(self.place)


@pytest.fixture(params=CASES)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    name = request.param
    with contextlib.ExitStack() as servers:
        if name == "postgresql":
            place = request.getfixturevalue("postgresql").database()
        elif name == "webhook":
            hook = Hook()
            place = Receiver(servers.enter_context(site_of({"/hook": hook}))[0].url("/hook"), hook)
        elif name == "search":
            api = BulkApi()
            handlers = {"/_bulk": api.bulk, "/_index_template/news": api.template}
            place = Receiver(servers.enter_context(site_of(handlers))[0].url(""), api)
        else:
            place = tmp_path / "place"
        yield Bench(CASES[name], place)


@pytest.fixture
def sink(bench: Bench) -> Any:
    sink = bench.open()
    sink.resume()
    yield sink
    sink.close()


def test_nothing_is_stored_before_it_settles_and_everything_after(bench: Bench) -> None:
    sink = bench.open()
    assert sink.resume() == {}
    sink.write(records(0, 0, 2))
    if bench.case.gathers:
        assert sink.settle() == ({}, 0)
    assert bench.stored() == []
    sink.write(records(1, 5, 9))
    assert sink.settle(everything=True) == ({(NAME, 0): 2, (NAME, 1): 9}, 6)
    assert bench.stored() == uris(records(0, 0, 2) + records(1, 5, 9))
    assert sink.settle(everything=True) == ({}, 0)
    sink.close()


def test_what_is_due_settles_by_itself(bench: Bench, sink: Sink) -> None:
    sink.write(records(0, 0, BATCH) + records(1, 0, 1))
    settled = sink.settle()
    assert settled.offsets.get((NAME, 0)) == BATCH
    assert settled.items in (BATCH, BATCH + 1)  # files end by themselves, the others all together
    assert set(bench.stored()) >= set(uris(records(0, 0, BATCH)))


def test_what_did_not_settle_is_gone_and_asked_for_again(bench: Bench) -> None:
    sink = bench.open()
    sink.resume()
    sink.write(records(0, 0, 3))
    sink.settle()
    sink.write(records(0, 3, 5))
    sink.close()
    again = bench.open()
    assert again.resume() == ({(NAME, 0): 3} if again.guarantee == "exactly once" else {})
    assert bench.stored() == uris(records(0, 0, 3))
    again.close()


def test_records_that_come_again_are_stored_once(bench: Bench, sink: Sink) -> None:
    sink.write(records(0, 0, 4))
    sink.settle(everything=True)
    sink.write(records(0, 2, 6))
    sink.settle(everything=True)
    assert bench.stored() == uris(records(0, 0, 6))


def test_offsets_may_have_gaps_and_values_may_be_absent(bench: Bench, sink: Sink) -> None:
    gap = [*records(0, 0, 1), Record(NAME, 0, 1, b"k", None, [], 0), *records(0, 7, 8)]
    sink.write(gap)
    assert sink.settle(everything=True) == ({(NAME, 0): 8}, 2)
    assert bench.stored() == [uri(0, 0), uri(0, 7)]


def test_nothing_to_write_is_no_fault(bench: Bench, sink: Sink) -> None:
    sink.write([])
    assert sink.settle(everything=True) == ({}, 0)
    assert sink.room() > 0


def test_closing_twice_is_no_fault(bench: Bench) -> None:
    sink = bench.open()
    sink.resume()
    sink.close()
    sink.close()


def test_texts_of_every_script_and_odd_characters_are_stored(bench: Bench, sink: Sink) -> None:
    odd = "\u0000 \\u0000 'quoted' \"double\" -- ; \u202eleft\u202c عاجل: İstanbul’da 地震 😀"
    sink.write([record(0, 0, headlines=[{"value": odd}], bodies=[{"value": "x" * 300_000}])])
    assert sink.settle(everything=True) == ({(NAME, 0): 1}, 1)
    assert bench.stored() == [uri(0, 0)]
    assert bench.grave.buried == []


class Log:
    """A Kafka topic of two partitions in memory, with the reader's part of it."""

    def __init__(self, log: Mapping[int, Sequence[Record]], rng: random.Random, first: int = 0) -> None:
        self._log = log
        self._rng = rng
        self._first = first
        self._at = {(NAME, p): first for p in log}
        self.committed: dict[tuple[str, int], int] = {}
        self.dies_at = -1  # before this poll or commit
        self.stop = threading.Event()
        self.held = self._paused = 0

    def _step(self) -> None:
        self.dies_at -= 1
        if self.dies_at == 0:
            raise KeyboardInterrupt

    def poll(self, seconds: float, limit: int) -> list[Record]:
        self._step()
        self._paused = 0
        found: list[Record] = []
        for place, at in self._at.items():
            taken = self._log[place[1]][at : at + min(self._rng.randrange(4), limit - len(found))]
            self._at[place] += len(taken)
            found += taken
        self._stop_at_the_end()
        return found

    def hold(self, seconds: float) -> None:
        self._step()
        self.held += 1
        self._paused = len(self._log)
        self._stop_at_the_end()

    def _stop_at_the_end(self) -> None:
        if not self.behind():
            self.stop.set()

    def paused(self) -> int:
        return self._paused

    def behind(self) -> int:
        return sum(len(self._log[p]) - at for (_, p), at in self._at.items())

    def commit(self, offsets: Offsets) -> None:
        self._step()
        self.committed |= offsets

    def go_to(self, offsets: Offsets) -> None:
        self._at |= offsets

    def places(self) -> Offsets:
        return {place: self.committed.get(place, self._first) for place in self._at}

    def bounds(self) -> dict[tuple[str, int], tuple[int, int]]:
        return {(NAME, p): (self._first, len(log)) for p, log in self._log.items()}


class Told:
    """A Watch."""

    def __init__(self) -> None:
        self.items = 0
        self.behind: list[int] = []
        self.paused = 0

    def stored(self, items: int) -> None:
        self.items += items

    def stands(self, behind: int, paused: int) -> None:
        self.behind.append(behind)
        self.paused += paused


@pytest.mark.parametrize("seed", range(6))
def test_whenever_it_dies_the_next_run_goes_on_and_every_item_is_stored(bench: Bench, seed: int) -> None:
    rng = random.Random(seed)
    log = {p: records(p, 0, 20) for p in (0, 1)}
    committed: dict[tuple[str, int], int] = {}
    runs = 0
    done = False
    while not done:
        runs += 1
        kafka = Log(log, rng)
        kafka.committed = committed
        kafka.dies_at = rng.randrange(1, 12) if runs < 6 else -1
        sink = bench.open()
        close, sink.close = sink.close, lambda: None  # a process that is killed closes nothing
        try:
            run_sink(sink, kafka, kafka.stop, Told())  # type: ignore[arg-type]
            done = True
        except KeyboardInterrupt:
            done = False
        sink.close = close
        bench.case.killed(sink)
        sink.close()
    expected = uris(log[0] + log[1])
    if sink.guarantee == "exactly once" or bench.case.once:
        assert bench.stored() == expected
    else:
        assert sorted(set(bench.stored())) == expected


def test_the_run_tells_what_is_durable_and_how_far_it_is_behind(bench: Bench) -> None:
    kafka = Log({0: records(0, 0, 10), 1: records(1, 0, 10)}, random.Random(1))
    told = Told()
    assert run_sink(bench.open(), kafka, kafka.stop, told) == 20  # type: ignore[arg-type]
    assert told.items == 20
    assert kafka.committed == {(NAME, 0): 10, (NAME, 1): 10}
    assert told.behind == sorted(told.behind, reverse=True)
    assert told.behind[-1] == 0


def test_a_sink_ahead_of_kafka_is_refused() -> None:
    with pytest.raises(
        InvalidError, match=r"offset 500 of news\.labelled-3, which ends at 17: they are of another Kafka"
    ):
        places_to_begin({(NAME, 3): 500}, {(NAME, 3): (0, 17)}, {}, "files")


def test_it_begins_behind_what_is_stored_or_committed_whichever_is_further(caplog: pytest.LogCaptureFixture) -> None:
    bounds = {(NAME, p): (10, 100) for p in range(4)}
    known, committed = {(NAME, 0): 50, (NAME, 1): 20, (NAME, 3): 4}, {(NAME, 0): 40, (NAME, 1): 30}
    assert places_to_begin(known, bounds, committed, "files") == {
        (NAME, 0): 50,
        (NAME, 1): 30,
        (NAME, 2): 10,
        (NAME, 3): 10,
    }
    assert "news.labelled-3: 6 records expired unread" in caplog.text


def test_what_the_group_has_committed_counts_as_the_sink_says(bench: Bench) -> None:
    """A database that was restored from a backup is behind its group; files may have been moved away."""
    kafka = Log({0: records(0, 0, 10)}, random.Random(1))
    kafka.committed = {(NAME, 0): 6}
    sink = bench.open()
    run_sink(sink, kafka, kafka.stop, Told())  # type: ignore[arg-type]
    assert bench.stored() == uris(records(0, 6 if sink.group_counts else 0, 10))


class FullSink:
    """A sink that is always slow: it takes two records and needs two rounds to store them."""

    name, guarantee, group_counts = "full", "at least once", True

    def __init__(self) -> None:
        self.held: list[Record] = []
        self.most = self.rounds = 0

    def resume(self) -> Offsets:
        return {}

    def room(self) -> int:
        return 2 - len(self.held)

    def write(self, batch: Sequence[Record]) -> None:
        self.held += batch
        self.most = max(self.most, len(self.held))

    def settle(self, *, everything: bool = False) -> tuple[Offsets, int]:
        self.rounds += 1
        if not self.held or (self.rounds % 3 and not everything):
            return {}, 0
        done, self.held = self.held, []
        return {(r.kafka_topic, r.partition): r.offset + 1 for r in done}, len(done)

    def close(self) -> None:
        pass


def test_a_sink_without_room_is_not_read_for() -> None:
    from streams.sinks.base import Settled

    kafka = Log({0: records(0, 0, 30)}, random.Random(1))
    sink: Any = FullSink()
    settle = sink.settle
    sink.settle = lambda **how: Settled(*settle(**how))
    told = Told()
    assert run_sink(sink, kafka, kafka.stop, told) == 30  # type: ignore[arg-type]
    assert sink.most == 2
    assert kafka.held > 5
    assert told.paused == kafka.held
