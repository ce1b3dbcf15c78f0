"""Bad input costs one clear error or one dead letter; everything else arrives."""

from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
from typing import TYPE_CHECKING

import pytest

from streams.errors import TransientError
from streams.kafka.broker import KafkaBroker
from streams.kafka.link import Output
from streams.kafka.publisher import Publisher
from streams.wire import ARTICLES, DEAD_LETTERS
from tests.flow.edges import ROOT, SECONDS, Watch, command, environment, make_wire, newswire
from tests.helpers import wait_for
from tests.items import article_json, as_bytes

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


BAD = {
    "undecodable bytes": b'{"text": "\xff\xfe"}',
    "wrong JSON": b'{"text": "no end',
    "not an object": b'["text"]',
    "missing fields": b'{"title": "only a title"}',
    "wrong types": b'{"text": ["a", "list"]}',
    "unknown fields": b'{"text": "x", "colour": "blue"}',
    "empty text": b'{"title": "x", "text": " "}',
    "bad date": b'{"text": "x", "published": "2026-02-30"}',
    "lone surrogate": b'{"text": "half \\ud83d of a smile"}',
    "control characters in JSON": b'{"text": "a\x02b"}',
    "2 MB": b'{"text": "' + b"x" * 2_000_000 + b'"}',
    "just over the limit once encoded": json.dumps({"text": "x" * 899_970}).encode(),
    "null": b'{"text": null}',
    "ninjs with a bad date": as_bytes(article_json(versionCreated="2026-02-30T00:00:00Z")),
    "ninjs with an unknown member": as_bytes(article_json(colour="blue")),
}


def test_each_bad_line_is_one_dead_letter_and_the_rest_arrives(
    bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path
) -> None:
    good = [json.dumps({"uri": f"urn:{unique}:{n}", "text": "Good."}).encode() for n in range(len(BAD) + 1)]
    lines = [good[0]]
    for bad, line in zip(BAD.values(), good[1:], strict=True):
        lines += [bad, line]
    path = tmp_path / "items.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    done = newswire(bootstrap_servers, "publish", "jsonl", str(path))
    assert done.returncode == 0, done.stderr
    said = done.stderr.decode().splitlines()
    assert len(said) == len(BAD) + 1
    assert said[-1] == f"newswire: {path}: published {len(good)}, dead letters {len(BAD)}"
    records = watch.read()
    assert sorted(r.key.decode() for r in records if r.topic == ARTICLES) == sorted(
        f"urn:{unique}:{n}" for n in range(len(good))
    )
    dead = [dict(r.headers) | {"value": r.value} for r in records if r.topic == DEAD_LETTERS]
    ours = [d for d in dead if d["newswire-error-source"] == f"jsonl:{path}".encode()]
    assert len(ours) == len(BAD)
    by_place = {d["newswire-error-place"].decode(): d for d in ours}
    for number, (name, bad) in enumerate(BAD.items()):
        if name == "just over the limit once encoded":
            continue  # its place is the uri that it got
        letter = by_place[f"line {2 * number + 2}"]
        assert letter["newswire-error-message"], name
        assert letter["newswire-error-stage"] == b"publish"
        if len(bad) <= 900_000:
            assert letter["value"] == bad
            assert "newswire-error-truncated" not in letter
        else:
            assert bad.startswith(letter["value"])
            assert int(letter["newswire-error-truncated"]) == len(bad)


def test_control_characters_that_json_may_carry_are_cleaned_away(
    bootstrap_servers: str, watch: Watch, unique: str
) -> None:
    line = json.dumps({"uri": f"urn:{unique}", "title": "a\u0000b", "text": "c\u0007d\u0085e"}).encode()
    assert newswire(bootstrap_servers, "publish", "jsonl", "-", stdin=line).returncode == 0
    (record,) = [r for r in watch.read() if r.key == f"urn:{unique}".encode()]
    item = json.loads(record.value)
    assert (item["headlines"][0]["value"], item["bodies"][0]["value"]) == ("ab", "cd\ne")


def test_a_file_that_is_not_there_is_one_line_and_2(bootstrap_servers: str, tmp_path: Path) -> None:
    done = newswire(bootstrap_servers, "publish", "jsonl", str(tmp_path / "missing.jsonl"))
    assert done.returncode == 2
    assert done.stderr.decode().startswith("newswire: cannot read ")
    assert len(done.stderr.splitlines()) == 1


