"""`newswire publish jsonl` on a real Kafka: every line one record or one dead letter, and positions in the transaction."""

from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient
from kafka.errors import KafkaTimeoutError

from streams.articles import decode_article
from streams.errors import TransientError
from streams.kafka.link import Output
from streams.kafka.publisher import Publisher, SourcePublisher, read_latest
from streams.sources.identity import url_uri
from streams.wire import ARTICLES, DEAD_LETTERS, SOURCES
from tests.flow.edges import ROOT, SECONDS, Watch, command, environment, make_wire, newswire
from tests.flow.kafka_records import make_topic
from tests.helpers import wait_for
from tests.servers.background import site_of
from tests.servers.web import always

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka


@pytest.fixture
def watch(bootstrap_servers: str) -> Iterator[Watch]:
    make_wire(bootstrap_servers)
    watch = Watch(bootstrap_servers, [ARTICLES, DEAD_LETTERS])
    yield watch
    watch.close()


def lines(unique: str, count: int, **members: Any) -> bytes:
    items = [
        {"title": f"Item {n}", "text": f"Text of item {n}.", "uri": f"urn:{unique}:{n}", **members}
        for n in range(count)
    ]
    return b"".join(json.dumps(item).encode() + b"\n" for item in items)


def uris(records: list[Any], unique: str) -> list[str]:
    return [r.key.decode() for r in records if r.topic == ARTICLES and unique in r.key.decode()]


