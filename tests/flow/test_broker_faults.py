"""Every way in which the embedded Kafka may fail to start or stay, each told in one line."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from streams.kafka.broker import BrokerError, BrokerRefusedError, KafkaBroker
from streams.kafka.broker_process import FolderLock
from streams.kafka.broker_settings import new_id
from streams.kafka.broker_storage import CHECKPOINT, format_folder
from streams.kafka.jars import LOCK, read_lock
from tests.helpers import wait_for

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kafka


def refusal(broker: KafkaBroker) -> str:
    """The message of a start that fails; nothing may be left running or locked."""
    with pytest.raises(BrokerError) as told:
        broker.start()
    message = str(told.value)
    assert "\n" not in message
    assert not broker.alive
    return message


def test_a_port_where_kafka_answers(kafka: KafkaBroker, tmp_path: Path) -> None:
    message = refusal(KafkaBroker(tmp_path, kafka.port))
    assert message == f"port {kafka.port} is taken (a Kafka broker answers there); stop it or choose another port"
    assert not (tmp_path / "kafka.out").exists(), "Java was started"


def test_a_port_that_another_program_has(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"port {port} is taken (another program has it)" in refusal(KafkaBroker(tmp_path, port))


def test_a_port_that_two_take_at_once(tmp_path: Path) -> None:
    """Both see it free; Java of the slower one cannot listen there, though a Kafka answers, even one of node 1."""
    first = KafkaBroker(tmp_path / "first")
    told = []
    try:
        first.launch()
        second = KafkaBroker(tmp_path / "second", first.port)
        for broker, start in ((second, second.start), (first, first.wait_ready)):
            try:
                start()
            except BrokerError as error:
                told.append(str(error))
                assert not broker.alive
        second.stop()
    finally:
        first.stop()
    assert len(told) == 1, told  # whichever was slower
    assert "\n" not in told[0]
    assert told[0].endswith("another program took its port meanwhile; start it again or choose another port")


def test_a_folder_in_use(kafka: KafkaBroker) -> None:
    message = refusal(KafkaBroker(kafka.data))
    assert message == f"{kafka.data} is in use by process {os.getpid()}; stop it or use another data folder"
    assert kafka.alive


def test_a_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "kafka").write_text("")
    assert f"cannot use {tmp_path / 'kafka'} for Kafka: File exists" in refusal(KafkaBroker(tmp_path / "kafka"))


def test_data_of_a_newer_kafka(tmp_path: Path) -> None:
    (tmp_path / "kafka.version").write_text("5.0.0")
    with pytest.raises(BrokerRefusedError, match=r"written by Kafka 5\.0\.0, newer than this one"):
        KafkaBroker(tmp_path).start()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kafka.version"]


def test_files_that_are_not_kafkas(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "mine.txt").write_text("mine")
    with pytest.raises(BrokerRefusedError, match=r"holds files but no meta\.properties"):
        KafkaBroker(tmp_path).start()
    assert (tmp_path / "logs" / "mine.txt").read_text() == "mine"
    FolderLock(tmp_path).release()  # the refusal let go of the folder


def test_data_of_another_node(kafka: KafkaBroker, cache: Path, tmp_path: Path) -> None:
    """Kafka itself refuses; its reason is passed on."""
    format_folder(tmp_path, cache / CHECKPOINT, node_id=5, cluster_id=new_id())
    assert "Stored node id 5 doesn't match previous node id 1" in refusal(KafkaBroker(tmp_path))


def test_a_setting_that_kafka_refuses(tmp_path: Path) -> None:
    message = refusal(KafkaBroker(tmp_path, config={"log.segment.bytes": "many"}))
    assert message.startswith("Kafka ended with status 1: ")
    assert "log.segment.bytes" in message


def test_too_little_memory(tmp_path: Path) -> None:
    config = {"log.cleaner.dedupe.buffer.size": 200 << 20}
    assert "Java ran out of memory" in refusal(KafkaBroker(tmp_path, heap=64, config=config))


def test_a_kafka_that_is_killed_from_outside(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path) as broker:
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        wait_for(lambda: not broker.alive, 120, "its end goes unnoticed")
        assert str(broker.failure()) == "Kafka ended with status -9: no message; was it killed from outside?"


def test_a_damaged_jar_and_no_network(
    kafka: KafkaBroker, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    damaged = tmp_path / "cache"
    (damaged / "jars").mkdir(parents=True)
    for jar in read_lock(LOCK.read_text()):
        content = (cache / "jars" / jar.file_name).read_bytes()
        (damaged / "jars" / jar.file_name).write_bytes(content[:999] if jar.artifact == "kafka-raft" else content)
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    message = refusal(KafkaBroker(tmp_path / "kafka", cache=damaged))
    assert message.startswith("cannot download org.apache.kafka:kafka-raft:")
    assert message.endswith("the first start needs the network, later ones do not")


# Starts on a file system of 12 MB, fills it up while Kafka runs, and starts once more; prints what it is told.
ON_A_SMALL_DISK = """
import sys, time
from pathlib import Path
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient
from streams.kafka.broker import BrokerError, BrokerRefusedError, KafkaBroker

broker = KafkaBroker(Path(sys.argv[1]) / "kafka")
with broker:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers) as admin:
        admin.create_topics({"full": {"num_partitions": 1}}, wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=broker.bootstrap_servers)
    deadline = time.monotonic() + 120
    while broker.alive and time.monotonic() < deadline:
        producer.send("full", bytes(500_000))
        time.sleep(0.02)
    print(type(broker.failure()).__name__, broker.failure(), flush=True)
try:
    broker.start()
except BrokerError as error:
    print(type(error).__name__, error, flush=True)
"""


def test_a_full_disk(kafka: KafkaBroker, tmp_path: Path) -> None:
    mount = ["unshare", "-m", "sh", "-c", 'mount -t tmpfs -o size=12m none "$0" && exec "$@"', str(tmp_path)]
    if not shutil.which("unshare") or subprocess.run([*mount, "true"], check=False, capture_output=True).returncode:
        pytest.skip("mounting a small file system needs root")
    run = subprocess.run(
        [*mount, sys.executable, "-c", ON_A_SMALL_DISK, str(tmp_path)],
        check=False,
        capture_output=True,
        text=True,
        timeout=200,
    )
    full = f"disk full: no space left under {tmp_path / 'kafka'}; free some or use another data folder"
    assert run.stdout.splitlines() == [
        f"BrokerRefusedError Kafka ended with status 1: {full}",
        f"BrokerRefusedError {full}",
    ], run.stderr
