"""`newswire dead-letters`: what could not be labelled, why, and another try."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from streams.cli.connection import kafka_of
from streams.cli.terminal import bootstrap_option

if TYPE_CHECKING:
    from streams.kafka.connection import Where
    from streams.kafka.link import Record

_MESSAGE_LETTERS = 160  # of an error in the list; `show` has all of it


@click.group(name="dead-letters", no_args_is_help=True)
def command() -> None:
    """List, show or replay items that could not be labelled or published.

    \b
    Example:
      newswire dead-letters list
      newswire dead-letters show 2:17
      newswire dead-letters replay 2:17
    """  # noqa: D301 - click wants the character \b


@command.command(name="list")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Only the newest N.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="Default: text.")
@bootstrap_option
@click.pass_context
def list_(context: click.Context, /, limit: int, form: str, bootstrap_servers: str | None) -> None:
    """One line a dead letter: its place, when, at which stage, which error, where it came from.

    \b
    Example:
      newswire dead-letters list --limit 20
    """  # noqa: D301
    import msgspec

    from streams.cli.terminal import quiet_end, write_line
    from streams.kafka.dead_letters import dead_letters

    newest: dict[int, deque[dict[str, str]]] = {}
    for record in dead_letters(_servers(context, bootstrap_servers)):
        newest.setdefault(record.partition, deque(maxlen=limit)).append(_row(record))
    rows = sorted((row for part in newest.values() for row in part), key=lambda row: row["time"])
    with quiet_end():
        for row in rows[-limit:]:
            write_line(msgspec.json.encode(row) if form == "json" else "\t".join(row.values()).encode())


@command.command
@click.argument("place", metavar="PARTITION:OFFSET")
@bootstrap_option
@click.pass_context
def show(context: click.Context, /, place: str, bootstrap_servers: str | None) -> None:
    """One dead letter whole: its headers, an empty line, its value as it came.

    \b
    Example:
      newswire dead-letters show 2:17
    """  # noqa: D301
    from streams.cli.terminal import quiet_end, write_line
    from streams.kafka.dead_letters import find

    record = find(_servers(context, bootstrap_servers), *parse_place(place))
    with quiet_end():
        write_line(b"key: " + (record.key or b"-"))
        for name, value in record.headers:
            write_line(f"{name}: ".encode() + (value or b"").replace(b"\n", b"\n    "))
        write_line(b"\n" + (record.value or b""))


@command.command
@click.argument("places", metavar="[PARTITION:OFFSET]...", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All that no earlier --all has sent; exactly once.")
@bootstrap_option
@click.pass_context
def replay(
    context: click.Context, /, places: tuple[str, ...], bootstrap_servers: str | None, *, everything: bool
) -> None:
    """Send dead letters back to news.articles as they came, for example after a new model was installed.

    What a source refused, and what was too large to keep, has no record to send: it stays where it is.

    \b
    Example:
      newswire dead-letters replay 2:17 0:4
      newswire dead-letters replay --all
    """  # noqa: D301
    if bool(places) == everything:
        raise click.UsageError("name the places to replay, or --all")
    servers = _servers(context, bootstrap_servers)
    sent, kept = replay_all(servers) if everything else replay_some(servers, places)
    click.echo(f"newswire: sent {sent:,} back to news.articles, left {kept:,} that hold no record of it", err=True)


def replay_all(bootstrap_servers: Where) -> tuple[int, int]:
    """All that the replay group has not sent yet: how many were sent and how many cannot be."""
    from streams.kafka.dead_letters import replay as replay_group

    return replay_group(bootstrap_servers)


def replay_some(bootstrap_servers: Where, places: tuple[str, ...]) -> tuple[int, int]:
    """These, whatever was replayed before; every place is looked up before anything is sent. Raises InvalidError."""
    from streams.kafka.dead_letters import find, original
    from streams.kafka.publisher import Publisher

    outputs = [original(find(bootstrap_servers, *parse_place(place))) for place in places]
    with Publisher(bootstrap_servers) as publisher:
        for output in outputs:
            if output:
                publisher.send(output)
        publisher.flush()
    return sum(o is not None for o in outputs), outputs.count(None)


def parse_place(place: str) -> tuple[int, int]:
    """Partition and offset from "2:17". Raises InvalidError."""
    from streams.errors import InvalidError

    partition, _, offset = place.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise InvalidError(f"{place!r} is not PARTITION:OFFSET, such as 2:17")
    return int(partition), int(offset)


def _row(record: Record) -> dict[str, str]:
    from streams.kafka.dead_letters import error_of

    error = error_of(record)
    came_from = (
        f"{error['topic']}:{error.get('partition', '?')}:{error.get('offset', '?')}"
        if "topic" in error
        else f"{error.get('source', '?')} {error.get('place', '')}".strip()
    )
    message = " ".join(error.get("message", "?").split())
    return {
        "place": f"{record.partition}:{record.offset}",
        "time": error.get("time") or datetime.fromtimestamp(record.timestamp_ms / 1000, UTC).isoformat(),
        "stage": error.get("stage", "?"),
        "class": error.get("class", "?"),
        "message": message if len(message) <= _MESSAGE_LETTERS else message[: _MESSAGE_LETTERS - 1] + "…",
        "from": came_from,
    }


def _servers(context: click.Context, bootstrap_servers: str | None) -> Where:
    from streams.cli.main import settings_of
    from streams.cli.terminal import quiet_clients

    quiet_clients()
    return kafka_of(settings_of(context, kafka__bootstrap_servers=bootstrap_servers))