def test_damaged_gzip_is_one_line_and_2_and_what_came_before_is_published(
    bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path
) -> None:
    rng = random.Random(3)
    lines = b"".join(
        json.dumps({"uri": f"urn:{unique}:{n}", "text": str(rng.random())}).encode() + b"\n" for n in range(3000)
    )
    path = tmp_path / "items.jsonl.gz"
    path.write_bytes(gzip.compress(lines)[:-5000])
    done = newswire(bootstrap_servers, "publish", "jsonl", str(path))
    assert done.returncode == 2
    assert b"the gzip data is damaged after line" in done.stderr
    published = [r.key.decode() for r in watch.read() if r.topic == ARTICLES and unique in r.key.decode()]
    assert 0 < len(published) < 3000
    assert f"published {len(published):,}" in done.stderr.decode()


def test_without_kafka_publishing_is_one_line_and_1() -> None:
    done = newswire("127.0.0.1:1", "publish", "jsonl", "-", stdin=b'{"text": "x y"}')
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "newswire: no Kafka broker answers at 127.0.0.1:1; start one with `newswire broker` or `newswire up`\n"
    )


@pytest.fixture
def own_kafka(tmp_path: Path) -> Iterator[KafkaBroker]:
    """A Kafka that a test may break."""
    with KafkaBroker(tmp_path / "kafka") as broker:
        yield broker


def test_without_its_kafka_topics_publishing_is_one_line_and_1(own_kafka: KafkaBroker) -> None:
    done = newswire(own_kafka.bootstrap_servers, "publish", "jsonl", "-", stdin=b'{"text": "x y"}')
    assert done.returncode == 1
    assert done.stderr.decode() == (
        "newswire: missing at Kafka: news.articles, news.articles.dead; `newswire topics create` makes what Newswire needs\n"
    )


def test_a_kafka_that_comes_back_is_waited_for(own_kafka: KafkaBroker, tmp_path: Path) -> None:
    """The broker stops in the middle of a file and starts again: every item arrives."""
    make_wire(own_kafka.bootstrap_servers)
    process = _publish_from_pipe(own_kafka.bootstrap_servers)
    assert process.stdin is not None
    process.stdin.write(_lines(0, 100))
    process.stdin.flush()
    watch = Watch(own_kafka.bootstrap_servers, [ARTICLES])
    seen: set[bytes] = set()
    wait_for(lambda: seen.update(r.key for r in watch.read()) or len(seen) == 100, SECONDS, "100 items do not arrive")
    watch.close()
    own_kafka.stop()
    process.stdin.write(_lines(100, 200))
    process.stdin.flush()
    own_kafka.start()
    _, said = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    assert b"published 200, dead letters 0" in said


def test_a_kafka_that_stays_away_is_one_line_and_1(own_kafka: KafkaBroker, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wire(own_kafka.bootstrap_servers)
    monkeypatch.setattr("streams.kafka.clients.REQUEST_MS", 2_000)
    monkeypatch.setattr("streams.kafka.clients.DELIVERY_MS", 3_000)
    with Publisher(own_kafka.bootstrap_servers) as publisher:
        publisher.send(Output(ARTICLES, b"1", b"{}", []))
        publisher.flush()
        own_kafka.stop()
        publisher.send(Output(ARTICLES, b"2", b"{}", []))
        with pytest.raises(
            TransientError,
            match=r"did not take a record .*; 1 before it are delivered, 1 are not known to be: publish again",
        ):
            publisher.flush()


def test_ctrl_c_while_kafka_is_away_ends(own_kafka: KafkaBroker) -> None:
    make_wire(own_kafka.bootstrap_servers)
    process = _publish_from_pipe(own_kafka.bootstrap_servers)
    assert process.stdin is not None
    process.stdin.write(_lines(0, 10))
    process.stdin.flush()
    watch = Watch(own_kafka.bootstrap_servers, [ARTICLES])
    seen: set[bytes] = set()
    wait_for(lambda: seen.update(r.key for r in watch.read()) or len(seen) == 10, SECONDS, "10 items do not arrive")
    watch.close()
    own_kafka.stop()
    process.stdin.write(_lines(10, 20))
    process.stdin.flush()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=SECONDS)
    told = {1: b"did not take a record", 130: b"interrupted; published 10, dead letters 0"}  # had it read the last ten?
    assert told[process.returncode] in said
    assert len(said.splitlines()) == 1, said


def _publish_from_pipe(bootstrap_servers: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("publish", "jsonl", "-"),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(bootstrap_servers),
    )


def _lines(first: int, behind: int) -> bytes:
    return b"".join(json.dumps({"uri": f"urn:n:{n}", "text": "Text."}).encode() + b"\n" for n in range(first, behind))
