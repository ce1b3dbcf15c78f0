"""What `newswire up` is made of, each part alone: ports, child processes, what it feeds."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from streams.cli import children
from streams.cli.children import Child, last_line
from streams.cli.everything import Task, fetched
from streams.cli.feeding import Paced, open_source
from streams.cli.ports import free_ports, is_free
from streams.errors import InvalidError, TransientError
from streams.sources.base import Progress
from tests.helpers import wait_for

ASKED = {"what": "the worker", "setting": "NEWSWIRE_LABEL__PORT"}


@pytest.fixture
def taken():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_taken_port_is_named_with_the_setting_that_chooses_another(taken):
    assert not is_free("127.0.0.1", taken)
    with pytest.raises(TransientError) as error:
        free_ports("127.0.0.1", taken, 1, **ASKED)
    assert str(error.value).startswith(f"port {taken} is taken, the worker cannot listen there")
    assert "NEWSWIRE_LABEL__PORT=" in str(error.value)


def test_port_zero_finds_free_ones_in_a_row():
    first = free_ports("127.0.0.1", 0, 3, **ASKED)
    assert all(is_free("127.0.0.1", port) for port in range(first, first + 3))


def test_address_of_no_machine_is_said():
    with pytest.raises(TransientError, match=r"no\.such\.host\.invalid is no address"):
        is_free("no.such.host.invalid", 1)


def lives(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def make_child(tmp_path, monkeypatch):
    """Children that run a Python text instead of a command of newswire."""
    made = []

    def make(text: str, **environ: str) -> Child:
        monkeypatch.setattr(children, "NEWSWIRE", (sys.executable, "-c", text))
        child = Child("the tester", ["--flag"], {**os.environ, **environ}, tmp_path / "log" / "child.log")
        made.append(child)
        child.start()
        return child

    yield make
    for child in made:
        child.stop(0)


def test_child_gets_arguments_and_environment_and_its_end_is_explained(make_child):
    child = make_child(
        "import os, sys; print(sys.argv[1], os.environ['NEWSWIRE_X']); print('newswire: no luck'); print(); sys.exit(3)",
        NEWSWIRE_X="42",
    )
    wait_for(lambda: not child.alive, 60, "the child did not end")
    assert child.log.read_text(encoding="utf-8").startswith("--flag 42\n")
    assert str(child.failure()) == f"the tester ended with status 3: no luck (its log: {child.log})"


def test_child_that_was_killed_says_by_what(make_child):
    child = make_child("import time; time.sleep(600)")
    os.kill(child.pid, signal.SIGKILL)
    wait_for(lambda: not child.alive, 60, "the child did not end")
    assert str(child.failure()).startswith("the tester was killed by SIGKILL")


def test_child_ends_when_it_is_told(make_child):
    text = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(0)); print('ready', flush=True); time.sleep(600)"
    child = make_child(text)
    wait_for(lambda: last_line(child.log) == "ready", 60, "the child did not start")
    child.stop(60)
    assert str(child.failure()).startswith("the tester ended with status 0")


def test_child_that_does_not_listen_is_killed_with_its_own_children(make_child):
    text = (
        "import signal, subprocess, sys, time; signal.signal(15, signal.SIG_IGN);"
        "print(subprocess.Popen([sys.executable, '-c', 'import signal, time; signal.signal(15, signal.SIG_IGN);"
        "time.sleep(600)']).pid, flush=True); time.sleep(600)"
    )
    child = make_child(text)
    wait_for(lambda: last_line(child.log), 60, "the child did not start")
    grandchild = int(last_line(child.log))
    child.stop(0.2)
    wait_for(lambda: not child.alive and not lives(grandchild), 60, "somebody survived")


def test_child_ends_when_its_parent_is_killed(tmp_path):
    """The parent here is a process of its own, which is killed -9."""
    text = (
        "import os, sys, time; from pathlib import Path; from streams.cli import children;"
        "children.NEWSWIRE = (sys.executable, '-c', 'import time; time.sleep(600)');"
        f"child = children.Child('c', [], os.environ, Path({str(tmp_path)!r}) / 'log');"
        "child.start(); print(child.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert lives(pid)
        parent.kill()
    wait_for(lambda: not lives(pid), 60, "the child has outlived its parent")


def test_log_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "log").write_text("a file where a folder should be")
    child = Child("x", [], {}, tmp_path / "log" / "child.log")
    with pytest.raises(TransientError, match="cannot write"):
        child.start()


def test_task_keeps_what_ended_it():
    def work() -> None:
        raise TransientError("gone")

    task = Task("t", work)
    task.start()
    task.join(60)
    assert str(task.failure) == "gone"


def test_page_of_nobody_is_none():
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        assert fetched(f"http://127.0.0.1:{silent.getsockname()[1]}/metrics") is None


@pytest.mark.parametrize("name", ["items.csv", "items", "items.json.bz2"])
def test_file_of_unknown_kind_is_refused_with_the_known_ones(name):
    with pytest.raises(InvalidError) as error:
        open_source(Path(name))
    assert ".jsonl" in str(error.value)
    assert ".html" in str(error.value)


def test_file_that_is_not_there_is_refused():
    with pytest.raises(InvalidError, match="No such file"):
        open_source(Path("no-such-file.jsonl"))


class Letters:
    """A source of five steps."""

    kind, name, guarantee, closed = "letters", "abc", "none", False

    def steps(self, position):
        yield from "abcde"

    def progress(self):
        return Progress(0, 5, "items")

    def close(self):
        self.closed = True


def test_paced_source_waits_before_each_item_and_ends_when_told():
    waits: list[float] = []
    letters = Letters()
    paced = Paced(letters, lambda seconds: waits.append(seconds) or len(waits) > 3, 4.0)
    assert list(paced.steps(None)) == ["a", "b", "c"]
    assert waits == [0.25] * 4
    assert (paced.kind, paced.name) == ("letters", "abc")
    assert paced.progress().total is None  # who publishes sends each item at once
    paced.close()
    assert letters.closed


def test_source_without_pace_does_not_wait():
    waits: list[float] = []
    unpaced = Paced(Letters(), waits.append, None)
    assert list(unpaced.steps(None)) == list("abcde")
    assert unpaced.progress().total == 5
    assert waits == [0.0] * 5
