"""The batch cycle over a link in memory: what happens when is scripted, every record is accounted for."""

from __future__ import annotations

import queue
import random
import threading
from typing import TYPE_CHECKING, Any

import pytest

from streams.agents.batch import Batch, Outcome, Pace
from streams.agents.courier import Courier, CourierSettings
from streams.kafka.link import FanOut, LinkLostError
from tests.helpers import wait_for
from tests.unit.agents.memory_link import MemoryLink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TIMEOUT = 30.0


class Log:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.commits: list[int] = []
        self.rollbacks = 0
        self.partitions: list[int] = []
        self.most_in_flight = 0
        self.lags: list[Mapping[int, int]] = []

    def committed(self, batch: Batch, seconds: float) -> None:
        self.commits.append(len(batch.records))

    def rolled_back(self) -> None:
        self.rollbacks += 1

    def rebalanced(self, partitions: int) -> None:
        self.partitions.append(partitions)

    def in_flight(self, batches: int) -> None:
        self.most_in_flight = max(self.most_in_flight, batches)

    def lag(self, by_partition: Mapping[int, int]) -> None:
        self.lags.append(by_partition)


class Bench:
    """A courier whose batches wait in `batches` until `label` is called, or are labelled at once by `run`."""

    def __init__(self, link: MemoryLink, size: int = 10, **settings: Any) -> None:
        self.link = link
        self.batches: queue.Queue[Batch] = queue.Queue()
        self.errors: list[BaseException] = []
        self.log = Log()
        defaults = {"linger": 0.005, "drain": 0.05, "back_off": 0.001}
        self.courier = Courier(
            link.open,
            self.batches.put,
            self.errors.append,
            Pace(size, first=size),
            self.log,
            CourierSettings(**{**defaults, **settings}),
        )
        self._agent: threading.Thread | None = None
        self._over = threading.Event()

    def label(self, batch: Batch) -> None:
        batch.outcomes = [
            Outcome("labelled", FanOut(("out",), r.key, r.value, []), r.timestamp_ms) for r in batch.records
        ]
        self.courier.deliver(batch)

    def next(self) -> Batch:
        return self.batches.get(timeout=TIMEOUT)

    def run(self, before: Callable[[], None] = lambda: None) -> None:
        """Labels every batch, in a thread."""

        def agent() -> None:
            while not self._over.is_set():
                try:
                    batch = self.batches.get(timeout=0.01)
                except queue.Empty:
                    continue
                before()
                self.label(batch)

        self._agent = threading.Thread(target=agent, daemon=True)
        self._agent.start()

    def wait_until_done(self) -> None:
        wait_for(lambda: self.link.done() or self.errors, TIMEOUT, "not everything was committed")
        assert not self.errors

    def end(self) -> None:
        self.courier.break_off()
        self.courier.close()
        self._over.set()


@pytest.fixture
def benches() -> Iterator[Callable[..., Bench]]:
    made: list[Bench] = []

    def make(link: MemoryLink, size: int = 10, **settings: Any) -> Bench:
        made.append(Bench(link, size, **settings))
        return made[-1]

    yield make
    for bench in made:
        bench.end()


def test_everything_is_labelled_once_and_in_order(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(500))
    bench.run()
    bench.courier.start()
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()
    by_partition: dict[bytes, list[int]] = {}
    for output in bench.link.written:
        partition, _, offset = (output.key or b"").partition(b"/")
        by_partition.setdefault(partition, []).append(int(offset))
    assert all(offsets == sorted(offsets) for offsets in by_partition.values())


def test_no_more_than_depth_batches_are_on_their_way_and_nothing_is_polled_meanwhile(
    benches: Callable[..., Bench],
) -> None:
    bench = benches(MemoryLink(1000), depth=2)
    bench.courier.start()
    first, _ = bench.next(), bench.next()
    polls = len(bench.link.polls)
    with pytest.raises(queue.Empty):
        bench.batches.get(timeout=0.2)
    assert len(bench.link.polls) == polls
    bench.label(first)
    bench.next()
    assert bench.log.most_in_flight == 2


def test_a_batch_closes_when_it_is_full_or_when_the_linger_is_over(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(17), size=10)
    bench.courier.start()
    assert [len(bench.next().records), len(bench.next().records)] == [10, 7]


