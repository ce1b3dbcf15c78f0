"""What an operator does and sees: every command of the runbook and the routines runs; an item is followed to its sink."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import signal
import subprocess
import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from aiohttp import web
from click.testing import CliRunner
from kafka import KafkaProducer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from streams import wire
from streams.cli.main import group
from streams.kafka.broker import KafkaBroker
from streams.kafka.reader import Reader
from streams.settings import load_labels
from tests.flow.edges import ROOT, SECONDS, command, newswire
from tests.flow.labelled import Streams, labelled
from tests.helpers import kept_port, wait_for
from tests.models import linear_copy
from tests.servers.background import site_of
from tests.servers.feeds import ChangingFeed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(900)]  # twenty commands, each a process or a connection

PAGES = ("runbook.md", "operate.md")
START_SECONDS = 240.0  # nine processes at once; on a quiet machine 15
FENCE = re.compile(r"^```\w*\n(.*?)^```", re.MULTILINE | re.DOTALL)
# Those that run until they are told to stop, and what they say once they work; all others end by themselves.
LONG = {
    "label": "labelling with model",
    "serve": "live page at",
    "sink files": "",  # says nothing, but makes its folder
    "publish feeds sources.toml": ": 3 new",
}


def written() -> list[str]:
    """Every command line of both pages once, but for those that need a cluster."""
    bodies = [body for page in PAGES for body in FENCE.findall((ROOT / "docs" / page).read_text(encoding="utf-8"))]
    lines = {line.strip() for body in bodies for line in body.splitlines() if line.strip()}
    return sorted(line for line in lines if not line.endswith("# cluster"))


def arguments(line: str) -> str:
    return line.removeprefix("newswire ")


def runs_on(line: str) -> bool:
    return arguments(line).startswith(tuple(LONG))


class Site(NamedTuple):
    """A folder that an operator works in, the settings there, and the Kafka that they name."""

    folder: Path
    environ: dict[str, str]
    bootstrap_servers: str
    port: int  # nobody else's


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Kafka of its own: replays and workers take everything that stands under the wire's own names."""
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        assert newswire(broker.bootstrap_servers, "topics", "create").returncode == 0
        yield broker.bootstrap_servers


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of models as docs/operate.md has it."""
    folder = tmp_path_factory.mktemp("models")
    linear_copy(folder / "2026.11", "2026.11")
    linear_copy(folder / "2026.12", "2026.12")
    (folder / "current").symlink_to("2026.11")
    return folder


@pytest.fixture
def site(kafka: str, models: Path, tmp_path: Path, unique: str) -> Iterator[Site]:
    """With the files that the pages name, and eighteen dead letters in each partition."""
    feed = ChangingFeed("operating")
    feed.add(3)
    with kept_port() as port, site_of({"/feed": feed.answer}) as (server,):
        # a name for each test: what a feed has shown to one, Kafka remembers
        poller = f'[poller]\nname = "{unique}"\nallow = ["127.0.0.1"]\n'
        (tmp_path / "sources.toml").write_text(f'{poller}[[feeds]]\nname = "{unique}"\nurl = "{server.url("/feed")}"\n')
        (tmp_path / "FILE").symlink_to("sources.toml")
        (tmp_path / "page.txt").write_text("Flood in the valley\n\nThe river rose for the third day.", encoding="utf-8")
        (tmp_path / "feed.xml").write_bytes((ROOT / "tests" / "data" / "feeds" / "two_items.xml").read_bytes())
        (tmp_path / "items.jsonl").write_bytes((ROOT / "tests" / "data" / "desk_sample.jsonl").read_bytes())
        (tmp_path / "models").symlink_to(models)
        (tmp_path / "my-model").symlink_to(models / "2026.12")
        environ = {
            **os.environ,
            "NEWSWIRE_KAFKA__BOOTSTRAP_SERVERS": kafka,
            "NEWSWIRE_MODEL__DIRECTORY": str(models / "2026.11"),  # loads in a tenth of the time of the shipped one
            "NEWSWIRE_LABEL__PORT": "0",
            "NEWSWIRE_GATEWAY__PORT": "0",
        }
        bury(kafka, 18)
        yield Site(tmp_path, environ, kafka, port)


def bury(bootstrap_servers: str, count: int) -> None:
    """Dead letters in every partition, as a worker writes those of items that are no articles."""
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers)
    error = {"topic": wire.ARTICLES, "partition": "0", "offset": "1", "stage": "decode", "class": "InvalidError"}
    headers = wire.dead_letter_headers([], {**error, "message": "no article", "attempts": "1", "time": "now"})
    for number in range(3 * count):
        producer.send(wire.DEAD_LETTERS, b"{}", key=b"urn:bad", headers=headers, partition=number % 3)
    producer.flush()
    producer.close()


# what stands for something of the reader's own
PLACEHOLDERS = {"classify FILE": "classify page.txt", "feed URL": "feed feed.xml", "--port 6067": "--port {port}"}


def words(line: str, site: Site) -> list[str]:
    text = arguments(line)
    for placeholder, value in PLACEHOLDERS.items():
        text = text.replace(placeholder, value.format(port=site.port))
    return shlex.split(text, comments=True)


@contextlib.contextmanager
def items_coming(bootstrap_servers: str) -> Iterator[None]:
    """Labelled items, one after the other, for commands that wait for the next ones."""
    stop = threading.Event()

    def write() -> None:
        with Streams(bootstrap_servers, load_labels(), "operating") as streams:
            number = 0
            while not stop.wait(0.05):
                streams.write([labelled(f"urn:coming:{number}", [("15000000", 90)])])
                number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        stop.set()
        writer.join()


def test_every_command_that_ends_by_itself_does_and_without_an_error(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(site.folder)
    failed = []
    with items_coming(site.bootstrap_servers):
        for line in written():
            if runs_on(line):
                continue
            if not line.startswith("newswire "):
                done = subprocess.run(["bash", "-ec", line], check=False, capture_output=True, text=True)
                failed += [f"{line}: {done.stderr}"] if done.returncode else []
                continue
            result = CliRunner(env=site.environ).invoke(group, words(line, site))
            if result.exit_code or result.exception:
                failed.append(f"{line}: {result.exception!r}\n{result.output}")
    assert not failed, "\n".join(failed)
    assert (site.folder / "models" / "current").resolve().name == "2026.12"


def test_every_command_that_runs_on_starts_and_stops_when_told(site: Site) -> None:
    """All at once: each has a slot of its own, as workers must."""
    lines = [line for line in written() if runs_on(line)]
    running: dict[str, subprocess.Popen[bytes]] = {}
    logs = {line: site.folder / f"{number}.log" for number, line in enumerate(lines)}

    def said(line: str) -> str:
        return logs[line].read_text(encoding="utf-8")

    def works(line: str, sign: str) -> bool:
        assert running[line].poll() is None, f"{line}: {said(line)}"
        return sign in said(line) if sign else (site.folder / "var" / "labelled").is_dir()

    try:
        for number, line in enumerate(lines):
            with logs[line].open("wb") as out:
                environ = {**site.environ, "NEWSWIRE_LABEL__SLOT": f"operating-{number}"}
                running[line] = subprocess.Popen(
                    command(*words(line, site)), stdout=out, stderr=out, cwd=site.folder, env=environ
                )
        for line in lines:
            sign = next(sign for start, sign in LONG.items() if arguments(line).startswith(start))
            wait_for(lambda line=line, sign=sign: works(line, sign), START_SECONDS, f"{line} does not work")
        for process in running.values():
            process.send_signal(signal.SIGTERM)
        statuses = {line: process.wait(SECONDS) for line, process in running.items()}
        assert statuses == dict.fromkeys(lines, 0), [said(line) for line in lines if statuses[line]]
    finally:
        for process in running.values():
            process.kill()
            process.wait()


class Collector:
    """Receives spans as any collector of OpenTelemetry does (OTLP over HTTP)."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    async def take(self, request: web.Request) -> web.Response:
        sent = ExportTraceServiceRequest.FromString(await request.read())
        self.spans += [span for one in sent.resource_spans for scope in one.scope_spans for span in scope.spans]
        return web.Response(body=b"", content_type="application/x-protobuf")


