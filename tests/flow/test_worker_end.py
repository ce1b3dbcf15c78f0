"""How a worker ends: by signals, by bugs, by what is not there; what it commits is what it labelled."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING, Any

import pytest

from streams import wire
from tests.helpers import wait_for
from tests.pipeline import TIMEOUT, Pipeline, WorkerProcess, item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka

LINKS = ["kafka-python", "confluent"]


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique) as made:
        yield made


def assert_committed_is_labelled(pipeline: Pipeline) -> int:
    """Every committed record has its outcome, and no other; gives their number."""
    committed = sum(pipeline.committed().values())
    labelled = [r.key for r in pipeline.read(wire.LABELLED)]
    dead = pipeline.read(wire.DEAD_LETTERS)
    assert len(labelled) == len(set(labelled))
    assert len(labelled) + len(dead) == committed
    return committed


@pytest.mark.parametrize(
    ("link", "number"),
    [("kafka-python", signal.SIGTERM), ("kafka-python", signal.SIGINT), ("confluent", signal.SIGTERM)],
)
def test_told_to_stop_at_rest_it_ends_with_0(
    pipeline: Pipeline, tmp_path: Path, link: str, number: signal.Signals
) -> None:
    with WorkerProcess(pipeline, "0", tmp_path / "log", link=link) as worker:
        worker.wait_until_ready()
        assert worker.stop(number) == 0, worker.said()
        assert "Traceback" not in worker.said()


@pytest.mark.parametrize("link", LINKS)
def test_told_to_stop_in_the_middle_it_commits_what_is_on_its_way(
    pipeline: Pipeline, tmp_path: Path, link: str
) -> None:
    pipeline.publish(item(n, "sport slow") for n in range(60))
    with WorkerProcess(pipeline, "0", tmp_path / "log", link=link, batch_size=4) as worker:
        pipeline.wait_until_committed(1, worker)
        assert worker.stop() == 0, worker.said()
    assert 0 < assert_committed_is_labelled(pipeline) < 60


def test_a_second_signal_changes_nothing(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.publish(item(n, "sport slow") for n in range(60))
    with WorkerProcess(pipeline, "0", tmp_path / "log", batch_size=4) as worker:
        pipeline.wait_until_committed(1, worker)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.stop(signal.SIGTERM) == 0, worker.said()
    assert assert_committed_is_labelled(pipeline) > 0


def test_told_to_stop_before_it_has_reached_kafka_it_ends_with_0(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.bootstrap_servers = "127.0.0.1:1"
    with WorkerProcess(pipeline, "0", tmp_path / "log") as worker:
        wait_for(lambda: "attempt 1 of 6" in worker.said(), TIMEOUT, "it did not try")
        assert worker.stop() == 0, worker.said()


def test_a_stuck_batch_ends_with_75_when_the_grace_is_over(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.publish([item(1), item(2, "stuck")], partition=0)
    with WorkerProcess(pipeline, "0", tmp_path / "log", grace=3.0) as worker:
        wait_for(lambda: worker.state().get("in_flight") == 1, TIMEOUT, "no batch")
        worker.process.send_signal(signal.SIGTERM)
        assert worker.stop(signal.SIGTERM) == 75, worker.said()
    assert pipeline.committed() == {}


def test_told_to_stop_during_a_rebalance_it_ends_with_0(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.publish(item(n, "sport slow") for n in range(200))
    with WorkerProcess(pipeline, "0", tmp_path / "log", batch_size=2) as worker:
        pipeline.wait_until_committed(1, worker)
        with WorkerProcess(pipeline, "1", tmp_path / "other", batch_size=2) as other:
            wait_for(lambda: "worker port" in other.said(), TIMEOUT, "no second worker")
            assert worker.stop() == 0, worker.said()
            other.wait_until_ready()  # before that SIGTERM ends a process that is still importing
            assert other.stop() == 0, other.said()
    assert_committed_is_labelled(pipeline)


@pytest.mark.parametrize(("link", "breaking"), [("kafka-python", "poll"), ("confluent", "publish")])
def test_a_bug_in_reader_or_writer_ends_with_1_and_a_trace(
    pipeline: Pipeline, tmp_path: Path, link: str, breaking: str
) -> None:
    pipeline.publish(item(n) for n in range(300))
    with WorkerProcess(pipeline, "0", tmp_path / "log", link=link, batch_size=20, breaking=breaking) as worker:
        assert worker.process.wait(TIMEOUT) == 1
        assert f"a bug in {breaking}" in worker.said()
    assert assert_committed_is_labelled(pipeline) < 300


def test_a_crash_in_a_classifier_ends_with_1_and_its_batch_is_not_committed(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.publish((item(n, "crash" if n == 250 else "sport") for n in range(300)), partition=0)
    with WorkerProcess(pipeline, "0", tmp_path / "log", batch_size=20) as worker:
        assert worker.process.wait(TIMEOUT) == 1
        assert "CrashError" in worker.said()
    assert 0 < assert_committed_is_labelled(pipeline) <= 250


def test_missing_kafka_topics_are_named(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.prefix = "absent."
    with WorkerProcess(pipeline, "0", tmp_path / "log") as worker:
        assert worker.process.wait(TIMEOUT) == 1
        assert "absent.news.articles, absent.news.articles.dead" in worker.said()
        assert "newswire topics create" in worker.said()
        assert "Traceback" not in worker.said()


def test_a_kafka_that_is_not_there_is_one_line_after_bounded_attempts(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.bootstrap_servers = "127.0.0.1:1"
    with WorkerProcess(pipeline, "0", tmp_path / "log", open_attempts=2) as worker:
        assert worker.process.wait(TIMEOUT) == 1
        (line,) = [line for line in worker.said().splitlines() if line.startswith("newswire: ")]
        assert "127.0.0.1:1" in line
        assert "newswire broker" in line
        assert "Traceback" not in worker.said()


def test_a_port_that_is_taken_is_one_line(pipeline: Pipeline, tmp_path: Path) -> None:
    with WorkerProcess(pipeline, "0", tmp_path / "one") as first:
        first.wait_until_ready()
        with WorkerProcess(pipeline, "1", tmp_path / "two", port=first.port()) as second:
            assert second.process.wait(TIMEOUT) == 1
            assert f"cannot listen on 127.0.0.1:{first.port()}" in second.said()
            assert "label.port" in second.said()


@pytest.mark.parametrize("link", LINKS)
def test_of_two_workers_on_one_slot_at_rest_the_older_ends_too(pipeline: Pipeline, tmp_path: Path, link: str) -> None:
    with WorkerProcess(pipeline, "same", tmp_path / "older", link=link) as older:
        older.wait_until_ready()
        with WorkerProcess(pipeline, "same", tmp_path / "newer", link=link) as newer:
            newer.wait_until_ready()
            assert older.process.wait(TIMEOUT) == 1
            assert "slot 'same'" in older.said()
            assert newer.stop() == 0, newer.said()


@pytest.mark.parametrize("link", LINKS)
def test_of_two_workers_on_one_slot_the_older_ends_with_1_and_says_why(
    pipeline: Pipeline, tmp_path: Path, link: str
) -> None:
    settings: dict[str, Any] = {"link": link, "batch_size": 5}
    with WorkerProcess(pipeline, "same", tmp_path / "older", **settings) as older:
        older.wait_until_ready()
        with WorkerProcess(pipeline, "same", tmp_path / "newer", **settings) as newer:
            newer.wait_until_ready()
            pipeline.publish(item(n) for n in range(100))
            pipeline.wait_until_committed(100, newer)
            assert older.process.wait(TIMEOUT) == 1
            assert "slot 'same'" in older.said()
            assert newer.stop() == 0, newer.said()
    assert assert_committed_is_labelled(pipeline) == 100


@pytest.mark.parametrize("link", LINKS)
def test_a_batch_that_is_late_for_a_rebalance_is_labelled_once(pipeline: Pipeline, tmp_path: Path, link: str) -> None:
    """Its second of classifying outlives the drain: it is dropped or refused, and read again by whoever has it then."""
    published = 0

    def publish(count: int) -> None:
        nonlocal published
        pipeline.publish(item(n, "sport slow") for n in range(published, published + count))
        published += count

    def late() -> bool:
        """Batches are under way whenever the other comes, however long it takes to start."""
        if sum(pipeline.committed().values()) > published - 16:
            publish(8)
        return "late after 0.1 s" in one.said()

    publish(24)
    settings: dict[str, Any] = {"link": link, "batch_size": 4, "drain": 0.1}
    with WorkerProcess(pipeline, "1", tmp_path / "one", **settings) as one:
        wait_for(lambda: one.state().get("in_flight"), TIMEOUT, "no batch")
        with WorkerProcess(pipeline, "2", tmp_path / "two", **settings) as two:
            wait_for(late, TIMEOUT, "no batch was late")
            pipeline.wait_until_committed(published, one, two)
            assert (one.stop(), two.stop()) == (0, 0)
    assert assert_committed_is_labelled(pipeline) == published


def test_a_batch_longer_than_the_poll_interval_is_labelled_once(pipeline: Pipeline, tmp_path: Path) -> None:
    """The reader goes on polling while one batch takes its time: the group does not throw the worker out."""
    pipeline.publish(item(n, "sport slow") for n in range(36))  # nine seconds
    settings: dict[str, Any] = {"batch_size": 100, "poll_interval_ms": 7_000}
    with WorkerProcess(pipeline, "0", tmp_path / "log", **settings) as worker:
        pipeline.wait_until_committed(36, worker)
        assert worker.stop() == 0, worker.said()
    assert assert_committed_is_labelled(pipeline) == 36
