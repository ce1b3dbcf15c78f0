"""`newswire publish feeds`, `feed` and `warc` as commands, on a real Kafka."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from streams.articles import decode_article, main_headline
from streams.kafka.publisher import read_latest
from streams.sources.identity import guid_uri
from streams.wire import ARTICLES, DEAD_LETTERS, SOURCES
from tests.flow.edges import ROOT, SECONDS, Watch, command, environment, make_wire
from tests.helpers import wait_for
from tests.servers.background import site_of
from tests.servers.feeds import ChangingFeed
from tests.servers.web import always
from tests.unit.sources.test_warc import Archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.servers.web import Site

pytestmark = pytest.mark.kafka


@pytest.fixture
def watch(bootstrap_servers: str) -> Iterator[Watch]:
    make_wire(bootstrap_servers)
    watch = Watch(bootstrap_servers, [ARTICLES, DEAD_LETTERS])
    yield watch
    watch.close()


@pytest.fixture
def feed(unique: str) -> ChangingFeed:
    made = ChangingFeed(unique)
    made.add(3)
    return made


@pytest.fixture
def site(feed: ChangingFeed) -> Iterator[Site]:
    with site_of({"/feed": feed.answer, "/page": always("<html><body>no feed</body></html>")}) as (made,):
        yield made


def start(bootstrap_servers: str, *arguments: str, cwd: Path = ROOT) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command("publish", *arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=cwd,
        env=environment(bootstrap_servers),
    )


def run(bootstrap_servers: str, *arguments: str, cwd: Path = ROOT) -> tuple[int, bytes, str]:
    process = start(bootstrap_servers, *arguments, cwd=cwd)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err.decode()


@pytest.fixture
def sources(tmp_path: Path, unique: str, site: Site) -> Path:
    path = tmp_path / "sources.toml"
    poller = f'[poller]\nname = "{unique}"\nallow = ["127.0.0.1"]\n'
    feed = f'[[feeds]]\nname = "{unique}"\nurl = "{site.url("/feed")}"\nsource = "Example"\nlanguage = "en"\n'
    path.write_text(poller + feed, encoding="utf-8")
    return path


def keys(records: list[Any], kafka_topic: str = ARTICLES) -> list[str]:
    """Sorted, for an item's partition is that of its key."""
    return sorted(record.key.decode() for record in records if record.topic == kafka_topic)


def uris(feed: ChangingFeed, *numbers: int) -> list[str]:
    return sorted(guid_uri(feed.guid(number), "127.0.0.1") for number in numbers)


