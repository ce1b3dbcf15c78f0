"""Each role with the rights that deploy/kubernetes gives it, on a Kafka that asks for TLS, name and password.

The rights are those of base/users.yaml; what a role does at Kafka is done by the code that does it there.
"""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from streams import wire
from streams.errors import TransientError
from streams.kafka import dead_letters, link_confluent, link_kafka_python
from streams.kafka.admin import check_topics, create_topics, list_topics
from streams.kafka.compacted import read_latest
from streams.kafka.lag import LagWatch
from streams.kafka.link import FanOut, LinkSettings, Output
from streams.kafka.links import open_link
from streams.kafka.publisher import Publisher, SourcePublisher
from streams.kafka.reader import Reader
from streams.settings import load_labels
from tests.flow.edges import ROOT, newswire
from tests.helpers import wait_for
from tests.items import article_json
from tests.servers.secured_kafka import SecuredKafka, secured_kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.kafka.link import Link, Record

pytestmark = pytest.mark.kafka

USERS = ROOT / "deploy" / "kubernetes" / "base" / "users.yaml"
NAMES = [topic.name for topic in wire.kafka_topics(load_labels())]
SECONDS = 60.0  # for what takes one on a quiet machine
LINKS = ["kafka-python", "confluent"]
every_link = pytest.mark.parametrize("name", LINKS)


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    users: list[dict[str, Any]] = list(yaml.safe_load_all(USERS.read_text(encoding="utf-8")))
    with secured_kafka(tmp_path_factory.mktemp("secured"), users) as started:
        create_topics(started.open_servers, wire.kafka_topics(load_labels()))
        with Publisher(started.open_servers, NAMES) as publisher:  # something to read everywhere
            publisher.send_all([Output(name, b"key", b"value", []) for name in NAMES])
        yield started


def linked(secured: SecuredKafka, name: str, role: str, kafka_topic: str, group: str) -> Link:
    settings = LinkSettings(secured.connection(f"newswire-{role}"), kafka_topic, group, None)
    return open_link(name, settings, lambda _: None)


def carry(link: Link, *kafka_topics: str) -> None:
    """Reads a batch and writes to these Kafka topics, in one transaction with its offsets."""
    records: list[Record] = []
    wait_for(lambda: records.extend(link.poll(0.5, 10)) or records, SECONDS, "nothing was read")
    offsets = {(r.kafka_topic, r.partition): r.offset + 1 for r in records}
    link.publish([FanOut(kafka_topics, b"key", b"value", [])], offsets, link.group())


def refused(act: Callable[[], Any]) -> None:
    with pytest.raises(TransientError, match="AuthorizationFailed"):
        act()


def write(secured: SecuredKafka, role: str, *kafka_topics: str) -> None:
    with Publisher(secured.connection(f"newswire-{role}"), kafka_topics) as publisher:
        for name in kafka_topics:
            publisher.send(Output(name, b"key", b"value", []))
        publisher.flush()


def read(secured: SecuredKafka, role: str, *kafka_topics: str, group: str | None = None) -> None:
    """One record of each, and a commit where there is a group."""
    with Reader(secured.connection(f"newswire-{role}"), kafka_topics, group=group) as reader:
        found: list[Record] = []
        wait_for(
            lambda: found.extend(reader.poll(0.5)) or {r.kafka_topic for r in found} >= set(kafka_topics),
            SECONDS,
            f"not all of {kafka_topics} were read",
        )
        reader.commit({(r.kafka_topic, r.partition): r.offset + 1 for r in found})


def test_feeds_are_published_with_their_positions(secured: SecuredKafka) -> None:
    with SourcePublisher(secured.connection("newswire-feeds"), "feeds") as publisher:
        publisher.positions()
        publisher.publish([Output(wire.ARTICLES, b"key", b"value", [])], {"feeds:a": b"{}"})
        assert "feeds:a" in read_latest(secured.connection("newswire-feeds"), wire.SOURCES)
    write(secured, "feeds", wire.ARTICLES, wire.DEAD_LETTERS)
    refused(lambda: write(secured, "feeds", wire.LABELLED))
    refused(lambda: read(secured, "feeds", wire.ARTICLES))


