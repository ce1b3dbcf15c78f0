"""`newswire up` as a person starts it: processes of its own, real Kafka, real model; and that it leaves nothing behind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streams.cli.ports import free_ports
from streams.kafka.broker import KafkaBroker
from streams.settings import configs_directory
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(600)]

TIMEOUT = 240.0  # for what takes 10 s on a quiet machine
DEMO_ITEMS = 66
PAGE_ITEMS = 5
COMMAND = (sys.executable, "-c", "from streams.cli.main import main; main()", "up")
ENVIRON = {
    **{name: value for name, value in os.environ.items() if not name.startswith("NEWSWIRE_")},
    "NEWSWIRE_LABEL__PORT": "0",
    "NEWSWIRE_UP__ITEMS_PER_SECOND": "50",
    "PYTHONPATH": str(Path(__file__).parents[2]),
    "PYTHONUNBUFFERED": "1",
}
FAST = {"NEWSWIRE_MODEL__QUALITY": "fast"}  # where the labels do not matter: loads in half the time


def family(pid: int) -> set[int]:
    """A process and all that descend from it."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            parents[int(stat.parent.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


class Up:
    """A running `newswire up`; everything it says is kept."""

    def __init__(self, folder: Path, *arguments: str, **environ: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--data", str(folder / "var"), "--port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**ENVIRON, **environ},
            cwd=folder,
        )
        self.out: list[str] = []
        self.err: list[str] = []
        self._threads = [
            threading.Thread(target=self._keep, args=(self.process.stdout, self.out)),
            threading.Thread(target=self._keep, args=(self.process.stderr, self.err)),
        ]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def _keep(stream, lines: list[str]) -> None:
        lines.extend(line.rstrip("\n") for line in stream)

    @property
    def said(self) -> str:
        return "\n".join([*self.out, *self.err])

    @property
    def page(self) -> str:
        """Where the live page is."""
        wait_for(lambda: "live page" in self.said or self.process.poll() is not None, TIMEOUT, "it did not come up")
        found = re.search(r"live page +(http\S+)", self.said)
        assert found, self.said
        return found[1]

    def wait_for_items(self, count: int) -> list[str]:
        wait_for(
            lambda: len(self.out) >= count or self.process.poll() is not None, TIMEOUT, f"fewer than {count} items"
        )
        assert self.process.poll() is None, self.said
        return list(self.out)

    def descendants(self) -> set[int]:
        return family(self.process.pid)

    def wait(self) -> int:
        status = self.process.wait(TIMEOUT)
        for thread in self._threads:
            thread.join(TIMEOUT)
        return status

    def end(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.wait()

    def close(self) -> None:
        pids = self.descendants()
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.wait()
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


@contextlib.contextmanager
def up(folder: Path, *arguments: str, **environ: str) -> Iterator[Up]:
    running = Up(folder, *arguments, **environ)
    try:
        yield running
    finally:
        running.close()


def get(url: str, **parameters: Any) -> httpx.Response:
    """What a page of it says; httpx itself would wait five seconds."""
    return httpx.get(url, params=parameters, timeout=TIMEOUT)


def none_left(pids: set[int]) -> None:
    wait_for(lambda: not any(lives(pid) for pid in pids), TIMEOUT, "processes were left behind")


def test_comes_up_shows_the_demo_and_ends_in_order(tmp_path):
    with up(tmp_path, "--kafka-port", "0") as running:
        lines = running.wait_for_items(DEMO_ITEMS + PAGE_ITEMS)
        assert Counter(line.split("  ")[1] for line in lines) == {"ar": 22 + PAGE_ITEMS, "tr": 22, "en": 22}
        get(f"{running.page}/readyz").raise_for_status()
        assert "Newswire" in get(running.page).text
        every_topic_and_ten_countries_are_shown(running.page)
        metrics = re.search(r"metrics +(http\S+)", running.said)
        assert metrics
        read = f"newswire_read_items_total {DEMO_ITEMS + PAGE_ITEMS}.0"  # counted behind the commit
        wait_for(lambda: read in get(metrics[1]).text, TIMEOUT, f"not {read}")
        pids = running.descendants()
        assert len(pids) >= 3  # itself, Kafka, the worker
        assert running.end() == 0
        assert f"published {DEMO_ITEMS + PAGE_ITEMS} items" in running.said
        assert "Traceback" not in running.said
        none_left(pids)


def every_topic_and_ten_countries_are_shown(page: str) -> None:
    """And most items have a label: a demo that cannot label itself convinces nobody."""
    # an item is printed before the page has it
    wait_for(lambda: get(f"{page}/topics").json()["items"] == DEMO_ITEMS + PAGE_ITEMS, TIMEOUT, "not all are shown")
    items = get(f"{page}/articles", limit=500).json()["items"]
    counts = get(f"{page}/topics").json()
    assert {topic["slug"] for topic in counts["topics"] if topic["items"]} == {t["slug"] for t in counts["topics"]}
    countries = {place["literal"] for item in items for place in item["places"] if place.get("rel") == "about"}
    assert len(countries) >= 10
    labelled = [item for item in items if item["classification"]["status"] == "labelled"]
    assert len(labelled) >= 0.9 * len(items)


def test_publishes_files_by_their_suffix_and_goes_on_with_what_was_there(tmp_path):
    items = tmp_path / "items.jsonl"
    items.write_text('{"title": "Rain", "text": "It rained in Ankara all day."}\nnot an item\n')
    page = configs_directory() / "demo" / "page-ar.txt"
    with up(tmp_path, "--kafka-port", "0", "--publish", str(items), str(page), **FAST) as first:
        lines = first.wait_for_items(1 + PAGE_ITEMS)
        assert first.end(signal.SIGTERM) == 0
    assert len(lines) == 1 + PAGE_ITEMS
    assert "line 2" in first.said
    assert f"published {1 + PAGE_ITEMS} items" in first.said
    items.write_text('{"title": "Match in Cairo", "text": "The football team of Egypt won the match in Cairo 2-1."}\n')
    with up(tmp_path, "--kafka-port", "0", "--publish", str(items), **FAST) as second:
        lines = second.wait_for_items(1)
        # it is printed before the page has it
        wait_for(lambda: len(get(f"{second.page}/articles").json()["items"]) == 2 + PAGE_ITEMS, TIMEOUT, "not shown")
        titles = [i["headlines"][0]["value"] for i in get(f"{second.page}/articles").json()["items"]]
        assert second.end() == 0
    assert [line.split("  ")[-1] for line in lines] == ["Match in Cairo"]
    assert titles[0] == "Match in Cairo"
    assert len(titles) == 2 + PAGE_ITEMS
    assert "Rain" in titles


def test_dead_worker_is_named_and_everything_ends(tmp_path):
    with up(tmp_path, "--kafka-port", "0", **FAST) as running:
        running.wait_for_items(1)
        pids = running.descendants()
        worker = next(p for p in pids if b"label" in Path(f"/proc/{p}/cmdline").read_bytes().split(b"\0"))
        os.kill(worker, signal.SIGKILL)
        assert running.wait() == 1
        assert "the labelling worker was killed by SIGKILL" in running.err[-1]
        none_left(pids)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_dead_kafka_is_named_and_everything_ends(tmp_path, number):
    """Also where it ends in order: it closes its clients' connections before its process ends."""
    with up(tmp_path, "--kafka-port", "0", **FAST) as running:
        running.wait_for_items(1)
        pids = running.descendants()
        kafka = next(p for p in pids if b"java" in Path(f"/proc/{p}/cmdline").read_bytes().partition(b"\0")[0])
        os.kill(kafka, number)
        assert running.wait() == 1
        assert "Kafka ended" in running.err[-1]
        assert "Traceback" not in running.said
        none_left(pids)


def test_nothing_outlives_a_killed_owner(tmp_path):
    with up(tmp_path, "--kafka-port", "0", **FAST) as running:
        running.wait_for_items(1)
        pids = running.descendants()
        running.process.kill()
        running.wait()
        none_left(pids)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_told_to_end_while_it_starts(tmp_path, number):
    port = free_ports("127.0.0.1", 0, 1, what="the worker", setting="")
    with up(tmp_path, "--kafka-port", "0", NEWSWIRE_LABEL__PORT=str(port)) as running:
        wait_for((tmp_path / "var/kafka/kafka.out").exists, TIMEOUT, "Kafka was not started")
        # kept for the worker: no connection that leaves this machine is given it meanwhile
        with socket.socket() as another, pytest.raises(OSError, match="in use"):
            another.bind(("127.0.0.1", port))
        pids = running.descendants()
        assert running.end(number) == 0
        assert "Traceback" not in running.said
        none_left(pids)


@pytest.mark.parametrize("option", ["--port", "--kafka-port"])
def test_taken_port_is_one_line(tmp_path, option):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        arguments = [option, port] if option == "--kafka-port" else ["--kafka-port", "0", option, port]
        with up(tmp_path, *arguments) as running:
            assert running.wait() == 1
    assert len(running.err) == 1
    assert port in running.err[0]


def test_file_that_is_not_there_is_refused_before_anything_starts(tmp_path):
    with up(tmp_path, "--publish", "nothing.jsonl") as running:
        assert running.wait() == 2
    assert len(running.err) == 1
    assert "nothing.jsonl" in running.err[0]
    assert not (tmp_path / "var").exists()


def test_external_kafka_is_used_and_left_running(tmp_path):
    with KafkaBroker(tmp_path / "external") as broker:
        external = {"NEWSWIRE_KAFKA__BOOTSTRAP_SERVERS": broker.bootstrap_servers}
        with up(tmp_path, "--kafka-port", str(broker.port)) as refused:
            assert refused.wait() == 1
        assert "--external" in refused.err[0]
        with up(tmp_path, "--external", **external, **FAST) as running:
            running.wait_for_items(1)
            assert running.end() == 0
        assert broker.alive
        assert not (tmp_path / "var" / "kafka").exists()


def test_terminal_shows_the_table_and_ctrl_c_ends_it(tmp_path):
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, "--data", str(tmp_path / "var"), "--port", "0", "--kafka-port", "0"],
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**ENVIRON, **FAST, "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(follower)
    screen = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):
            while piece := os.read(leader, 65536):
                screen.extend(piece)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        everything = str(DEMO_ITEMS + PAGE_ITEMS)

        def shown() -> str:
            return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\][^\x1b]*\x1b\\", "", screen[-40_000:].decode(errors="ignore"))

        # published, read, and at least an item with its labels
        wait_for(
            lambda: re.search(rf"{everything} +{everything} +\d+", shown()) or process.poll() is not None,
            TIMEOUT,
            "the table does not show all items",
        )
        text = shown()
        assert process.poll() is None, text
        assert re.search(r"\d\d:\d\d:\d\d +(ar|tr|en) +[a-z-]+ \d+%", text)
        assert "live page http://127.0.0.1:" in text
        assert re.search(r"published +read +labelled +abstained +dead +lag +items/s", text)
        pids = family(process.pid)
        os.killpg(process.pid, signal.SIGINT)  # as the terminal does with Ctrl-C: all of the group, its leader first
        assert process.wait(TIMEOUT) == 0
        none_left(pids)
    finally:
        process.kill()
        process.wait()
        reader.join(TIMEOUT)
        os.close(leader)
    assert b"Traceback" not in screen
