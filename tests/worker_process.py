"""The process of a worker under test: the real worker over the keyword model, settings as one JSON argument."""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
from functools import partial
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from streams import wire
from streams.agents.reload import Serving
from streams.agents.worker import Parts, WorkerSettings, run_worker
from streams.errors import InvalidError, TransientError
from streams.kafka import link_kafka_python
from streams.kafka.broker_process import Reservation
from streams.kafka.link import Link, LinkSettings, OnRebalance
from streams.kafka.link_kafka_python import KafkaPythonLink, send_one_by_one
from streams.kafka.links import open_link
from streams.metrics import Baseline, Metrics
from tests.keyword_model import LABELS, KeywordModel

BASELINE = Baseline(0.9, 0.1, {label.slug: 1 / len(LABELS.topics) for label in LABELS.topics.values()})


class FilePointer:
    """A file that holds the version of the keyword model; one that holds no number is a damaged model."""

    def __init__(self, path: str, burn: float) -> None:
        self._path = Path(path) if path else None
        self._burn = burn

    def look(self) -> object:
        return self._path and self._path.read_text()

    def replace(self, version: str) -> None:
        if self._path:
            self._path.write_text(version)

    def load(self) -> Serving:
        version = self._path.read_text() if self._path else "1"
        if not version.isdigit():
            raise InvalidError(f"{self._path} is damaged")
        return Serving(KeywordModel(self._burn, version), LABELS, BASELINE)


def main() -> int:
    values: dict[str, Any] = json.loads(sys.argv[1])
    logging.basicConfig(level=values.pop("level", "WARNING"), format="%(asctime)s %(levelname)s %(name)s %(message)s")
    link = LinkSettings(
        values.pop("bootstrap_servers"),
        values["prefix"] + wire.ARTICLES,
        values["prefix"] + wire.LABEL_GROUP,
        values.pop("slot"),
        values.pop("session_ms", 6_000),
        values.pop("transaction_ms", 10_000),
    )
    link_kafka_python.POLL_INTERVAL_MS = values.pop("poll_interval_ms", link_kafka_python.POLL_INTERVAL_MS)
    name = values.pop("link", "kafka-python")
    pointer = FilePointer(values.pop("model", ""), values.pop("burn", 0.0))
    seen = pointer.look()
    model = pointer.load().model
    hung_up = threading.Event()
    signal.signal(signal.SIGHUP, lambda *_: hung_up.set())
    if version := values.pop("replaced_by", ""):  # another model comes while this one is loaded
        pointer.replace(version)
        os.kill(os.getpid(), signal.SIGHUP)
    kept = None if values.get("port") else Reservation()  # to the end: no other test is given the port meanwhile
    port = values["port"] = kept.port if kept else values["port"]
    print("worker port", port, file=sys.stderr, flush=True)
    metrics = Metrics(CollectorRegistry()).with_process()
    opener = partial(_open, name, values.pop("breaking", ""), link)
    parts = Parts(opener, model, LABELS, metrics, BASELINE, pointer, seen, hung_up=hung_up)
    try:
        run_worker(parts, WorkerSettings(**values))
    except TransientError as error:
        print(f"newswire: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _open(name: str, breaking: str, settings: LinkSettings, on_rebalance: OnRebalance) -> Link:
    def telling(rebalance: Any) -> None:
        on_rebalance(rebalance)
        if rebalance.partitions >= 0:
            print("worker ready", rebalance.partitions, file=sys.stderr, flush=True)

    if name == "kafka-python, stock send":
        link: Any = KafkaPythonLink(settings, telling, send=send_one_by_one)
    else:
        link = open_link(name, settings, telling)
    if breaking:
        _break(link, breaking)
    return link


def _break(link: Any, method: str) -> None:
    """A bug: the second call of a method with records in it raises what nobody expects."""
    whole, calls = getattr(link, method), []

    def broken(*arguments: Any) -> Any:
        found = whole(*arguments) if method == "poll" else arguments[0]
        calls.extend([1] if found else [])
        if len(calls) > 1:
            raise ZeroDivisionError(f"a bug in {method}")
        return found if method == "poll" else whole(*arguments)

    setattr(link, method, broken)


if __name__ == "__main__":
    sys.exit(main())
