"""Several workers on one machine, each a process on a slot of its own, started again when one ends.

A slot is a stable name: a worker that comes back on it aborts the transaction that its predecessor left open and takes
its partitions back without a rebalance.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from streams.kafka.broker_process import LAUNCH

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

USAGE_STATUS = 2  # the settings or the model are wrong: it would end in the same way again
POLL_SECONDS = 0.1


class Policy(NamedTuple):
    """When a worker is started again; times in seconds."""

    pause: float = 1.0  # before the first restart, doubled before each further one
    longest_pause: float = 30.0
    healthy: float = 60.0  # a worker that ran so long begins anew: its end has another reason
    restarts: int = 8  # in a row without a healthy run, 2 minutes in all; then every worker is ended
    grace: float = 25.0  # after SIGTERM, then SIGKILL: a worker's own grace is 20 and ends with its own status


def supervise(
    commands: Sequence[Sequence[str]],
    stop: threading.Event,
    policy: Policy = Policy(),  # noqa: B008
    hang_up: threading.Event | None = None,
) -> int:
    """Runs every command until `stop` is set; gives 0, or the status of the first that failed.

    Where `hang_up` is set it is cleared and every worker gets SIGHUP. Ends all where one ended with status 2, or too
    often. To be called in a thread that lives as long as the workers: on Linux they are sent SIGTERM when it ends in
    any way.
    """
    slots = [_Slot(command, policy, time.monotonic) for command in commands]
    status = 0
    try:
        for slot in slots:
            slot.start()
        while not status and not stop.wait(POLL_SECONDS):
            status = next((given_up for slot in slots if (given_up := slot.look())), 0)
            if hang_up is not None and hang_up.is_set():
                hang_up.clear()
                for slot in slots:
                    slot.tell(signal.SIGHUP)
    finally:
        statuses = _end(slots, policy.grace)
    return status or next((s for s in statuses if s), 0)


def _end(slots: Sequence[_Slot], grace: float) -> list[int]:
    for slot in slots:
        slot.tell()
    deadline = time.monotonic() + grace
    return [slot.end(deadline) for slot in slots]


class _Slot:
    """One worker's place, and the processes that hold it one after the other."""

    def __init__(self, command: Sequence[str], policy: Policy, clock: Callable[[], float]) -> None:
        self._command = command
        self._policy = policy
        self._clock = clock
        self._process: subprocess.Popen[bytes] | None = None
        self._started = 0.0
        self._failures = 0
        self._again_at = 0.0

    def start(self) -> None:
        """A new process; its output goes where ours goes, its Ctrl-C comes through us."""
        launch = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(signal.SIGTERM))]
        self._started = self._clock()
        self._process = subprocess.Popen(  # noqa: S603  our own command, no shell
            [*launch, *self._command], stdin=subprocess.DEVNULL, start_new_session=True
        )

    def look(self) -> int:
        """Starts the process again where it is due; gives its status where it must not be."""
        if self._process is None:
            if self._clock() >= self._again_at:
                self.start()
            return 0
        status = self._process.poll()
        if status is None:
            return 0
        self._process = None
        if self._clock() - self._started >= self._policy.healthy:
            self._failures = 0
        if status == USAGE_STATUS or self._failures >= self._policy.restarts:
            return _exit_status(status) or 1
        pause = min(self._policy.pause * 2**self._failures, self._policy.longest_pause)
        self._failures += 1
        self._again_at = self._clock() + pause
        log.warning("a worker ended with status %d; started again in %.0f s", status, pause)
        return 0

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Sends its process a signal."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def end(self, deadline: float) -> int:
        """Its status, after SIGKILL where it is still there at the deadline."""
        if self._process is None:
            return 0
        try:
            status = self._process.wait(max(deadline - self._clock(), 0.0))
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        # SIGTERM itself ends a process that is still importing: it was told to, and it has nothing yet
        return 0 if status == -signal.SIGTERM else _exit_status(status)


def _exit_status(status: int) -> int:
    """As a shell says it: 128 and the signal for one that was killed."""
    return 128 - status if status < 0 else status