@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_every_line_is_published_once_in_order_by_key(
    bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path, *, packed: bool
) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(gzip.compress(lines(unique, 2_000)) if packed else lines(unique, 2_000))
    done = newswire(bootstrap_servers, "publish", "jsonl", str(path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.decode().endswith("published 2,000, dead letters 0\n")
    records = watch.read()
    assert sorted(uris(records, unique)) == sorted(f"urn:{unique}:{n}" for n in range(2_000))
    first = next(r for r in records if r.key == f"urn:{unique}:7".encode())
    article = decode_article(first.value)
    assert (article.headlines[0].value, article.bodies[0].value) == ("Item 7", "Text of item 7.")
    headers = dict(first.headers)
    assert headers["ce_type"] == b"org.newswire.article.v1"
    assert headers["ce_source"] == b"urn:newswire:jsonl"


def test_standard_input_is_published_as_it_comes(bootstrap_servers: str, watch: Watch, unique: str) -> None:
    process = subprocess.Popen(
        command("publish", "jsonl", "-"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(bootstrap_servers),
    )
    assert process.stdin is not None
    process.stdin.write(lines(unique, 1))
    process.stdin.flush()
    seen: list[str] = []
    wait_for(lambda: seen.extend(uris(watch.read(), unique)) or seen, SECONDS, "the first line waits for the second")
    process.communicate(timeout=SECONDS)
    assert process.returncode == 0
    assert seen == [f"urn:{unique}:0"]


def test_ctrl_c_ends_with_what_was_sent_delivered(bootstrap_servers: str, watch: Watch, unique: str) -> None:
    process = subprocess.Popen(
        command("publish", "jsonl", "-"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(bootstrap_servers),
    )
    assert process.stdin is not None
    process.stdin.write(lines(unique, 10))
    process.stdin.flush()
    seen: list[str] = []
    wait_for(lambda: seen.extend(uris(watch.read(), unique)) or len(seen) == 10, SECONDS, "ten lines are not published")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    assert b"published 10, dead letters 0" in said
    assert b"Traceback" not in said


def test_a_replay_goes_on_with_new_versions_until_it_is_stopped(
    bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path
) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(lines(unique, 3))
    process = subprocess.Popen(
        command("publish", "jsonl", str(path), "--rate", "100", "--loop"),
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(bootstrap_servers),
    )
    seen: list[Any] = []
    wait_for(lambda: seen.extend(watch.read()) or len(seen) >= 9, SECONDS, "three rounds are not published")
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=SECONDS)
    assert process.returncode == 130
    versions = [decode_article(r.value).version for r in seen if r.key == f"urn:{unique}:1".encode()]
    assert versions[:3] == [None, "2", "3"]


def test_a_page_is_published_from_its_address(bootstrap_servers: str, watch: Watch, unique: str) -> None:
    with site_of({f"/{unique}": always("Rain in Ankara\n\nIt rained all day.", Content_Type="text/plain")}) as (site,):
        url = site.url(f"/{unique}")
        refused = newswire(bootstrap_servers, "publish", "page", url)
        done = newswire(bootstrap_servers, "publish", "page", url, "--allow", "127.0.0.1")
    assert refused.stderr.decode().endswith("published 0, dead letters 1\n")
    assert b"allow-list" in refused.stderr
    assert done.returncode == 0, done.stderr
    article = next(decode_article(r.value) for r in watch.read() if r.topic == ARTICLES and url.encode() in r.value)
    assert (article.uri, article.info_sources[0].name) == (url_uri(url), f"127.0.0.1:{site.port}")


@pytest.mark.parametrize(
    "arguments", [("-", "--loop"), ("-", "--resume"), ("items.jsonl", "--resume", "--rate", "2"), ("-", "--rate", "0")]
)
def test_a_replay_that_cannot_be_is_refused(bootstrap_servers: str, arguments: tuple[str, ...]) -> None:
    done = newswire(bootstrap_servers, "publish", "jsonl", *arguments)
    assert done.returncode == 2
    assert b"--" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_same_file_twice_gives_the_same_uris(
    bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path
) -> None:
    path = tmp_path / "items.jsonl"
    path.write_text(
        "".join(
            json.dumps({"title": f"{unique} {n}", "text": "No uri, no url, no date.", "source": unique}) + "\n"
            for n in range(3)
        )
    )
    for _ in range(2):
        assert newswire(bootstrap_servers, "publish", "jsonl", str(path)).returncode == 0
    keys = [r.key for r in watch.read() if unique.encode() in r.value]
    assert len(keys) == 6
    assert len(set(keys)) == 3


def test_a_dry_run_needs_no_kafka(unique: str, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(lines(unique, 3) + b"not json\n")
    done = newswire("127.0.0.1:1", "publish", "jsonl", str(path), "--dry-run")
    assert done.returncode == 0
    printed = [json.loads(line) for line in done.stdout.splitlines()]
    assert [item["uri"] for item in printed] == [f"urn:{unique}:{n}" for n in range(3)]
    assert "line 4: not JSON in UTF-8" in done.stderr.decode()
    assert done.stderr.decode().endswith("published 3, dead letters 1\n")


def test_resume_goes_on_after_the_last_line(bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(lines(unique, 1_200))
    assert newswire(bootstrap_servers, "publish", "jsonl", str(path), "--resume").returncode == 0
    with path.open("ab") as file:
        file.write(lines(unique, 1_203).split(b"\n", 1_200)[1_200])
    done = newswire(bootstrap_servers, "publish", "jsonl", str(path), "--resume")
    assert done.stderr.decode().endswith("published 3, dead letters 0\n")
    assert sorted(uris(watch.read(), unique)) == sorted(f"urn:{unique}:{n}" for n in range(1_203))


def test_a_transaction_that_was_cut_off_is_not_seen_and_its_position_not_stored(
    bootstrap_servers: str, watch: Watch, unique: str
) -> None:
    mark = unique.encode()
    with SourcePublisher(bootstrap_servers, unique) as cut_off:
        cut_off.publish([Output(ARTICLES, b"1", mark + b" first", [])], {unique: b"1"})
        producer = cut_off._producer
        producer.begin_transaction()
        producer.send(ARTICLES, mark + b" never", key=b"2")
        producer.send(SOURCES, b"2", key=mark)
        producer.flush()
        # kill -9 here: the next holder of the name rolls it back
        with SourcePublisher(bootstrap_servers, unique) as heir:
            assert heir.positions()[unique] == b"1"
            heir.publish([Output(ARTICLES, b"2", mark + b" second", [])], {unique: b"2"})
            assert read_latest(bootstrap_servers, SOURCES)[unique] == b"2"
    assert [r.value for r in watch.read() if mark in r.value] == [mark + b" first", mark + b" second"]


def test_a_second_holder_of_a_name_ends_the_first(bootstrap_servers: str, watch: Watch, unique: str) -> None:
    with SourcePublisher(bootstrap_servers, unique) as first, SourcePublisher(bootstrap_servers, unique) as second:
        second.publish([], {unique: b"1"})
        with pytest.raises(TransientError, match="another process publishes as"):
            first.publish([Output(ARTICLES, b"k", unique.encode(), [])], {unique: b"2"})
    assert unique.encode() not in [r.value for r in watch.read()]


def test_killed_three_times_a_resumed_file_is_published_once(
    bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path
) -> None:
    path = tmp_path / "items.jsonl"
    path.write_bytes(lines(unique, 9_500))
    seen: list[str] = []
    for goal in (1, 3_000, 6_000):
        process = subprocess.Popen(
            command("publish", "jsonl", str(path), "--resume"),
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=environment(bootstrap_servers),
        )

        def reached(goal: int = goal, process: subprocess.Popen[bytes] = process) -> bool:
            seen.extend(uris(watch.read(), unique))
            return len(seen) >= goal or process.poll() is not None

        wait_for(reached, SECONDS, "nothing is published")
        process.kill()
        process.communicate(timeout=SECONDS)
    assert newswire(bootstrap_servers, "publish", "jsonl", str(path), "--resume").returncode == 0
    # a commit is answered before its markers stand in the partitions, where readers wait for them
    wait_for(lambda: seen.extend(uris(watch.read(), unique)) or len(seen) >= 9_500, SECONDS, "not all is published")
    assert sorted(seen) == sorted(f"urn:{unique}:{n}" for n in range(9_500))


class LostAnswer:
    """A producer whose commit takes place, or not, while its answer is lost; everything else is the real one's."""

    def __init__(self, producer: Any, *, commits: bool) -> None:
        self._producer = producer
        self._commits = commits

    def __getattr__(self, name: str) -> Any:
        return getattr(self._producer, name)

    def commit_transaction(self) -> None:
        if self._commits:
            self._producer.commit_transaction()
        raise KafkaTimeoutError("the answer is lost")


@pytest.mark.parametrize("commits", [True, False])
def test_a_commit_whose_answer_was_lost_is_neither_repeated_nor_forgotten(
    bootstrap_servers: str, watch: Watch, unique: str, *, commits: bool
) -> None:
    with SourcePublisher(bootstrap_servers, unique) as publisher:
        publisher.positions()
        publisher._producer = LostAnswer(publisher._producer, commits=commits)
        publisher.publish([Output(ARTICLES, b"k", unique.encode(), [])], {unique: b"1"})
        assert publisher.delivered == {ARTICLES: 1}
    assert [r.value for r in watch.read()].count(unique.encode()) == 1
    assert read_latest(bootstrap_servers, SOURCES)[unique] == b"1"


def test_after_a_lost_answer_the_place_of_another_holder_is_left_alone(
    bootstrap_servers: str, watch: Watch, unique: str
) -> None:
    with SourcePublisher(bootstrap_servers, unique) as publisher:
        publisher.positions()
        with SourcePublisher(bootstrap_servers, unique) as other:
            other.publish([], {unique: b"further"})
        publisher._producer = LostAnswer(publisher._open(), commits=False)
        with pytest.raises(TransientError, match="another process publishes as"):
            publisher.publish([Output(ARTICLES, b"k", unique.encode(), [])], {unique: b"1"})
    assert unique.encode() not in [r.value for r in watch.read()]


def test_positions_wait_for_the_open_transactions_of_others(bootstrap_servers: str, watch: Watch, unique: str) -> None:
    """Another source's transaction stays open before ours: our committed position stands behind it and must still be found."""
    with SourcePublisher(bootstrap_servers, f"{unique}-other", transaction_seconds=5) as other:
        other._producer.begin_transaction()
        other._producer.send(SOURCES, b"open", key=unique.encode() + b"-other")
        other._producer.flush()
        with SourcePublisher(bootstrap_servers, unique) as publisher:
            publisher.publish([], {unique: b"7"})
            assert publisher.positions()[unique] == b"7"  # returns once the broker has ended the other's, after 5 s


@pytest.mark.parametrize("way", ["one by one", "all at once"])
def test_a_failed_delivery_is_an_error_although_flush_says_nothing(
    bootstrap_servers: str, unique: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.bulk.FLUSH_SECONDS", 3.0)  # a refused record keeps flush waiting so long
    make_topic(bootstrap_servers, unique)
    with KafkaAdminClient(bootstrap_servers=bootstrap_servers.split(",")) as admin:
        admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, unique, configs={"max.message.bytes": "1000"})])
    large = random.Random(7).randbytes(20_000)
    with Publisher(bootstrap_servers, [unique]) as publisher:
        publisher.send_all([])
        publisher.send_all([Output(unique, b"k", b"small", [])])
        publisher.send(Output(unique, b"k", b"small too", []))
        publisher.flush()
        if way == "one by one":
            publisher.send(Output(unique, b"k", large, []))
        rest = [] if way == "one by one" else [Output(unique, b"k", large, []), Output(unique, b"k", b"small", [])]
        fails = publisher.flush if way == "one by one" else lambda: publisher.send_all(rest)
        with pytest.raises(TransientError, match="did not take a record"):
            fails()
        assert publisher.delivered == {unique: 2}


def test_one_by_one_and_all_at_once_write_the_same_records(bootstrap_servers: str, unique: str) -> None:
    make_topic(bootstrap_servers, unique, 5)
    watch = Watch(bootstrap_servers, [unique])
    outputs = [Output(unique, b"key %d" % n, b"value %d" % n, [("h", b"%d" % n)]) for n in range(500)]
    with Publisher(bootstrap_servers, [unique]) as publisher:
        for output in outputs:
            publisher.send(output)
        publisher.flush()
        publisher.send_all(outputs)
    found = [(r.partition, r.key, r.value, tuple(r.headers)) for r in watch.read()]
    watch.close()
    assert len(found) == 1000
    assert len(set(found)) == 500  # so each twice in the same partition, with the same headers
