"""Processes, ports and locks under the embedded Kafka, with other programs in Java's place."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from streams.kafka import broker_launch
from streams.kafka.broker_errors import BrokerError
from streams.kafka.broker_process import (
    Answer,
    FolderLock,
    Reservation,
    ask,
    java_environment,
    kill_group,
    spawn,
    wait_until_up,
)
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEPER = [sys.executable, "-c", "import time; time.sleep(600)"]


def gone(pid: int) -> bool:
    """Whether a process that may be nobody's child any more has ended; one not yet reaped counts as ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


# --- ports


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "0.0.0.0"])
def test_a_reserved_port_is_another_programs_no_more_until_it_is_released(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reserved = Reservation(host=host)
    with socket.socket(family) as other, pytest.raises(OSError, match="in use"):
        other.bind((host, reserved.port))
    reserved.release()
    with socket.socket(family) as other:
        other.bind((host, reserved.port))


def test_a_reserved_port_is_given_to_nobody_but_the_server_meant() -> None:
    reserved = Reservation()
    with socket.create_server(("127.0.0.1", reserved.port)) as server:  # reuses the address, as Java does
        server.listen()
        assert reserved.port == server.getsockname()[1]
    reserved.release()


def test_a_taken_port_is_told_in_one_line(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    with pytest.raises(BrokerError, match=rf"^port {port} is taken \(another program has it\); stop it or choose"):
        Reservation(port)


def test_a_server_that_speaks_no_kafka_is_no_broker(listener: socket.socket) -> None:
    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100)
            connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    assert ask(listener.getsockname()[1]) is None
    thread.join()


def test_silence_is_no_broker(listener: socket.socket) -> None:
    assert ask(listener.getsockname()[1], timeout=0.05) is None


def test_a_broker_with_a_rack_and_one_without_are_read() -> None:
    """A Metadata v2 answer: brokers (node id, host, port, nullable rack), cluster id, and what follows."""
    body = b"\0\0\0\x03" + b"\0\0\0\x02"
    body += b"\0\0\0\x01\0\x09127.0.0.1\0\0\x23\x84\xff\xff" + b"\0\0\0\x07\0\x01h\0\0\x23\x84\0\x02r1"
    body += b"\0\x04here" + b"\0\0\0\x01" + b"\0\0\0\0"
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                assert connection.recv(100)[4:8] == b"\0\x03\0\x02"
                connection.sendall(len(body).to_bytes(4, "big") + body)

        thread = threading.Thread(target=answer)
        thread.start()
        assert ask(server.getsockname()[1]) == Answer("here", frozenset({1, 7}))
        thread.join()


# --- processes


def test_a_program_outlives_the_thread_that_asked_for_it(tmp_path: Path) -> None:
    """The kernel signals when the *thread* that forked ends; a caller's thread may be short-lived."""
    started: list[subprocess.Popen[bytes]] = []
    with (tmp_path / "out").open("wb") as output:
        thread = threading.Thread(target=lambda: started.append(spawn(SLEEPER, output, death_signal=signal.SIGTERM)))
        thread.start()
        thread.join()
    process = started[0]
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    kill_group(process)
    assert process.wait(30) == -signal.SIGKILL
    kill_group(process)  # of one that has ended: nothing


PARENT = """
import signal, sys, time
from streams.kafka.broker_process import spawn
output = open(sys.argv[1], "wb")
process = spawn([sys.executable, "-c", "import time; time.sleep(600)"], output, death_signal=signal.{signal})
print(process.pid, flush=True)
{then}
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a watcher does it, tested below")
@pytest.mark.parametrize("death_signal", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("how", ["kill", "exit", "error"])
def test_a_program_ends_with_its_parent_however_that_ends(tmp_path: Path, death_signal: str, how: str) -> None:
    then = {"kill": "time.sleep(600)", "exit": "", "error": "import os; os.abort()"}[how]
    code = PARENT.format(signal=death_signal, then=then)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path / "out")], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if how == "kill":
            parent.kill()
    wait_for(lambda: gone(pid), 30, "the program lives on without its parent")


WATCHING = """
import os, signal, sys
from streams.kafka.broker_launch import watch
sys.exit(watch(os.getppid(), signal.SIGTERM, [sys.executable, "-c", sys.argv[1]]))
"""
NOTING = "import os, sys, time; print(os.getpid(), flush=True); {then}"


def watcher(then: str, **options: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WATCHING, NOTING.format(then=then)], stdout=subprocess.PIPE, **options
    )  # type: ignore[call-overload]


def test_the_watcher_hands_on_the_exit_status() -> None:
    with watcher("sys.exit(7)") as process:
        assert process.wait(30) == 7


def test_the_watcher_passes_sigterm_on() -> None:
    with watcher("time.sleep(600)") as process:
        pid = int(process.stdout.readline())
        process.terminate()
        assert process.wait(30) != 0
    assert gone(pid)


def test_the_watcher_ends_the_program_when_the_parent_is_gone() -> None:
    """The parent starts the watcher, hands its output on to us, and is killed."""
    code = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {WATCHING!r}, {NOTING.format(then='time.sleep(600)')!r}]); time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        parent.kill()
        parent.wait(30)
        wait_for(lambda: gone(pid), 30, "the program lives on without its parent")


@pytest.mark.skipif(sys.platform != "linux", reason="prctl")
def test_a_parent_that_died_before_the_watch_began_is_noticed() -> None:
    launch = [sys.executable, "-I", "-S", broker_launch.__file__, "1", str(int(signal.SIGTERM)), *SLEEPER]
    assert subprocess.run(launch, check=False, timeout=30).returncode == 1


def test_a_program_that_is_not_there_is_an_ended_program(tmp_path: Path) -> None:
    with (tmp_path / "out").open("wb") as output:
        process = spawn([str(tmp_path / "java")], output, death_signal=signal.SIGTERM)
    reserved = Reservation()
    assert not wait_until_up(process, reserved.port, "any", {1}, 30)
    reserved.release()
    assert process.wait(30) != 0
    assert "No such file" in (tmp_path / "out").read_text()


def test_foreign_options_do_not_reach_java() -> None:
    assert java_environment({"JAVA_TOOL_OPTIONS": "-Xmx1m", "LANG": "tr_TR.utf8"}) == {"LANG": "tr_TR.utf8"}


@pytest.mark.parametrize("environ", [{}, {"LANG": "C"}, {"LANG": "tr_TR.UTF-8", "LC_ALL": "POSIX"}])
def test_java_can_write_every_file_name(environ: dict[str, str]) -> None:
    assert java_environment(environ) == {**environ, "LC_ALL": "C.UTF-8"}


# --- the lock of a data folder


def test_a_folder_has_one_owner(tmp_path: Path) -> None:
    lock = FolderLock(tmp_path)
    with pytest.raises(BrokerError, match=rf"is in use by process {os.getpid()}; stop it or use another data folder"):
        FolderLock(tmp_path)
    lock.release()
    FolderLock(tmp_path).release()


HOLDER = """
import os, sys
from pathlib import Path
from streams.kafka.broker_process import FolderLock
lock = FolderLock(Path(sys.argv[1]))
{then}
"""


def test_the_lock_of_a_killed_owner_is_free_at_once(tmp_path: Path) -> None:
    code = HOLDER.format(then="os.kill(os.getpid(), 9)")
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, timeout=60)
    FolderLock(tmp_path).release()


def test_a_start_waits_for_the_kafka_of_a_killed_owner_to_end(tmp_path: Path) -> None:
    """An heir of the lock lives on for a while, as Kafka does while it closes its files."""
    heir = "import subprocess, time; subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], pass_fds=[lock.descriptor]); os.kill(os.getpid(), 9)"
    reading, writing = os.pipe()
    code = HOLDER.format(then=heir)
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], stdin=reading, check=False, timeout=60)
    os.close(reading)
    taken = threading.Event()

    def take() -> None:
        FolderLock(tmp_path).release()
        taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not taken.wait(0.5)
    os.close(writing)  # the heir reads the end of its input, and ends
    assert taken.wait(30)
    thread.join()
