"""Spans that go nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from streams.traces import Stage


class Kept:
    """Spans that keep what they are given."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []

    def wants(self, trace: int) -> bool:
        return True

    def record(self, stages: Iterable[Stage]) -> None:
        self.stages += stages

    def close(self) -> None: ...
