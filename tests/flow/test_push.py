"""Items pushed over HTTP into a real Kafka: acknowledged means there, and the same item twice is there once."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
from typing import TYPE_CHECKING

import httpx
import pytest

from streams.articles import decode_article
from streams.kafka.broker import KafkaBroker
from streams.wire import ARTICLES
from tests.flow.edges import ROOT, SECONDS, Watch, command, environment, make_wire
from tests.helpers import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.kafka

TOKEN = "a-token-of-the-desk"
HEADERS = {"authorization": f"Bearer {TOKEN}", "content-type": "application/x-ndjson"}


@contextlib.contextmanager
def served(bootstrap_servers: str) -> Iterator[str]:
    """`newswire serve`, and where it answers."""
    process = subprocess.Popen(
        command("serve", "--port", "0"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=environment(bootstrap_servers, NEWSWIRE_GATEWAY__TOKENS=TOKEN),
    )
    assert process.stdout is not None
    try:
        url = process.stdout.readline().decode().strip()
        # not only that it answers: one whose Kafka goes while it looks where to begin ends, to be started again
        wait_for(lambda: is_ready(url), SECONDS, "the gateway does not get ready")
        yield url
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SECONDS)


def is_ready(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/readyz", timeout=10).status_code == 200
    return False


def lines(unique: str, *numbers: int) -> bytes:
    items = [{"uri": f"urn:{unique}:{n}", "title": f"Item {n}", "text": f"مطر {n}"} for n in numbers]
    return b"\n".join(json.dumps(item).encode() for item in items)


def test_what_is_acknowledged_is_there_once(bootstrap_servers: str, unique: str) -> None:
    make_wire(bootstrap_servers)
    watch = Watch(bootstrap_servers, [ARTICLES])
    with served(bootstrap_servers) as url:
        for numbers, published in (((1, 2), 2), ((1, 2), 0), ((2, 3), 1)):
            answer = httpx.post(f"{url}/articles", content=lines(unique, *numbers), headers=HEADERS, timeout=SECONDS)
            assert answer.status_code == 202, answer.text
            assert answer.json() == {"uris": [f"urn:{unique}:{n}" for n in numbers], "published": published}
        found = [record for record in watch.read() if unique.encode() in record.key]
        refused = httpx.post(f"{url}/articles", content=lines(unique, 4), timeout=SECONDS)
    watch.close()
    assert refused.status_code == 401
    assert sorted(decode_article(r.value).bodies[0].value for r in found) == ["مطر 1", "مطر 2", "مطر 3"]
    assert dict(found[0].headers)["ce_source"] == b"urn:newswire:push"


def test_without_kafka_it_says_so_and_goes_on_when_kafka_is_back(tmp_path: Path, unique: str) -> None:
    with KafkaBroker(tmp_path / "kafka") as broker:
        make_wire(broker.bootstrap_servers)
        with served(broker.bootstrap_servers) as url:
            port = int(broker.bootstrap_servers.rpartition(":")[2])
            broker.stop()
            answer = httpx.post(f"{url}/articles", content=lines(unique, 1), headers=HEADERS, timeout=SECONDS)
            assert answer.status_code == 503, answer.text
            assert answer.headers["retry-after"] == "10"
            with KafkaBroker(tmp_path / "kafka", port) as again:

                def taken() -> bool:
                    said = httpx.post(f"{url}/articles", content=lines(unique, 1), headers=HEADERS, timeout=SECONDS)
                    return said.status_code == 202

                wait_for(taken, SECONDS, "it does not find Kafka again")
                watch = Watch(again.bootstrap_servers, [ARTICLES])
                assert watch.read() == []
                watch.close()
