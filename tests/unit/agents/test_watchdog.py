"""The watchdog and the grace time; the process's end is an argument."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING

from streams.agents.watchdog import GRACE_STATUS, STALLED_STATUS, Watchdog, leave_after

if TYPE_CHECKING:
    import pytest

TIMEOUT = 30.0


def test_a_process_that_does_not_move_leaves_with_70_and_its_stacks(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    left: queue.Queue[int] = queue.Queue()
    monkeypatch.setattr("sys.__stderr__", None)  # pytest has replaced the real one; faulthandler needs a descriptor
    monkeypatch.setattr("sys.stderr", open(2, "w", closefd=False))  # noqa: SIM115
    watchdog = Watchdog(lambda: 0.3, 0.2, left.put)
    watchdog.start()
    assert left.get(timeout=TIMEOUT) == STALLED_STATUS == 70
    watchdog.join(TIMEOUT)
    assert "most recent call first" in capfd.readouterr().err


def test_one_that_moves_stays() -> None:
    left: queue.Queue[int] = queue.Queue()
    asked: queue.Queue[float] = queue.Queue()

    def moving() -> float:
        asked.put(0.0)
        return 0.0

    watchdog = Watchdog(moving, 0.05, left.put)
    watchdog.start()
    for _ in range(5):
        asked.get(timeout=TIMEOUT)
    watchdog.stop()
    watchdog.join(TIMEOUT)
    assert left.empty()


def test_the_grace_time_ends_the_process_with_its_status() -> None:
    left: queue.Queue[int] = queue.Queue()
    leave_after(0.01, GRACE_STATUS, left.put)
    assert left.get(timeout=TIMEOUT) == 75


def test_a_process_that_is_done_in_time_is_left_alone() -> None:
    left: queue.Queue[int] = queue.Queue()
    timer = leave_after(0.2, GRACE_STATUS, left.put)
    timer.cancel()
    timer.join(TIMEOUT)
    assert left.empty()