def lines_about(uri: str, log: str) -> list[dict[str, Any]]:
    """The JSON lines of a log that name an item."""
    found = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    return [line for line in found if uri in line.get("uris", ())]


def test_an_item_is_followed_from_its_publisher_to_its_sink(site: Site, unique: str) -> None:
    uri, collector, logs = f"urn:{unique}", Collector(), {}
    with site_of({"/v1/traces": collector.take}) as (server,):
        environ = {
            **site.environ,
            "NEWSWIRE_TRACES__ENDPOINT": server.url("/v1/traces"),
            "NEWSWIRE_TRACES__RATIO": "1.0",
            "NEWSWIRE_LOG__LEVEL": "DEBUG",
            "NEWSWIRE_LOG__FORMAT": "json",
            "NEWSWIRE_SINKS__FILES__MAX_SECONDS": "0.2",
        }
        item = json.dumps({"uri": uri, "title": "Flood", "text": "The river rose for the third day."}).encode()
        publish = command("publish", "jsonl", "-")
        done = subprocess.run(publish, input=item, env=environ, capture_output=True, check=True, cwd=site.folder)
        logs["publish"] = done.stderr.decode()
        running = {}
        for name in ("label", "sink files"):
            with (site.folder / name).open("wb") as out:
                running[name] = subprocess.Popen(
                    command(*name.split()), stdout=out, stderr=out, cwd=site.folder, env=environ
                )
        try:
            wait_for(lambda: uri in stored(site.folder), SECONDS, "the item does not reach the sink")
            for name, process in running.items():
                process.send_signal(signal.SIGTERM)
                assert process.wait(SECONDS) == 0, (site.folder / name).read_text()
                logs[name] = (site.folder / name).read_text(encoding="utf-8")
        finally:
            for process in running.values():
                process.kill()
                process.wait()
    published, labelled_header = (
        traceparent(site.bootstrap_servers, name, uri) for name in (wire.ARTICLES, wire.LABELLED)
    )
    spans = {span.name: span for span in collector.spans if attribute(span, "newswire.uri") == uri}
    assert set(spans) == {"publish", "label", "sink files"}
    assert (
        {span.trace_id.hex() for span in spans.values()} == {published.split("-")[1]} == {labelled_header.split("-")[1]}
    )
    ids = {name: span.span_id.hex() for name, span in spans.items()}
    assert (ids["publish"], ids["label"]) == (published.split("-")[2], labelled_header.split("-")[2])
    parents = {name: span.parent_span_id.hex() for name, span in spans.items()}
    assert parents == {"publish": "", "label": ids["publish"], "sink files": ids["label"]}
    for name, log in logs.items():
        (line,) = lines_about(uri, log)
        if line["uri"] == uri:  # of a batch the first; publishing has this one alone
            assert line["traceparent"].split("-")[1] == published.split("-")[1], name


def stored(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in folder.glob("var/labelled/*.jsonl"))


def attribute(span: Any, name: str) -> str:
    return next((one.value.string_value for one in span.attributes if one.key == name), "")


def traceparent(bootstrap_servers: str, kafka_topic: str, uri: str) -> str:
    """The header of an item's record."""
    with Reader(bootstrap_servers, [kafka_topic]) as reader:
        found: list[str] = []

        def seen() -> bool:
            found.extend(dict(r.headers)["traceparent"].decode() for r in reader.poll(0.5) if r.key == uri.encode())
            return bool(found)

        wait_for(seen, SECONDS, f"{uri} is not on {kafka_topic}")
    return found[0]
