"""The article of an HTML page by trafilatura, in a process of its own with limits of time and memory.

A page is written by strangers: 200,000 nested tags take a parser minutes, some bytes take it down. That ends a child
here, costs one clear error and no neighbour.
"""

from __future__ import annotations

import json
import select
import signal
import subprocess
import sys
import time
from typing import NamedTuple, Self

from streams.errors import InvalidError
from streams.sources.extract_child import FRAME

TIMEOUT_SECONDS = 20.0  # trafilatura takes 25 ms for a page at the median and 1.4 s for the slowest of 258 real ones
START_SECONDS = 60.0  # importing it takes 1 s, 15 s on a machine at load 8
MEMORY_BYTES = 2 << 30  # of address space: 0.5 GB after the import, 1 GB seen on a page of 10 MB
MAX_PAGE_BYTES = 10 << 20


class Extracted(NamedTuple):
    """What was found on a page; empty strings where it does not say."""

    title: str
    text: str  # a paragraph a line
    date: str  # YYYY-MM-DD
    url: str
    language: str
    site: str


class Extractor:
    """Keeps one child alive between pages; starts another where one has died or was killed. Close it."""

    def __init__(self, timeout_seconds: float = TIMEOUT_SECONDS, memory_bytes: int = MEMORY_BYTES) -> None:
        self._timeout = timeout_seconds
        self._memory = memory_bytes
        self._child: subprocess.Popen[bytes] | None = None

    def extract(self, page: bytes) -> Extracted:
        """The article of a page. Raises InvalidError: too large, none found, too slow, too much for the parser."""
        if len(page) > MAX_PAGE_BYTES:
            raise InvalidError(f"the page has {len(page):,} bytes, at most {MAX_PAGE_BYTES:,} are read")
        deadline = time.monotonic() + self._timeout + (0 if self._child else START_SECONDS)
        try:
            answer = json.loads(self._ask(page, deadline))
        except TimeoutError:
            self.close()
            raise InvalidError(f"no article was found on the page in {self._timeout:g} s") from None
        except (EOFError, OSError):
            raise InvalidError(f"the page took the parser down ({self._ended()})") from None
        if "error" in answer:
            raise InvalidError(f"the page cannot be parsed: {answer['error']}")
        if not answer["text"].strip():
            raise InvalidError("the page holds no article")
        return Extracted(
            answer["title"], answer["text"], answer["date"], answer["url"], answer["language"], answer["sitename"]
        )

    def close(self) -> None:
        """Ends the child, whatever it is doing."""
        if self._child:
            self._child.kill()
            self._ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, page: bytes, deadline: float) -> bytes:
        child = self._child = self._child or self._start()
        assert child.stdin is not None  # noqa: S101 - both are pipes
        child.stdin.write(FRAME.pack(len(page)) + page)  # the child reads all of it before it parses
        child.stdin.flush()
        (size,) = FRAME.unpack(self._read(child, FRAME.size, deadline))
        return self._read(child, size, deadline)

    def _read(self, child: subprocess.Popen[bytes], size: int, deadline: float) -> bytes:
        assert child.stdout is not None  # noqa: S101
        found = b""
        while len(found) < size:
            ready, _, _ = select.select([child.stdout], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise TimeoutError
            piece = child.stdout.read1(size - len(found))  # type: ignore[attr-defined]  # a BufferedReader
            if not piece:
                raise EOFError
            found += piece
        return found

    def _start(self) -> subprocess.Popen[bytes]:
        # -P: a file of the working directory must not stand in for a module
        command = [sys.executable, "-P", "-m", "streams.sources.extract_child", str(self._memory)]
        return subprocess.Popen(  # noqa: S603 - our own module
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _ended(self) -> str:
        child, self._child = self._child, None
        if child is None:
            return "it did not start"
        child.kill()
        status = child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe:
                try:
                    pipe.close()
                except OSError:  # what could not be flushed to a dead child
                    continue
        return signal.Signals(-status).name if status < 0 else f"status {status}"
