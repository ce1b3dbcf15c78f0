"""`newswire top`: the overview in a terminal, from the /metrics pages of the processes; no Prometheus needed."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rich.console import RenderableType

    from streams.settings import Settings

MOST_TOPICS = 17
BAR_CELLS = 20

Series = tuple[str, frozenset[tuple[str, str]]]  # name of a sample, its labels


class Scrape(NamedTuple):
    """All pages at one moment: every sample summed over them, and which page answered."""

    at: float  # monotonic seconds
    samples: Mapping[Series, float]
    answered: Mapping[str, bool]  # by URL


class Figures(NamedTuple):
    """What the table shows. Rates are a second between two scrapes; quantiles None where nothing was labelled then."""

    read: float
    labelled: float
    abstained: float
    dead: float
    p50: float | None
    p99: float | None
    topics: Mapping[str, float]
    lags: Mapping[str, tuple[float, float]]  # by group: records, seconds of the oldest
    workers: int
    models: Sequence[str]
    clients: float


@click.command(name="top")
@click.option("--url", "urls", multiple=True, metavar="URL", help="A /metrics page; default: those of the settings.")
@click.option("--every", type=click.FloatRange(0.1), default=2.0, show_default=True, help="Seconds between two looks.")
@click.option("--once", is_flag=True, help="Two looks, one table, and done.")
@click.pass_context
def command(context: click.Context, /, urls: tuple[str, ...], every: float, *, once: bool) -> None:
    """What goes through, how fast, how far behind and by which topics: a live table until Ctrl-C.

    \b
    Example:
      newswire top
      newswire top --url http://worker-1:6066/metrics --url http://gateway:8080/metrics
    """  # noqa: D301 - click wants the character \b
    from rich.console import Console
    from rich.live import Live

    from streams.cli.everything import fetched
    from streams.cli.main import settings_of

    pages = urls or addresses(settings_of(context))
    console = Console()
    before = scrape(pages, fetched, time.monotonic())
    time.sleep(every)
    now = scrape(pages, fetched, time.monotonic())
    if once or not console.is_terminal:
        console.print(table_of(figures_between(before, now), now.answered))
        context.exit(0 if any(now.answered.values()) else 1)
    with contextlib.suppress(KeyboardInterrupt), Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(table_of(figures_between(before, now), now.answered), refresh=True)
            time.sleep(every)
            before, now = now, scrape(pages, fetched, time.monotonic())


def addresses(settings: Settings) -> list[str]:
    """The pages of the workers and the gateway that these settings start on this machine."""
    label, gateway = settings.label, settings.gateway
    workers = [f"http://127.0.0.1:{label.port + number}/metrics" for number in range(label.workers)]
    return [*workers, f"http://127.0.0.1:{gateway.port}/metrics"]


def scrape(urls: Sequence[str], fetch: Callable[[str], str | None], at: float) -> Scrape:
    """The pages now; one that does not answer adds nothing."""
    from prometheus_client.parser import text_string_to_metric_families

    samples: dict[Series, float] = {}
    answered = {}
    for url in urls:
        page = fetch(url)
        answered[url] = page is not None
        for family in text_string_to_metric_families(page or ""):
            for sample in family.samples:
                key = sample.name, frozenset(sample.labels.items())
                samples[key] = samples.get(key, 0.0) + sample.value
    return Scrape(at, samples, answered)


def figures_between(before: Scrape, now: Scrape) -> Figures:
    """Rates from the growth of the counters; a page that began anew in between counts from zero."""
    seconds = max(now.at - before.at, 1e-9)

    def rates(name: str, label: str) -> dict[str, float]:
        """Growth a second of a counter, summed by one of its labels."""
        found: dict[str, float] = {}
        for (sample, labels), value in now.samples.items():
            if sample == name:
                grown = value - before.samples.get((sample, labels), 0.0)
                key = dict(labels).get(label, "")
                found[key] = found.get(key, 0.0) + (grown if grown >= 0 else value) / seconds
        return found

    outcomes = rates("newswire_items_total", "outcome")
    buckets = {float(le): rate for le, rate in rates("newswire_latency_seconds_bucket", "le").items()}
    models = [dict(labels) for (name, labels), value in now.samples.items() if name == "newswire_model_info" and value]
    return Figures(
        read=rates("newswire_read_items_total", "").get("", 0.0),
        labelled=outcomes.get("labelled", 0.0),
        abstained=outcomes.get("abstained", 0.0),
        dead=outcomes.get("dead", 0.0),
        p50=quantile(0.5, buckets),
        p99=quantile(0.99, buckets),
        topics=rates("newswire_topic_items_total", "topic"),
        lags=_lags(now.samples),
        workers=int(sum(value for (name, _), value in now.samples.items() if name == "newswire_model_info")),
        models=sorted(f"{model['name']} {model['version']}" for model in models),
        clients=now.samples.get(("newswire_gateway_clients", frozenset()), 0.0),
    )


def _lags(samples: Mapping[Series, float]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for (name, labels), value in samples.items():
        group = dict(labels).get("group", "")
        records, oldest = found.get(group, (0.0, 0.0))
        if name == "newswire_group_lag_records":
            found[group] = records + value, oldest
        elif name == "newswire_group_lag_seconds":
            found[group] = records, max(oldest, value)
    return found


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """As Prometheus' histogram_quantile: linear within the bucket; None of nothing. `buckets`: cumulative, by bound."""
    bounds = sorted(buckets)
    if not bounds or buckets[bounds[-1]] <= 0:
        return None
    wanted = share * buckets[bounds[-1]]
    lower = below = 0.0
    for bound in bounds:
        if buckets[bound] >= wanted:
            if bound == float("inf"):
                return lower
            return lower + (bound - lower) * (wanted - below) / max(buckets[bound] - below, 1e-12)
        lower, below = bound, buckets[bound]
    return lower


def table_of(figures: Figures, answered: Mapping[str, bool]) -> RenderableType:
    """The screen."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from streams.cli.table import bar

    head = Table(box=box.SIMPLE_HEAD, padding=(0, 1))
    columns: dict[str, Any] = {
        "items/s": f"{figures.read:.1f}",
        "labelled": f"{figures.labelled:.1f}",
        "abstained": f"{figures.abstained:.1f}",
        "dead": Text(f"{figures.dead:.1f}", style="red" if figures.dead else ""),
        "p50": _seconds(figures.p50),
        "p99": _seconds(figures.p99),
        "workers": str(figures.workers),
        "listeners": f"{figures.clients:.0f}",
    }
    for name in columns:
        head.add_column(name, justify="right")
    head.add_row(*columns.values())
    groups = Table("group", "records behind", "oldest", box=box.SIMPLE_HEAD, padding=(0, 1))
    for group, (records, oldest) in sorted(figures.lags.items()):
        groups.add_row(group, f"{records:,.0f}", Text(_seconds(oldest), style="red" if oldest > 60 else ""))
    topics = Table("topic", "", "items/s", box=box.SIMPLE_HEAD, padding=(0, 1))
    most = max(figures.topics.values(), default=0.0) or 1.0
    for slug, rate in sorted(figures.topics.items(), key=lambda pair: (-pair[1], pair[0]))[:MOST_TOPICS]:
        topics.add_row(slug, bar(rate / most, BAR_CELLS), f"{rate:.1f}")
    silent = [Text(f"{url} does not answer", style="yellow") for url, well in answered.items() if not well]
    model = Text(f" model: {', '.join(figures.models) or 'none answers'}", style="dim")
    return Group(head, model, groups, topics, *silent)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{1000 * value:.0f} ms" if value < 1 else f"{value:.1f} s"
