"""The gateway on a real Kafka: what it adds to a consumer's latency, and how many listeners one process serves.

    python -m tests.bench.bench_gateway [--rate 100] [--seconds 30] [--listeners 2000] [--listener-rate 20]

Latency: a producer commits small transactions to `news.labelled`; a read-committed consumer and one listener of the
gateway's stream, both in this process, note when each item comes. The figure is the difference, item by item.
Listeners: so many connections without a filter; every one must have had every item, and the gateway's CPU is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import KafkaAdminClient

from streams import wire
from streams.articles import encode
from streams.kafka.broker import KafkaBroker
from tests.helpers import wait_for
from tests.unit.gateway.examples import article, events

if TYPE_CHECKING:
    from collections.abc import Iterator

WARM_UP = 100  # items
BATCH = 3  # items a transaction: at 100 a second one every 30 ms, the linger of a worker
TARGETS_MS = {50: 15.0, 99: 80.0}
PATIENCE = 60.0
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def gateway(bootstrap_servers: str) -> Iterator[tuple[str, int]]:
    """`newswire serve` as a process of its own: its address and the process."""
    command = ["-c", "from streams.cli.main import main; main()", "serve", "--port", "0"]
    with subprocess.Popen(
        [sys.executable, *command, "--bootstrap-servers", bootstrap_servers],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=ROOT,
        env={**os.environ, "NEWSWIRE_GATEWAY__REQUESTS_PER_SECOND": "0"},  # all listeners come from one address
    ) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            wait_for(lambda: is_ready(address), PATIENCE, "the gateway did not get ready")
            yield address, process.pid
        finally:
            process.terminate()


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> int:
    """Resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def is_ready(address: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{address}/readyz").status_code == 200
    return False


def produce(bootstrap_servers: str, first: int, count: int, rate: float) -> None:
    """Items by number, in small transactions, at a rate."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers, transactional_id=f"bench-{first}", linger_ms=0)
    producer.init_transactions()
    began = time.perf_counter()
    for start in range(first, first + count, BATCH):
        time.sleep(max(0.0, began + (start - first) / rate - time.perf_counter()))
        producer.begin_transaction()
        for number in range(start, min(start + BATCH, first + count)):
            item = article(number, at=time.time())
            producer.send(wire.LABELLED, encode(item), key=item.uri.encode(), partition=number % 12)
        producer.commit_transaction()
    producer.close()


def latency(bootstrap_servers: str, address: str, rate: float, count: int) -> list[float]:
    """Milliseconds by which the stream is behind a consumer, for each item, sorted."""
    by_consumer: dict[str, float] = {}
    by_stream: dict[str, float] = {}
    total = WARM_UP + count
    listening = threading.Event()

    def consume() -> None:
        consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers, isolation_level="read_committed")
        consumer.assign([TopicPartition(wire.LABELLED, partition) for partition in range(12)])
        consumer.seek_to_end()
        consumer.poll(timeout_ms=100)
        listening.set()
        deadline = time.monotonic() + PATIENCE + total / rate
        while len(by_consumer) < total and time.monotonic() < deadline:
            for records in consumer.poll(timeout_ms=200).values():
                now = time.perf_counter()
                by_consumer.update((record.key.decode(), now) for record in records)
        consumer.close()

    def listen() -> None:
        with httpx.stream("GET", f"{address}/stream?form=card", timeout=PATIENCE) as response:
            for event in events(response):
                if "data" in event:
                    by_stream[json.loads(event["data"])["uri"]] = time.perf_counter()
                    if len(by_stream) == total:
                        return

    threads = [threading.Thread(target=consume), threading.Thread(target=listen)]
    for thread in threads:
        thread.start()
    listening.wait(PATIENCE)
    wait_for(lambda: httpx.get(f"{address}/topics").json()["listeners"] == 1, PATIENCE, "nobody listens")
    produce(bootstrap_servers, 0, total, rate)
    for thread in threads:
        thread.join()
    uris = [f"urn:newswire:example:{number}" for number in range(WARM_UP, total)]
    return sorted((by_stream[uri] - by_consumer[uri]) * 1000 for uri in uris)


async def one_listener(address: str, last: bytes, joined: asyncio.Semaphore) -> int:
    """Reads the stream until the last item; how many it has had."""
    host, port = address.removeprefix("http://").split(":")
    async with joined:
        reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 20)
        writer.write(b"GET /stream?form=card HTTP/1.1\r\nHost: bench\r\n\r\n")
        await reader.readuntil(b"retry: 2000")
    had = 0
    while line := await reader.readline():
        if line.startswith(b"data: {") and b'"uri"' in line:
            had += 1
            if last in line:
                break
    writer.close()
    return had


async def serve_many(bootstrap_servers: str, address: str, pid: int, asked: argparse.Namespace) -> bool:
    """Whether every listener had every item; prints what it cost."""
    items = round(asked.listener_rate * asked.seconds)
    first = 1_000_000
    last = b'"urn:newswire:example:%d"' % (first + items - 1)
    joined = asyncio.Semaphore(50)
    before = memory_of(pid)
    tasks = [asyncio.create_task(one_listener(address, last, joined)) for _ in range(asked.listeners)]
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        while (await client.get(f"{address}/topics")).json()["listeners"] < asked.listeners:  # noqa: ASYNC110 - not ours
            await asyncio.sleep(0.2)
    used = cpu_of(pid)
    began = time.perf_counter()
    await asyncio.to_thread(produce, bootstrap_servers, first, items, asked.listener_rate)
    had = await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE)
    wall = time.perf_counter() - began
    used = cpu_of(pid) - used
    missing = sum(items - number for number in had)
    frames = items * asked.listeners
    print(
        f"{asked.listeners} listeners, {items} items at {asked.listener_rate:g} a second: {missing} frames missing, all "
        f"there {wall - items / asked.listener_rate:.2f} s after the last was due; gateway {used / frames * 1e6:.1f} us "
        f"of CPU a frame, {used / wall:.0%} of a core, {before >> 20} -> {memory_of(pid) >> 20} MiB",
        flush=True,
    )
    return missing == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=100.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--listeners", type=int, default=2000)
    parser.add_argument("--listener-rate", type=float, default=10.0)
    asked = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, asked.listeners + 500)), hard))
    with tempfile.TemporaryDirectory() as folder, KafkaBroker(Path(folder)) as broker:
        admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers)
        admin.create_topics({wire.LABELLED: {"num_partitions": 12}}, wait_for_metadata=True)
        admin.close()
        with gateway(broker.bootstrap_servers) as (address, pid):
            found = latency(broker.bootstrap_servers, address, asked.rate, round(asked.rate * asked.seconds))
            cuts = statistics.quantiles(found, n=100)
            p50, p99 = cuts[49], cuts[98]
            print(
                f"the gateway adds p50 {p50:.1f} ms (target {TARGETS_MS[50]:.0f}), p99 {p99:.1f} ms (target "
                f"{TARGETS_MS[99]:.0f}), {len(found)} items at {asked.rate:g} a second",
                flush=True,
            )
            whole = asyncio.run(serve_many(broker.bootstrap_servers, address, pid, asked))
    return 0 if whole and p50 <= TARGETS_MS[50] and p99 <= TARGETS_MS[99] else 1


if __name__ == "__main__":
    sys.exit(main())