def test_a_batch_closes_when_its_items_are_large(
    benches: Callable[..., Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.agents.courier.MAX_BATCH_BYTES", 1000)
    link = MemoryLink(100, value=b"x" * 400)
    bench = benches(link, size=100, linger=TIMEOUT)
    link.at_most = 2  # a poll
    bench.courier.start()
    assert len(bench.next().records) == 4


def test_a_poll_never_asks_for_more_than_fits(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(100), size=7)
    bench.run()
    bench.courier.start()
    bench.wait_until_done()
    assert max(bench.log.commits) <= 7
    assert all(0 < limit <= 7 for _, limit in bench.link.polls)


def test_a_rolled_back_batch_comes_again_and_nothing_is_skipped(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(300))
    bench.link.before_publish.extend([lambda: None, bench.link.abort, lambda: None, bench.link.abort])
    bench.run()
    bench.courier.start()
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()
    assert bench.log.rollbacks == 2


def test_too_many_rollbacks_in_a_row_end_the_worker(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(30), patience=2)
    bench.link.before_publish.extend([bench.link.abort] * 20)
    bench.run()
    bench.courier.start()
    wait_for(lambda: bench.errors, TIMEOUT, "it went on")
    assert isinstance(bench.errors[0], LinkLostError)
    assert bench.log.rollbacks == 3
    assert bench.link.written == []


def test_rollbacks_with_successes_between_them_do_not_end_it(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(300), patience=1)
    bench.link.before_publish.extend([bench.link.abort, lambda: None] * 6)
    bench.run()
    bench.courier.start()
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()


def test_a_rebalance_lets_batches_on_their_way_commit_first(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(20), drain=TIMEOUT)
    bench.courier.start()
    batch = bench.next()
    bench.link.before_poll.append(bench.link.rebalance)
    other = bench.next()  # read before the rebalance, whose drain waits for both
    bench.label(batch)
    bench.label(other)
    bench.run()
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()
    assert bench.log.rollbacks == 0


def test_a_batch_that_is_late_for_a_rebalance_is_dropped_and_read_again(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(10))
    bench.courier.start()
    late = bench.next()
    bench.link.before_poll.append(bench.link.rebalance)
    again = bench.next()
    assert [r.key for r in again.records] == [r.key for r in late.records]
    bench.label(late)
    bench.label(again)
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()
    assert bench.log.commits == [10]


def test_a_late_commit_under_an_unchanged_generation_is_waited_for(benches: Callable[..., Bench]) -> None:
    """A static member that rejoins a stable group keeps its generation: its late transaction is still valid.

    Offsets asked for while it is under way would bring its records a second time.
    """
    bench = benches(MemoryLink(10))
    entered, leave = threading.Event(), threading.Event()

    def slow() -> None:
        entered.set()
        assert leave.wait(TIMEOUT)

    bench.link.before_publish.append(slow)
    bench.courier.start()
    bench.label(bench.next())
    assert entered.wait(TIMEOUT)
    rebalanced = threading.Event()

    def rejoin() -> None:
        bench.link.rebalance(same_generation=True)
        rebalanced.set()

    bench.link.before_poll.append(rejoin)
    assert rebalanced.wait(TIMEOUT)
    rewinds = bench.link.rewinds
    with pytest.raises(queue.Empty):
        bench.batches.get(timeout=0.2)
    assert bench.link.rewinds == rewinds
    leave.set()
    bench.run()
    wait_for(lambda: bench.link.rewinds > rewinds, TIMEOUT, "it never went on")
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()


def test_what_was_read_before_the_partitions_changed_hands_is_forgotten(benches: Callable[..., Bench]) -> None:
    """The client calls back inside poll and may still give records of the old assignment."""
    bench = benches(MemoryLink(10))
    bench.link.before_poll.append(bench.link.rebalance)  # in the very poll that gives the records
    bench.courier.start()
    batch = bench.next()
    assert batch.epoch > 1
    assert batch.sequence == 0
    bench.label(batch)
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()


def test_records_of_a_member_that_was_thrown_out_are_dropped_and_read_again(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(60))
    bench.link.before_poll.extend([lambda: None, bench.link.thrown_out, lambda: None])
    bench.run()
    bench.courier.start()
    bench.wait_until_done()
    assert bench.link.keys() == bench.link.expected()


def test_a_batch_that_never_arrives_ends_the_worker_before_its_successor_skips_it(
    benches: Callable[..., Bench],
) -> None:
    bench = benches(MemoryLink(30))
    bench.courier.start()
    bench.next()
    bench.label(bench.next())
    wait_for(lambda: bench.errors, TIMEOUT, "the gap was not seen")
    assert "batch 1 of epoch 1 came where 0 was due" in str(bench.errors[0])
    assert bench.link.written == []


def test_after_a_crash_nothing_more_is_published(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(30))
    bench.courier.start()
    batch = bench.next()
    bench.courier.break_off()
    bench.label(batch)
    bench.courier.close()
    assert bench.link.written == []
    assert bench.link.closed


def test_an_error_of_the_reader_ends_the_worker(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(30))
    bench.link.before_poll.append(lambda: (_ for _ in ()).throw(LinkLostError("scripted")))
    bench.courier.start()
    wait_for(lambda: bench.errors, TIMEOUT, "it went on")
    assert str(bench.errors[0]) == "scripted"


def test_closing_waits_for_what_is_on_its_way(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(10))
    bench.courier.start()
    batch = bench.next()
    closing = threading.Thread(target=bench.courier.close)
    closing.start()
    wait_for(lambda: not bench.courier.ready, TIMEOUT, "it still reads")
    bench.label(batch)
    closing.join(TIMEOUT)
    assert bench.link.keys() == bench.link.expected()
    assert bench.link.closed


def test_closing_before_the_start_is_no_error(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(10))
    bench.courier.close()
    assert not bench.link.closed


def test_ready_once_it_is_a_member_of_the_group(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(0))
    assert not bench.courier.ready
    bench.courier.start()
    wait_for(lambda: bench.courier.ready, TIMEOUT, "not ready")
    assert bench.courier.state() == {"ready": True, "in_flight": 0, "epoch": 1}


def test_a_batch_that_does_not_move_shows_as_stalled(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(10))
    assert bench.courier.stalled_seconds() == 0.0
    bench.courier.start()
    batch = bench.next()
    wait_for(lambda: bench.courier.stalled_seconds() > 0.3, TIMEOUT, "a stuck batch is not seen")
    bench.label(batch)
    wait_for(lambda: bench.courier.stalled_seconds() < 0.3, TIMEOUT, "it moves again")


def test_a_reader_that_does_not_come_back_shows_as_stalled(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(0))
    release = threading.Event()
    bench.link.before_poll.append(lambda: release.wait(TIMEOUT) and None)
    bench.courier.start()
    wait_for(lambda: bench.courier.stalled_seconds() > 0.3, TIMEOUT, "a stuck reader is not seen")
    release.set()


def test_the_lag_and_the_partitions_are_told(benches: Callable[..., Bench]) -> None:
    bench = benches(MemoryLink(0, partitions=5))
    bench.courier.start()
    wait_for(lambda: bench.log.lags, TIMEOUT, "no lag")
    assert bench.log.partitions == [5]
    assert bench.log.lags[0] == dict.fromkeys(range(5), 0)


@pytest.mark.parametrize("seed", range(12))
def test_whatever_happens_every_record_is_labelled_once(benches: Callable[..., Bench], seed: int) -> None:
    chance = random.Random(seed)
    link = MemoryLink(2000, partitions=chance.randint(1, 6))
    bench = benches(link, size=chance.choice([1, 7, 50]), depth=chance.randint(1, 4), drain=0.01, patience=10**6)

    def reading() -> None:
        event = chance.random()
        if event < 0.10:
            link.rebalance(drain=chance.random() < 0.7, same_generation=chance.random() < 0.5)
        elif event < 0.13:
            link.thrown_out()

    def publishing() -> None:
        if chance.random() < 0.1:
            threading.Event().wait(chance.random() * 0.02)
        if chance.random() < 0.1:
            link.abort()

    link.before_poll.extend([reading] * 400)
    link.before_publish.extend([publishing] * 400)
    bench.run(before=lambda: threading.Event().wait(0.02 * (chance.random() < 0.05)) and None)
    bench.courier.start()
    bench.wait_until_done()
    assert link.keys() == link.expected()
