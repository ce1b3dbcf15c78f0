"""Every command that the root names is there, says what it does and shows an example."""

from __future__ import annotations

import re
from importlib.util import find_spec

import click
import pytest

from streams.cli.main import COMMANDS, group

# the command line that is promised; what later issues bring is not here yet
PROMISED = {
    "up",
    "broker",
    "topics",
    "publish",
    "label",
    "subscribe",
    "sink",
    "serve",
    "dead-letters",
    "classify",
    "train",
    "evaluate",
    "model",
    "check",
}
SUBCOMMANDS = {
    "topics": {"create", "check", "list"},
    "publish": {"jsonl", "page"},
    "dead-letters": {"list", "show", "replay"},
    "model": {"show"},
}


def load(name: str) -> click.Command:
    command = group.get_command(click.Context(group), name)
    assert command is not None
    return command


def leaves() -> list[tuple[str, click.Command]]:
    """Every command that can be run, with the words that run it."""
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        if find_spec(f"streams.cli.{name.replace('-', '_')}") is None:
            continue  # the test below says so
        command = load(name)
        if isinstance(command, click.Group):
            context = click.Context(command)
            inner = ((sub, command.get_command(context, sub)) for sub in command.list_commands(context))
            found += [(f"{name} {sub}", one) for sub, one in inner if one is not None]
        else:
            found.append((name, command))
    return found


def test_the_command_line_is_the_promised_one() -> None:
    assert set(COMMANDS) >= PROMISED
    assert not [name for name in COMMANDS if find_spec(f"streams.cli.{name.replace('-', '_')}") is None]


@pytest.mark.parametrize("name", SUBCOMMANDS)
def test_groups_have_the_promised_commands(name: str) -> None:
    command = load(name)
    assert isinstance(command, click.Group)
    assert set(command.list_commands(click.Context(command))) >= SUBCOMMANDS[name]


@pytest.mark.parametrize(("words", "command"), leaves(), ids=[words for words, _ in leaves()])
def test_help_says_what_it_does_and_shows_an_example(words: str, command: click.Command) -> None:
    assert command.name == words.rsplit(maxsplit=1)[-1]
    shown = command.get_help(click.Context(command, info_name=f"newswire {words}", terminal_width=110))
    assert re.search(rf"^ *Examples?:(.|\n)*newswire {words}\b", shown, re.MULTILINE), shown
    first = shown.splitlines()[2].strip()
    assert first[0].isupper()


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_examples_keep_their_lines(name: str) -> None:
    """Click keeps the lines of a paragraph that begins with the character \\b; a raw docstring has two characters there."""
    if name and find_spec(f"streams.cli.{name.replace('-', '_')}") is None:
        return
    command = load(name) if name else group
    assert "\\b" not in command.get_help(click.Context(command))


@pytest.mark.parametrize(("words", "command"), leaves(), ids=[words for words, _ in leaves()])
def test_every_flag_is_explained(words: str, command: click.Command) -> None:
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    # a choice shows what it may be
    assert not [option.opts for option in options if not option.help and not isinstance(option.type, click.Choice)]
    assert all(re.fullmatch(r"-\w|--[a-z]+(-[a-z]+)*", flag) for option in options for flag in option.opts)
    assert words


def test_publishing_can_always_be_tried_without_kafka() -> None:
    command = load("publish")
    assert isinstance(command, click.Group)
    for name in command.list_commands(click.Context(command)):
        inner = command.get_command(click.Context(command), name)
        assert inner is not None
        assert any("--dry-run" in parameter.opts for parameter in inner.params), name
