"""The page that Newswire was asked to serve first, through the commands, the shipped model and a kill -9."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

from streams.articles import LabelledArticle, decode_labelled
from streams.kafka.broker import KafkaBroker
from streams.settings import load_labels
from streams.wire import DEAD_LETTERS, LABELLED, REGION_STREAM, TOPIC_STREAM, kafka_topics, streams_of
from tests.flow.edges import ROOT, SECONDS, Watch, command, committed, environment, newswire
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.shared]

FILLERS = 3_000  # a backlog of seconds: the kill comes while it is labelled, also on a machine of another speed
LABELS = load_labels()
POLITICS, CONFLICT, ECONOMY = "11000000", "16000000", "04000000"
# of the README beside the page, in its order: what is among the topics, and what stands first
AMONG = [{POLITICS, CONFLICT}, {ECONOMY}, set(), set(), set()]
FIRST = [{POLITICS, CONFLICT}, {ECONOMY, POLITICS}, *[{POLITICS, CONFLICT}] * 3]


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka of its own: the worker labels everything that it finds under the wire's own names."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as started:
        yield started.bootstrap_servers


@pytest.fixture
def page(shared: Path) -> Path:
    (found,) = (shared / "data" / "seed").glob("*.txt")
    return found


def fillers() -> bytes:
    text = "The harbour board met in room {0} and spoke about cranes, tariffs and the price of fish. " * 8
    items = ({"uri": f"urn:filler:{n}", "title": f"Meeting {n}", "text": text.format(n)} for n in range(FILLERS))
    return b"".join(json.dumps(one).encode() + b"\n" for one in items)


def worker(bootstrap_servers: str, log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            command("label", "--slot", "seed", "--port", "0"),
            cwd=ROOT,
            env=environment(bootstrap_servers),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )


def labelled_through_a_kill(bootstrap_servers: str, total: int, log: Path) -> None:
    """A worker is killed after its first commit, while more is under way; another one does the rest."""

    def done(running: subprocess.Popen[bytes], count: int) -> bool:
        assert running.poll() is None, log.read_text()
        return committed(bootstrap_servers) >= count

    with worker(bootstrap_servers, log) as first:
        try:
            wait_for(lambda: done(first, 1), SECONDS, "nothing was committed")
        finally:
            first.kill()
    assert committed(bootstrap_servers) < total, "it was done before it was killed: publish more fillers"
    with worker(bootstrap_servers, log) as heir:
        try:
            wait_for(lambda: done(heir, total), SECONDS, "not everything was committed")
            heir.send_signal(signal.SIGTERM)
            assert heir.wait(SECONDS) == 0, log.read_text()
        finally:
            heir.kill()


def claims(article: LabelledArticle) -> tuple[Any, ...]:
    """What is said of an item, but for the time."""
    block = article.classification
    return article.subjects, article.places, block.status, block.language, block.axes


def test_the_seed_page_is_labelled_once_through_a_kill_as_classify_labels_it(
    broker: str, page: Path, tmp_path: Path
) -> None:
    assert newswire(broker, "topics", "create").returncode == 0
    names = [LABELLED, DEAD_LETTERS, *(t.name for t in kafka_topics(LABELS) if is_label_stream(t.name))]
    watch = Watch(broker, names)
    assert newswire(broker, "publish", "jsonl", "-", stdin=fillers()).returncode == 0
    published = newswire(broker, "publish", "page", str(page))
    assert published.stderr.decode().endswith("published 5, dead letters 0\n")

    labelled_through_a_kill(broker, FILLERS + 5, tmp_path / "log")

    records = watch.read()
    watch.close()
    places = Counter((r.topic, r.key.decode()) for r in records)
    assert set(places.values()) == {1}
    assert len({uri for name, uri in places if name == LABELLED}) == FILLERS + 5
    assert not [r for r in records if r.topic == DEAD_LETTERS]

    classified = [
        decode_labelled(line) for line in newswire(broker, "classify", "--page", str(page)).stdout.splitlines()
    ]
    assert len(classified) == 5
    found = {r.key.decode(): decode_labelled(r.value) for r in records if r.topic == LABELLED}
    for article, among, first in zip(classified, AMONG, FIRST, strict=True):
        ours = found[article.uri]
        assert claims(ours) == claims(article)
        assert among <= set(ours.topics)
        assert ours.topics[0] in first
        assert {name for name, uri in places if uri == article.uri} == set(streams_of(ours, LABELS))


def is_label_stream(name: str) -> bool:
    return name.startswith((TOPIC_STREAM, REGION_STREAM))
