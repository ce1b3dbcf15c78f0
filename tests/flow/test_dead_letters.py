"""Dead letters on a real Kafka: listed, shown, sent back as they came and once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from kafka import KafkaProducer

from streams.errors import InvalidError, TransientError
from streams.kafka.clients import new_producer, positions
from streams.kafka.dead_letters import dead_letters, error_of, find, original, replay
from streams.kafka.link import Record
from streams.kafka.reader import Reader
from streams.wire import ARTICLES, DEAD_LETTERS, dead_letter_headers
from tests.flow.edges import SECONDS, Watch, make_wire, newswire
from tests.flow.kafka_records import make_topic
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.kafka

HEADERS = [("ce_id", b"1"), ("traceparent", b"00-1-1-01"), ("ce_id", b"twice")]


def dead(offset: int, **fields: str) -> list[tuple[str, bytes]]:
    came_from = {"topic": ARTICLES, "partition": "4", "offset": str(offset)}
    return dead_letter_headers(
        HEADERS, came_from | {"stage": "topics", "class": "ValueError", "message": "bad\nword"} | fields
    )


class Topics:
    """A Kafka topic of dead letters and one to send them back to, of a test's own."""

    def __init__(self, bootstrap_servers: str, unique: str) -> None:
        self.servers, self.source, self.target, self.group = (
            bootstrap_servers,
            f"{unique}.dead",
            f"{unique}.items",
            unique,
        )
        make_topic(bootstrap_servers, self.source, 3)
        make_topic(bootstrap_servers, self.target, 4)
        self.watch = Watch(bootstrap_servers, [self.target])

    def write(self, records: list[tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]]) -> None:
        producer = KafkaProducer(bootstrap_servers=self.servers.split(","))
        for key, value, headers in records:
            producer.send(self.source, value, key=key, headers=headers).get(SECONDS)
        producer.close()

    def replay(self) -> tuple[int, int]:
        return replay(self.servers, self.group, self.source, self.target)


@pytest.fixture
def topics(bootstrap_servers: str, unique: str) -> Iterator[Topics]:
    made = Topics(bootstrap_servers, unique)
    yield made
    made.watch.close()


def test_records_come_back_as_they_came_and_once(topics: Topics) -> None:
    topics.write([(b"k%d" % n, b"\xff bytes %d" % n, dead(n)) for n in range(20)])
    assert topics.replay() == (20, 0)
    assert topics.replay() == (0, 0)
    records = topics.watch.read()
    assert sorted((r.key, r.value) for r in records) == sorted((b"k%d" % n, b"\xff bytes %d" % n) for n in range(20))
    assert all(r.headers == HEADERS for r in records)
    topics.write([(b"k20", b"later", dead(20))])
    assert topics.replay() == (1, 0)
    assert [r.value for r in topics.watch.read()] == [b"later"]


def test_what_holds_no_record_stays(topics: Topics) -> None:
    pointer = json.dumps({"pointer": {"kafkaTopic": ARTICLES}}, separators=(",", ":")).encode()
    refused = dead_letter_headers((), {"stage": "publish", "source": "jsonl:x", "message": "no item"})
    topics.write(
        [
            (b"1", pointer, dead(1)),
            (None, b"{bad line", refused),
            (b"3", b"first bytes", dead(3, truncated="2000000")),
            (b"4", None, dead(4)),
            (b"5", b'{"pointer":1,"uri":"urn:x"}', dead(5)),
        ]
    )
    assert topics.replay() == (1, 4)
    assert [r.key for r in topics.watch.read()] == [b"5"]


def test_a_replay_that_was_cut_off_sends_nothing_twice(topics: Topics) -> None:
    topics.write([(b"k%d" % n, b"%d" % n, dead(n)) for n in range(10)])
    cut_off = new_producer(topics.servers, transactional_id=topics.group)
    cut_off.init_transactions()
    cut_off.begin_transaction()
    with Reader(topics.servers, [topics.source], group=topics.group, shared=False) as reader:
        for record in reader.poll(10, 500):
            output = original(record, topics.target)
            assert output is not None
            cut_off.send(topics.target, output.value, key=output.key)
        cut_off.flush()
        cut_off.send_offsets_to_transaction(positions({(topics.source, 0): 1}), reader.membership())
    # kill -9 here: neither what was sent nor how far it got is visible
    assert topics.replay() == (10, 0)
    assert len(topics.watch.read()) == 10
    with pytest.raises(Exception, match=r"Fenced|Epoch|epoch"):
        cut_off.commit_transaction()
    cut_off.close(timeout=5)


