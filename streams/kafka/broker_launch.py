"""Start a program that ends when its parent does: `python -I -S broker_launch.py PARENT SIGNAL PROGRAM ARGUMENT...`.

A program of its own instead of subprocess's preexec_fn, which may deadlock in a parent with threads (numpy, Faust) and
warns since Python 3.12.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time

PR_SET_PDEATHSIG = 1  # linux/prctl.h
POLL_SECONDS = 0.5


def become(parent: int, death_signal: int, arguments: list[str]) -> None:
    """Linux: become the program, with the kernel told to signal it when the parent's thread ends (prctl(2))."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)  # survives exec
    if os.getppid() != parent:  # it died before the call
        sys.exit(1)
    os.execv(arguments[0], arguments)  # noqa: S606 - no shell wanted


def watch(parent: int, death_signal: int, arguments: list[str]) -> int:
    """Elsewhere: run the program, pass SIGTERM on, signal it when the parent is gone; return its exit status."""
    child = os.posix_spawn(arguments[0], arguments, os.environ)
    signal.signal(signal.SIGTERM, lambda number, _: os.kill(child, number))
    told = False
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        if not told and os.getppid() != parent:
            os.kill(child, death_signal)
            told = True
        time.sleep(POLL_SECONDS)
    return os.waitstatus_to_exitcode(ended[1]) & 0xFF


if __name__ == "__main__":
    order = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    if sys.platform == "linux":
        become(*order)
    else:
        sys.exit(watch(*order))
