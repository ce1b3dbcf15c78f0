"""`newswire topics`: make, check and list the Kafka topics."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from streams.cli.connection import kafka_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.kafka.admin import TopicState

bootstrap_option = click.option(
    "--bootstrap-servers", metavar="HOST:PORT[,...]", help="Where Kafka is; else from the settings."
)


@click.group(name="topics", no_args_is_help=True)
def command() -> None:
    """Make, check and list the Kafka topics of the pipeline.

    \b
    Example:
      newswire topics create      make what is missing; harmless to repeat
      newswire topics check       say what differs, exit 1 if anything does
      newswire topics list
    """  # noqa: D301 - click wants the character \b


@command.command()
@bootstrap_option
@click.option(
    "--replication-factor", type=click.IntRange(1), help="Replicas of new topics; else three, or the brokers."
)
@click.option("--alter", is_flag=True, help="Also set retention and cleanup policy of topics that have others.")
@click.pass_context
def create(
    context: click.Context, /, bootstrap_servers: str | None, replication_factor: int | None, *, alter: bool
) -> None:
    """Make the topics that are missing; those that are there stay as they are.

    \b
    Example:
      newswire topics create --bootstrap-servers kafka-1:9092
    """  # noqa: D301 - click wants the character \b
    from streams.kafka.admin import create_topics
    from streams.settings import load_labels
    from streams.wire import kafka_topics

    settings = _settings(context, bootstrap_servers, replication_factor)
    specs = kafka_topics(load_labels())
    done = create_topics(
        kafka_of(settings),
        specs,
        replication=settings.kafka.replication_factor or None,
        alter=alter,
    )
    for name in done.created:
        click.echo(f"created {name}")
    for name in done.altered:
        click.echo(f"altered {name}")
    click.echo(f"topics wanted: {len(specs)}, created: {len(done.created)}, altered: {len(done.altered)}", err=True)


@command.command()
@bootstrap_option
@click.pass_context
def check(context: click.Context, bootstrap_servers: str | None) -> None:
    """Say which topics are missing or not as they should be, one a line; exit with 1 if there are any.

    \b
    Example:
      newswire topics check || newswire topics create
    """  # noqa: D301 - click wants the character \b
    from streams.kafka.admin import check_topics
    from streams.settings import load_labels
    from streams.wire import kafka_topics

    specs = kafka_topics(load_labels())
    findings = check_topics(kafka_of(_settings(context, bootstrap_servers)), specs)
    for finding in findings:
        click.echo(str(finding))
    click.echo(f"topics wanted: {len(specs)}, findings: {len(findings)}", err=True)
    context.exit(1 if findings else 0)


@command.command(name="list")
@bootstrap_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.pass_context
def show(context: click.Context, bootstrap_servers: str | None, form: str) -> None:
    """Every topic with its partitions, replicas and records (transaction markers count as records).

    \b
    Example:
      newswire topics list --format json | jq 'select(.records > 0)'
    """  # noqa: D301 - click wants the character \b
    from streams.kafka.admin import list_topics

    topics = list_topics(kafka_of(_settings(context, bootstrap_servers)))
    for line in lines_of(topics, form):
        click.echo(line)


def lines_of(topics: Sequence[TopicState], form: str) -> list[str]:
    """A table with a header ("text") or one JSON object a line ("json")."""
    if form == "json":
        return [json.dumps(topic._asdict()) for topic in topics]
    width = max((len(topic.name) for topic in topics), default=4)
    rows = [("name", "partitions", "replication", "records"), *topics]
    return [
        f"{name:<{width}}  {partitions:>10}  {replicas:>11}  {records:>9}"
        for name, partitions, replicas, records in rows
    ]


def _settings(context: click.Context, bootstrap_servers: str | None, replication_factor: int | None = None) -> Any:
    from streams.cli.main import settings_of

    return settings_of(
        context, kafka__bootstrap_servers=bootstrap_servers, kafka__replication_factor=replication_factor
    )
