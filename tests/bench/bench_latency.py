"""From publishing an item to seeing it on its topic's stream, read committed, at a steady trickle.

    python -m tests.bench.bench_latency [--link kafka-python|confluent] [--rate 50] [--seconds 60] [--linger 0.03]

One worker with the default linger, one publisher, one subscriber. The clock starts when the item is handed to the
producer and stops when the subscriber's poll returns it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
import uuid
from pathlib import Path

from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams import wire
from streams.kafka.broker import KafkaBroker
from tests.pipeline import Pipeline, WorkerProcess, item

WARM_UP = 150  # items: the first transaction makes logs and finds coordinators
TARGETS_MS = {50: 60.0, 99: 300.0}


def measure(pipeline: Pipeline, link: str, rate: float, count: int, linger: float) -> list[float]:
    sent: dict[bytes, float] = {}
    seen: dict[bytes, float] = {}
    over = threading.Event()

    def subscribe() -> None:
        place = TopicPartition(pipeline.prefix + "news.topic.sport", 0)
        consumer = KafkaConsumer(
            bootstrap_servers=pipeline.bootstrap_servers,
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
        )
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        while not over.is_set():
            for records in consumer.poll(timeout_ms=100).values():
                now = time.perf_counter()
                for record in records:
                    seen.setdefault(record.key, now)
        consumer.close()

    with (
        tempfile.TemporaryDirectory() as folder,
        WorkerProcess(pipeline, "bench", Path(folder) / "log", link=link, linger=linger) as worker,
    ):
        worker.wait_until_ready()
        reader = threading.Thread(target=subscribe)
        reader.start()
        producer = KafkaProducer(bootstrap_servers=pipeline.bootstrap_servers, linger_ms=0)
        began = time.perf_counter()
        for number in range(count + WARM_UP):
            time.sleep(max(0.0, began + number / rate - time.perf_counter()))
            key = b"urn:example:%d" % number
            sent[key] = time.perf_counter()
            producer.send(pipeline.prefix + wire.ARTICLES, json.dumps(item(number)).encode(), key=key)
        producer.flush()
        pipeline.wait_until_committed(count + WARM_UP, worker)
        deadline = time.perf_counter() + 30
        while len(seen) < len(sent) and time.perf_counter() < deadline:
            time.sleep(0.05)
        over.set()
        reader.join()
        producer.close()
    keys = [b"urn:example:%d" % number for number in range(WARM_UP, count + WARM_UP)]
    return sorted((seen[key] - sent[key]) * 1000 for key in keys)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link", choices=["kafka-python", "confluent"], action="append")
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--linger", type=float, default=0.03)
    parser.add_argument("--bootstrap-servers")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if asked.bootstrap_servers:
            return compare(asked.bootstrap_servers, asked)
        with KafkaBroker(Path(folder)) as broker:
            return compare(broker.bootstrap_servers, asked)


def compare(bootstrap_servers: str, asked: argparse.Namespace) -> int:
    missed = 0
    for link in asked.link or ["kafka-python", "confluent"]:
        with Pipeline(bootstrap_servers, f"bench-{uuid.uuid4().hex[:8]}", partitions=12) as pipeline:
            found = measure(pipeline, link, asked.rate, round(asked.rate * asked.seconds), asked.linger)
        cuts = statistics.quantiles(found, n=100)
        p50, p90, p99 = cuts[49], cuts[89], cuts[98]
        missed += p50 > TARGETS_MS[50] or p99 > TARGETS_MS[99]
        print(
            f"{link}: p50 {p50:.0f} ms (target {TARGETS_MS[50]:.0f}), p90 {p90:.0f} ms, p99 {p99:.0f} ms (target "
            f"{TARGETS_MS[99]:.0f}), {len(found)} items at {asked.rate:g} a second, linger {asked.linger * 1000:g} ms",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
