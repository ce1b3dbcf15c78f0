"""Functions for a child process that misbehave in every way."""

from __future__ import annotations

import os
import sys
import time

from streams.errors import InvalidError


def misbehave(what: str) -> str:
    """Does what it is told."""
    match what:
        case "refuse":
            raise InvalidError("not today")
        case "break":
            raise ValueError("a bug\nof two lines")
        case "hang":
            time.sleep(600)
        case "eat":
            held = [bytearray(64 << 20) for _ in range(1000)]
            return str(len(held))
        case "dive":
            sys.setrecursionlimit(1000)

            def deeper() -> int:
                return deeper() + 1

            return str(deeper())
        case "die":
            os._exit(3)
        case "pid":
            return str(os.getpid())
        case "chatter":
            print("a library that writes to stdout", flush=True)
    return what * 2