def test_what_dies_again_meanwhile_is_left_for_the_next_time(topics: Topics) -> None:
    """Sent back to where it is read from: a replay that chased its own end would never stop."""
    topics.write([(b"k", b"v", dead(1))])
    assert replay(topics.servers, topics.group, topics.source, topics.source) == (1, 0)
    # the replay's commit is answered before a reader's end lies behind it
    wait_for(lambda: len(list(dead_letters(topics.servers, topics.source))) == 2, SECONDS, "it is not there again")


def test_one_is_found_by_its_place(topics: Topics) -> None:
    topics.write([(b"k%d" % n, b"%d" % n, dead(n)) for n in range(30)])
    for record in dead_letters(topics.servers, topics.source):
        assert find(topics.servers, record.partition, record.offset, topics.source) == record
    for partition, offset in ((0, 10**6), (7, 0)):
        with pytest.raises(InvalidError, match=f"there is no dead letter {partition}:{offset}"):
            find(topics.servers, partition, offset, topics.source)


def test_an_error_is_read_from_the_headers_whoever_wrote_them() -> None:
    record = Record(
        DEAD_LETTERS,
        0,
        0,
        None,
        b"x",
        [("newswire-error-message", b"\xff"), ("newswire-error-stage", None), ("x", b"1")],
        0,
    )  # type: ignore[list-item]
    assert error_of(record) == {"message": "\ufffd", "stage": ""}
    assert original(record) is None


def test_the_commands(bootstrap_servers: str, unique: str) -> None:
    make_wire(bootstrap_servers)
    watch = Watch(bootstrap_servers, [ARTICLES])
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers.split(","))
    value = json.dumps({"uri": f"urn:{unique}", "text": "خبر"}, ensure_ascii=False).encode()
    sent = producer.send(DEAD_LETTERS, value, key=unique.encode(), headers=dead(7)).get(SECONDS)
    producer.close()
    place = f"{sent.partition}:{sent.offset}"

    listed = newswire(bootstrap_servers, "dead-letters", "list", "--limit", "1000").stdout.decode().splitlines()
    (line,) = [line for line in listed if line.startswith(f"{place}\t")]
    assert line.split("\t")[2:] == ["topics", "ValueError", "bad word", f"{ARTICLES}:4:7"]
    as_json: list[Any] = [
        json.loads(r)
        for r in newswire(
            bootstrap_servers, "dead-letters", "list", "--format", "json", "--limit", "1000"
        ).stdout.splitlines()
    ]
    assert place in [row["place"] for row in as_json]

    shown = newswire(bootstrap_servers, "dead-letters", "show", place).stdout
    assert shown.endswith(b"\n\n" + value + b"\n")
    assert b"newswire-error-message: bad\n    word\n" in shown

    done = newswire(bootstrap_servers, "dead-letters", "replay", place)
    assert done.returncode == 0
    assert done.stderr.decode() == "newswire: sent 1 back to news.articles, left 0 that hold no record of it\n"
    (record,) = [r for r in watch.read() if r.key == unique.encode()]
    assert (record.value, record.headers) == (value, HEADERS)
    watch.close()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["show", "x"], "'x' is not PARTITION:OFFSET, such as 2:17"),
        (["replay"], "name the places to replay, or --all"),
        (["replay", "--all", "1:2"], "name the places to replay, or --all"),
        (["replay", "1:-2"], "'1:-2' is not PARTITION:OFFSET"),
    ],
)
def test_a_wrong_argument_is_told_and_2(arguments: list[str], complaint: str) -> None:
    done = newswire("127.0.0.1:1", "dead-letters", *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr.decode()


def test_without_kafka_it_is_one_line_and_1(unique: str) -> None:
    done = newswire("127.0.0.1:1", "dead-letters", "list")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    with pytest.raises(TransientError):
        replay("127.0.0.1:1", unique)
