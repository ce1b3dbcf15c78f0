"""Subscribers on a real Kafka: what they read, what they get, where they go on."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

import streams
from streams.errors import TransientError
from streams.kafka.broker import KafkaBroker
from streams.settings import load_labels
from streams.wire import LABELLED, topic_stream
from tests.flow.edges import ROOT, SECONDS, command, environment, make_wire, newswire
from tests.flow.labelled import Streams, labelled, labels_of
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka

SPORT, POLITICS, WAR = "01000000", "02000000", "03000000"


@pytest.fixture
def wire(bootstrap_servers: str, unique: str) -> Iterator[Streams]:
    make_wire(bootstrap_servers)
    with Streams(bootstrap_servers, labels_of(unique), unique) as streams_:
        yield streams_


def subscribed(bootstrap_servers: str, wire: Streams, **wanted: object) -> list[str]:
    """The uris of everything that is there now."""
    arguments = {
        "start": "earliest",
        "follow": False,
        "bootstrap_servers": bootstrap_servers,
        "labels": wire.labels,
        **wanted,
    }
    with streams.subscribe(**arguments) as items:  # type: ignore[arg-type]
        return [item.uri for item in items]


def test_an_item_on_several_streams_comes_once(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    wire.write(
        [
            labelled("urn:e:1", [(SPORT, 90), (POLITICS, 80)], [("TR", 90)]),
            labelled("urn:e:2", [(POLITICS, 80)], [("CN", 90), ("SY", 50)]),
            labelled("urn:e:3", [(WAR, 60)]),
            labelled("urn:e:4", [], [("SY", 70)]),
        ]
    )
    sport, politics, war = (f"{unique}-{slug}" for slug in ("sport", "politics", "war"))
    assert sorted(subscribed(bootstrap_servers, wire, topics=[sport, politics])) == ["urn:e:1", "urn:e:2"]
    assert sorted(subscribed(bootstrap_servers, wire, topics=[war, sport, politics])) == [
        "urn:e:1",
        "urn:e:2",
        "urn:e:3",
    ]
    assert sorted(subscribed(bootstrap_servers, wire, regions=[f"{unique}-west", f"{unique}-east"])) == [
        "urn:e:1",
        "urn:e:2",
        "urn:e:4",
    ]
    assert subscribed(bootstrap_servers, wire, regions=["sy"]) == ["urn:e:2", "urn:e:4"]
    assert subscribed(bootstrap_servers, wire, topics=[politics, sport], regions=[f"{unique}-east"]) == ["urn:e:2"]


def test_rolled_back_items_are_never_seen(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    wire.write([labelled("urn:e:1", [(SPORT, 90)])], commit=False)
    wire.write([labelled("urn:e:2", [(SPORT, 90)])])
    wire.write([labelled("urn:e:3", [(SPORT, 90)])], commit=False)  # the end is behind an aborted transaction
    assert subscribed(bootstrap_servers, wire, topics=[f"{unique}-sport"]) == ["urn:e:2"]


def test_filters_by_language_and_confidence(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    wire.write(
        [
            labelled("urn:e:1", [(SPORT, 90), (WAR, 40)], [("TR", 90)], "ar"),
            labelled("urn:e:2", [(SPORT, 50), (WAR, 95)], [("TR", 30)], "tr"),
        ]
    )
    sport = f"{unique}-sport"
    assert subscribed(bootstrap_servers, wire, topics=[sport], languages=["ar-SA"]) == ["urn:e:1"]
    assert subscribed(bootstrap_servers, wire, topics=[sport], min_confidence=60) == ["urn:e:1"]
    assert subscribed(bootstrap_servers, wire, topics=[sport], min_confidence=50) == ["urn:e:1", "urn:e:2"]
    assert subscribed(bootstrap_servers, wire, regions=["TR"], min_confidence=60) == ["urn:e:1"]
    assert subscribed(bootstrap_servers, wire, topics=[f"{unique}-war"], regions=["TR"], min_confidence=30) == [
        "urn:e:1",
        "urn:e:2",
    ]


def test_without_a_filter_everything_that_got_an_outcome(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    wire.write([labelled(f"urn:{unique}:1", [(SPORT, 90), (WAR, 40)]), labelled(f"urn:{unique}:2", [])])
    ours = [uri for uri in subscribed(bootstrap_servers, wire) if unique in uri]
    assert sorted(ours) == [f"urn:{unique}:1", f"urn:{unique}:2"]


def test_latest_means_from_the_call_on(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    wire.write([labelled("urn:e:1", [(SPORT, 90)])])
    with streams.subscribe(topics=[f"{unique}-sport"], bootstrap_servers=bootstrap_servers, limit=1) as items:
        wire.write([labelled("urn:e:2", [(SPORT, 90)])])
        assert [item.uri for item in items] == ["urn:e:2"]


def test_from_a_time_on(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    name = topic_stream(f"{unique}-sport")
    with_times = KafkaProducer(bootstrap_servers=bootstrap_servers.split(","))
    for hour in (8, 9, 10):
        value = json.dumps(labelled(f"urn:e:{hour}", [(SPORT, 90)])).encode()
        headers = [("news-status", b"labelled"), ("news-topic", f"{unique}-sport".encode())]
        at = int(datetime(2026, 3, 1, hour, tzinfo=UTC).timestamp() * 1000)
        with_times.send(name, value, headers=headers, timestamp_ms=at).get(SECONDS)
    with_times.close()
    start = datetime(2026, 3, 1, 9, tzinfo=UTC)
    assert subscribed(bootstrap_servers, wire, topics=[f"{unique}-sport"], start=start) == ["urn:e:9", "urn:e:10"]


def test_a_group_goes_on_behind_the_last_item_whose_body_ended(
    bootstrap_servers: str, unique: str, wire: Streams
) -> None:
    wire.write([labelled(f"urn:e:{n}", [(SPORT, 90)]) for n in range(6)])
    arguments = {
        "topics": [f"{unique}-sport"],
        "group": unique,
        "bootstrap_servers": bootstrap_servers,
        "follow": False,
    }
    with streams.subscribe(**arguments, limit=2) as items:
        assert [item.uri for item in items] == ["urn:e:0", "urn:e:1"]

    class BodyError(Exception):
        pass

    def fail_at_the_fourth() -> None:
        with streams.subscribe(**arguments) as items:
            for item in items:
                if item.uri == "urn:e:3":
                    raise BodyError

    with pytest.raises(BodyError):
        fail_at_the_fourth()
    with streams.subscribe(**arguments) as items:
        assert [item.uri for item in items] == ["urn:e:3", "urn:e:4", "urn:e:5"]


def test_a_new_group_from_latest_misses_nothing_between_two_runs(
    bootstrap_servers: str, unique: str, wire: Streams
) -> None:
    wire.write([labelled("urn:e:old", [(SPORT, 90)])])
    arguments = {
        "topics": [f"{unique}-sport"],
        "group": unique,
        "bootstrap_servers": bootstrap_servers,
        "start": "latest",
    }
    with streams.subscribe(**arguments, follow=False) as items:
        assert list(items) == []
    wire.write([labelled("urn:e:between", [(SPORT, 90)])])
    with streams.subscribe(**arguments, follow=False) as items:
        assert [item.uri for item in items] == ["urn:e:between"]


def test_the_members_of_a_group_share_the_streams_and_every_item_comes_once(
    bootstrap_servers: str, unique: str, wire: Streams
) -> None:
    wire.write([labelled(f"urn:e:{n}", [(SPORT, 90), (POLITICS, 80), (WAR, 70)]) for n in range(50)])
    topics = [f"{unique}-{slug}" for slug in ("sport", "politics", "war")]
    got: dict[int, list[str]] = {0: [], 1: []}
    wanted = 100

    def member(number: int) -> None:
        with streams.subscribe(topics=topics, group=unique, bootstrap_servers=bootstrap_servers) as items:
            for item in items:
                got[number].append(item.uri)
                if item.uri.startswith("urn:last"):
                    return

    threads = [threading.Thread(target=member, args=(number,), daemon=True) for number in got]
    for thread in threads:
        thread.start()
    wait_for(lambda: len(got[0]) + len(got[1]) >= 50, SECONDS, "fifty items did not come")
    wire.write([labelled(f"urn:e:{n}", [(SPORT, 90), (POLITICS, 80), (WAR, 70)]) for n in range(50, wanted)])
    wait_for(lambda: len(set(got[0] + got[1])) >= wanted, SECONDS, "a hundred items did not come")
    # each member has a stream, so one item that is on one stream alone reaches it and ends it
    wire.write([labelled(f"urn:last:{code}", [(code, 90)]) for code in (SPORT, POLITICS, WAR)])
    for thread in threads:
        thread.join(SECONDS)
        assert not thread.is_alive()
    assert sorted(uri for uri in got[0] + got[1] if uri.startswith("urn:e:")) == sorted(
        f"urn:e:{n}" for n in range(wanted)
    )


def test_a_stream_that_does_not_exist_is_told_with_the_nearest_name(
    bootstrap_servers: str, unique: str, wire: Streams
) -> None:
    with pytest.raises(
        TransientError, match=f"missing at Kafka: news.topic.{unique}-sprot; did you mean news.topic.{unique}-sport"
    ):
        streams.subscribe(topics=[f"{unique}-sprot"], bootstrap_servers=bootstrap_servers)


def test_only_the_streams_that_are_needed_are_read(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    wire.write([labelled("urn:e:1", [(SPORT, 90)], [("TR", 90)])])
    assert subscribed(bootstrap_servers, wire, topics=[f"{unique}-sport"], group=unique) == ["urn:e:1"]
    consumer = KafkaConsumer(bootstrap_servers=bootstrap_servers.split(","), group_id=unique, enable_auto_commit=False)
    assert consumer.committed(TopicPartition(topic_stream(f"{unique}-sport"), 0)) is not None
    assert consumer.committed(TopicPartition(LABELLED, 0)) is None
    consumer.close()


def test_the_command_prints_items_and_stops_at_its_limit(bootstrap_servers: str, unique: str, wire: Streams) -> None:
    real = labelled(f"urn:{unique}:1", [("15000000", 90)], [("TR", 80)])
    make_wire(bootstrap_servers)
    _write_real(bootstrap_servers, unique, [real, labelled(f"urn:{unique}:2", [("15000000", 90)])])
    done = newswire(
        bootstrap_servers, "subscribe", "--topic", "sport", "--region", "TR", "--from", "earliest", "--no-follow"
    )
    assert done.returncode == 0, done.stderr
    ours = [json.loads(line) for line in done.stdout.splitlines() if unique.encode() in line]
    assert ours == [real]
    done = newswire(
        bootstrap_servers, "subscribe", "--topic", "sport", "--from", "earliest", "--limit", "1", "--format", "text"
    )
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stdout.startswith(b"sport\t")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--topic", "sprot"], "unknown topic 'sprot'; did you mean 'sport'?"),
        (["--region", "west-asia"], "unknown region 'west-asia'; did you mean 'western-asia'?"),
        (["--region", "XX"], "unknown country 'XX'"),
        (["--from", "yesterday"], "--from is earliest, latest or a time"),
        (["--min-confidence", "101"], "--min-confidence"),
    ],
)
def test_a_wrong_argument_is_told_in_one_line_and_exits_2(arguments: list[str], complaint: str) -> None:
    done = newswire("127.0.0.1:1", "subscribe", *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_no_kafka_is_told_in_one_line_and_exits_1() -> None:
    done = newswire("127.0.0.1:1", "subscribe")
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "newswire: no Kafka broker answers at 127.0.0.1:1; start one with `newswire broker` or `newswire up`\n"
    )


@pytest.mark.parametrize("end", ["interrupt", "broken pipe"])
def test_the_command_ends_quietly(bootstrap_servers: str, unique: str, end: str) -> None:
    make_wire(bootstrap_servers)
    _write_real(bootstrap_servers, unique, [labelled(f"urn:{unique}:{n}", [("15000000", 90)]) for n in range(3)])
    process = subprocess.Popen(
        command("subscribe", "--topic", "sport", "--from", "earliest"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(bootstrap_servers),
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline()
    if end == "interrupt":
        process.send_signal(signal.SIGINT)
    else:
        process.stdout.close()
        for _ in range(3):  # a pipe holds what was written before; an item after it is closed must end the command
            _write_real(bootstrap_servers, f"{unique}-{_}", [labelled(f"urn:{unique}:more", [("15000000", 90)])])
    status = process.wait(SECONDS)
    said = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert status == (130 if end == "interrupt" else 0), said
    assert said == b""


def _write_real(bootstrap_servers: str, transactional_id: str, items: list[dict[str, object]]) -> None:
    """On the streams of the wire itself."""
    with Streams(bootstrap_servers, load_labels(), transactional_id) as writer:
        writer.write(items)


@pytest.mark.parametrize("group", [None, "readers"])
def test_a_kafka_that_comes_back_is_waited_for(unique: str, tmp_path: Path, group: str | None) -> None:
    with KafkaBroker(tmp_path / "kafka") as broker:
        servers = broker.bootstrap_servers
        with Streams(servers, labels_of(unique), unique) as wire:
            wire.write([labelled("urn:e:1", [(SPORT, 90)])])
        arguments = {"topics": [f"{unique}-sport"], "group": group, "start": "earliest", "bootstrap_servers": servers}
        with streams.subscribe(**arguments, limit=2) as items:
            assert next(items).uri == "urn:e:1"
            broker.stop()
            broker.start()
            with Streams(servers, labels_of(unique), f"{unique}-2") as wire:
                wire.write([labelled("urn:e:2", [(SPORT, 90)])])
            assert [item.uri for item in items] == ["urn:e:2"]
