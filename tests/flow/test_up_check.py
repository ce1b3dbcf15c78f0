"""`newswire check` against a real Kafka: before its topics are made, after, and with one that is not as it should be."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient

from streams.cli.main import group
from streams.kafka.admin import create_topics
from streams.kafka.broker import KafkaBroker
from streams.settings import load_labels
from streams.wire import LABELLED, kafka_topics
from tests.helpers import wait_for

pytestmark = pytest.mark.kafka

ENVIRON = {"NEWSWIRE_GATEWAY__PORT": "0", "NEWSWIRE_LABEL__PORT": "0"}


def check(bootstrap_servers: str) -> tuple[int, list[str]]:
    result = CliRunner().invoke(group, ["check", "--bootstrap-servers", bootstrap_servers], env=ENVIRON)
    return result.exit_code, [line for line in result.stdout.splitlines() if line.split()[1] in ("kafka", "topics")]


def test_kafka_without_its_topics_with_them_and_with_a_wrong_one(tmp_path):
    specs = kafka_topics(load_labels())
    with KafkaBroker(tmp_path / "kafka") as broker:
        servers = broker.bootstrap_servers
        status, lines = check(servers)
        assert status == 1
        assert lines[0].startswith(f"ok     kafka      {servers} answers, release 4.")
        assert lines[1] == f"wrong  topics     none of the {len(specs)} is there; `newswire topics create` makes them"

        create_topics(servers, specs)
        status, lines = check(servers)
        assert lines[1] == f"ok     topics     all {len(specs)} as they should be"
        assert status == 0

        with KafkaAdminClient(bootstrap_servers=servers) as admin:
            admin.delete_topics([LABELLED])
            wait_for(lambda: LABELLED not in admin.list_topics(), 60, "the topic is not deleted")
            admin.create_topics({LABELLED: {"num_partitions": 3}}, wait_for_metadata=True)
        status, lines = check(servers)
        assert status == 1
        assert any(line.startswith(f"wrong  topics     {LABELLED} has 3 partitions, not 12") for line in lines)
