"""`newswire topics` without a Kafka: its help, its table, its exit statuses."""

from __future__ import annotations

import json
import os

import pytest
from click.testing import CliRunner

from streams.cli.broker import command as broker_command
from streams.cli.topics import command, lines_of
from streams.errors import TransientError
from streams.kafka.admin import TopicState
from streams.kafka.broker_process import Reservation

TOPICS = [TopicState("news.articles", 12, 1, 1234), TopicState("news.topic.human-interest", 1, 3, 0)]


@pytest.mark.parametrize("arguments", [[], ["create"], ["check"], ["list"]])
def test_help_has_an_example(arguments: list[str]) -> None:
    shown = CliRunner().invoke(command, [*arguments, "--help"])
    assert shown.exit_code == 0
    assert "Example:\n    newswire topics" in shown.output


def test_help_of_the_broker_has_an_example() -> None:
    shown = CliRunner().invoke(broker_command, ["--help"])
    assert "Example:\n    newswire broker --data" in shown.output


def test_the_table_is_aligned() -> None:
    lines = lines_of(TOPICS, "text")
    assert len({len(line) for line in lines}) == 1
    assert lines[0].split() == ["name", "partitions", "replication", "records"]
    assert lines[2].split() == ["news.topic.human-interest", "1", "3", "0"]


def test_no_topics_are_a_table_of_its_header() -> None:
    assert len(lines_of([], "text")) == 1
    assert lines_of([], "json") == []


def test_json_is_one_object_a_line() -> None:
    assert [json.loads(line) for line in lines_of(TOPICS, "json")] == [
        {"name": "news.articles", "partitions": 12, "replication": 1, "records": 1234},
        {"name": "news.topic.human-interest", "partitions": 1, "replication": 3, "records": 0},
    ]


@pytest.mark.parametrize("name", ["create", "check", "list"])
def test_no_broker_is_the_transient_kind(name: str) -> None:
    reserved = Reservation()
    arguments = [name, "--bootstrap-servers", f"127.0.0.1:{reserved.port}"]
    result = CliRunner().invoke(command, arguments, obj={"config": None, "environ": os.environ})
    reserved.release()
    assert isinstance(result.exception, TransientError)


@pytest.mark.parametrize("arguments", [["create", "--replication-factor", "0"], ["list", "--format", "xml"], ["drop"]])
def test_a_wrong_call_is_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(command, arguments, obj={"config": None, "environ": {}}).exit_code == 2
