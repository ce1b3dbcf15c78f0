"""Kafka Connect reads labelled items with its own converters, by the settings that docs/connect.md gives."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING

import pytest

from streams.settings import load_labels
from streams.wire import LABELLED, kafka_topics
from tests.flow.labelled import Streams, labelled, labels_of
from tests.helpers import kept_port, wait_for
from tests.repository.source import ROOT
from tests.servers.connect import properties, running

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.kafka

EXAMPLES = ROOT / "deploy" / "connect"
SECONDS = 120.0  # for what takes five on a quiet machine
CONNECTORS = ("labelled", "topics")


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_labelled_items_arrive_as_json_and_as_maps(bootstrap_servers: str, unique: str, tmp_path: Path) -> None:
    labels = labels_of(unique)
    worker = properties(EXAMPLES / "worker.properties") | {"bootstrap.servers": bootstrap_servers}
    everything, topics = (properties(EXAMPLES / f"{name}.properties") for name in CONNECTORS)
    # groups of one's own, and the streams of this test: others write to this Kafka too
    everything |= {"name": f"{unique}-labelled"}
    topics |= {"name": f"{unique}-topics", "topics": f"news.topic.{unique}-sport,news.topic.{unique}-war"}
    items = [
        labelled(f"urn:{unique}:{uuid.uuid4()}", [(code, 90)], [("TR", 80)]) | {"headlines": [{"value": "عاجل İ 😀"}]}
        for code in ("01000000", "02000000", "03000000")
    ]
    with Streams(bootstrap_servers, labels, unique) as streams:
        streams.write([labelled(f"urn:{unique}:rolled-back", [("01000000", 90)])], commit=False)
        streams.write(items[:2])
        with (
            kept_port() as port,
            running(tmp_path, worker | {"listeners": f"http://127.0.0.1:{port}"}, everything, topics) as log,
        ):

            def mine() -> list[dict[str, object]]:
                found = [json.loads(line) for line in lines(tmp_path / everything["file"]) if unique in line]
                return sorted(found, key=lambda item: str(item["uri"]))

            wait_for(lambda: len(mine()) == 2, SECONDS, f"Connect writes nothing:\n{log.read_text()[-2000:]}")
            streams.write(items[2:])
            wait_for(lambda: len(mine()) == 3, SECONDS, "Connect does not go on")
            chosen = tmp_path / topics["file"]
            wait_for(lambda: len(lines(chosen)) == 2, SECONDS, "no items of the topics arrive")
    assert mine() == sorted(items, key=lambda item: str(item["uri"]))
    assert sorted(lines(chosen)) == sorted(item["uri"] for item in (items[0], items[2]))


def test_the_examples_name_topics_that_there_are() -> None:
    known = {topic.name for topic in kafka_topics(load_labels())}
    worker = properties(EXAMPLES / "worker.properties")
    assert worker["consumer.isolation.level"] == "read_committed"
    named = [properties(EXAMPLES / f"{name}.properties")["topics"].split(",") for name in CONNECTORS]
    assert named[0] == [LABELLED]
    assert {name for names in named for name in names} <= known
    assert sorted(path.stem for path in EXAMPLES.glob("*.properties")) == sorted(["worker", *CONNECTORS])
