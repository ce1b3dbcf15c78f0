"""`newswire top`: rates and quantiles out of two scrapes, and the table that shows them."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, start_http_server
from rich.console import Console

from streams.cli.main import group
from streams.cli.top import addresses, figures_between, quantile, scrape, table_of
from streams.metrics import Metrics
from streams.settings import load_settings


def busy(metrics: Metrics, items: int) -> None:
    metrics.read_items.inc(items)
    metrics.items.labels("labelled").inc(items - 1)
    metrics.items.labels("abstained").inc(1)
    metrics.topic_items.labels("sport").inc(items - 1)
    for _ in range(items):
        metrics.latency_seconds.observe(0.2)


def page(metrics: Metrics) -> str:
    return metrics.exposition()[0].decode()


def shown(renderable: object) -> str:
    console = Console(width=120, record=True, file=open("/dev/null", "w", encoding="utf-8"))  # noqa: PTH123, SIM115
    with console.file:
        console.print(renderable)
        return console.export_text()


def test_rates_are_sums_over_the_processes_between_two_looks() -> None:
    workers = [Metrics(CollectorRegistry()) for _ in range(2)]
    for worker in workers:
        worker.model_info.labels("newswire", "1").set(1)
        busy(worker, 100)
    workers[1].group_lag_records.labels("newswire.label", "0").set(7)
    workers[1].group_lag_records.labels("newswire.label", "1").set(5)
    workers[1].group_lag_seconds.labels("newswire.label", "0").set(90)
    workers[1].group_lag_seconds.labels("newswire.label", "1").set(3)
    pages = {"http://a": page(workers[0]), "http://b": page(workers[1])}
    before = scrape([*pages, "http://gone"], pages.get, 10.0)
    busy(workers[0], 11)
    pages["http://a"] = page(workers[0])
    now = scrape([*pages, "http://gone"], pages.get, 12.0)
    figures = figures_between(before, now)
    assert (figures.read, figures.labelled, figures.abstained, figures.dead) == (5.5, 5.0, 0.5, 0.0)
    assert figures.topics == {"sport": 5.0}
    assert figures.lags == {"newswire.label": (12, 90)}
    assert (figures.workers, list(figures.models)) == (2, ["newswire 1"])
    assert figures.p50 == pytest.approx(0.175)  # half way from 0.1 to 0.25
    text = shown(table_of(figures, now.answered))
    for part in ("5.5", "sport", "newswire.label", "12", "90.0 s", "newswire 1", "http://gone does not answer"):
        assert part in text
    assert "http://a does" not in text


def test_a_process_that_began_anew_counts_from_zero() -> None:
    old, new = Metrics(CollectorRegistry()), Metrics(CollectorRegistry())
    busy(old, 100)
    busy(new, 10)
    figures = figures_between(scrape(["u"], lambda _: page(old), 0.0), scrape(["u"], lambda _: page(new), 1.0))
    assert figures.read == 10


def test_quantiles_are_those_of_prometheus() -> None:
    buckets = {0.1: 50.0, 1.0: 90.0, float("inf"): 100.0}
    assert quantile(0.5, buckets) == pytest.approx(0.1)
    assert quantile(0.7, buckets) == pytest.approx(0.55)
    assert quantile(0.99, buckets) == 1.0  # beyond the last bound nothing is known but that
    assert quantile(0.5, {}) is None
    assert quantile(0.5, {1.0: 0.0, float("inf"): 0.0}) is None


def test_the_pages_are_those_of_the_settings() -> None:
    settings = load_settings(None, {}, {"label.workers": 2, "label.port": 7000, "gateway.port": 9000})
    assert addresses(settings) == [f"http://127.0.0.1:{port}/metrics" for port in (7000, 7001, 9000)]


def test_the_command_shows_a_page_once() -> None:
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    metrics.model_info.labels("newswire", "7").set(1)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    url = f"http://127.0.0.1:{server.server_port}/metrics"
    try:
        done = CliRunner().invoke(group, ["top", "--once", "--every", "0.1", "--url", url])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert done.exit_code == 0, done.output
    assert "newswire 7" in done.output
    gone = CliRunner().invoke(group, ["top", "--once", "--every", "0.1", "--url", url])
    assert gone.exit_code == 1
    assert "does not" in gone.output