def test_another_machine_goes_on_where_the_first_stopped(
    bootstrap_servers: str, watch: Watch, feed: ChangingFeed, sources: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    status, out, err = run(bootstrap_servers, "feeds", str(sources), "--once", cwd=tmp_path_factory.mktemp("a"))
    assert (status, out) == (0, b""), err
    assert f"feed {feed.name}: 3 new, 0 changed of 3; next in" in err
    assert keys(watch.read()) == uris(feed, 1, 2, 3)
    feed.add(2)
    feed.titles[2] = "Story 2, corrected"
    run(bootstrap_servers, "feeds", str(sources), "--once", cwd=tmp_path_factory.mktemp("b"))
    records = watch.read()
    assert keys(records) == uris(feed, 2, 4, 5)
    corrected = next(decode_article(r.value) for r in records if r.key.decode() == uris(feed, 2)[0])
    assert (main_headline(corrected), corrected.version) == ("Story 2, corrected", "2")
    run(bootstrap_servers, "feeds", str(sources), "--once")
    assert watch.read() == []
    assert f"feed:{feed.name}" in read_latest(bootstrap_servers, SOURCES)


def test_for_ever_ends_cleanly_on_sigterm(
    bootstrap_servers: str, watch: Watch, feed: ChangingFeed, sources: Path
) -> None:
    process = start(bootstrap_servers, "feeds", str(sources))
    found: list[Any] = []

    def published() -> bool:
        found.extend(watch.read())
        return len(found) >= 3

    try:
        wait_for(published, SECONDS, "nothing is published")
    finally:
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, err
    assert b"Traceback" not in err
    assert keys(found) == uris(feed, 1, 2, 3)


def test_of_two_pollers_of_one_name_the_older_ends(
    bootstrap_servers: str, watch: Watch, feed: ChangingFeed, sources: Path
) -> None:
    """With a clock that runs 600 times as fast, for the older notices it when it next publishes."""

    def fast() -> subprocess.Popen[bytes]:
        arguments = [str(sources), bootstrap_servers, "600", str(time.time())]
        module = [sys.executable, "-m", "tests.servers.feed_process"]
        return subprocess.Popen([*module, *arguments], cwd=ROOT, stderr=subprocess.PIPE)

    found: list[Any] = []
    processes = [fast()]
    try:
        wait_for(lambda: found.extend(watch.read()) or found, SECONDS, "the older publishes nothing")
        processes.append(fast())
        _, err = processes[0].communicate(timeout=SECONDS)
        assert processes[0].returncode == 1
        assert b"another process publishes as" in err
        assert b"Traceback" not in err
        assert processes[1].poll() is None
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.communicate(timeout=SECONDS)
    found += watch.read()
    assert keys(found) == uris(feed, 1, 2, 3)


def test_a_dry_run_prints_the_items_and_needs_no_kafka(feed: ChangingFeed, sources: Path) -> None:
    status, out, err = run("127.0.0.1:9", "feeds", str(sources), "--dry-run")
    assert status == 0, err
    items = [json.loads(line) for line in out.splitlines()]
    assert sorted(item["uri"] for item in items) == uris(feed, 1, 2, 3)
    assert {item["infoSources"][0]["name"] for item in items} == {"Example"}


def test_kafka_away_is_one_line_and_status_1(sources: Path) -> None:
    status, _, err = run("127.0.0.1:9", "feeds", str(sources), "--once")
    assert status == 1
    assert err.startswith("newswire: ")
    assert "127.0.0.1:9" in err
    assert err.count("\n") == 1


def test_one_document_is_published_once(bootstrap_servers: str, watch: Watch, feed: ChangingFeed, site: Site) -> None:
    status, _, err = run(bootstrap_servers, "feed", site.url("/feed"), "--allow", "127.0.0.1", "--country", "tr")
    assert status == 0, err
    assert err.endswith("published 3, dead letters 0\n")
    records = watch.read()
    assert keys(records) == uris(feed, 1, 2, 3)
    assert b'"country":"TR"' in records[0].value


@pytest.mark.parametrize(
    ("path", "allowed", "status", "message"),
    [
        ("/feed", [], 2, "is not a public address; name it in the allow-list"),
        ("/page", ["--allow", "127.0.0.1"], 2, "this is a web page, not a feed"),
        ("/absent", ["--allow", "127.0.0.1"], 2, "answered 404"),
    ],
)
def test_what_is_no_feed_is_one_line(site: Site, path: str, allowed: list[str], status: int, message: str) -> None:
    found = run("127.0.0.1:9", "feed", site.url(path), "--dry-run", *allowed)
    assert found[0] == status
    assert message in found[2]
    assert found[2].count("\n") == 1


def test_an_archive_is_published_exactly_once_with_resume(
    bootstrap_servers: str, watch: Watch, unique: str, tmp_path: Path
) -> None:
    paragraph = "The council met in the capital on Monday and agreed on a plan for the harbour, its chair said. "
    archive = Archive()
    for number in (1, 2):
        text = "".join(f"<p>{paragraph}{n}</p>" for n in range(6))
        body = f"<html><head><title>Story {number}</title></head><body><article>{text}</article></body></html>"
        archive.page(f"https://{unique}.example/{number}", body)
    path = tmp_path / "archive.warc.gz"
    path.write_bytes(archive.bytes())
    for published in (2, 0):
        status, _, err = run(bootstrap_servers, "warc", str(path), "--resume")
        assert status == 0, err
        assert err.endswith(f"published {published}, dead letters 0\n")
    articles = [decode_article(record.value) for record in watch.read()]
    assert {article.version_created for article in articles} == {"2019-05-04T03:02:01+00:00"}
    assert len(articles) == 2
