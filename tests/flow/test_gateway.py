"""The gateway on a real Kafka: what is committed and nothing else, in order, across reconnections and restarts."""

from __future__ import annotations

import json

import httpx
import pytest
from kafka import KafkaAdminClient, KafkaProducer

from streams.articles import encode
from streams.gateway.source import labelled_source
from streams.kafka.broker import KafkaBroker
from streams.wire import labelled_headers
from tests.flow.kafka_records import Decisions
from tests.helpers import wait_for
from tests.unit.gateway.examples import LABELS, NOW, article, events, running, titles

pytestmark = pytest.mark.kafka

PARTITIONS = 3


@pytest.fixture
def kafka_topic(bootstrap_servers, unique):
    name = f"{unique}.labelled"
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        admin.create_topics({name: {"num_partitions": PARTITIONS}}, wait_for_metadata=True)
    return name


class Writer:
    """Labelled items in transactions, as the worker writes them."""

    def __init__(self, bootstrap_servers: str, kafka_topic: str) -> None:
        self._kafka_topic = kafka_topic
        self._producer = KafkaProducer(bootstrap_servers=bootstrap_servers, transactional_id=f"{kafka_topic}.writer")
        self._producer.init_transactions()
        self._decisions = Decisions(bootstrap_servers)

    def write(self, *numbers: int, commit: bool = True) -> None:
        """In one transaction; readers see how it ended when this returns."""
        self._producer.begin_transaction()
        futures = []
        for number in numbers:
            item = article(number, at=NOW + number)
            partition, headers = number % PARTITIONS, labelled_headers(item, LABELS)
            futures.append(self._producer.send(self._kafka_topic, encode(item), partition=partition, headers=headers))
        self._producer.flush()
        for future in futures:
            future.get(timeout=60)
        if commit:
            self._producer.commit_transaction()
        else:
            self._producer.abort_transaction()
        self._decisions.wait(futures)

    def close(self) -> None:
        self._producer.close()
        self._decisions.close()


@pytest.fixture
def writer(bootstrap_servers, kafka_topic):
    made = Writer(bootstrap_servers, kafka_topic)
    yield made
    made.close()


def headlines(*numbers: int) -> list[str]:
    return [f"Headline {number}" for number in numbers]


def test_shows_what_is_committed_then_what_comes(bootstrap_servers, kafka_topic, writer):
    writer.write(0, 1, 2)
    writer.write(3, 4, commit=False)
    writer.write(5)
    with running(labelled_source(bootstrap_servers, 100, kafka_topic)) as gateway:
        gateway.wait_ready()
        found = [item["headlines"][0]["value"] for item in gateway.get("/articles").json()["items"]]
        assert found == headlines(5, 2, 1, 0)
        with httpx.stream("GET", f"{gateway.url}/stream?form=card&recent=2", timeout=60) as response:
            stream = events(response)
            shown = [
                json.loads(event["data"])["title"]
                for event in (next(stream), next(stream), next(stream))
                if "data" in event
            ]
            assert shown == headlines(2, 5)
            writer.write(6, commit=False)
            writer.write(7)
            assert json.loads(next(stream)["data"])["title"] == "Headline 7"


def test_listener_goes_on_at_another_gateway_without_loss_or_repetition(bootstrap_servers, kafka_topic, writer):
    writer.write(*range(6))
    source = labelled_source(bootstrap_servers, 100, kafka_topic)
    with running(source) as gateway:
        gateway.wait_ready()
        with httpx.stream("GET", f"{gateway.url}/stream?form=card&recent=100", timeout=60) as response:
            stream = events(response)
            next(stream)
            last = [next(stream)["id"] for _ in range(4)][-1]
    writer.write(*range(6, 12))
    with running(source) as gateway:
        # it is asked before it has read what was there: the listener is then ahead of it
        headers = {"last-event-id": last}
        with httpx.stream("GET", f"{gateway.url}/stream?form=card", headers=headers, timeout=60) as response:
            assert sorted(titles(response, 8)) == sorted(headlines(*range(4, 12)))


def test_begins_with_the_newest_items_only(bootstrap_servers, kafka_topic, writer):
    for start in range(0, 300, 50):
        writer.write(*range(start, start + 50))
    with running(labelled_source(bootstrap_servers, 30, kafka_topic)) as gateway:
        gateway.wait_ready()
        metrics = gateway.get("/metrics").text
        read = next(line for line in metrics.splitlines() if line.startswith("newswire_gateway_items_total "))
        assert 30 <= float(read.split()[1]) <= 60
        items = gateway.get("/articles", limit=30).json()["items"]
        assert [item["headlines"][0]["value"] for item in items] == headlines(*range(299, 269, -1))


def test_missing_kafka_topic_ends_the_gateway_with_what_to_do(bootstrap_servers, unique):
    with running(labelled_source(bootstrap_servers, 30, f"{unique}.nowhere")) as gateway:
        assert gateway.ended.wait(60)
    assert "newswire topics create" in str(gateway.failure)


def test_record_of_a_foreign_producer_is_passed_over(bootstrap_servers, kafka_topic, writer, caplog):
    with KafkaProducer(bootstrap_servers=bootstrap_servers) as foreign:
        for value in (b"not JSON", b"{}", None):
            foreign.send(kafka_topic, value, key=b"k", partition=0).get(timeout=60)
    writer.write(3)
    with running(labelled_source(bootstrap_servers, 30, kafka_topic)) as gateway:
        gateway.wait_ready()
        assert len(gateway.get("/articles").json()["items"]) == 1
    assert caplog.text.count("not shown") == 3
    wait_for(gateway.ended.is_set, 60, "the gateway did not end")


@pytest.mark.timeout(600)
def test_goes_on_after_kafka_was_killed_and_came_back(tmp_path):
    with KafkaBroker(tmp_path / "kafka") as broker:
        with KafkaAdminClient(bootstrap_servers=broker.bootstrap_servers) as admin:
            admin.create_topics({"labelled": {"num_partitions": PARTITIONS}}, wait_for_metadata=True)
        before = Writer(broker.bootstrap_servers, "labelled")
        before.write(0, 1)
        before.close()
        with running(labelled_source(broker.bootstrap_servers, 30, "labelled")) as gateway:
            gateway.wait_ready()
            with httpx.stream("GET", f"{gateway.url}/stream?form=card&recent=9", timeout=240) as response:
                stream = events(response)
                shown = [
                    json.loads(e["data"])["title"] for e in (next(stream), next(stream), next(stream)) if "data" in e
                ]
                assert shown == headlines(0, 1)
                broker.kill()
                assert gateway.get("/healthz").status_code == 200
                broker.start()
                after = Writer(broker.bootstrap_servers, "labelled")
                after.write(2)
                after.close()
                assert next(json.loads(e["data"])["title"] for e in stream if "data" in e) == "Headline 2"
