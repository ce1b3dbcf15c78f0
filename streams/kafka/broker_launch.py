"""Start a program that ends when its parent does: `python -I -S broker_launch.py PARENT SIGNAL PROGRAM ARGUMENT...`.

A program of its own instead of subprocess's preexec_fn, which may deadlock in a parent with threads (numpy, Faust) and
warns since Python 3.12.
"""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main(parent: int, death_signal: int, arguments: list[str]) -> None:
    """Become the program, with the kernel told to signal it when the parent's thread ends (prctl(2); survives exec)."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if os.getppid() != parent:  # it died before the call
        sys.exit(1)
    os.execv(arguments[0], arguments)  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
