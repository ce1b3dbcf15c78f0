"""Kafka topics on a real Kafka: made once, checked, listed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from kafka import KafkaProducer
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient

from streams.errors import InvalidError
from streams.kafka.admin import broker_version, check_topics, create_topics, list_topics
from streams.kafka.broker import KafkaBroker
from streams.kafka.jars import KAFKA_VERSION
from streams.wire import KafkaTopic
from tests.flow.kafka_records import make_topic

pytestmark = pytest.mark.kafka

ROOT = Path(__file__).parents[2]
WEEK = 7 * 24 * 3600 * 1000


@pytest.fixture
def specs(unique: str) -> list[KafkaTopic]:
    return [
        KafkaTopic(f"{unique}.items", 3, WEEK, "delete"),
        KafkaTopic(f"{unique}.state", 1, None, "compact"),
        KafkaTopic(f"{unique}.dead", 2, 30 * WEEK, "delete"),
    ]


def test_what_is_missing_is_made_and_only_that(bootstrap_servers: str, specs: list[KafkaTopic]) -> None:
    assert create_topics(bootstrap_servers, specs[:1]).created == [specs[0].name]
    assert sorted(create_topics(bootstrap_servers, specs).created) == sorted(spec.name for spec in specs[1:])
    assert create_topics(bootstrap_servers, specs) == ([], [])
    assert check_topics(bootstrap_servers, specs) == []


def test_two_that_create_at_once_both_succeed(bootstrap_servers: str, specs: list[KafkaTopic]) -> None:
    code = (
        "import sys, json; from streams.kafka.admin import create_topics; from streams.wire import KafkaTopic;"
        "specs = [KafkaTopic(*spec) for spec in json.loads(sys.argv[2])];"
        "print(json.dumps(create_topics(sys.argv[1], specs).created))"
    )
    arguments = [sys.executable, "-c", code, bootstrap_servers, json.dumps(specs)]
    processes = [subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=ROOT) for _ in range(3)]
    created = [name for process in processes for name in json.loads(process.communicate(timeout=120)[0])]
    assert sorted(created) == sorted(spec.name for spec in specs)


def test_everything_that_differs_is_found(bootstrap_servers: str, specs: list[KafkaTopic]) -> None:
    items, state, dead = specs
    create_topics(bootstrap_servers, [items._replace(partitions=4), state._replace(cleanup_policy="delete")])
    assert check_topics(bootstrap_servers, specs) == [
        (items.name, "partitions", "3", "4"),
        (state.name, "cleanup.policy", "compact", "delete"),
        (dead.name, "missing", "", ""),
    ]
    create_topics(bootstrap_servers, [dead._replace(retention_ms=1000)])
    assert (dead.name, "retention.ms", str(30 * WEEK), "1000") in check_topics(bootstrap_servers, specs)


def test_what_may_be_altered_is_altered_when_asked(bootstrap_servers: str, specs: list[KafkaTopic]) -> None:
    items, state, dead = specs
    create_topics(bootstrap_servers, [items, state._replace(cleanup_policy="delete"), dead._replace(retention_ms=1000)])
    assert create_topics(bootstrap_servers, specs) == ([], [])
    assert create_topics(bootstrap_servers, specs, alter=True) == ([], [state.name, dead.name])
    assert check_topics(bootstrap_servers, specs) == []


def test_a_setting_of_the_operators_own_is_left_alone(bootstrap_servers: str, specs: list[KafkaTopic]) -> None:
    create_topics(bootstrap_servers, specs)
    own = ConfigResource(ConfigResourceType.TOPIC, specs[0].name, {"max.message.bytes": "2000000"})
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        admin.alter_configs([own])
        create_topics(bootstrap_servers, [specs[0]._replace(retention_ms=WEEK * 2)], alter=True)
        kept = admin.describe_configs([ConfigResource("TOPIC", specs[0].name, ["max.message.bytes", "retention.ms"])])
    values = {name: config["value"] for name, config in kept["topic"][specs[0].name].items()}
    assert values == {"max.message.bytes": "2000000", "retention.ms": str(WEEK * 2)}


def test_more_replicas_than_brokers_are_refused(bootstrap_servers: str, specs: list[KafkaTopic]) -> None:
    with pytest.raises(InvalidError, match=r"^cannot create .*replication factor of 3 cannot be reached"):
        create_topics(bootstrap_servers, specs, replication=3)


def test_a_name_kafka_does_not_allow_is_refused(bootstrap_servers: str) -> None:
    with pytest.raises(InvalidError, match=r"^cannot create news@labelled: Topic name is invalid"):
        create_topics(bootstrap_servers, [KafkaTopic("news@labelled", 1, WEEK, "delete")])


def test_a_list_shows_what_is_there_and_not_kafkas_own(bootstrap_servers: str, specs: list[KafkaTopic]) -> None:
    create_topics(bootstrap_servers, specs)
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers)
    for partition in (0, 0, 1):
        producer.send(specs[0].name, b"x", partition=partition)
    producer.close()
    topics = {topic.name: topic for topic in list_topics(bootstrap_servers)}
    assert topics[specs[0].name][1:] == (3, 1, 3)
    assert topics[specs[1].name][1:] == (1, 1, 0)
    assert list(topics) == sorted(topics)
    assert not any(name.startswith("__") for name in topics)


def test_the_release_is_known(bootstrap_servers: str) -> None:
    assert KAFKA_VERSION.startswith(broker_version(bootstrap_servers) + ".")


def newswire(*arguments: str, bootstrap_servers: str) -> tuple[int, str, str]:
    command = [sys.executable, "-c", "from streams.cli.main import main; main()", "topics", *arguments]
    run = subprocess.run(
        [*command, "--bootstrap-servers", bootstrap_servers],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    return run.returncode, run.stdout, run.stderr


def test_the_command_makes_checks_and_lists_the_topics_of_the_pipeline(tmp_path: Path) -> None:
    """On a Kafka of its own, for these are the real names, which other tests use."""
    with KafkaBroker(tmp_path) as broker:
        make_check_and_list(broker.bootstrap_servers)


def make_check_and_list(bootstrap_servers: str) -> None:
    wanted = 46
    status, output, errors = newswire("create", bootstrap_servers=bootstrap_servers)
    assert status == 0
    assert len(output.splitlines()) == wanted
    assert errors == f"topics wanted: {wanted}, created: {wanted}, altered: 0\n"
    assert newswire("create", bootstrap_servers=bootstrap_servers)[:2] == (0, "")
    assert newswire("check", bootstrap_servers=bootstrap_servers) == (0, "", f"topics wanted: {wanted}, findings: 0\n")

    status, output, errors = newswire("list", "--format", "json", bootstrap_servers=bootstrap_servers)
    topics = {topic["name"]: topic for topic in map(json.loads, output.splitlines())}
    assert (status, errors) == (0, "")
    assert topics["news.articles"]["partitions"] == 12
    assert {"news.topic.sport", "news.region.western-asia", "news.articles.dead"} <= set(topics)

    with KafkaAdminClient(bootstrap_servers=bootstrap_servers) as admin:
        admin.delete_topics(["news.topic.sport"])
    make_topic(bootstrap_servers, "news.topic.sport", partitions=2)
    status, output, errors = newswire("check", bootstrap_servers=bootstrap_servers)
    assert (status, errors) == (1, f"topics wanted: {wanted}, findings: 1\n")
    assert output.startswith("news.topic.sport has 2 partitions, not 1; ")
