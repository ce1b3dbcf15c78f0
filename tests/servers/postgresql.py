"""A PostgreSQL server of the test run's own: the distribution's programs, a data folder in /tmp, a free port."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from streams.kafka.broker_process import Reservation
from tests.helpers import wait_for

SECONDS = 120.0  # for what takes three on a quiet machine
# root may not run PostgreSQL; the distribution's package brings this user along
USER = "postgres"
TOOLS = ("initdb", "postgres", "createdb", "pg_isready")


def programs() -> Path | None:
    """The folder with the server and its tools, the newest of several; None where there is none with all of them."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    found = shutil.which("initdb")
    candidates = [*folders, *([Path(found).parent] if found else [])]
    return next((path for path in candidates if all((path / tool).exists() for tool in TOOLS)), None)


def _as_user() -> dict[str, Any]:
    return {"user": USER, "group": USER, "extra_groups": []} if os.geteuid() == 0 else {}


class Postgresql:
    """A cluster that trusts everybody on loopback; made by `with`, gone after it."""

    def __init__(self, bin_folder: Path) -> None:
        self._bin = bin_folder
        # not pytest's folder: that is closed to other users
        self._folder = Path(tempfile.mkdtemp(prefix="newswire-postgresql-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._kept = Reservation()  # while it is made, and while a test has stopped it
        self.port = self._kept.port
        self._databases = 0

    def __enter__(self) -> Self:
        try:
            if os.geteuid() == 0:
                shutil.chown(self._folder, USER, USER)
            self._run("initdb", "-D", str(self._folder / "data"), "-A", "trust", "-U", USER, "-E", "UTF8", "-N")
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop(at_once=True)
        self._kept.release()
        shutil.rmtree(self._folder)

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        # a test kills writers, never the machine: what is not synced is still there
        settings = ["fsync=off", "listen_addresses=127.0.0.1", f"port={self.port}", "unix_socket_directories="]
        flags = [flag for setting in settings for flag in ("-c", setting)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._bin / "postgres", "-D", self._folder / "data", *flags],
                stdout=log,
                stderr=log,
                cwd="/",
                **_as_user(),
            )
        wait_for(self._answers, SECONDS, "PostgreSQL does not answer")

    def stop(self, *, at_once: bool = False) -> None:
        """Ends every connection and the server (a `fast` shutdown); `at_once`: as if it had crashed."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
            self._process.wait(SECONDS)
            self._process = None

    def database(self) -> str:
        """The URL of a fresh database."""
        self._databases += 1
        name = f"test{self._databases}"
        self._run("createdb", "-h", "127.0.0.1", "-p", str(self.port), "-U", USER, name)
        return f"postgresql://{USER}@127.0.0.1:{self.port}/{name}"

    def _answers(self) -> bool:
        assert self._process is not None
        log = (self._folder / "log").read_text(errors="replace")
        assert self._process.poll() is None, log
        ready = [self._bin / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        return subprocess.run(ready, check=False, cwd="/").returncode == 0

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._bin / program, *arguments], capture_output=True, check=False, cwd="/", timeout=SECONDS, **_as_user()
        )
        assert done.returncode == 0, done.stderr.decode(errors="replace")
