"""The labelling worker on a real Kafka, from news.articles to the labelled streams."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams import wire
from streams.articles import decode_labelled
from tests.pipeline import Pipeline, WorkerProcess, item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka

LINKS = ["kafka-python"]


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique) as made:
        yield made


@pytest.mark.parametrize("link", LINKS)
def test_every_item_reaches_each_stream_of_its_labels_once(pipeline: Pipeline, tmp_path: Path, link: str) -> None:
    pipeline.publish(item(n, "sport economy yemen" if n % 2 else "nothing") for n in range(40))
    with WorkerProcess(pipeline, "0", tmp_path / "log", link=link) as worker:
        pipeline.wait_until_committed(40, worker)
        assert worker.stop() == 0, worker.said()
    odd = sorted(f"urn:example:{n}" for n in range(1, 40, 2))
    labelled = pipeline.read(wire.LABELLED)
    assert sorted(r.key.decode() for r in labelled) == sorted(f"urn:example:{n}" for n in range(40))
    for name in ("news.topic.sport", "news.topic.economy", "news.region.western-asia"):
        assert sorted(r.key.decode() for r in pipeline.read(name)) == odd
    for name in ("news.topic.health", "news.region.western-europe", wire.DEAD_LETTERS):
        assert pipeline.read(name) == []
    assert {decode_labelled(r.value).classification.status for r in labelled} == {"labelled", "abstained"}
