"""What Kafka is told."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest

from streams.kafka.broker_settings import Node, new_id, server_properties


def settings_of(nodes: int, **overrides: str | int) -> dict[str, str]:
    voters = {number: 4000 + number for number in range(1, nodes + 1)}
    text = server_properties(
        Node(Path("/data"), 9092, 1, voters), {k.replace("_", "."): v for k, v in overrides.items()}
    )
    return dict(line.split("=", 1) for line in text.splitlines())


@pytest.mark.parametrize(("nodes", "replication", "in_sync"), [(1, "1", "1"), (3, "3", "2"), (5, "3", "2")])
def test_everything_that_must_not_be_lost_is_replicated_alike(nodes: int, replication: str, in_sync: str) -> None:
    settings = settings_of(nodes)
    factors = {name: value for name, value in settings.items() if name.endswith("replication.factor")}
    assert factors == dict.fromkeys(
        (
            "default.replication.factor",
            "offsets.topic.replication.factor",
            "transaction.state.log.replication.factor",
            "share.coordinator.state.topic.replication.factor",
        ),
        replication,
    )
    assert {value for name, value in settings.items() if name.endswith(("min.isr", "insync.replicas"))} == {in_sync}


def test_nothing_listens_or_sends_beyond_loopback() -> None:
    addresses = re.findall(r"(?:@|//)([^:,]*):\d+", "\n".join(settings_of(3).values()))
    assert len(addresses) == 6
    assert set(addresses) == {"127.0.0.1"}


def test_a_misspelt_topic_is_not_made_and_a_stale_replica_not_elected() -> None:
    settings = settings_of(1)
    assert settings["auto.create.topics.enable"] == "false"
    assert settings["unclean.leader.election.enable"] == "false"


def test_overrides_win() -> None:
    assert settings_of(1, log_segment_bytes=5)["log.segment.bytes"] == "5"


def test_the_controller_port_is_the_one_its_voters_know() -> None:
    settings = settings_of(3)
    assert settings["controller.quorum.voters"] == "1@127.0.0.1:4001,2@127.0.0.1:4002,3@127.0.0.1:4003"
    assert settings["listeners"].endswith("CONTROLLER://127.0.0.1:4001")


def test_a_folder_may_be_named_in_any_language() -> None:
    text = server_properties(Node(Path("/veri ağı/بيانات\\😀"), 9092, 1, {1: 4001}), {})
    line = next(line for line in text.splitlines() if line.startswith("log.dirs="))
    assert line == "log.dirs=/veri a\\u011f\\u0131/\\u0628\\u064a\\u0627\\u0646\\u0627\\u062a\\\\\\ud83d\\ude00/logs"


def test_ids_are_kafka_uuids() -> None:
    for _ in range(500):
        text = new_id()
        assert len(text) == 22
        assert not text.startswith("-")
        assert len(base64.urlsafe_b64decode(text + "==")) == 16
