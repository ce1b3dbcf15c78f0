"""`newswire check`: what is wrong and what to do, one line each."""

from __future__ import annotations

import importlib.util
import shutil
import sys
import urllib.request
from typing import TYPE_CHECKING, NamedTuple

import click

from streams.cli.terminal import bootstrap_option
from streams.errors import InvalidError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from streams.settings import Settings

# Seven days of a hundred thousand items a day take about 6 GB on five streams; below 1 GB the first busy day fills it.
FREE_BYTES = 1 << 30
ANSWER_SECONDS = 2.0
_CLIENTS = {"kafka-python": "kafka", "confluent": "confluent_kafka"}


class Line(NamedTuple):
    """One finding; `text` says what is, and what to do where that is wrong."""

    ok: bool
    subject: str
    text: str


@click.command(name="check")
@click.option("--page", metavar="URL", help="Ask this page alone, such as http://127.0.0.1:6066/healthz: 200 is well.")
@bootstrap_option
@click.pass_context
def command(context: click.Context, /, page: str | None, bootstrap_servers: str | None) -> None:
    """Look at settings, Kafka, its topics, the model, ports and the disk. Exits with 0 if all is well, else with 1.

    \b
    Example:
      newswire check
      newswire check --bootstrap-servers kafka-1:9092
      newswire check --page http://127.0.0.1:6066/readyz
    """  # noqa: D301 - click wants the character \b
    if page is not None:
        answered(page)
        return
    from streams.cli.main import settings_of
    from streams.cli.terminal import quiet_clients

    quiet_clients()
    try:
        settings: Settings = settings_of(context, kafka__bootstrap_servers=bootstrap_servers)
    except InvalidError as error:
        lines = [Line(ok=False, subject="settings", text=str(error))]
    else:
        where = context.obj["config"] or "the defaults"
        lines = [Line(ok=True, subject="settings", text=f"valid: {where}, environment, command line")]
        lines += [line for look in LOOKS for line in look(settings)]
    for line in lines:
        click.echo(shown(line, colour=sys.stdout.isatty()))
    wrong = sum(not line.ok for line in lines)
    click.echo(f"{len(lines)} looked at, {wrong} wrong", err=True)
    context.exit(1 if wrong else 0)


def answered(url: str) -> None:
    """For the health check of a container. Raises InvalidError for what is no HTTP, TransientError but for a 200."""
    if not url.startswith(("http://", "https://")):
        raise InvalidError(f"--page {url}: not an address of a page, such as http://127.0.0.1:6066/healthz")
    try:
        urllib.request.urlopen(url, timeout=ANSWER_SECONDS).close()  # noqa: S310 - http, the operator's own
    except OSError as error:  # HTTPError and URLError too
        raise TransientError(f"{url}: {error}") from error


def shown(line: Line, *, colour: bool) -> str:
    """`ok     subject  text`, the first word coloured for a terminal."""
    word = click.style("ok   ", fg="green") if line.ok else click.style("wrong", fg="red", bold=True)
    return f"{word if colour else click.unstyle(word)}  {line.subject:<9}  {line.text}"


def look_at_link(settings: Settings) -> list[Line]:
    """Whether the Kafka client of the worker is installed."""
    name = settings.label.link
    if importlib.util.find_spec(_CLIENTS[name]) is None:
        return [Line(ok=False, subject="link", text=f"{name} is not installed: pip install 'newswire[{name}]'")]
    return [Line(ok=True, subject="link", text=f"label.link {name} is installed")]


def look_at_model(settings: Settings) -> list[Line]:
    """Manifest, checksums and library versions of the artefact; nothing of it is loaded."""
    from classifiers.artefact import ArtefactError, verify
    from streams.cli.models import model_directory

    try:
        manifest = verify(model_directory(settings.model.directory))
    except (ArtefactError, OSError) as error:
        return [Line(ok=False, subject="model", text=str(error))]
    topics = len(manifest.labels)
    return [
        Line(ok=True, subject="model", text=f"{manifest.name} {manifest.version}, {topics} topics, checksums match")
    ]


def look_at_kafka(settings: Settings) -> list[Line]:
    """Whether a broker answers, which, and whether it has the Kafka topics as they should be."""
    from streams.cli.connection import kafka_of
    from streams.cli.serve import labels_in_use
    from streams.kafka.admin import broker_version, check_topics
    from streams.wire import kafka_topics

    specs = kafka_topics(labels_in_use(settings))
    try:
        servers = kafka_of(settings)
        answers = Line(ok=True, subject="kafka", text=f"{servers} answers, release {broker_version(servers)} or newer")
        findings = check_topics(servers, specs)
    except (TransientError, InvalidError) as error:
        return [Line(ok=False, subject="kafka", text=str(error))]
    if not findings:
        return [answers, Line(ok=True, subject="topics", text=f"all {len(specs)} as they should be")]
    if len(findings) == len(specs) and all(finding.problem == "missing" for finding in findings):
        text = f"none of the {len(specs)} is there; `newswire topics create` makes them"
        return [answers, Line(ok=False, subject="topics", text=text)]
    return [answers, *(Line(ok=False, subject="topics", text=str(finding)) for finding in findings)]


def look_at_ports(settings: Settings) -> list[Line]:
    """Whether the gateway and the workers can listen, or do already."""
    gateway, label = settings.gateway, settings.label
    wanted = [("gateway", gateway.host, gateway.port, "gateway.port")]
    if label.port:
        wanted += [("worker", label.host, label.port + number, "label.port") for number in range(label.workers)]
    return [_port(*place) for place in wanted if place[2]]


def look_at_disk(settings: Settings) -> list[Line]:
    """Room where the embedded broker keeps its data."""
    folder = settings.broker.data.absolute()
    existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(existing).free
    if free < FREE_BYTES:
        text = f"{free / 1e9:.1f} GB free under {folder}, too little: make room, or set broker.data"
        return [Line(ok=False, subject="disk", text=text)]
    return [Line(ok=True, subject="disk", text=f"{free / 1e9:.0f} GB free under {folder}")]


LOOKS: Sequence[Callable[[Settings], list[Line]]] = (
    look_at_link,
    look_at_model,
    look_at_kafka,
    look_at_ports,
    look_at_disk,
)


def _port(what: str, host: str, port: int, setting: str) -> Line:
    from streams.cli.ports import is_free

    try:
        if is_free(host, port):
            return Line(ok=True, subject="port", text=f"{host}:{port} is free for the {what}")
    except TransientError as error:
        return Line(ok=False, subject="port", text=f"{setting}: {error}")
    if _is_ours(host, port):
        return Line(ok=True, subject="port", text=f"{host}:{port}: a {what} of newswire runs there")
    return Line(ok=False, subject="port", text=f"{host}:{port} is taken by another program: free it or set {setting}")


def _is_ours(host: str, port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}:{port}/metrics", timeout=ANSWER_SECONDS) as answer:
            return b"newswire_" in answer.read(1 << 20)
    except (OSError, ValueError):
        return False
