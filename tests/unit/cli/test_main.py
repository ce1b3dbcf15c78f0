"""The command's root: exit codes, one line for what went wrong, and that --help imports nothing heavy."""

from __future__ import annotations

import subprocess
import sys
import types
from typing import TYPE_CHECKING, Any

import click
import pytest

from streams.cli import main as module
from streams.errors import InvalidError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HEAVY = (
    "kafka",
    "faust",
    "sklearn",
    "numpy",
    "fastapi",
    "confluent_kafka",
    "prometheus_client",
    "msgspec",
    "rich",
    "lxml",
)


@pytest.fixture
def broker_does(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[..., Any]], None]]:
    """Puts a function in the place of a command's module, which is imported by name."""

    def put(function: Callable[..., Any]) -> None:
        command = click.command("broker")(click.pass_context(function))
        fake = types.ModuleType("streams.cli.broker")
        fake.command = command  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "streams.cli.broker", fake)

    return put


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["newswire", *arguments])
    with pytest.raises(SystemExit) as caught:
        module.main()
    assert isinstance(caught.value.code, int)
    return caught.value.code


def raising(error: BaseException) -> Callable[..., None]:
    def function(_context: click.Context) -> None:
        raise error

    return function


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (InvalidError("port 9092 is taken: choose another with --port"), 2, "newswire: port 9092 is taken: choose"),
        (TransientError("no broker at 127.0.0.1:9092"), 1, "newswire: no broker at 127.0.0.1:9092\n"),
        (click.UsageError("no such option"), 2, "Error: no such option"),
        (click.ClickException("it failed"), 1, "Error: it failed"),
        (KeyboardInterrupt(), 130, ""),
        (click.exceptions.Exit(75), 75, ""),
    ],
)
def test_each_kind_of_failure_has_its_exit_status_and_one_line_on_stderr(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    broker_does: Callable[..., None],
    error: BaseException,
    status: int,
    said: str,
) -> None:
    broker_does(raising(error))
    assert run(monkeypatch, "broker") == status
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert "Traceback" not in err


def test_a_bug_is_shown_as_one(monkeypatch: pytest.MonkeyPatch, broker_does: Callable[..., None]) -> None:
    broker_does(raising(ZeroDivisionError("bug")))
    monkeypatch.setattr(sys, "argv", ["newswire", "broker"])
    with pytest.raises(ZeroDivisionError):
        module.main()


@pytest.mark.parametrize(("returned", "status"), [(None, 0), (0, 0), (3, 3), ("text", 0)])
def test_a_command_that_ends_well_gives_its_number_or_0(
    monkeypatch: pytest.MonkeyPatch, broker_does: Callable[..., None], returned: object, status: int
) -> None:
    broker_does(lambda _context: returned)
    assert run(monkeypatch, "broker") == status


@pytest.mark.parametrize("arguments", [["broker"], ["--no-such-flag"], ["broker", "--no-such-flag"], ["--config"]])
def test_what_is_asked_wrongly_ends_with_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    if arguments == ["broker"]:
        arguments = ["brokr"]
    assert run(monkeypatch, *arguments) == 2
    assert "Error: No such" in (err := capsys.readouterr().err) or "requires an argument" in err


def test_the_root_asks_for_a_command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch) == 2
    out, err = capsys.readouterr()
    assert "Commands:" in out + err


def test_the_settings_of_a_command_are_read_from_its_context(
    monkeypatch: pytest.MonkeyPatch, broker_does: Callable[..., None], tmp_path: Any
) -> None:
    found: list[Any] = []
    broker_does(lambda context: found.append(module.settings_of(context, label__workers=4, label__slot=None)))
    (tmp_path / "mine.toml").write_text("[label]\nworkers = 2\ndepth = 9\n", encoding="utf-8")
    monkeypatch.setenv("NEWSWIRE_LABEL__SLOT", "environment")
    assert run(monkeypatch, "--config", str(tmp_path / "mine.toml"), "broker") == 0
    assert (found[0].label.workers, found[0].label.depth, found[0].label.slot) == (4, 9, "environment")


def in_a_process(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], ["--version"]])
def test_help_and_version_import_nothing_heavy(arguments: list[str]) -> None:
    done = in_a_process(
        f"""
import sys
sys.argv = ["newswire", *{arguments!r}]
from streams.cli.main import main
try:
    main()
except SystemExit as ended:
    assert ended.code == 0, ended.code
heavy = sorted(name for name in {HEAVY!r} if name in sys.modules)
assert not heavy, heavy
"""
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_a_reader_that_leaves_is_no_failure() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LINES], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stderr
        assert process.stdout.readline() == "line 0\n"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


LINES = """
import sys, types, click
def lines():
    for number in range(200_000):
        click.echo(f"line {number}")
fake = types.ModuleType("streams.cli.subscribe")
fake.command = click.command("subscribe")(lines)
sys.modules["streams.cli.subscribe"] = fake
sys.argv = ["newswire", "subscribe"]
from streams.cli.main import main
main()
"""
