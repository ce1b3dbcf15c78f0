"""`newswire sink files` on a real Kafka: signals, files moved away, a Kafka that comes back; kills are in tests/chaos."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaConsumer, TopicPartition

from streams.errors import TransientError
from streams.kafka.broker import KafkaBroker
from streams.kafka.reader import Reader
from streams.wire import LABELLED, SINK_GROUP
from tests.flow.edges import ROOT, SECONDS, command, environment, newswire
from tests.flow.labelled import Streams, labelled, labels_of
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka


@pytest.fixture
def own(tmp_path: Path, unique: str) -> Iterator[tuple[KafkaBroker, Streams]]:
    """A Kafka of one's own: the sink reads the whole of news.labelled."""
    with (
        KafkaBroker(tmp_path / "kafka") as broker,
        Streams(broker.bootstrap_servers, labels_of(unique), unique) as streams,
    ):
        yield broker, streams


def start(
    bootstrap_servers: str, directory: Path, *, max_items: int = 10_000, max_seconds: float = 60.0
) -> subprocess.Popen[bytes]:
    settings = {
        "NEWSWIRE_SINKS__FILES__DIRECTORY": str(directory),
        "NEWSWIRE_SINKS__FILES__MAX_ITEMS": str(max_items),
        "NEWSWIRE_SINKS__FILES__MAX_SECONDS": str(max_seconds),
    }
    return subprocess.Popen(
        command("sink", "files"), stderr=subprocess.PIPE, cwd=ROOT, env=environment(bootstrap_servers, **settings)
    )


def stored(directory: Path) -> list[str]:
    return [
        json.loads(line)["uri"] for path in sorted(directory.glob("*.jsonl")) for line in path.read_bytes().splitlines()
    ]


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> bytes:
    process.send_signal(how)
    _, said = process.communicate(timeout=SECONDS)
    return said


def items(first: int, behind: int) -> list[dict[str, Any]]:
    return [labelled(f"urn:n:{n}", [("01000000", 90)]) for n in range(first, behind)]


def test_sigterm_finishes_the_open_files_and_the_group_knows(own: tuple[KafkaBroker, Streams], tmp_path: Path) -> None:
    broker, streams = own
    directory = tmp_path / "labelled"
    streams.write(items(0, 50))
    process = start(broker.bootstrap_servers, directory)
    wait_for(lambda: list(directory.glob(".*.tmp")), SECONDS, "the sink does not begin")
    said = end(process)
    assert process.returncode == 0, said
    assert said.decode().startswith("newswire: sink files: stored ")
    streams.write(items(50, 60))
    rest = start(broker.bootstrap_servers, directory, max_seconds=0.2)  # SIGTERM may have come before the last records
    wait_for(lambda: len(stored(directory)) >= 60, SECONDS, "not all items are stored")
    end(rest, signal.SIGINT)
    assert rest.returncode == 0
    assert sorted(stored(directory)) == sorted(f"urn:n:{n}" for n in range(60))
    consumer = KafkaConsumer(
        bootstrap_servers=broker.bootstrap_servers.split(","), group_id=f"{SINK_GROUP}files", enable_auto_commit=False
    )
    committed = [consumer.committed(TopicPartition(LABELLED, p)) or 0 for p in range(12)]
    consumer.close()
    names = [path.stem.rpartition("-")[2] for path in directory.glob("*.jsonl")]
    assert sum(1 for c in committed if c) == len({p.name.split(".")[1] for p in directory.glob("*.jsonl")})
    assert {c for c in committed if c} <= {int(n) for n in names}


def test_files_that_were_moved_away_do_not_come_again(own: tuple[KafkaBroker, Streams], tmp_path: Path) -> None:
    broker, streams = own
    directory = tmp_path / "labelled"
    streams.write(items(0, 30))
    process = start(broker.bootstrap_servers, directory, max_seconds=0.2)
    wait_for(lambda: len(stored(directory)) == 30, SECONDS, "30 items are not stored")
    end(process)
    for path in directory.glob("*.jsonl"):
        path.unlink()
    streams.write(items(30, 40))
    process = start(broker.bootstrap_servers, directory, max_seconds=0.2)
    wait_for(lambda: len(stored(directory)) >= 10, SECONDS, "10 items are not stored")
    end(process)
    assert sorted(stored(directory)) == sorted(f"urn:n:{n}" for n in range(30, 40))


def test_a_kafka_that_comes_back_is_waited_for(own: tuple[KafkaBroker, Streams], tmp_path: Path, unique: str) -> None:
    broker, streams = own
    directory = tmp_path / "labelled"
    streams.write(items(0, 20))
    process = start(broker.bootstrap_servers, directory, max_seconds=0.2)
    wait_for(lambda: len(stored(directory)) == 20, SECONDS, "20 items are not stored")
    broker.stop()
    broker.start()
    with Streams(broker.bootstrap_servers, labels_of(unique), f"{unique}-2") as after:
        after.write(items(20, 40))
    try:
        wait_for(lambda: len(stored(directory)) >= 40, SECONDS, "what came after is not stored")
    finally:
        said = end(process)
        print(said.decode())  # shown where it fails
    assert process.returncode == 0, said
    assert sorted(stored(directory)) == sorted(f"urn:n:{n}" for n in range(40))


def test_a_second_sink_on_the_directory_is_refused(own: tuple[KafkaBroker, Streams], tmp_path: Path) -> None:
    broker, _ = own
    directory = tmp_path / "labelled"
    process = start(broker.bootstrap_servers, directory)
    wait_for((directory / ".lock").exists, SECONDS, "the sink does not begin")
    second = newswire(broker.bootstrap_servers, "sink", "files", NEWSWIRE_SINKS__FILES__DIRECTORY=str(directory))
    assert second.returncode == 2
    assert second.stderr.decode() == f"newswire: sink files: another process writes to {directory}\n"
    end(process)
    assert process.returncode == 0


def test_an_unknown_sink_is_told_and_2() -> None:
    done = newswire("127.0.0.1:1", "sink", "fils")
    assert done.returncode == 2
    assert b"'fils' is not" in done.stderr


def test_without_kafka_it_is_one_line_and_1(tmp_path: Path) -> None:
    done = newswire("127.0.0.1:1", "sink", "files", NEWSWIRE_SINKS__FILES__DIRECTORY=str(tmp_path / "x"))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "x").exists()


def test_offsets_are_stored_by_a_kafka_that_was_away(own: tuple[KafkaBroker, Streams], unique: str) -> None:
    """A restart between reading and storing costs a sink nothing: refused connections are tried again."""
    broker, streams = own
    streams.write(items(0, 5))
    failures: list[BaseException] = []

    def commit() -> None:
        try:
            reader.commit({(LABELLED, 0): 1})
        except TransientError as error:
            failures.append(error)

    with Reader(broker.bootstrap_servers, [LABELLED], group=unique, shared=False) as reader:
        reader.poll(10)
        reader.commit({(LABELLED, 0): 0})
        broker.stop()
        storing = threading.Thread(target=commit)
        storing.start()
        broker.start()
        storing.join(SECONDS)
        assert not storing.is_alive()
        assert not failures
        assert reader._committed(TopicPartition(LABELLED, 0)) == 1
