"""The terminal that a process was started in. Its closing is told with SIGHUP too, like the wish for another model."""

from __future__ import annotations

import os

STDIN = 0


class Terminal:
    """To be made when the process starts."""

    def __init__(self, descriptor: int = STDIN) -> None:
        self._descriptor = descriptor
        self._was = os.isatty(descriptor)

    def is_gone(self) -> bool:
        """Whether there was one and it has been closed: what is asked of it then fails."""
        return self._was and not os.isatty(self._descriptor)