@every_link
def test_a_worker_labels_and_publishes_nothing_else(
    secured: SecuredKafka, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    write(secured, "gateway", wire.ARTICLES)
    link = linked(secured, name, "label", wire.ARTICLES, wire.LABEL_GROUP)
    try:
        assert link.missing(NAMES) == []
        carry(link, wire.LABELLED, "news.topic.sport", "news.region.western-asia", wire.DEAD_LETTERS)
        write(secured, "gateway", wire.ARTICLES)
        with pytest.raises(TransientError) as caught:
            carry(link, wire.ARTICLES)
        assert "authorization" in f"{caught.value}{caplog.text}".lower()  # librdkafka says it in its log only
    finally:
        link.close()


@every_link
def test_another_role_may_not_join_the_workers(secured: SecuredKafka, name: str) -> None:
    def join() -> None:
        link = linked(secured, name, "duplicates", wire.LABELLED, wire.LABEL_GROUP)
        try:
            carry(link, wire.UNIQUE)
        finally:
            link.close()

    with pytest.raises(TransientError, match=r"refuses this worker: .*(?i:authorization)"):
        join()


def test_duplicates_are_marked(secured: SecuredKafka) -> None:
    link = linked(secured, "kafka-python", "duplicates", wire.LABELLED, wire.DUPLICATES_GROUP)
    try:
        assert link.missing([wire.LABELLED, wire.DUPLICATES, wire.UNIQUE, wire.SIGNATURES]) == []
        assert read_latest(secured.connection("newswire-duplicates"), wire.SIGNATURES)
        carry(link, wire.DUPLICATES, wire.UNIQUE, wire.SIGNATURES)
    finally:
        link.close()


def test_a_sink_reads_stores_its_place_and_buries(secured: SecuredKafka) -> None:
    read(secured, "sinks", wire.LABELLED, group=wire.SINK_GROUP + "files")
    write(secured, "sinks", wire.DEAD_LETTERS)
    refused(lambda: read(secured, "sinks", wire.LABELLED, group=wire.LABEL_GROUP))
    refused(lambda: write(secured, "sinks", wire.LABELLED))


def test_the_gateway_reads_takes_pushes_and_knows_every_lag(secured: SecuredKafka) -> None:
    read(secured, "gateway", wire.LABELLED)
    write(secured, "gateway", wire.ARTICLES)
    read(secured, "sinks", wire.LABELLED, group=wire.SINK_GROUP + "sql")
    with LagWatch(secured.connection("newswire-gateway")) as watch:
        assert {group for group, _ in watch.look(time.time())} >= {wire.LABEL_GROUP, wire.SINK_GROUP + "sql"}
    refused(lambda: write(secured, "gateway", wire.LABELLED))


def test_a_subscriber_reads_under_names_of_its_own_and_writes_nothing(secured: SecuredKafka) -> None:
    read(secured, "subscriber", wire.LABELLED, "news.topic.sport", "news.region.western-asia", wire.UNIQUE)
    read(secured, "subscriber", wire.DUPLICATES, group="subscriber.mine")
    refused(lambda: read(secured, "subscriber", wire.LABELLED, group=wire.SINK_GROUP + "files"))
    refused(lambda: read(secured, "subscriber", wire.ARTICLES))
    refused(lambda: write(secured, "subscriber", wire.ARTICLES))


def test_an_operator_makes_topics_and_replays_dead_letters(secured: SecuredKafka) -> None:
    login = secured.connection("newswire-operator")
    assert {topic.name for topic in list_topics(login)} >= set(NAMES)
    assert check_topics(login, wire.kafka_topics(load_labels())) == []
    create_topics(login, [wire.KafkaTopic("news.topic.made-here", 1, None, "delete")])
    assert len(list(dead_letters.dead_letters(login))) > 0
    assert dead_letters.replay(login).kept > 0


def test_commands_take_the_login_from_their_settings(secured: SecuredKafka) -> None:
    line = json.dumps(article_json(uri="urn:newswire:example:access")).encode()
    login = secured.settings("newswire-feeds")
    done = newswire(secured.servers, "publish", "jsonl", "-", stdin=line, **login)
    assert (done.returncode, done.stderr) == (0, b"newswire: -: published 1, dead letters 0\n")


def test_a_wrong_password_is_told_in_one_line_without_it(secured: SecuredKafka) -> None:
    login = secured.settings("newswire-operator", "wr0ng")
    done = newswire(secured.servers, "topics", "check", **login)
    said = done.stderr.decode()
    assert (done.returncode, said.count("\n")) == (1, 1)
    assert f"{secured.servers} takes connections, but no Kafka answers by SASL_SSL as newswire-operator" in said
    assert "check kafka.security" in said
    assert "wr0ng" not in said


@every_link
def test_a_worker_with_a_wrong_password_says_so(
    secured: SecuredKafka, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_kafka_python, "BOOTSTRAP_MS", 1_000)
    monkeypatch.setattr(link_confluent, "CONNECT_SECONDS", 1.0)
    before = threading.active_count()
    where = secured.connection("newswire-label", "wr0ng")
    settings = LinkSettings(where, wire.ARTICLES, wire.LABEL_GROUP, "0")
    with pytest.raises(TransientError, match=r"no Kafka answers by SASL_SSL as newswire-label: check kafka\.security"):
        open_link(name, settings, lambda _: None)
    assert threading.active_count() == before  # kafka-python would leave one, trying for ever
