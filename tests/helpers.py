"""What several kinds of test share: waiting for a condition, never for a time."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from streams.kafka.broker_process import Reservation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Result = TypeVar("Result")

POLL_SECONDS = 0.02

# kubectl: Debian 12 has 1.20, whose kustomize refuses the overlays ("cannot unmarshal object into ... patchesStrategicMerge");
# docker-compose: it has 1.29, which knows no profiles of that kind
NOT_PACKAGED = "no package of the distribution is new enough"


def wait_for(condition: Callable[[], Result], timeout: float, message: str) -> Result:
    """Return the first truthy value of the condition, asked again and again; fail with the message after `timeout` seconds.

    Time-outs are for a machine that is busy with other things: give 20 times what it takes on a quiet one.
    """
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{message} (waited {timeout:g} s)")
        time.sleep(POLL_SECONDS)
    return result


@contextmanager
def kept_port() -> Iterator[int]:
    """A loopback port that nobody else gets while its server is still starting, or away."""
    kept = Reservation()
    try:
        yield kept.port
    finally:
        kept.release()
