"""Calls into a client that may never come back."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def within(seconds: float, call: Callable[[], object]) -> None:
    """Run `call` on a thread of its own and wait for it; what it raises is raised.

    Raises TimeoutError where it has not come back after `seconds`. The thread is then left behind: whatever it holds
    must not be used again.
    """
    outcome: Future[None] = Future()

    def run() -> None:
        """The outcome is set whatever happens, or the caller would wait in vain."""
        try:
            call()
        except BaseException as error:  # noqa: BLE001  belongs to who waits, whatever it is
            outcome.set_exception(error)
        else:
            outcome.set_result(None)

    threading.Thread(target=run, name="within", daemon=True).start()
    outcome.result(seconds)
