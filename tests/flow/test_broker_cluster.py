"""Three nodes, replication 3, at least 2 in sync: what survives the death of one."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams.kafka.broker import BrokerError, KafkaBroker
from streams.kafka.broker_process import ask
from streams.kafka.cluster import KafkaCluster
from tests.flow.kafka_records import make_topic, read, write
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.chaos]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaCluster]:
    with KafkaCluster(tmp_path_factory.mktemp("cluster")) as started:
        yield started


def test_a_topic_has_three_replicas_and_needs_two(cluster: KafkaCluster, unique: str) -> None:
    make_topic(cluster.bootstrap_servers, unique)
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers.split(",")) as admin:
        partition = admin.describe_topics([unique])[0]["partitions"][0]
        resource = ConfigResource(ConfigResourceType.TOPIC, unique, ["min.insync.replicas"])
        in_sync = admin.describe_configs([resource], config_filter="all")["topic"][unique]
    assert sorted(partition["replica_nodes"]) == [1, 2, 3]
    assert in_sync["min.insync.replicas"]["value"] == "2"


def find(cluster: KafkaCluster, kafka_topic: str) -> dict[str, int]:
    """Which node has which role."""
    with KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers.split(",")) as admin:
        quorum = admin.describe_metadata_quorum()
        leader = admin.describe_topics([kafka_topic])[0]["partitions"][0]["leader_id"]
    return {"controller": quorum["topics"][0]["partitions"][0]["leader_id"], "leader": leader}


def brokers_known_to(broker: KafkaBroker) -> frozenset[int]:
    answer = ask(broker.port)
    assert answer is not None
    return answer.brokers


@pytest.mark.parametrize("role", ["controller", "leader"])
def test_the_death_of_a_node_loses_and_repeats_nothing(cluster: KafkaCluster, unique: str, role: str) -> None:
    """The victim: the active controller, or the node that leads the partition being written."""
    make_topic(cluster.bootstrap_servers, unique)
    victim = find(cluster, unique)[role]
    producer = KafkaProducer(bootstrap_servers=cluster.bootstrap_servers.split(","), acks="all", linger_ms=5)
    futures, stop, halfway = [], threading.Event(), threading.Event()

    def produce() -> None:
        while not stop.is_set():
            futures.append(producer.send(unique, b"%d" % len(futures)))
            if len(futures) == 500:
                halfway.set()
            stop.wait(0.002)

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        assert halfway.wait(120)
        survivor = cluster.brokers[victim % 3]
        cluster.kill(victim)
        assert not cluster.alive
        wait_for(lambda: victim not in brokers_known_to(survivor), 120, "the others have not noticed")
        after = len(futures)
        wait_for(lambda: len(futures) > after + 500, 120, "the producer stands still")
        cluster.restart(victim)
        assert cluster.alive
    finally:
        stop.set()
        thread.join()
    assert [future.get(120).offset for future in futures] == list(range(len(futures)))
    producer.close()
    assert read(cluster.bootstrap_servers, unique, len(futures)) == [b"%d" % n for n in range(len(futures))]


def test_a_cluster_starts_again_on_its_data(cluster: KafkaCluster, unique: str) -> None:
    make_topic(cluster.bootstrap_servers, unique)
    write(cluster.bootstrap_servers, unique, [b"1", b"2"])
    cluster.stop()
    assert not cluster.alive
    cluster.start()
    assert read(cluster.bootstrap_servers, unique, 2) == [b"1", b"2"]


def test_a_cluster_of_another_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "node-1").mkdir()
    with pytest.raises(BrokerError, match="holds a cluster of another size; use another data folder"):
        KafkaCluster(tmp_path).start()


def test_one_node_that_cannot_start_leaves_none_running(kafka: KafkaBroker, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        (tmp_path / f"node-{number}").mkdir()
    (tmp_path / "node-3" / "kafka.version").write_text("9.0.0")
    cluster = KafkaCluster(tmp_path)
    started: list[KafkaBroker] = []

    def launch(broker: KafkaBroker, original=KafkaBroker.launch) -> None:
        started.append(broker)
        original(broker)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(KafkaBroker, "launch", launch)
        with pytest.raises(BrokerError, match=r"was written by Kafka 9\.0\.0"):
            cluster.start()
    assert len(started) == 3
    assert not any(broker.alive for broker in started)
