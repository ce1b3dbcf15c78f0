"""`newswire broker` as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from streams.kafka.broker_process import ask
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from streams.kafka.broker import KafkaBroker

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
SECONDS = 120.0  # for what takes five on a quiet machine
NEWSWIRE = [sys.executable, "-c", "from streams.cli.main import main; main()"]


class Command(NamedTuple):
    """A `newswire broker` that has printed its address."""

    process: subprocess.Popen[str]
    port: int
    java: int

    def end(self) -> tuple[int, str]:
        """Its exit status and what it said on stderr; no Java may be left."""
        _, errors = self.process.communicate(timeout=SECONDS)
        wait_for(lambda: not Path(f"/proc/{self.java}").exists(), SECONDS, "a Java process was left behind")
        return self.process.returncode, errors


def launch(data: Path, port: int = 0) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*NEWSWIRE, "broker", "--data", str(data), "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    with launch(tmp_path) as process:
        assert process.stdout is not None
        address = process.stdout.readline().strip()
        assert address.startswith("127.0.0.1:"), process.stderr and process.stderr.read()
        children = Path(f"/proc/{process.pid}/task").glob("*/children")
        java = int(" ".join(path.read_text() for path in children).split()[0])
        yield Command(process, int(address.partition(":")[2]), java)
        process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(command: Command, tmp_path: Path, number: signal.Signals) -> None:
    answer = ask(command.port)
    assert answer is not None
    assert answer.brokers == {1}
    command.process.send_signal(number)
    status, errors = command.end()
    assert status == 0
    assert errors == f"Kafka is ready at 127.0.0.1:{command.port}, data in {tmp_path}; Ctrl-C ends it\n"
    assert (tmp_path / "logs" / ".kafka_cleanshutdown").exists(), "Kafka was not ended in order"


def test_a_kafka_that_dies_ends_it_with_the_reason(command: Command) -> None:
    os.kill(command.java, signal.SIGKILL)
    status, errors = command.end()
    assert status == 1
    assert errors.splitlines()[1:] == ["newswire: Kafka ended with status -9: no message; was it killed from outside?"]


def test_kill_9_takes_kafka_along(command: Command) -> None:
    command.process.kill()
    status, _ = command.end()
    assert status == -signal.SIGKILL


def test_a_taken_port_is_one_line(kafka: KafkaBroker, tmp_path: Path) -> None:
    with launch(tmp_path, kafka.port) as process:
        output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output) == (1, "")
    assert errors == (
        f"newswire: port {kafka.port} is taken (a Kafka broker answers there); stop it or choose another port\n"
    )


def test_ctrl_c_while_it_starts_leaves_nothing(tmp_path: Path) -> None:
    with launch(tmp_path) as process:
        wait_for((tmp_path / "kafka.out").exists, SECONDS, "Java was not started")
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=SECONDS)
    assert (process.returncode, output, errors) == (0, "", "")

    def left() -> bytes:
        return subprocess.run(["pgrep", "-f", str(tmp_path)], check=False, capture_output=True).stdout

    wait_for(lambda: not left(), SECONDS, "a Java process was left behind")
