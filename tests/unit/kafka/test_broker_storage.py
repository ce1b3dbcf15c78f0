"""Which data folders are taken, and how an end is explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.kafka.broker_errors import BrokerRefusedError
from streams.kafka.broker_storage import cluster_id_of, format_folder, open_folder, read_lines, why_it_ended
from streams.kafka.jars import KAFKA_VERSION

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    path = tmp_path / "bootstrap.checkpoint"
    path.write_bytes(b"feature levels")
    return path


def test_a_new_folder_is_formatted_once(tmp_path: Path, checkpoint: Path) -> None:
    data = tmp_path / "deep" / "data"
    open_folder(data)
    format_folder(data, checkpoint, node_id=2, cluster_id="first")
    format_folder(data, checkpoint, node_id=2, cluster_id="second")
    assert cluster_id_of(data) == "first"
    assert (data / "logs" / "bootstrap.checkpoint").read_bytes() == b"feature levels"
    assert (data / "kafka.version").read_text() == KAFKA_VERSION
    meta = dict(line.split("=") for line in (data / "logs" / "meta.properties").read_text().split())
    assert (meta["version"], meta["node.id"], len(meta["directory.id"])) == ("1", "2", 22)


def test_a_format_that_was_cut_short_is_finished(tmp_path: Path, checkpoint: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "bootstrap.checkpoint").write_bytes(b"ha")
    format_folder(tmp_path, checkpoint, node_id=1, cluster_id="first")
    assert (tmp_path / "logs" / "bootstrap.checkpoint").read_bytes() == b"feature levels"
    assert cluster_id_of(tmp_path) == "first"


def test_no_cluster_id_before_the_first_start(tmp_path: Path) -> None:
    assert cluster_id_of(tmp_path) is None


def test_other_files_are_refused_and_kept(tmp_path: Path, checkpoint: Path) -> None:
    precious = tmp_path / "logs" / "thesis.txt"
    precious.parent.mkdir()
    precious.write_text("years of work")
    with pytest.raises(BrokerRefusedError, match=r"holds files but no meta\.properties; move them away"):
        format_folder(tmp_path, checkpoint, node_id=1, cluster_id="x")
    assert precious.read_text() == "years of work"
    assert not (tmp_path / "kafka.version").exists()


@pytest.mark.parametrize("written", ["4.3.2", "4.10.0", "5.0.0", "trunk"])
def test_data_of_a_newer_or_unknown_kafka_is_refused(tmp_path: Path, written: str) -> None:
    (tmp_path / "kafka.version").write_text(written + "\n")
    with pytest.raises(BrokerRefusedError, match=f"was written by Kafka {written}, newer than this one"):
        open_folder(tmp_path)


@pytest.mark.parametrize("written", [KAFKA_VERSION, "4.3.0", "4.2.9", "3.9.1"])
def test_data_of_this_or_an_older_kafka_is_taken(tmp_path: Path, written: str) -> None:
    (tmp_path / "kafka.version").write_text(written)
    open_folder(tmp_path)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["WARN x", "ERROR Failed", "java.io.IOException: No space left on device"], "disk full: no space left under "),
        (["Terminating due to java.lang.OutOfMemoryError: Java heap space"], "Java ran out of memory"),
        (
            ["ERROR Exiting", "Caused by: java.net.BindException: Address already in use"],
            "another program took its port",
        ),
        (["ERROR Exiting Kafka due to fatal exception", "Caused by: the root"], "Caused by: the root"),
        (
            ["ERROR Exiting Kafka", "org.apache.kafka.ConfigException: no", "\tat x"],
            "org.apache.kafka.ConfigException: no",
        ),
        (["starting", "ERROR " + "x" * 1000], "ERROR xxx"),
        (["Error: Could not find or load main class kafka.Kafka"], "Error: Could not find"),
        (["a line that says nothing"], "no message; was it killed from outside?"),
        ([], "no message"),
    ],
)
def test_the_reason_is_found_in_what_kafka_wrote(tmp_path: Path, lines: list[str], reason: str) -> None:
    told = why_it_ended(tmp_path, lines)
    assert told.startswith(reason)
    assert len(told) <= 300 + len(str(tmp_path))
    assert "\n" not in told


def test_a_name_that_kafka_would_split_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokerRefusedError, match="takes a comma for the end"):
        open_folder(tmp_path / "a,b")
    assert not (tmp_path / "a,b").exists()


def test_no_output_is_no_lines(tmp_path: Path) -> None:
    assert read_lines(tmp_path / "kafka.out") == []
