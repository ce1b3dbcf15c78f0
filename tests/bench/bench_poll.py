"""5,000 feeds polled by one process: does its memory stay flat, does it keep up, what does a poll cost?

    python -m tests.bench.bench_poll [--feeds 5000] [--seconds 180] [--speed 60]

Every feed has a host of its own (127.x.y.z) on a local server, a process beside this one. The clock runs fast: at 60,
three minutes after the first rounds are three hours of polls between ten minutes and a day apart, if the machine can do
them. Kafka is left out: what is published is counted and dropped, positions are kept as the poller keeps them. Memory
is that of this process and of its parser; it grows until every feed has been asked a second time, then it must not.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from streams.sources.feed_poll import Feed
from streams.sources.feed_state import KEY_PREFIX, decode_state
from tests.servers.clock import FastClock
from tests.servers.polling import Memory, polling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streams.kafka.link import Output
    from streams.sources.feed import Report

SENTENCE = "The council met on Monday and agreed on a plan for the harbour, its chair said after the meeting. "
GROWTH_LIMIT = 0.05
WARM_ROUNDS = 3  # the first brings every entry; by the second every task, state and connection has its lasting form


class Counting(Memory):
    """Keeps positions and counts what was published."""

    def __init__(self) -> None:
        super().__init__()
        self.items = self.polls = self.failed = 0

    def publish(self, outputs: Sequence[Output], positions: Mapping[str, bytes]) -> None:
        self.items += len(outputs)
        self.positions.update(positions)

    def report(self, done: Report) -> None:
        self.polls += 1
        self.failed += done.polled.result not in {"fetched", "not_modified"}


def address(number: int) -> str:
    return f"127.{1 + number // 62_500}.{number // 250 % 250}.{1 + number % 250}"


def serve() -> None:
    """The server: a feed for each host that is asked for, which grows by one story in one of five requests."""
    counts: dict[str, int] = {}
    chance = random.Random(3)

    async def answer(request: web.Request) -> web.Response:
        if request.path != "/feed":
            return web.Response(status=404)
        host = request.host
        count = counts[host] = counts.get(host, 20) + (chance.random() < 0.2)
        tag = f'"{count}"'
        if request.headers.get("If-None-Match") == tag:
            return web.Response(status=304, headers={"ETag": tag})
        items = "".join(
            f"<item><title>Story {n}</title><link>http://{host}/{n}</link><guid isPermaLink='false'>story-{n:06}</guid>"
            f"<description>{SENTENCE * 5}{n}</description></item>"
            for n in range(count, count - 20, -1)
        )
        body = f"<rss version='2.0'><channel><title>{host}</title>{items}</channel></rss>"
        return web.Response(text=body, content_type="application/rss+xml", headers={"ETag": tag})

    async def run() -> None:
        runner = web.ServerRunner(web.Server(answer))
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", 0, backlog=1024).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()

    asyncio.run(run())


def memory_bytes() -> int:
    """Resident memory of this process and its children but the server's."""
    total = 0
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with contextlib.suppress(OSError):
                fields = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
                ours = int(process.name) == os.getpid() or int(fields["PPid"]) == os.getpid()
                if ours and "--serve" not in (process / "cmdline").read_text():
                    total += int(fields.get("VmRSS", "0 kB").split()[0]) * 1024
    return total


async def measure(port: int, options: argparse.Namespace) -> None:
    clock = FastClock(options.speed)
    memory = Counting()
    feeds = [Feed(f"feed-{n}", f"http://{address(n)}:{port}/feed") for n in range(options.feeds)]
    began = time.monotonic()
    async with polling(feeds, memory, clock, memory.report) as poller:
        run = asyncio.create_task(poller.run())
        seen: list[int] = []
        last = began
        while time.monotonic() - last < options.seconds:
            await asyncio.sleep(10)
            if run.done():
                await run
            if memory.polls < WARM_ROUNDS * options.feeds or len(memory.positions) < options.feeds:
                print(f"{time.monotonic() - began:5.0f} s: warming up, {memory.polls} polls")
                last = time.monotonic()
                continue
            seen.append(memory_bytes())
            states = [decode_state(memory.positions[KEY_PREFIX + f.name], f.url, f.name) for f in feeds]
            late = sum(state.next_at < clock.time() - 600 for state in states)
            print(
                f"{time.monotonic() - began:5.0f} s: {memory.polls} polls ({memory.failed} failed), {memory.items} items,"
                f" {seen[-1] / 1e6:.0f} MB, {late} feeds late by ten minutes"
            )
        run.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await run
    if len(seen) < 3:
        print(f"too short to say: {last - began:.0f} s went to the first rounds")
        return
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(u.ru_utime + u.ru_stime for u in usage)
    half = seen[len(seen) // 2]
    growth = seen[-1] / half - 1
    print(
        f"{options.feeds} feeds, {memory.polls} polls: {seen[0] / 1e6:.0f} MB after {WARM_ROUNDS} rounds, {half / 1e6:.0f} at "
        f"half-time, {seen[-1] / 1e6:.0f} at the end ({growth:+.1%}, limit {GROWTH_LIMIT:.0%}); "
        f"{seen[-1] / options.feeds / 1000:.0f} kB a feed in all; {cpu / memory.polls * 1000:.1f} ms of CPU a poll, the "
        f"server's not counted"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--feeds", type=int, default=5000)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--speed", type=float, default=60.0)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    command = [sys.executable, "-m", "tests.bench.bench_poll", "--serve"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        asyncio.run(measure(int(server.stdout.readline()), options))
    finally:
        server.kill()
        server.wait()


if __name__ == "__main__":
    main()
