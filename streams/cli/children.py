"""Processes of `newswire` under `newswire up`: started with the same settings, ended with it, and why one ended."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

from streams.errors import TransientError
from streams.kafka.broker_process import LAUNCH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_TAIL_BYTES = 8192
NEWSWIRE = (sys.executable, "-c", "from streams.cli.main import main; main()")


class Child:
    """A command of `newswire` in a process of its own, whose output goes to a file.

    It has a session of its own, so Ctrl-C reaches it only through its parent, which decides the order; and it is sent
    SIGTERM by the kernel when its parent dies in any way (see broker_launch).
    """

    def __init__(self, name: str, arguments: Sequence[str], environ: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._arguments = [*NEWSWIRE, *arguments]
        self._environ = dict(environ)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Its process id, once it is started."""
        return self._process.pid if self._process else None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Starts it. Raises TransientError where its log cannot be written."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            output = self.log.open("wb")
        except OSError as error:
            raise TransientError(f"cannot write {self.log}: {error.strerror}") from error
        command = [sys.executable, "-I", "-S", str(LAUNCH), str(os.getpid()), str(int(signal.SIGTERM))]
        started = threading.Event()

        def keep() -> None:
            """Starts the child and lives as long. One that cannot be started is not alive."""
            # the kernel watches the thread that forked, not the process: this one lives as long as the child
            with output:
                try:
                    self._process = subprocess.Popen(  # noqa: S603 - our own command, no shell
                        [*command, *self._arguments],
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        env=self._environ,
                        start_new_session=True,
                    )
                finally:
                    started.set()
                self._process.wait()

        threading.Thread(target=keep, name=f"{self.name}-keeper", daemon=True).start()
        started.wait()

    def failure(self) -> TransientError:
        """Why it ended: its status and the last thing that it said."""
        status = self._process.poll() if self._process else None
        how = (
            f"was killed by {signal.Signals(-status).name}" if status and status < 0 else f"ended with status {status}"
        )
        said = last_line(self.log)
        return TransientError(f"{self.name} {how}{f': {said}' if said else ''} (its log: {self.log})")

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        if self._process is not None:
            self._process.terminate()

    def stop(self, seconds: float) -> None:
        """SIGTERM; SIGKILL to its whole session after so long."""
        if self._process is None:
            return
        self._process.terminate()
        deadline = time.monotonic() + seconds
        while self.alive and time.monotonic() < deadline:
            time.sleep(0.02)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            # also where it has ended in time: a worker of its own may not have
            os.killpg(self._process.pid, signal.SIGKILL)


def last_line(log: Path) -> str:
    """The last line of a file that is not empty, without our prefix; "" where there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines()]
    except OSError:
        return ""
    return next((line.removeprefix("newswire: ") for line in reversed(lines) if line), "")
