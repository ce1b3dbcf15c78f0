"""`newswire check`: each look alone, and the command where there is no Kafka."""

from __future__ import annotations

import shutil
import socket
from collections import namedtuple
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner
from prometheus_client import CollectorRegistry, start_http_server

from streams.cli import check
from streams.cli.check import look_at_disk, look_at_link, look_at_model, look_at_ports, shown
from streams.cli.main import group
from streams.errors import InvalidError, TransientError
from streams.settings import load_settings
from tests.unit.gateway.examples import Feed, running

if TYPE_CHECKING:
    from pathlib import Path


def settings(**changes):
    return load_settings(None, {}, {name.replace("__", "."): value for name, value in changes.items()})


@pytest.fixture
def taken():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


def test_lines_begin_with_the_verdict():
    assert shown(check.Line(ok=True, subject="disk", text="81 GB"), colour=False) == "ok     disk       81 GB"
    assert shown(check.Line(ok=False, subject="disk", text="full"), colour=False) == "wrong  disk       full"
    assert "\x1b[" in shown(check.Line(ok=False, subject="disk", text="full"), colour=True)


def test_installed_client_is_well():
    assert look_at_link(settings())[0].ok


def test_missing_client_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(check.importlib.util, "find_spec", lambda _: None)
    (line,) = look_at_link(settings(label__link="confluent"))
    assert not line.ok
    assert "pip install 'newswire[confluent]'" in line.text


def test_folder_without_a_model_is_wrong(tmp_path):
    (line,) = look_at_model(settings(model__directory=str(tmp_path)))
    assert not line.ok
    assert "newswire train" in line.text


def test_port_that_another_program_has_is_wrong(taken):
    lines = look_at_ports(settings(gateway__port=taken, label__port=0))
    assert [line.ok for line in lines] == [False]
    assert f"127.0.0.1:{taken} is taken by another program" in lines[0].text
    assert "gateway.port" in lines[0].text


def test_port_that_a_gateway_of_ours_has_is_well():
    feed = Feed()
    feed.put([])
    with running(feed.source) as gateway:
        port = int(gateway.url.rpartition(":")[2])
        (line,) = look_at_ports(settings(gateway__port=port, label__port=0))
    assert line.ok
    assert "a gateway of newswire runs there" in line.text


def test_every_worker_needs_a_port(taken):
    lines = look_at_ports(settings(gateway__port=0, label__port=taken - 1, label__workers=2))
    assert len(lines) == 2
    assert not lines[1].ok
    assert "label.port" in lines[1].text


def test_full_disk_is_wrong_also_where_the_folder_is_not_made_yet(monkeypatch, tmp_path):
    asked: list[Path] = []
    usage = namedtuple("usage", "total used free")  # noqa: PYI024 - as shutil's

    def disk_usage(path):
        asked.append(path)
        return usage(10**10, 10**10, 5 * 10**8)

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    (line,) = look_at_disk(settings(broker__data=str(tmp_path / "not" / "yet")))
    assert not line.ok
    assert "0.5 GB free" in line.text
    assert asked == [tmp_path]


def test_without_kafka_it_says_so_and_exits_with_one(taken):
    with socket.socket() as silent:  # bound and not listening: nobody answers, and nobody else gets the port
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        arguments = ["check", "--bootstrap-servers", f"127.0.0.1:{port}"]
        result = CliRunner().invoke(group, arguments, env={"NEWSWIRE_GATEWAY__PORT": str(taken)})
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("ok     settings")
    assert any(line.startswith("wrong  kafka") and "newswire broker" in line for line in lines)
    assert any(line.startswith("wrong  port") for line in lines)
    assert "wrong" in result.stderr


def test_settings_that_are_wrong_are_the_only_line():
    result = CliRunner().invoke(group, ["check"], env={"NEWSWIRE_GATEWAY__PROT": "1"})
    assert result.exit_code == 1
    assert result.stdout.startswith("wrong  settings")
    assert "did you mean 'port'" in result.stdout
    assert len(result.stdout.splitlines()) == 1


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def test_one_page_is_asked_for_the_health_of_a_container():
    server, thread = start_http_server(0, "127.0.0.1", CollectorRegistry())
    try:
        well = CliRunner().invoke(group, ["check", "--page", f"http://127.0.0.1:{server.server_port}/"])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert (well.exit_code, well.output) == (0, "")
    with pytest.raises(TransientError, match=r"Connection refused|timed out"):
        check.answered(f"http://127.0.0.1:{free_port()}/healthz")
    with pytest.raises(InvalidError, match="not an address of a page"):
        check.answered("file:///etc/passwd")
