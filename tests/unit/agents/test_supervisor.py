"""Several workers under one command."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from streams.agents.supervisor import Policy, supervise
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TIMEOUT = 60.0
QUICK = Policy(pause=0.01, longest_pause=0.02, healthy=1000.0, restarts=3, grace=TIMEOUT)

# Writes its pid to its own file, then does what it is told.
CHILD = """
import os, pathlib, signal, sys, time
with open(sys.argv[1], "a") as file:
    file.write(f"{os.getpid()}\\n")
what = sys.argv[2]
if what.startswith("exit"):
    sys.exit(int(what[4:]))
if what == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if what == "hears":
    signal.signal(signal.SIGHUP, lambda *_: open(sys.argv[1] + ".heard", "w").close())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
if what == "polite":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(int(sys.argv[3])))
open(sys.argv[1] + ".up", "w").close()
while True:
    time.sleep(0.05)
"""


class Supervised:
    """`supervise` in a thread, over children of ours."""

    def __init__(self, folder: Path, *children: tuple[str, ...], policy: Policy = QUICK) -> None:
        self.files = [folder / f"child-{n}" for n in range(len(children))]
        commands = [[sys.executable, "-c", CHILD, str(f), *c] for f, c in zip(self.files, children, strict=True)]
        self.stop = threading.Event()
        self.status: list[int] = []
        self.hang_up = threading.Event()

        def run() -> None:
            self.status.append(supervise(commands, self.stop, policy, self.hang_up))

        self._thread = threading.Thread(target=run)
        self._thread.start()

    def pids(self, child: int) -> list[int]:
        return [int(line) for line in self.files[child].read_text().split()] if self.files[child].exists() else []

    def wait_until_up(self) -> None:
        wait_for(lambda: all(f.with_suffix(".up").exists() for f in self.files), TIMEOUT, "not all came up")

    def end(self) -> int:
        self.stop.set()
        self._thread.join(TIMEOUT)
        return self.status[0]


@pytest.fixture
def supervised(tmp_path: Path) -> Iterator[Any]:
    made: list[Supervised] = []

    def make(*children: tuple[str, ...], **settings: Any) -> Supervised:
        made.append(Supervised(tmp_path, *children, **settings))
        return made[-1]

    yield make
    for one in made:
        one.stop.set()
        one._thread.join(TIMEOUT)


def is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_told_to_stop_it_ends_all_and_gives_0(supervised: Any) -> None:
    one = supervised(("polite", "0"), ("polite", "0"))
    one.wait_until_up()
    assert one.end() == 0
    assert all(is_gone(pid) for child in range(2) for pid in one.pids(child))


def test_the_status_of_a_worker_that_was_not_done_in_time_is_given(supervised: Any) -> None:
    one = supervised(("polite", "0"), ("polite", "75"))
    one.wait_until_up()
    assert one.end() == 75


def test_a_killed_worker_is_started_again_on_its_place(supervised: Any) -> None:
    one = supervised(("polite", "0"), ("polite", "0"))
    one.wait_until_up()
    (first,), (other,) = one.pids(0), one.pids(1)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: len(one.pids(0)) == 2, TIMEOUT, "not started again")
    assert one.pids(1) == [other]


def test_a_worker_that_always_ends_is_given_up_and_the_others_are_ended(supervised: Any) -> None:
    one = supervised(("exit1",), ("polite", "0"))
    wait_for(lambda: one.status, TIMEOUT, "it went on for ever")
    assert one.status == [1]
    assert len(one.pids(0)) == 1 + QUICK.restarts
    assert all(is_gone(pid) for pid in one.pids(1))


def test_a_worker_that_ran_long_enough_begins_anew(supervised: Any) -> None:
    one = supervised(("exit1",), policy=QUICK._replace(healthy=0.0))
    wait_for(lambda: len(one.pids(0)) > 3 * QUICK.restarts, TIMEOUT, "given up")
    assert one.status == []


def test_wrong_settings_are_not_tried_again(supervised: Any) -> None:
    one = supervised(("exit2",), ("polite", "0"))
    wait_for(lambda: one.status, TIMEOUT, "it went on")
    assert one.status == [2]
    assert len(one.pids(0)) == 1


def test_a_worker_that_hears_nothing_is_killed_after_the_grace(supervised: Any) -> None:
    one = supervised(("deaf",), policy=QUICK._replace(grace=0.2))
    one.wait_until_up()
    assert one.end() == 128 + signal.SIGKILL
    assert is_gone(one.pids(0)[0])


def test_told_to_hang_up_it_tells_every_worker_and_ends_none(supervised: Any) -> None:
    one = supervised(("hears",), ("hears",))
    one.wait_until_up()
    one.hang_up.set()
    wait_for(lambda: all(f.with_suffix(".heard").exists() for f in one.files), TIMEOUT, "not all heard it")
    assert not one.hang_up.is_set()
    assert one.end() == 0
    assert [len(one.pids(child)) for child in range(2)] == [1, 1]


def test_a_pause_grows_and_is_bounded() -> None:
    policy = Policy()
    pauses = [min(policy.pause * 2**n, policy.longest_pause) for n in range(policy.restarts)]
    assert pauses == [1, 2, 4, 8, 16, 30, 30, 30]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent is gone")
def test_the_workers_of_a_killed_supervisor_end_with_it(tmp_path: Path) -> None:
    file = tmp_path / "child"
    program = (
        "import sys, threading\nfrom streams.agents.supervisor import supervise\n"
        f"supervise([[sys.executable, '-c', {CHILD!r}, {str(file)!r}, 'run']], threading.Event())"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)
    try:
        wait_for(lambda: file.with_suffix(".up").exists(), TIMEOUT, "the worker did not come up")
        parent.kill()
        parent.wait(TIMEOUT)
        pid = int(file.read_text())
        wait_for(lambda: is_gone(pid), TIMEOUT, "the worker outlived its supervisor")
    finally:
        parent.kill()
        parent.wait(TIMEOUT)
