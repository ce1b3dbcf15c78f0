"""The process that runs a function for streams/sources/confined.py: FD MODULE FUNCTION MEMORY_BYTES.

On the pipe FD: calls in, as (arguments, names); answers out, as (result, error or None, whether this process is worn
out). The first message out says that it is ready.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING, Any

from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable


def main(descriptor: str, module: str, name: str, memory_bytes: str) -> None:
    """Answers calls until the pipe closes, which it does where the parent ends, however it ends."""
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # the parent's stdout is for items
    limit = int(memory_bytes)
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    function = getattr(importlib.import_module(module), name)
    pipe = Connection(int(descriptor))
    pipe.send(None)
    with contextlib.suppress(EOFError, OSError):
        while True:
            arguments, names = pipe.recv()
            pipe.send(_answer(function, arguments, names))


def _answer(function: Callable[..., Any], arguments: Any, names: Any) -> tuple[Any, str | None, bool]:
    try:
        return function(*arguments, **names), None, False
    except InvalidError as error:
        return None, str(error), False
    except MemoryError:
        return None, "it takes too much memory to read", True
    except RecursionError:
        return None, "it is nested too deep to read", False
    except Exception as error:  # noqa: BLE001 - the boundary of the process: a library that breaks costs its input alone
        return None, f"it cannot be read: {type(error).__name__}: {' '.join(str(error).split())[:200]}", True


if __name__ == "__main__":
    main(*sys.argv[1:])
