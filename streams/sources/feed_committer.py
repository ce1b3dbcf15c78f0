"""Many polls, few transactions: what is ready while one transaction runs goes into the next one together."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import TracebackType

    from streams.kafka.link import Output

    Publish = Callable[[Sequence[Output], Mapping[str, bytes]], None]

MAX_RECORDS = 1000  # a transaction, positions not counted
MAX_BYTES = 4 << 20


class _Request(NamedTuple):
    outputs: Sequence[Output]
    key: str
    position: bytes
    done: asyncio.Future[None]


class Committer:
    """`publish` writes records and positions in one transaction; it is called by one thread, one call at a time."""

    def __init__(self, publish: Publish) -> None:
        self._publish = publish
        self._queue: asyncio.Queue[_Request] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="publish")
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Starts taking requests."""
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for the transaction under way; what has not begun is dropped, its poll will be done again."""
        if self._task:
            self._task.cancel()
        await asyncio.to_thread(self._thread.shutdown, wait=True, cancel_futures=True)

    async def commit(self, outputs: Sequence[Output], key: str, position: bytes) -> None:
        """Returns when records and position are committed; raises what `publish` raised."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Request(outputs, key, position, done))
        await done

    async def _run(self) -> None:
        waiting: list[_Request] = []
        while True:
            requests = [*waiting, *([] if waiting else [await self._queue.get()])]
            waiting = self._gather(requests)
            outputs = [output for request in requests for output in request.outputs]
            positions = {request.key: request.position for request in requests}
            try:
                await asyncio.get_running_loop().run_in_executor(self._thread, self._publish, outputs, positions)
            except Exception as error:  # noqa: BLE001 - carried to those who wait, who let it end the process
                for request in requests:
                    if not request.done.cancelled():
                        request.done.set_exception(error)
                continue
            for request in requests:
                if not request.done.cancelled():
                    request.done.set_result(None)

    def _gather(self, requests: list[_Request]) -> list[_Request]:
        """Adds what else is there; gives what has to wait: a second position of a key, or what would be too much."""
        keys = {request.key for request in requests}
        records = sum(len(request.outputs) for request in requests)
        size = sum(len(output.value or b"") for request in requests for output in request.outputs)
        while not self._queue.empty():
            request = self._queue.get_nowait()
            records += len(request.outputs)
            size += sum(len(output.value or b"") for output in request.outputs)
            if request.key in keys or records > MAX_RECORDS or size > MAX_BYTES:
                return [request]
            keys.add(request.key)
            requests.append(request)
        return []
