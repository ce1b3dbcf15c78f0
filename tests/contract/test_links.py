"""One suite over both links: what the worker core relies on, on a real Kafka."""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from confluent_kafka import Producer

from streams import wire
from streams.errors import TransientError
from streams.kafka import bulk
from streams.kafka.link import AbortedError, FanOut, Link, LinkLostError, LinkSettings, Rebalance
from streams.kafka.link_confluent import ConfluentLink
from streams.kafka.link_kafka_python import KafkaPythonLink, send_one_by_one
from tests.helpers import wait_for
from tests.pipeline import TIMEOUT, Pipeline, item

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.kafka.link import Record

pytestmark = pytest.mark.kafka


def _stock(settings: LinkSettings, on_rebalance: Callable[[Rebalance], None]) -> Link:
    return KafkaPythonLink(settings, on_rebalance, send=send_one_by_one)


LINKS: dict[str, Any] = {"kafka-python": KafkaPythonLink, "kafka-python-stock": _stock, "confluent": ConfluentLink}


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique) as made:
        yield made


class Links:
    """Opens links of one kind and closes them all."""

    def __init__(self, kind: str, pipeline: Pipeline) -> None:
        self._kind, self._pipeline = kind, pipeline
        self._open: list[Link] = []
        self.rebalances: list[Rebalance] = []

    def __call__(self, slot: str | None = "0", session_ms: int = 6000, transaction_ms: int = 10_000) -> Link:
        settings = LinkSettings(
            self._pipeline.bootstrap_servers,
            self._pipeline.prefix + wire.ARTICLES,
            self._pipeline.group,
            slot,
            session_ms,
            transaction_ms,
        )
        link: Link = LINKS[self._kind](settings, self.rebalances.append)
        self._open.append(link)
        return link

    def close(self) -> None:
        for link in self._open:
            link.close()


@pytest.fixture(params=LINKS)
def links(request: pytest.FixtureRequest, pipeline: Pipeline) -> Iterator[Links]:
    made = Links(request.param, pipeline)
    yield made
    made.close()


def read(link: Link, count: int, limit: int = 1000) -> list[Record]:
    """At least so many records."""
    found: list[Record] = []
    wait_for(
        lambda: found.extend(link.poll(0.2, limit)) or len(found) >= count, TIMEOUT, f"{count} records did not come"
    )
    return found


def offsets_after(records: list[Record]) -> dict[tuple[str, int], int]:
    return {(r.kafka_topic, r.partition): r.offset + 1 for r in records}


def outputs_of(pipeline: Pipeline, records: list[Record], name: str = wire.LABELLED) -> list[FanOut]:
    return [FanOut((pipeline.prefix + name,), r.key, r.value, [("n", b"1")]) for r in records]


def keys(records: list[Record]) -> list[bytes]:
    return sorted(r.key for r in records if r.key is not None)


