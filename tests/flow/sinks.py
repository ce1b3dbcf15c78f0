"""Sinks as processes on a real Kafka, and what they are given."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.flow.edges import ROOT, SECONDS, command, environment
from tests.flow.labelled import Streams, labelled
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.servers.receivers import Hook

BATCH = 600


def items(first: int, behind: int) -> list[dict[str, Any]]:
    return [labelled(f"urn:n:{n}", [("01000000", 90)]) for n in range(first, behind)]


def uris(behind: int) -> list[str]:
    return sorted(f"urn:n:{n}" for n in range(behind))


@contextlib.contextmanager
def started(bootstrap_servers: str, *names: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """`newswire sink NAME...` with settings such as SQL__URL=...; killed at the end where it still runs."""
    given = {f"NEWSWIRE_SINKS__{name}": value for name, value in settings.items()}
    process = subprocess.Popen(
        command("sink", *names), stderr=subprocess.PIPE, cwd=ROOT, env=environment(bootstrap_servers, **given)
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate(timeout=SECONDS)


def end(process: subprocess.Popen[bytes], how: signal.Signals = signal.SIGTERM) -> bytes:
    process.send_signal(how)
    _, said = process.communicate(timeout=SECONDS)
    return said


class Running(NamedTuple):
    """Some sinks of one process. `stored`: by sink, the uris of all that is durable, sorted, doubles twice."""

    names: tuple[str, ...]
    settings: Mapping[str, str]
    stored: Mapping[str, Callable[[], list[str]]]
    hook: Hook | None  # the receiver of the webhook


def kill_again_and_again(servers: str, streams: Streams, sinks: Running, *, kills: int, seed: int) -> int:
    """Items in, the sinks killed -9 at random moments; returns when all have everything: how many items that is.

    Each sink in turn is the one whose progress decides when the next kill comes.
    """
    rng = random.Random(seed)
    written = 0
    for number in range(kills):
        with started(servers, *sinks.names, **sinks.settings):  # kill -9 at its end
            stored = sinks.stored[list(sinks.stored)[number % len(sinks.stored)]]
            goal = len(stored()) + rng.randrange(BATCH)
            for _ in range(4):
                streams.write(items(written, written + BATCH // 4), commit=True)
                written += BATCH // 4
                streams.write(items(10**6, 10**6 + 5), commit=False)  # rolled back: must never be stored
            wait_for(lambda stored=stored, goal=goal: len(stored()) >= goal, SECONDS, "the sink stores nothing")  # type: ignore[misc]
    streams.write(items(written, written + 30))
    written += 30
    with started(servers, *sinks.names, **sinks.settings) as process:
        for name, stored in sinks.stored.items():
            wait_for(
                lambda stored=stored: len(set(stored())) >= written,  # type: ignore[misc]
                SECONDS,
                f"{name} has not the last items",
            )
        said = end(process)
        assert process.returncode == 0, said
    return written
