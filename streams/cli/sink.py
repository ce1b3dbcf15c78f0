"""`newswire sink`: labelled items into files, databases and other systems."""

from __future__ import annotations

import click

from streams.cli.terminal import bootstrap_option
from streams.collector import let_it_rest

SINKS = ("files", "parquet", "search", "sql", "webhook")


@click.command(name="sink")
@click.argument("names", metavar="NAME...", type=click.Choice([*SINKS, "all"]), nargs=-1, required=True)
@bootstrap_option
@click.pass_context
def command(context: click.Context, /, names: tuple[str, ...], bootstrap_servers: str | None) -> None:
    """Run sinks until they are stopped; the settings of each are the table sinks.NAME.

    \b
    files    JSON lines, one file for a range of offsets; exactly once
    parquet  Parquet files by day and topic; exactly once
    search   documents in OpenSearch or Elasticsearch; at least once, one document an item
    sql      rows in SQLite or PostgreSQL; exactly once
    webhook  CloudEvents posted to a URL; at least once, with keys that tell repeats
    all      those that the setting sinks.run names

    Several run side by side in one process. One alone ends with an error where its place cannot be reached, to be
    started again; among several it begins anew by itself while the others go on.

    \b
    Example:
      NEWSWIRE_SINKS__FILES__DIRECTORY=/data/labelled newswire sink files
      NEWSWIRE_SINKS__SQL__URL=postgresql://newswire@db/news newswire sink sql
      NEWSWIRE_SINKS__RUN=sql,files NEWSWIRE_SINKS__METRICS_PORT=9105 newswire sink all
    """  # noqa: D301 - click wants the character \b
    from streams.cli.logs import start_log
    from streams.cli.main import settings_of
    from streams.cli.publish_run import served_metrics
    from streams.cli.sinking import Sinks, chosen_sinks
    from streams.cli.terminal import stop_on_signals
    from streams.cli.tracing import traced
    from streams.settings import load_labels

    settings = settings_of(context, kafka__bootstrap_servers=bootstrap_servers)
    start_log(settings.log.level, settings.log.format)
    chosen = chosen_sinks(names, settings.sinks.run)
    let_it_rest()
    stop = stop_on_signals()
    with (
        served_metrics(settings.sinks.metrics_port, settings.metrics.host) as metrics,
        traced(settings, "sink") as spans,
    ):
        sinks = Sinks(settings, load_labels(), metrics, stop, spans)
        sinks.run(chosen)
    for name, stored in sinks.stored.items():
        click.echo(f"newswire: sink {name}: stored {stored:,} items", err=True)
