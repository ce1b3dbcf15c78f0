"""The command `newswire`: a group that imports a command only when it is run, so that --help answers at once."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import click

from streams.errors import InvalidError, TransientError

COMMANDS = {
    "up": "everything on this machine: broker, workers, live page, demo items",
    "broker": "the embedded Apache Kafka alone",
    "topics": "create, check or list the Kafka topics",
    "publish": "publish items from files, pages and feeds",
    "label": "a labelling worker",
    "subscribe": "labelled items as lines",
    "sink": "run one sink",
    "duplicates": "mark items that tell a story again",
    "serve": "the gateway: live page and streams over HTTP",
    "top": "what goes through and how fast, live in the terminal",
    "dead-letters": "list, show or replay items that could not be labelled",
    "classify": "label a text, a page or a file of items, without Kafka",
    "train": "train the models from labelled items",
    "train-encoder": "train the text encoder that is their second tier",
    "evaluate": "measure a model on labelled items",
    "model": "show the model that is in use",
    "check": "what is wrong and what to do",
}


class ReaderGoneError(Exception):
    """Nobody reads our stdout any more (`newswire subscribe | head`): nothing is wrong."""


class LazyGroup(click.Group):
    """Commands by name; the module streams.cli.<name> is imported when its command is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of a first hour with the product."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, or None for an unknown name."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f"streams.cli.{cmd_name.replace('-', '_')}")
        command: click.Command = module.command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises ReaderGoneError for EPIPE, which click would turn into exit status 1."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderGoneError from error

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """One line a command, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(package_name="newswire", message="%(version)s")
@click.option("--config", type=click.Path(dir_okay=False, path_type=Path), help="A TOML file of settings.")
@click.pass_context
def group(context: click.Context, config: Path | None) -> None:
    """Newswire: news items in, items labelled by topic and region out, exactly once.

    \b
    Example:
      newswire up                             everything on this machine
      newswire subscribe --topic sport        labelled items as they come
    """  # noqa: D301 - click wants the character \b
    context.obj = {"config": config, "environ": os.environ}


def settings_of(context: click.Context, **overrides: Any) -> Any:
    """The Settings of this run; keywords are dotted names with `__` for the dot (kafka__bootstrap_servers=...)."""
    from streams.settings import load_settings

    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_settings(context.obj["config"], context.obj["environ"], given)


def main() -> None:
    """Run a command: 0 done, 1 it failed, 2 it was asked wrongly."""
    try:
        status = group.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except InvalidError as error:
        click.echo(f"newswire: {error}", err=True)
        sys.exit(2)
    except TransientError as error:
        click.echo(f"newswire: {error}", err=True)
        sys.exit(1)
    except ReaderGoneError:
        # keep the interpreter from complaining when it flushes stdout at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(status if isinstance(status, int) else 0)
