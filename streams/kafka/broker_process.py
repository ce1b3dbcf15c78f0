"""Processes, ports and folder locks under the embedded Kafka."""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, NamedTuple

from streams.kafka.broker_errors import BrokerError
from streams.kafka.broker_settings import HOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

LAUNCH = Path(__file__).with_name("broker_launch.py")
# Options from the environment would change what the start-up archive was made for, or attach a debugger.
FOREIGN_OPTIONS = ("JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "_JAVA_OPTIONS", "CLASSPATH")
ORPHAN_SECONDS = 15.0  # how long a killed owner's Kafka may take to end; 1.8 s seen, 10 s is its own limit
POLL_SECONDS = 0.03


def java_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what would change Java's options, and with a locale that can write every file name."""
    kept = {name: value for name, value in environ.items() if name not in FOREIGN_OPTIONS}
    locale = next(filter(None, map(environ.get, ("LC_ALL", "LC_CTYPE", "LANG"))), "C")
    if "utf" not in locale.lower():  # in the C locale Java cannot open a folder named in Turkish or Arabic
        kept["LC_ALL"] = "C.UTF-8"
    return kept


def spawn(
    arguments: Sequence[str], output: IO[bytes], *, death_signal: signal.Signals, inherit: Sequence[int] = ()
) -> subprocess.Popen[bytes]:
    """Start a program in a session of its own that is sent death_signal when this process ends, however it ends.

    The kernel watches the *thread* that forked, so one that waits for the program is made for it.
    """
    started: queue.SimpleQueue[subprocess.Popen[bytes] | OSError | ValueError] = queue.SimpleQueue()
    command = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(death_signal)), *arguments]

    def keep() -> None:
        """Hands the process, or why there is none, to who asked, and lives until it has ended."""
        try:
            process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=java_environment(os.environ),
                start_new_session=True,  # Ctrl-C in the terminal ends the workers first, then the owner ends Kafka
                pass_fds=tuple(inherit),
            )
        except (OSError, ValueError) as error:  # ValueError: the caller was interrupted and has closed the output
            started.put(error)
            return
        started.put(process)
        process.wait()

    threading.Thread(target=keep, name="kafka-keeper", daemon=True).start()
    result = started.get()
    if isinstance(result, OSError | ValueError):
        raise result
    return result


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL a program that `spawn` started, and its watcher if it has one."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


class Reservation:
    """A port kept for a server that is about to start, or to start again; on loopback where no `host` is named.

    A bound socket that does not listen: with SO_REUSEADDR on both sides Linux lets the server bind and listen, but
    gives the port to nobody who asks for any free one, as each connection does that leaves this machine. So two tests
    that start at once never take each other's port. Other systems refuse the server's bind, so there the port is only
    looked at.
    """

    def __init__(self, port: int = 0, host: str = HOST) -> None:
        self._socket = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise BrokerError(_why_not(port, error)) from error
        self.port: int = self._socket.getsockname()[1]
        if sys.platform != "linux":
            self._socket.close()

    def release(self) -> None:
        self._socket.close()


def _why_not(port: int, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"port {port} needs root; choose one above 1023"
    owner = "a Kafka broker answers there" if ask(port) else "another program has it"
    return f"port {port} is taken ({owner}); stop it or choose another port"


class Answer(NamedTuple):
    """What a Kafka says of itself."""

    cluster_id: str
    brokers: frozenset[int]  # ids of those that are up


def ask(port: int, timeout: float = 2.0) -> Answer | None:
    """Ask the Kafka at a loopback port who it is; None if nobody, or no Kafka, answers.

    One Metadata request v2 for no topics by hand (https://kafka.apache.org/protocol#The_Messages_Metadata): ready
    means that this answer holds the node itself, which a TCP connection does not show.
    """
    try:
        with socket.create_connection((HOST, port), timeout) as connection, connection.makefile("rb") as answer:
            connection.sendall(struct.pack(">ihhihi", 14, 3, 2, 1, -1, 0))
            _, _, count = struct.unpack(">iii", answer.read(12))
            brokers = frozenset(_read_broker(answer) for _ in range(count))
            return Answer(_read_string(answer), brokers)
    except (OSError, struct.error):
        return None


def _read_broker(answer: IO[bytes]) -> int:
    (node,) = struct.unpack(">i", answer.read(4))
    _read_string(answer)  # host
    answer.read(4)  # port
    _read_string(answer)  # rack
    return int(node)


def _read_string(answer: IO[bytes]) -> str:
    (length,) = struct.unpack(">h", answer.read(2))
    return answer.read(max(length, 0)).decode(errors="replace")


class FolderLock:
    """A data folder has one owner. The kernel frees the lock when the owner and its Kafka, which inherits it, end."""

    def __init__(self, folder: Path) -> None:
        with contextlib.ExitStack() as undo:
            self._file = undo.enter_context((folder / "broker.lock").open("a+"))
            self._take(folder)
            undo.pop_all()
        self._file.truncate(0)
        self._file.write(str(os.getpid()))
        self._file.flush()

    def _take(self, folder: Path) -> None:
        deadline = time.monotonic() + ORPHAN_SECONDS
        while True:
            try:
                return fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._file.seek(0)
                owner = self._file.read().strip()
                if _lives(owner) or time.monotonic() > deadline:
                    raise BrokerError(
                        f"{folder} is in use by process {owner or '?'}; stop it or use another data folder"
                    ) from None
                time.sleep(0.1)  # the owner was killed; its Kafka is about to end

    @property
    def descriptor(self) -> int:
        return self._file.fileno()

    def release(self) -> None:
        self._file.close()


def _lives(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (PermissionError, ValueError):
        return True
    return True


def wait_until_up(
    process: subprocess.Popen[bytes], port: int, cluster_id: str, nodes: AbstractSet[int], seconds: float
) -> bool:
    """Wait until the Kafka at this port knows that all these nodes are up; False if its process ends first.

    The id tells ours from another that was faster to take the port, and whose node has the same number.

    Raises:
        TimeoutError: neither came.

    """
    deadline = time.monotonic() + seconds
    while not ((answer := ask(port)) and answer.cluster_id == cluster_id and nodes <= answer.brokers):
        if process.poll() is not None:
            return False
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(POLL_SECONDS)
    return True
