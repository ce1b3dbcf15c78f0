"""Ends a process that has stopped moving: some waits of kafka-python have no limit, and a classifier may loop for ever.

Leaving is safe at any moment, since whatever was not committed is read again by the next holder of the partitions.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

STALLED_STATUS = 70  # EX_SOFTWARE of sysexits.h
GRACE_STATUS = 75  # EX_TEMPFAIL: told to stop, did not get done in time
CHECK_SECONDS = 1.0


class Watchdog(threading.Thread):
    """Asks `stalled_seconds` every second; beyond `limit` it dumps every thread's stack and leaves with 70."""

    def __init__(
        self, stalled_seconds: Callable[[], float], limit: float, leave: Callable[[int], object] = os._exit
    ) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._stalled_seconds = stalled_seconds
        self._limit = limit
        self._leave = leave
        self._over = threading.Event()

    def run(self) -> None:
        """Until `stop`, or the end."""
        while not self._over.wait(min(CHECK_SECONDS, self._limit / 4)):
            stalled = self._stalled_seconds()
            if stalled > self._limit:
                log.critical("nothing has moved for %.0f s: leaving with status %d", stalled, STALLED_STATUS)
                _dump_stacks()
                self._leave(STALLED_STATUS)
                return

    def stop(self) -> None:
        """Ends the thread."""
        self._over.set()


def _dump_stacks() -> None:
    """Of every thread, to stderr: the only way to learn what it was that did not move."""
    faulthandler.dump_traceback(file=sys.__stderr__ or sys.stderr, all_threads=True)


def leave_after(seconds: float, status: int, leave: Callable[[int], object] = os._exit) -> threading.Timer:
    """Ends the process with `status` unless it has ended by then; gives the timer, which can be cancelled."""

    def out_of_time() -> None:
        log.critical("not done %.0f s after being told to stop: leaving with status %d", seconds, status)
        _dump_stacks()
        leave(status)

    timer = threading.Timer(seconds, out_of_time)
    timer.daemon = True
    timer.start()
    return timer
