"""The labelling worker on a real Kafka: what comes out for what goes in, and what it tells about itself."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from kafka.admin import KafkaAdminClient

from streams import wire
from streams.articles import decode_labelled
from tests.helpers import wait_for
from tests.pipeline import TIMEOUT, Pipeline, WorkerProcess, item

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka

LINKS = ["kafka-python", "kafka-python, stock send", "confluent"]


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique) as made:
        yield made


def uris(pipeline: Pipeline, name: str) -> list[str]:
    return sorted(r.key.decode() for r in pipeline.read(name) if r.key)


@pytest.mark.parametrize("link", LINKS)
def test_every_item_reaches_each_stream_of_its_labels_once(pipeline: Pipeline, tmp_path: Path, link: str) -> None:
    pipeline.publish(item(n, "sport economy yemen" if n % 2 else "nothing") for n in range(40))
    with WorkerProcess(pipeline, "0", tmp_path / "log", link=link) as worker:
        pipeline.wait_until_committed(40, worker)
        assert worker.stop() == 0, worker.said()
    odd = sorted(f"urn:example:{n}" for n in range(1, 40, 2))
    assert uris(pipeline, wire.LABELLED) == sorted(f"urn:example:{n}" for n in range(40))
    for name in ("news.topic.sport", "news.topic.economy", "news.region.western-asia"):
        assert uris(pipeline, name) == odd
    for name in ("news.topic.health", "news.region.western-europe", wire.DEAD_LETTERS):
        assert pipeline.read(name) == []
    labelled = [decode_labelled(r.value) for r in pipeline.read(wire.LABELLED)]
    assert {a.classification.status for a in labelled} == {"labelled", "abstained"}


@pytest.mark.parametrize("link", LINKS)
def test_bad_input_among_good_is_dead_letters_and_harms_nobody(pipeline: Pipeline, tmp_path: Path, link: str) -> None:
    good = [item(n) for n in range(60)]
    bad: list[tuple[bytes | None, bytes | None]] = [
        (b"tombstone", None),
        (b"bytes", b"\xff\x00\xfe"),
        (b"half", b'{"uri":'),
        (b"unknown", json.dumps(item(1, nonsense=1)).encode()),
        (b"date", json.dumps(item(1) | {"versionCreated": "2026-02-30T00:00:00Z"}).encode()),
        (b"surrogate", json.dumps(item(1) | {"headlines": [{"value": "\ud83d"}]}).encode()),
        (b"large", json.dumps(item(1, "sport " + "x" * 950_000)).encode()),
        (b"poison-1", json.dumps(item(1, "poison-topics")).encode()),
        (b"poison-2", json.dumps(item(2, "poison-topics")).encode()),
        (b"poison-3", json.dumps(item(3, "poison-regions")).encode()),
        (None, b"no key"),
    ]
    pipeline.publish(good[:30])
    pipeline.publish_raw(bad, headers=[("own", b"kept")])
    pipeline.publish(good[30:])
    with WorkerProcess(pipeline, "0", tmp_path / "log", link=link) as worker:
        pipeline.wait_until_committed(60 + len(bad), worker)
        assert worker.stop() == 0, worker.said()
    assert uris(pipeline, wire.LABELLED) == sorted(one["uri"] for one in good)
    assert uris(pipeline, "news.topic.sport") == sorted(one["uri"] for one in good)
    dead = pipeline.read(wire.DEAD_LETTERS)
    assert Counter((r.key, r.value) for r in dead) == Counter(bad)
    for letter in dead:
        headers = dict(letter.headers)
        assert headers["own"] == b"kept"
        assert {"newswire-error-class", "newswire-error-message", "newswire-error-offset"} <= headers.keys()
    sources = {(h["newswire-error-partition"], h["newswire-error-offset"]) for h in (dict(r.headers) for r in dead)}
    assert len(sources) == len(bad)


@pytest.mark.parametrize("link", LINKS)
def test_an_item_of_two_megabytes_is_a_dead_letter_that_points_to_it(
    bootstrap_servers: str, unique: str, tmp_path: Path, link: str
) -> None:
    configs = {"max.message.bytes": str(4 << 20)}
    with Pipeline(bootstrap_servers, unique, **configs) as pipeline:
        pipeline.publish([item(1), item(2, "sport " + "x" * 2_000_000), item(3)], partition=0)
        with WorkerProcess(pipeline, "0", tmp_path / "log", link=link) as worker:
            pipeline.wait_until_committed(3, worker)
            assert worker.stop() == 0, worker.said()
        assert uris(pipeline, wire.LABELLED) == ["urn:example:1", "urn:example:3"]
        (dead,) = pipeline.read(wire.DEAD_LETTERS)
        pointer = json.loads(dead.value or b"")["pointer"]
        assert (pointer["partition"], pointer["offset"], pointer["uri"]) == (0, 1, "urn:example:2")


def test_the_metrics_conserve_and_say_how_far_behind_the_worker_is(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.publish(item(n, ["sport yemen", "nothing", "poison-topics"][n % 3]) for n in range(30))
    with WorkerProcess(pipeline, "0", tmp_path / "log") as worker:
        pipeline.wait_until_committed(30, worker)
        text = wait_for(lambda: _metrics_with_lag(worker, partitions=4), TIMEOUT, "no lag of every partition")
        samples = dict(re.findall(r"^(\w+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE))
        assert samples["newswire_read_items_total"] == "30.0"
        for outcome in ("labelled", "abstained", "dead"):
            assert samples[f'newswire_items_total{{outcome="{outcome}"}}'] == "10.0"
        assert samples['newswire_dead_letters_total{reason="poison"}'] == "10.0"
        assert samples['newswire_topic_items_total{topic="sport"}'] == "10.0"
        assert samples['newswire_topic_items_total{topic="health"}'] == "0.0"
        assert samples["newswire_assigned_partitions"] == "4.0"
        assert samples['newswire_model_info{name="keywords",version="1"}'] == "1.0"
        for stage in ("prepare", "topics", "regions", "encode"):
            assert float(samples[f'newswire_stage_seconds_count{{stage="{stage}"}}']) >= 1


def _metrics_with_lag(worker: WorkerProcess, partitions: int) -> str | None:
    status, text = worker.page("/metrics")
    assert status == 200
    zeros = re.findall(r'^newswire_lag_items\{partition="\d"\} 0\.0$', text, re.MULTILINE)
    return text if len(zeros) == partitions else None


def test_the_health_pages_say_when_it_is_ready(pipeline: Pipeline, tmp_path: Path) -> None:
    with WorkerProcess(pipeline, "0", tmp_path / "log") as worker:
        worker.wait_until_ready()
        assert worker.page("/healthz")[0] == 200
        wait_for(lambda: worker.page("/readyz")[0] == 200, TIMEOUT, "never ready")
        assert json.loads(worker.page("/readyz")[1])["in_flight"] == 0


def test_a_batch_that_does_not_move_is_unhealthy_and_ends_with_70_and_stacks(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    pipeline.publish([item(1, "stuck")])
    with WorkerProcess(pipeline, "0", tmp_path / "log", stalled=3.0) as worker:
        assert worker.process.wait(TIMEOUT) == 70
        assert "nothing has moved" in worker.said()
        assert "keyword_model.py" in worker.said()
    assert pipeline.committed() == {}


def test_faust_opens_no_connection_and_no_topic_appears(
    pipeline: Pipeline, bootstrap_servers: str, tmp_path: Path
) -> None:
    pipeline.publish([item(1)])
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        before = set(admin.list_topics()) | {"__transaction_state", "__consumer_offsets"}
        with WorkerProcess(pipeline, "0", tmp_path / "log") as worker:
            pipeline.wait_until_committed(1, worker)
            port = int(bootstrap_servers.rpartition(":")[2])
            assert 1 <= worker.connections_to(port) <= 4  # consumer, its coordinator, producer, its coordinator
        assert {name for name in admin.list_topics() if "news" in name and pipeline.prefix not in name} <= before
        assert {n for n in admin.list_topics() if n.startswith(pipeline.prefix)} == set(pipeline.names)
        assert [n for n in admin.list_topics() if "assignor" in n or "changelog" in n] == []
