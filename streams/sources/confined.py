"""A function run in a child process with limits of time and memory, for input that strangers wrote.

A page of 100,000 nested tags held one extractor for 304 s, and no thread can be ended from outside: a process can. Who
comes back too late, or takes too much memory, is killed and replaced, and only that one input is lost.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Pipe
from typing import TYPE_CHECKING, Generic, NamedTuple, ParamSpec, TypeVar

from streams.errors import InvalidError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from multiprocessing.connection import Connection
    from types import TracebackType
    from typing import Self

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")

START_SECONDS = 60.0  # of a child: a second here, ten where the machine is busy
CALLS_PER_CHILD = 5_000  # then a fresh one: what libraries leak stays bounded
_SLICE_SECONDS = 1.0  # between two looks whether a call is to be broken off


class Bounds(NamedTuple):
    """What one call may take; of the address space some 300 MB are Python and its libraries."""

    seconds: float = 20.0
    memory_bytes: int = 1 << 30


class Confined(Generic[Arguments, Result]):
    """One child process, started by the first call. Callers of several threads take turns.

    The function is one that its module names, and so are the types of its arguments and of what it gives (pickle).
    """

    def __init__(self, function: Callable[Arguments, Result], bounds: Bounds | None = None) -> None:
        self._function = function
        self._bounds = bounds or Bounds()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._pipe: Connection | None = None
        self._calls = 0
        self._aborted = False

    def call(self, *arguments: Arguments.args, **names: Arguments.kwargs) -> Result:
        """What the function gives.

        Raises InvalidError where it raised InvalidError, took too long or too much memory, or broke; TransientError
        where no child can be started.
        """
        with self._lock:
            pipe = self._ready()
            self._calls += 1
            try:
                pipe.send((arguments, names))
                self._wait(pipe)
                result, fault, worn_out = pipe.recv()
            except (EOFError, OSError) as error:
                self._end()
                raise InvalidError("reading it ended the process: too large or too deep") from error
            if worn_out or self._calls >= CALLS_PER_CHILD:
                self._end()
            if fault is not None:
                raise InvalidError(fault)
            found: Result = result
            return found

    def abort(self) -> None:
        """Ends a call under way within a second, from another thread: it raises InvalidError."""
        self._aborted = True

    def close(self) -> None:
        """Ends the child."""
        with self._lock:
            self._end()

    def _ready(self) -> Connection:
        if self._pipe is None or self._child is None or self._child.poll() is not None:
            self._end()
            self._pipe, theirs = Pipe()
            self._child = self._start(theirs)
            self._calls = 0
            if not self._pipe.poll(START_SECONDS):
                self._end()
                raise TransientError(f"no child process in {START_SECONDS:g} s: the machine is too busy")
            try:
                self._pipe.recv()
            except EOFError as error:
                self._end()
                raise TransientError("a child process ended while it started: see the lines above") from error
        return self._pipe

    def _start(self, theirs: Connection) -> subprocess.Popen[bytes]:
        """A process of our own module. multiprocessing would run the parent's script once more, whatever that does."""
        descriptor, function = theirs.fileno(), self._function
        names = (str(descriptor), function.__module__, function.__name__, str(self._bounds.memory_bytes))
        with theirs:
            return subprocess.Popen(  # noqa: S603 - our own module; -P: no file of the working directory stands in for it
                [sys.executable, "-P", "-m", "streams.sources.confined_child", *names],
                pass_fds=(descriptor,),
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                start_new_session=True,  # Ctrl-C goes to a whole group; the parent decides
            )

    def _wait(self, pipe: Connection) -> None:
        """Returns when there is an answer. Raises InvalidError."""
        deadline = time.monotonic() + self._bounds.seconds
        while not pipe.poll(min(max(deadline - time.monotonic(), 0.0), _SLICE_SECONDS)):
            if self._aborted or time.monotonic() >= deadline:
                self._end()
                late = f"it takes more than {self._bounds.seconds:g} s to read"
                raise InvalidError("reading it was broken off" if self._aborted else late)

    def _end(self) -> None:
        if self._child is not None:
            self._child.kill()  # it holds nothing: no file, no connection but the pipe
            self._child.wait()
        if self._pipe is not None:
            self._pipe.close()
        self._child = self._pipe = None


class ConfinedPool(Generic[Arguments, Result]):
    """Several children for callers of one event loop; `async with` ends them."""

    def __init__(self, function: Callable[Arguments, Result], processes: int, bounds: Bounds | None = None) -> None:
        self._idle: asyncio.Queue[Confined[Arguments, Result]] = asyncio.Queue()
        self._all = [Confined(function, bounds) for _ in range(processes)]
        for child in self._all:
            self._idle.put_nowait(child)
        self._threads = ThreadPoolExecutor(processes, thread_name_prefix="confined")

    async def __aenter__(self) -> Self:
        """Starts nothing: the first calls do."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends the children, and with them the calls that are under way."""
        for child in self._all:
            child.abort()
        await asyncio.to_thread(self._threads.shutdown, wait=True, cancel_futures=True)
        for child in self._all:
            child.close()

    async def call(self, *arguments: Arguments.args, **names: Arguments.kwargs) -> Result:
        """See Confined.call; waits for an idle child first."""
        child = await self._idle.get()
        work = asyncio.get_running_loop().run_in_executor(self._threads, lambda: child.call(*arguments, **names))
        work.add_done_callback(lambda _: self._idle.put_nowait(child))  # also where the caller was cancelled meanwhile
        return await asyncio.shield(work)