def test_a_record_arrives_as_it_was_written(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish_raw([(b"key", b"value"), (b"tombstone", None)], headers=[("a", b"1"), ("a", b"2")])
    pipeline.publish_raw([(None, b"no key")])
    found = {(r.key, r.value, tuple(r.headers)) for r in read(links(), 3)}
    both = (("a", b"1"), ("a", b"2"))
    assert found == {(b"key", b"value", both), (b"tombstone", None, both), (None, b"no key", ())}


def test_a_header_without_a_value_is_read_as_an_empty_one(links: Links, pipeline: Pipeline) -> None:
    producer = Producer({"bootstrap.servers": pipeline.bootstrap_servers})  # kafka-python cannot write one
    producer.produce(pipeline.prefix + wire.ARTICLES, b"v", b"k", headers=[("a", None), ("a", b"1"), ("b", None)])
    producer.flush(TIMEOUT)
    (found,) = read(links(), 1)
    assert list(found.headers) == [("a", b""), ("a", b"1"), ("b", b"")]


def test_a_header_name_that_is_not_utf8_costs_its_headers(
    links: Links, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kafka forbids it and no broker checks it; kafka-python itself gives nothing of the whole batch of records."""
    monkeypatch.setitem(bulk._HEADER_NAMES, "bad", b"\x06\xff\xfe\xfd")
    name = (pipeline.prefix + wire.ARTICLES,)
    good, bad = FanOut(name, b"k", b"good", [("own", b"1")]), FanOut(name, b"k", b"bad", [("own", b"1"), ("bad", b"1")])
    pipeline.publish_bulk([good, bad, good])
    found = [(r.value, list(r.headers)) for r in read(links(), 3)]
    assert found == [(b"good", good.headers), (b"bad", []), (b"good", good.headers)]


def test_the_partitions_are_told_when_they_are_assigned(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish([item(1)])
    read(links(), 1)
    assert links.rebalances[-1] == Rebalance(drain=False, partitions=4)


def test_a_poll_gives_no_more_than_its_limit(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(50))
    link = links()
    read(link, 1, limit=1)
    assert 0 < len(link.poll(20, 7)) <= 7


def test_missing_kafka_topics_are_named(links: Links, pipeline: Pipeline) -> None:
    assert links().missing([*pipeline.names, "zz.absent", "aa.absent"]) == ["aa.absent", "zz.absent"]


def test_outputs_and_offsets_are_committed_together(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(30))
    link = links()
    found = read(link, 30)
    link.publish(outputs_of(pipeline, found), offsets_after(found), link.group())
    assert keys(pipeline.read(wire.LABELLED)) == keys(found)
    assert sum(pipeline.committed().values()) == 30


def test_key_value_and_headers_arrive_also_where_they_are_empty(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish([item(1)])
    link = links()
    found = read(link, 1)
    name = pipeline.prefix + wire.DEAD_LETTERS
    written = [
        FanOut((name,), b"k", None, [("empty", b"")]),
        FanOut((name,), None, b"", []),
        FanOut((name,), b"", b"v" * 300_000, [("n", b"x" * 200)]),  # larger than one batch of the producer
        FanOut((name,), b"k2", b"v" * 700_000, []),
    ]
    link.publish(written, offsets_after(found), link.group())
    arrived = [(r.key, r.value, list(r.headers)) for r in pipeline.read(wire.DEAD_LETTERS)]
    assert Counter(map(str, arrived)) == Counter(str((o.key, o.value, o.headers)) for o in written)


def test_the_same_key_goes_to_the_partition_that_every_client_chooses(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(60))  # by kafka-python's own partitioner; both topics have four partitions
    link = links()
    found = read(link, 60)
    link.publish(outputs_of(pipeline, found), offsets_after(found), link.group())
    assert {(r.key, r.partition) for r in pipeline.read(wire.LABELLED)} == {(r.key, r.partition) for r in found}


def test_the_order_within_a_partition_is_kept(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish((item(n) for n in range(400)), partition=2)
    link = links()
    found = read(link, 400)
    same_key = [FanOut((pipeline.prefix + wire.LABELLED,), b"k", b"%d" % n, []) for n in range(len(found))]
    link.publish(same_key, offsets_after(found), link.group())
    assert [r.value for r in pipeline.read(wire.LABELLED)] == [o.value for o in same_key]


def test_after_a_rewind_the_same_records_come_again_from_every_partition(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(40))
    link = links()
    first = read(link, 40)
    link.publish([], offsets_after(first), link.group())
    pipeline.publish(item(n) for n in range(40, 80))
    second = read(link, 40)
    link.rewind()
    assert keys(read(link, 40)) == keys(second)


def test_a_rewind_where_nothing_is_committed_begins_at_the_beginning(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(20))
    link = links()
    found = read(link, 20)
    link.rewind()
    assert keys(read(link, 20)) == keys(found)


def test_an_output_that_cannot_be_written_rolls_back_and_the_link_goes_on(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(10))
    link = links()
    found = read(link, 10)
    too_large = FanOut((pipeline.prefix + wire.LABELLED,), b"k", b"x" * 1_200_000, [])
    with pytest.raises(AbortedError):
        link.publish([*outputs_of(pipeline, found), too_large], offsets_after(found), link.group())
    assert pipeline.committed() == {}
    link.rewind()
    again = read(link, 10)
    assert keys(again) == keys(found)
    link.publish(outputs_of(pipeline, again), offsets_after(again), link.group())
    assert keys(pipeline.read(wire.LABELLED)) == keys(found)


def test_offsets_of_a_member_that_is_out_of_the_group_are_refused(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(10))
    old = links(slot=None)
    found, group = read(old, 10), None
    group = old.group()
    old.close()  # leaves the group: its membership is not valid any more
    link = links(slot=None)
    read(link, 10)
    with pytest.raises(AbortedError):
        link.publish(outputs_of(pipeline, found), offsets_after(found), group)
    assert pipeline.read(wire.LABELLED) == []
    assert pipeline.committed() == {}


def test_refused_offsets_do_not_travel_with_the_next_transaction(links: Links, pipeline: Pipeline) -> None:
    """kafka-python 3.0.12 keeps them in its producer: partition 0 would jump to 7."""
    pipeline.publish((item(n) for n in range(10)), partition=0)
    pipeline.publish((item(n) for n in range(10, 20)), partition=1)
    old = links(slot=None)
    read(old, 20)
    stale = old.group()
    old.close()
    link = links(slot=None)
    found = [r for r in read(link, 20) if r.partition == 1]
    kafka_topic = pipeline.prefix + wire.ARTICLES
    with pytest.raises(AbortedError):
        link.publish([], {(kafka_topic, 0): 7}, stale)
    link.publish(outputs_of(pipeline, found), offsets_after(found), link.group())
    pipeline.wait_until_committed(10)  # the commit is answered before its markers are written
    assert pipeline.committed() == {1: 10}


def test_the_newer_holder_of_a_slot_fences_the_older(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(10))
    older = links()
    found, group = read(older, 10), older.group()
    newer = links()
    with pytest.raises(LinkLostError, match="slot '0'"):
        older.publish(outputs_of(pipeline, found), offsets_after(found), group)
    again = read(newer, 10)
    newer.publish(outputs_of(pipeline, again), offsets_after(again), newer.group())
    assert keys(pipeline.read(wire.LABELLED)) == keys(found)


def test_the_next_holder_of_a_slot_aborts_what_was_left_open(links: Links, pipeline: Pipeline) -> None:
    """Readers must not wait for the transaction's time-out, here a minute."""
    pipeline.publish(item(n) for n in range(10))
    dead: Any = links(transaction_ms=60_000)
    found = read(dead, 10)
    dead._producer.begin_transaction()
    if isinstance(dead, KafkaPythonLink):
        send_one_by_one(dead._producer, outputs_of(pipeline, found))
    else:
        dead._send(outputs_of(pipeline, found))
    link = links(transaction_ms=60_000)
    again = read(link, 10)
    link.publish(outputs_of(pipeline, again), offsets_after(again), link.group())
    assert keys(pipeline.read(wire.LABELLED)) == keys(found)
    assert len(pipeline.read(wire.LABELLED, "read_uncommitted")) == 20


def test_a_transaction_that_outlived_its_time_out_is_lost_and_its_records_come_again(
    links: Links, pipeline: Pipeline
) -> None:
    pipeline.publish(item(n) for n in range(10))
    link: Any = links(transaction_ms=1000)
    found, group = read(link, 10), link.group()
    begun = threading.Event()
    send = link._send

    def slow(*arguments: Any) -> None:
        send(*arguments)
        begun.set()
        # the broker looks every 10 s for transactions that are over their time
        wait_for(lambda: _is_aborted(pipeline), TIMEOUT, "the broker did not end the transaction")

    link._send = slow
    with pytest.raises((LinkLostError, AbortedError)):
        link.publish(outputs_of(pipeline, found), offsets_after(found), group)
    assert pipeline.read(wire.LABELLED) == []
    successor = links()
    again = read(successor, 10)
    successor.publish(outputs_of(pipeline, again), offsets_after(again), successor.group())
    assert keys(pipeline.read(wire.LABELLED)) == keys(found)


def _is_aborted(pipeline: Pipeline) -> bool:
    """The last stable offset has passed the records: an abort marker follows them."""
    consumed = pipeline.ends(wire.LABELLED, "read_committed")
    return sum(consumed.values()) > 10


@pytest.mark.parametrize("links", ["kafka-python", "kafka-python-stock"], indirect=True)
def test_an_expired_batch_rolls_back(links: Links, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    """kafka-python 3.0.12 would commit without it: KafkaTimeoutError is retriable and changes no state.

    librdkafka makes such a transaction abortable by itself, and its clock cannot be forced.
    """
    pipeline.publish(item(n) for n in range(10))
    link: Any = links()
    found = read(link, 10)
    with monkeypatch.context() as patch:
        patch.setattr("kafka.producer.producer_batch.ProducerBatch.has_reached_delivery_timeout", lambda *_, **__: True)
        with pytest.raises(AbortedError):
            link.publish(outputs_of(pipeline, found), offsets_after(found), link.group())
    assert pipeline.committed() == {}
    assert pipeline.read(wire.LABELLED) == []
    link.rewind()
    again = read(link, 10)
    link.publish(outputs_of(pipeline, again), offsets_after(again), link.group())
    assert keys(pipeline.read(wire.LABELLED)) == keys(found)


def test_a_missing_output_topic_is_an_error_and_commits_nothing(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(5))
    link = links()
    found = read(link, 5)
    with pytest.raises(LinkLostError, match=r"missing.*newswire topics create"):
        link.publish([FanOut(("never.made",), b"k", b"v", [])], offsets_after(found), link.group())
    assert pipeline.committed() == {}


def test_two_links_share_the_partitions_and_each_is_told(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish(item(n) for n in range(20))
    one = links(slot="1")
    read(one, 20)
    other = links(slot="2")
    stop = threading.Event()

    def keep_polling() -> None:
        while not stop.is_set():
            one.poll(0.1, 100)

    def both_told() -> bool:
        return [r.partitions for r in links.rebalances].count(2) >= 2

    thread = threading.Thread(target=keep_polling)
    thread.start()
    try:
        wait_for(lambda: other.poll(0.1, 100) or other.group(), TIMEOUT, "no second member")
        # the second one polls on: a join may be answered, and the member have a name, before it is given partitions
        wait_for(lambda: [both_told(), other.poll(0.1, 100)][0], TIMEOUT, "not both were told")
    finally:
        stop.set()
        thread.join()
    assert Rebalance(drain=True, partitions=-1) in links.rebalances


def test_a_join_that_outlives_many_short_polls_is_not_forgotten(links: Links, pipeline: Pipeline) -> None:
    """kafka-python 3.0.12 forgets one that new metadata caused: no heartbeat, no partitions, for ever."""
    pipeline.publish(item(n) for n in range(10))
    link: Any = links()
    found = read(link, 10)
    pipeline.add_partitions(wire.ARTICLES, 6)

    def joined_again() -> bool:
        if isinstance(link, KafkaPythonLink):
            link._consumer._client.cluster.request_update()  # it would come by itself within five minutes
        else:
            link._consumer.list_topics(timeout=5)
        for _ in range(200):
            found.extend(link.poll(0.001, 10))
        return links.rebalances[-1].partitions == 6

    wait_for(joined_again, TIMEOUT, "not joined again")
    pipeline.publish((item(n) for n in range(10, 13)), partition=5)
    wait_for(lambda: [r for r in link.poll(0.001, 10) if r.partition == 5], TIMEOUT, "the new partition is not read")


def test_the_lag_is_what_is_left_to_read(links: Links, pipeline: Pipeline) -> None:
    pipeline.publish((item(n) for n in range(12)), partition=1)
    link = links()
    first = read(link, 5, limit=5)
    assert link.lag()[1] == 12 - len(first)
    read(link, 12 - len(first))
    wait_for(lambda: link.poll(0.1, 10) or link.lag().get(1) == 0, TIMEOUT, "the lag does not go to 0")


def test_the_lag_of_a_partition_that_ends_with_a_transaction_goes_to_zero(links: Links, pipeline: Pipeline) -> None:
    """A commit marker takes an offset of its own; a lag that counts it never reaches 0."""
    pipeline.publish_in_a_transaction((item(n) for n in range(3)), partition=0)
    link = links()
    read(link, 3)
    wait_for(lambda: link.poll(0.1, 10) or link.lag().get(0) == 0, TIMEOUT, "the lag does not go to 0")


def test_a_kafka_that_is_not_there_is_one_clear_error(links: Links, pipeline: Pipeline) -> None:
    pipeline.bootstrap_servers = "127.0.0.1:1"
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:1.*newswire broker"):
        links()
