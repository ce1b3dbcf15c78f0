"""The data folder of one node: whose it is, which Kafka wrote it, whether there is room."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING

from streams.kafka.broker_errors import BrokerRefusedError
from streams.kafka.broker_settings import MEBIBYTE, new_id
from streams.kafka.jars import KAFKA_VERSION

if TYPE_CHECKING:
    from pathlib import Path

# Kafka stops at once when a write fails, and then cannot even log why; a start alone writes about 1 MiB.
LEAST_FREE = 2 * MEBIBYTE
# What says most about an end, best first: the root of an exception, the exception, a line of log.
TELLING = (r"^Caused by: ", r"^[\w.$]+(Exception|Error)\b", r"ERROR|Exception|Error")
CHECKPOINT = "bootstrap.checkpoint"  # the feature levels, without which transactions run by an older protocol


def open_folder(data: Path) -> None:
    """Make the folder, or see that it is one a Kafka of this version may use.

    Raises:
        BrokerRefusedError: a newer Kafka wrote it, the disk is full, or its name will not do.

    """
    if "," in str(data):
        raise BrokerRefusedError(f"{data}: Kafka takes a comma for the end of a folder's name; use another data folder")
    data.mkdir(parents=True, exist_ok=True)
    if disk_is_full(data):
        raise BrokerRefusedError(full_disk(data))
    stamp = data / "kafka.version"
    if stamp.exists() and _numbers(written := stamp.read_text().strip()) > _numbers(KAFKA_VERSION):
        raise BrokerRefusedError(
            f"{data} was written by Kafka {written}, newer than this one ({KAFKA_VERSION}); "
            "upgrade newswire or use another data folder"
        )


def format_folder(data: Path, checkpoint: Path, *, node_id: int, cluster_id: str) -> None:
    """Write what `kafka-storage format` would, unless it is there; the version stamp is ours.

    Raises:
        BrokerRefusedError: there are files, but not Kafka's; nothing is deleted.

    """
    logs = data / "logs"
    meta = logs / "meta.properties"
    if not meta.exists():
        if logs.exists() and any(path.name != CHECKPOINT for path in logs.iterdir()):
            raise BrokerRefusedError(
                f"{logs} holds files but no meta.properties; move them away or use another data folder"
            )
        logs.mkdir(exist_ok=True)
        shutil.copy(checkpoint, logs / CHECKPOINT)
        text = f"version=1\ncluster.id={cluster_id}\nnode.id={node_id}\ndirectory.id={new_id()}\n"
        write_whole(meta, text)
    write_whole(data / "kafka.version", KAFKA_VERSION)


def cluster_id_of(data: Path) -> str | None:
    """The cluster a node's folder belongs to, if it was ever started."""
    try:
        text = (data / "logs" / "meta.properties").read_text()
    except FileNotFoundError:
        return None
    return dict(line.split("=", 1) for line in text.split()).get("cluster.id")


def disk_is_full(data: Path) -> bool:
    return shutil.disk_usage(data).free < LEAST_FREE


def full_disk(data: Path) -> str:
    return f"disk full: no space left under {data}; free some or use another data folder"


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that a reader, or a start after a crash, sees all of it or none."""
    stage = path.with_name(path.name + ".new")
    stage.write_text(text)
    os.replace(stage, path)  # noqa: PTH105 - the name says what it does


def _numbers(version: str) -> tuple[int, ...]:
    """A version for comparison; a stamp that is none counts as newest, so that nothing unknown is touched."""
    try:
        return tuple(int(part) for part in version.split("."))
    except ValueError:
        return (1 << 30,)


def why_it_ended(data: Path, lines: list[str]) -> str:
    """The reason in what Kafka wrote last, in one line."""
    text = "\n".join(lines)
    if "No space left" in text or disk_is_full(data):  # a full disk may swallow the very line that says so
        return full_disk(data)
    if "OutOfMemoryError" in text:
        return "Java ran out of memory; fewer partitions or a larger heap are needed"
    if "Address already in use" in text:
        return "another program took its port meanwhile; start it again or choose another port"
    for mark in TELLING:
        if found := [line.strip() for line in lines if re.search(mark, line)]:
            return found[0][:300]
    return "no message; was it killed from outside?"


def read_lines(path: Path) -> list[str]:
    """Of a log, whatever its bytes are; none where the process has not begun one."""
    try:
        return path.read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []
