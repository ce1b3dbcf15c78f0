"""Every panel and every rule on a real Prometheus that scrapes real workers under load, on a real Kafka."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import threading
import time
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from prometheus_client import CollectorRegistry, start_http_server

from streams import wire
from streams.cli.serve import lag_shown
from streams.cli.sinking import Meter
from streams.gateway.app import create_app
from streams.gateway.server import Server, bind
from streams.gateway.source import labelled_source
from streams.kafka.reader import Reader
from streams.metrics import Metrics
from streams.sinks.base import run_sink
from streams.sinks.files import FilesSink
from streams.sinks.folder import Rotation
from tests.flow.edges import command, environment, make_wire
from tests.helpers import kept_port, wait_for
from tests.keyword_model import LABELS
from tests.pipeline import Pipeline, WorkerProcess, item
from tests.repository.source import ROOT
from tests.repository.test_dashboards import boards, panels
from tests.servers.background import site_of
from tests.servers.feeds import ChangingFeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.prometheus]

# what each item must become: two topics, one region, an item without either, one that a classifier cannot take
TEXTS = ("sport yemen", "economy health germany", "nothing of note", "poison-topics sport")
TIMEOUT = 120.0
WINDOW = "8s"  # of a rate: eight scrapes


class Prometheus:
    """Asks a Prometheus what Grafana would ask it."""

    def __init__(self, url: str) -> None:
        self.url = url

    def get(self, path: str, **parameters: str) -> Any:
        query = urllib.parse.urlencode(parameters)
        with urllib.request.urlopen(f"{self.url}/api/v1/{path}?{query}", timeout=TIMEOUT) as answer:
            return json.load(answer)["data"]

    def ready(self) -> bool:
        try:
            return urllib.request.urlopen(f"{self.url}/-/ready", timeout=5).status == 200
        except OSError:
            return False

    def instant(self, expression: str) -> list[Any]:
        return self.get("query", query=expression)["result"]

    def value(self, expression: str) -> float | None:
        """The value of an expression that has one series; None while it has none, as after a scrape that was late."""
        found = [float(one["value"][1]) for one in self.instant(expression)]
        assert len(found) <= 1, expression
        return found[0] if found else None

    def by(self, label: str, expression: str) -> dict[str, float]:
        """The values of an expression by one label."""
        return {one["metric"][label]: float(one["value"][1]) for one in self.instant(expression)}

    def rules(self) -> list[Any]:
        return [rule for group in self.get("rules")["groups"] for rule in group["rules"]]

    def alerts(self) -> dict[str, str]:
        """The state of each alert."""
        return {rule["name"]: rule["state"] for rule in self.rules() if rule["type"] == "alerting"}


@contextmanager
def running(folder: Path, jobs: dict[str, list[str]]) -> Iterator[Prometheus]:
    """A Prometheus with our rules that scrapes these targets each second."""
    program = shutil.which("prometheus")
    if program is None:
        pytest.skip("prometheus is not installed: apt-get install prometheus")
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "rule_files": [str(ROOT / "deploy" / "prometheus" / "rules" / "*.yml")],
        "scrape_configs": [
            {"job_name": name, "static_configs": [{"targets": targets}]} for name, targets in jobs.items()
        ],
    }
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config), encoding="utf-8")
    command = [
        program,
        f"--config.file={folder / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--enable-feature=exemplar-storage",
        "--log.level=error",
    ]
    with kept_port() as port, (folder / "prometheus.log").open("wb") as log:
        address = f"127.0.0.1:{port}"
        with subprocess.Popen([*command, f"--web.listen-address={address}"], stdout=log, stderr=log) as process:
            try:
                found = Prometheus(f"http://{address}")
                wait_for(found.ready, TIMEOUT, "Prometheus did not come up")
                yield found
            finally:
                process.terminate()
                process.wait(TIMEOUT)


@contextmanager
def fed(pipeline: Pipeline, metrics: Metrics) -> Iterator[None]:
    """Items of every outcome as long as the block lasts; counts what Kafka acknowledged, as a publisher does."""
    ended = threading.Event()
    failures: list[BaseException] = []

    def publish() -> None:
        try:
            for number in count(0, 40):
                pipeline.publish(item(number + n, TEXTS[n % len(TEXTS)]) for n in range(40))
                pipeline.publish_raw([(b"k", b"no JSON")])
                metrics.published_items.labels("jsonl").inc(41)
                if ended.wait(0.2):
                    return
        except BaseException as error:  # noqa: BLE001 - the main thread raises it
            failures.append(error)

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(TIMEOUT)
    assert not failures, failures


@contextmanager
def exported(metrics: Metrics) -> Iterator[int]:
    """The metrics on a port, as `served_metrics` does it."""
    server, thread = start_http_server(0, "127.0.0.1", metrics._registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def in_thread(work: Callable[[threading.Event], object]) -> Iterator[None]:
    """The work beside the block, told to stop at its end."""
    stop = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work, stop)
        try:
            yield
        finally:
            stop.set()
        done.result(TIMEOUT)


@contextmanager
def sunk(pipeline: Pipeline, metrics: Metrics, folder: Path) -> Iterator[None]:
    """The sink `files` behind the workers, in its own group."""

    def run(stop: threading.Event) -> None:
        group = pipeline.prefix + wire.SINK_GROUP + "files"
        with Reader(pipeline.bootstrap_servers, [pipeline.prefix + wire.LABELLED], group=group, shared=False) as reader:
            run_sink(
                FilesSink(folder, Rotation(100, 1 << 20, 1.0), time.monotonic), reader, stop, Meter("files", metrics)
            )

    with in_thread(run):
        yield


@contextmanager
def read_by_gateway(pipeline: Pipeline, metrics: Metrics) -> Iterator[None]:
    """The gateway behind the workers: the application, its reader and its page of metrics."""
    source = labelled_source(pipeline.bootstrap_servers, 100, kafka_topic=pipeline.prefix + wire.LABELLED)
    app = create_app(source, LABELS, metrics, clock=time.time)

    def run(stop: threading.Event) -> None:
        with bind("127.0.0.1", 0) as bound:
            server = Server(app, bound)
            threading.Thread(target=lambda: (stop.wait(), server.stop()), daemon=True).start()
            server.run_until_stopped()

    with in_thread(run):
        yield


@contextmanager
def polled(bootstrap_servers: str, name: str, folder: Path) -> Iterator[int]:
    """`newswire publish feeds` with one feed, and the port of its metrics."""
    make_wire(bootstrap_servers)
    changing = ChangingFeed(name)
    changing.add(3)
    with (
        kept_port() as port,
        site_of({"/feed": changing.answer}) as (site,),
        (folder / "feeds.log").open("wb") as log,
    ):
        file = folder / "sources.toml"
        poller = f'[poller]\nname = "{name}"\nallow = ["127.0.0.1"]\n'
        file.write_text(f'{poller}[[feeds]]\nname = "example"\nurl = "{site.url("/feed")}"\nrobots = false\n')
        settings = environment(bootstrap_servers, NEWSWIRE_PUBLISH__METRICS_PORT=str(port))
        arguments = command("publish", "feeds", str(file))
        with subprocess.Popen(arguments, stdout=log, stderr=log, cwd=ROOT, env=settings) as process:
            try:
                yield port
            finally:
                process.terminate()
                process.wait(TIMEOUT)


def filled_in(prometheus: Prometheus, board: dict[str, Any]) -> dict[str, str]:
    """The variables of a dashboard with every value chosen; a variable without any is "" and fails where it is used."""
    values = {"__rate_interval": WINDOW, "__range": "60s"}
    for variable in board["templating"]["list"]:
        if variable["type"] == "query":
            query = variable["query"] if isinstance(variable["query"], str) else variable["query"]["query"]
            found = re.fullmatch(r"label_values\((.+), (\w+)\)", put_in(query, values))
            assert found
            listed = prometheus.get(f"label/{found[2]}/values", **{"match[]": found[1]})
            values[variable["name"]] = "|".join(map(re.escape, listed)).replace("\\", "\\\\")
    return values


def put_in(text: str, values: dict[str, str]) -> str:
    return re.sub(r"\$(\w+)", lambda found: values[found[1]], text)


def faults(prometheus: Prometheus, asked: list[Any]) -> list[str]:
    """What would stand empty, show no number, or name a label that no series has; leaves only such panels in `asked`.

    On a busy machine a scrape is late now and then and its series are away for a second: each panel has to be right
    once, not all in the same second.
    """
    variables = {name: filled_in(prometheus, board) for name, board in boards().items()}
    found, wrong = [], []
    for one in asked:
        before = len(found)
        for target in one.panel["targets"]:
            result = prometheus.instant(put_in(target["expr"], variables[one.board]))
            numbers = [float(series["value"][1]) for series in result]
            shown = set(re.findall(r"{{\s*(\w+)\s*}}", target["legendFormat"]))
            if not [number for number in numbers if abs(number) < float("inf")]:
                found.append(f"{one.panel['title']}: {len(numbers)} series, no number")
            elif any(shown - set(series["metric"]) for series in result):
                found.append(f"{one.panel['title']}: a series without {shown}")
        wrong += [one] if len(found) > before else []
    asked[:] = wrong
    return found


@pytest.mark.timeout(900)
def test_every_panel_has_data_and_the_sums_conserve(bootstrap_servers: str, unique: str, tmp_path: Path) -> None:
    published = Metrics(CollectorRegistry())
    with ExitStack() as stack:
        pipeline = stack.enter_context(Pipeline(bootstrap_servers, unique))
        edges = Metrics(CollectorRegistry()).with_process()
        ports = [stack.enter_context(kept_port()) for _ in range(2)]
        workers = [
            stack.enter_context(WorkerProcess(pipeline, str(n), tmp_path / f"worker-{n}.log", port=port, batch_size=50))
            for n, port in enumerate(ports)
        ]
        for worker in workers:
            worker.wait_until_ready()
        jobs = {
            "newswire-label": [f"127.0.0.1:{port}" for port in ports],
            "newswire-publish": [
                f"127.0.0.1:{stack.enter_context(exported(published))}",
                f"127.0.0.1:{stack.enter_context(polled(bootstrap_servers, unique, tmp_path))}",
            ],
            "newswire-gateway": [f"127.0.0.1:{stack.enter_context(exported(edges))}"],
        }
        prometheus = stack.enter_context(running(tmp_path, jobs))
        stack.enter_context(lag_shown(edges, pipeline.bootstrap_servers, pipeline.prefix))
        stack.enter_context(read_by_gateway(pipeline, edges))
        stack.enter_context(sunk(pipeline, edges, tmp_path / "labelled"))
        with fed(pipeline, published):
            last, asked = ["not asked yet"], list(panels())

            def answered() -> bool:
                last[:] = faults(prometheus, asked)
                return not last

            try:
                wait_for(answered, TIMEOUT, "some panels have no data")
            except AssertionError as error:
                raise AssertionError(f"{error}: {last}") from None
        total = published._registry.get_sample_value("newswire_published_items_total", {"source": "jsonl"})
        wait_for(
            lambda: prometheus.value("sum(newswire_read_items_total)") == total,
            TIMEOUT,
            "not all that went in came out",
        )
        # of 41 items: 20 labelled, 10 abstained, 10 poison and one that is no JSON
        assert total is not None
        outcomes = {"labelled": total * 20 / 41, "abstained": total * 10 / 41, "dead": total * 11 / 41}
        wait_for(
            lambda: prometheus.by("outcome", "sum by (outcome) (newswire_items_total)") == outcomes,
            TIMEOUT,
            f"the outcomes are not {outcomes}",
        )
        broken = (
            "max(abs(sum by (instance) (newswire_read_items_total{job='newswire-label'}) "
            "- sum by (instance) (newswire_items_total)))"
        )
        wait_for(lambda: prometheus.value(broken) == 0, TIMEOUT, "a worker read other items than it has outcomes of")
        exemplars = prometheus.get(
            "query_exemplars", query="newswire_latency_seconds_bucket", start="0", end="9999999999"
        )
        assert all(e["labels"]["uri"].startswith("urn:example:") for s in exemplars for e in s["exemplars"])
        assert exemplars
        quiet = ("NoWorkers", "ConservationBroken", "LagUnknown", "PartitionStalled")
        wait_for(
            lambda: {prometheus.alerts()[f"Newswire{name}"] for name in quiet} == {"inactive"},
            TIMEOUT,
            f"{quiet} are not all inactive",
        )
        # a quarter of the items is meant to be dead
        assert prometheus.alerts()["NewswireDeadLetters"] in ("pending", "firing")
        assert all(rule["health"] == "ok" for rule in prometheus.rules())
