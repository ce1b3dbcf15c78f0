"""Clocks for tests: one that jumps over every sleep, one that runs faster than time."""

from __future__ import annotations

import asyncio
import time


class JumpingClock:
    """Sleeping takes no time and moves the clock; for one sleeper at a time. `slept` holds every sleep."""

    def __init__(self, now: float = 1_750_000_000.0) -> None:
        self.now = now
        self.slept: list[float] = []

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds > 0:
            self.slept.append(seconds)
            self.now += seconds
        await asyncio.sleep(0)


class FastClock:
    """Runs `speed` times as fast as time, for any number of sleepers; `began`, in unix seconds, is when it was right.

    Processes that agree on `began` agree on the time.
    """

    def __init__(self, speed: float, began: float | None = None) -> None:
        self._speed = speed
        self._began = time.time() if began is None else began

    def time(self) -> float:
        return self._began + (time.time() - self._began) * self._speed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(seconds, 0.0) / self._speed)
