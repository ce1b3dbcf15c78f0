"""The embedded Kafka: what a client may rely on, through restarts and kills."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer
from kafka.admin import KafkaAdminClient

from streams.kafka.broker import BrokerError, KafkaBroker
from streams.kafka.broker_process import ask
from tests.flow.kafka_records import make_topic, read, write
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kafka


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    with KafkaBroker(tmp_path / "kafka") as started:
        yield started


def test_what_is_committed_is_read_and_what_is_aborted_is_not(bootstrap_servers: str, unique: str) -> None:
    make_topic(bootstrap_servers, unique)
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, transactional_id=unique)
    producer.init_transactions()
    for value, keep in ((b"one", True), (b"two", False), (b"three", True)):
        producer.begin_transaction()
        producer.send(unique, value)
        if keep:
            producer.commit_transaction()
        else:
            producer.flush()
            producer.abort_transaction()
    producer.close()
    assert read(bootstrap_servers, unique, 2) == [b"one", b"three"]
    assert read(bootstrap_servers, unique, 3, isolation_level="read_uncommitted") == [b"one", b"two", b"three"]


def test_transactions_run_by_the_newest_protocol(bootstrap_servers: str) -> None:
    """Feature levels come from the checkpoint that is copied in place of a format; without it they would be 0."""
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        features = admin.describe_features()
    assert features["transaction.version"]["finalized"][1] == 2
    assert features["group.version"]["finalized"][1] == 1


def test_a_topic_nobody_made_does_not_appear(bootstrap_servers: str, unique: str) -> None:
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        assert admin.describe_topics([unique])[0]["error_code"] == 3
        assert unique not in admin.list_topics()


def test_records_and_places_outlive_a_stop(tmp_path: Path) -> None:
    with KafkaBroker(tmp_path) as broker:
        make_topic(broker.bootstrap_servers, "kept")
        write(broker.bootstrap_servers, "kept", [b"1", b"2", b"3"])
        assert read(broker.bootstrap_servers, "kept", 2, group="readers") == [b"1", b"2"]
    with KafkaBroker(tmp_path) as broker:  # on another port
        assert read(broker.bootstrap_servers, "kept", 1, group="readers") == [b"3"]
        assert read(broker.bootstrap_servers, "kept", 3) == [b"1", b"2", b"3"]


def test_a_folder_may_be_named_in_any_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    with KafkaBroker(tmp_path / "veri ağı" / "بيانات") as broker:
        make_topic(broker.bootstrap_servers, "kept")
    assert (broker.data / "logs" / "kept-0").is_dir()


def test_acknowledged_records_outlive_kill_9(broker: KafkaBroker) -> None:
    make_topic(broker.bootstrap_servers, "kept", partitions=3)
    values = [b"%d" % number for number in range(5000)]
    write(broker.bootstrap_servers, "kept", values)
    address = broker.bootstrap_servers
    broker.kill()
    assert not broker.alive
    broker.start()
    assert broker.bootstrap_servers == address, "clients would not find it again"
    assert sorted(read(broker.bootstrap_servers, "kept", 5000)) == sorted(values)


def test_stop_ends_it_and_may_be_repeated(broker: KafkaBroker) -> None:
    assert broker.alive
    assert broker.pid is not None
    broker.stop()
    assert not broker.alive
    assert broker.pid is None
    assert ask(broker.port) is None
    broker.stop()


def test_a_running_one_is_not_started_again(broker: KafkaBroker) -> None:
    with pytest.raises(BrokerError, match="runs already"):
        broker.start()
    assert broker.alive, "the refusal ended it"


def test_the_log_is_kept_out_of_our_output(broker: KafkaBroker, capfd: pytest.CaptureFixture[str]) -> None:
    broker.stop()
    assert capfd.readouterr() == ("", "")
    assert (broker.data / "kafka.out").read_text() == ""
    assert (broker.data / "kafka.log").exists()


PREPARER = """
import shutil, sys
from pathlib import Path
from streams.kafka.broker_archive import prepare
runtime = prepare(Path(sys.argv[1]), lambda *step: print(*step))
"""


def test_two_first_starts_at_once_prepare_once(kafka: KafkaBroker, tmp_path: Path, cache: Path) -> None:
    """Real jars from the session's cache, no archives yet; then a start on what the two made."""
    fresh = tmp_path / "cache"
    shutil.copytree(cache / "jars", fresh / "jars")
    processes = [
        subprocess.Popen([sys.executable, "-c", PREPARER, str(fresh)], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    steps = sorted(process.communicate(timeout=250)[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert steps[0] == "", "both prepared"
    assert steps[1].splitlines()[-1] == "preparing Kafka 3 3"
    assert sorted(path.name.split("-")[0] for path in fresh.iterdir() if path.suffix == ".jsa") == ["base.jsa", "kafka"]
    with KafkaBroker(tmp_path / "kafka", cache=fresh) as broker:
        maps = Path(f"/proc/{broker.pid}/maps")
        if maps.exists():
            assert ".jsa" in maps.read_text(), "Java did not take the archive"
    assert (broker.data / "kafka.out").read_text() == "", "Java complains of its archive here"


OWNER = """
import sys, time
from pathlib import Path
from streams.kafka.broker import KafkaBroker
broker = KafkaBroker(Path(sys.argv[1])).start()
print(broker.bootstrap_servers, broker.pid, flush=True)
time.sleep(600)
"""


def test_it_ends_with_its_owner_and_the_next_start_finds_all(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        address, pid = owner.stdout.readline().split()
        make_topic(address, "kept")
        write(address, "kept", [b"1"])
        owner.kill()
    with KafkaBroker(tmp_path) as broker:  # waits for the orphan, which holds the folder's lock
        wait_for(lambda: not Path(f"/proc/{pid}").exists(), 120, "a Java process was left behind")
        assert read(broker.bootstrap_servers, "kept", 1) == [b"1"]
