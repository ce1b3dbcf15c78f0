"""CPU of the labelling worker for everything but the classifiers, and what of it is where.

    python -m tests.bench.bench_worker [--link kafka-python|confluent] [--items 60000] [--bootstrap-servers HOST:PORT]

A real worker in a process of its own labels a backlog in batches of 1000; each item goes to four streams. The figure is
process CPU (all threads, user and system) over the items after a warm-up, less what the classifiers report of their own.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classifiers.contract import Decision, Document, Score, Verdict
from streams.kafka.broker import KafkaBroker
from tests.helpers import wait_for
from tests.keyword_model import COUNTRIES, TOPICS
from tests.pipeline import ROOT, Pipeline, item

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classifiers.contract import Evidence, Item

WARM_UP = 10_000  # items: imports, connections, the first small batches
TEXT = "A sentence of eleven words that says nothing but takes room. " * 21  # the item is 1,455 bytes of JSON
TARGETS = {"kafka-python": 70, "confluent": 45}  # us an item


class Ready:
    """A classifier whose verdict stands fast; it counts its own CPU."""

    name, version = "ready", "1"

    def __init__(self, verdict: Verdict) -> None:
        self._verdict = verdict
        self.seconds = 0.0

    def classify(self, documents: Sequence[Document]) -> list[Verdict]:
        began = time.thread_time()
        verdicts = [self._verdict] * len(documents)
        self.seconds += time.thread_time() - began
        return verdicts

    def explain(self, document: Document, verdict: Verdict) -> list[Evidence]:
        return []


class ReadyModel:
    """Two topics and one country for every item: with news.labelled four records."""

    name, version = "ready", "1"

    def __init__(self) -> None:
        topics = tuple(Score(code, 0.8) for code in list(TOPICS.values())[:2])
        countries = (Score(COUNTRIES["yemen"], 0.9),)
        self.topics = Ready(Verdict(Decision.ASSIGNED, topics, topics, 0.5))
        self.regions = Ready(Verdict(Decision.ASSIGNED, countries, countries, 0.5))
        self.seconds = 0.0

    def prepare(self, items: Sequence[Item]) -> list[Document]:
        began = time.thread_time()
        documents = [Document(one, "en", 0.99, [], []) for one in items]
        self.seconds += time.thread_time() - began
        return documents

    def spent(self) -> float:
        return self.seconds + self.topics.seconds + self.regions.seconds


def work(values: dict[str, Any]) -> None:
    """The worker's process; with `profile` it prints what its threads spent their CPU on."""
    from prometheus_client import CollectorRegistry

    from streams import wire
    from streams.agents.worker import Parts, WorkerSettings, run_worker
    from streams.kafka.link import LinkSettings
    from streams.kafka.links import open_link
    from streams.metrics import Metrics
    from tests.keyword_model import LABELS

    prefix, model, metrics = values["prefix"], ReadyModel(), Metrics(CollectorRegistry())
    settings = LinkSettings(values["bootstrap_servers"], prefix + wire.ARTICLES, prefix + wire.LABEL_GROUP, "bench")
    parts = Parts(
        lambda on_rebalance: open_link(values["link"], settings, on_rebalance),
        model,
        LABELS,
        metrics,
    )
    names: dict[int, str] = {}
    usual = metrics.read_items.inc

    def name_threads(count: float) -> None:
        names.update({t.native_id or 0: t.name for t in threading.enumerate()})
        usual(count)

    metrics.read_items.inc = name_threads  # type: ignore[method-assign]
    run_worker(parts, WorkerSettings(batch_size=values["size"], prefix=prefix))
    print(json.dumps({"classifiers": model.spent(), "threads": {str(tid): name for tid, name in names.items()}}))


def cpu_seconds(pid: int) -> Counter[int]:
    """User and system time by thread, in nanoseconds: the scheduler's own account, where `stat` counts in ticks."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return Counter({int(task.name): int((task / "schedstat").read_text().split()[0]) for task in tasks})


def measure(pipeline: Pipeline, link: str, items: int, size: int) -> dict[str, float]:
    values = {
        "bootstrap_servers": pipeline.bootstrap_servers,
        "prefix": pipeline.prefix,
        "link": link,
        "size": size,
    }
    worker = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bench_worker", "--worker", json.dumps(values)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )

    def committed() -> int:
        assert worker.poll() is None, "the worker ended"
        return sum(pipeline.committed().values())

    wait_for(lambda: committed() >= WARM_UP, 120, "no warm-up")
    done, began, start = committed(), cpu_seconds(worker.pid), time.perf_counter()
    wait_for(lambda: committed() >= items, 600, "not done")
    cpu, wall = cpu_seconds(worker.pid) - began, time.perf_counter() - start
    worker.terminate()
    said, _ = worker.communicate(timeout=60)
    told = json.loads(said)
    classifiers = told["classifiers"] / items * 1e6
    each = 1e-3 / (items - done)
    threads = {told["threads"].get(str(tid), "native"): 0.0 for tid in cpu}
    for tid, spent in cpu.items():
        threads[told["threads"].get(str(tid), "native")] += spent * each
    print("   ", ", ".join(f"{name} {us:.1f}" for name, us in sorted(threads.items(), key=lambda t: -t[1])))
    return {"us": cpu.total() * each - classifiers, "classifiers": classifiers, "wall": (items - done) / wall}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--link", choices=TARGETS, action="append")
    parser.add_argument("--items", type=int, default=60_000)
    parser.add_argument("--size", type=int, default=1000)
    parser.add_argument("--bootstrap-servers")
    parser.add_argument("--worker", type=json.loads, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(asked.worker)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        if asked.bootstrap_servers:
            return compare(asked.bootstrap_servers, asked)
        with KafkaBroker(Path(folder)) as broker:
            return compare(broker.bootstrap_servers, asked)


def compare(bootstrap_servers: str, asked: argparse.Namespace) -> int:
    missed = 0
    for link in asked.link or TARGETS:
        with Pipeline(bootstrap_servers, f"bench-{uuid.uuid4().hex[:8]}", partitions=12) as pipeline:
            for first in range(0, asked.items, 10_000):
                pipeline.publish(item(n, TEXT) for n in range(first, min(first + 10_000, asked.items)))
            found = measure(pipeline, link, asked.items, asked.size)
        missed += found["us"] > TARGETS[link]
        print(
            f"{link}: {found['us']:.1f} us CPU an item (target {TARGETS[link]}), classifiers {found['classifiers']:.1f} us,"
            f" {found['wall']:,.0f} items/s wall, batches of {asked.size}, 4 records an item",
            flush=True,
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
