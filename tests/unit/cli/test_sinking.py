"""Sinks from the settings: which, what they need, what becomes of one that fails among several."""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from streams.cli import sinking
from streams.cli.sink import SINKS
from streams.cli.sinking import MAKERS, Meter, Parts, Sinks, chosen_sinks, make_sink
from streams.errors import InvalidError, TransientError
from streams.metrics import SINK_ERRORS, Metrics
from streams.settings import load_settings
from tests.contract.sink_cases import LABELS, Graveyard

if TYPE_CHECKING:
    from pathlib import Path


def parts(name: str, tmp_path: Path) -> Parts:
    given = {
        "sinks.files.directory": str(tmp_path),
        "sinks.parquet.directory": str(tmp_path),
        "sinks.search.url": "http://search.example:9200",
    }
    settings = load_settings(None, {}, given)
    return Parts(getattr(settings.sinks, name), LABELS, Graveyard(), lambda: None)


def test_all_are_those_of_the_setting_and_each_runs_once() -> None:
    assert chosen_sinks(["all"], "sql,files") == ["sql", "files"]
    assert chosen_sinks(["files", "all", "files"], "sql,files") == ["files", "sql"]
    with pytest.raises(InvalidError, match=r"sinks\.run: 'sqll' is no sink; known: files, parquet"):
        chosen_sinks(["all"], "sqll")
    assert set(SINKS) == set(MAKERS)


@pytest.mark.parametrize("name", MAKERS)
def test_every_sink_is_made_from_its_table_under_its_name(name: str, tmp_path: Path) -> None:
    sink = make_sink(name, parts(name, tmp_path))
    assert sink.name == name
    assert sink.guarantee in ("exactly once", "at least once")
    sink.close()


@pytest.mark.parametrize(("name", "module"), [("sql", "sqlalchemy"), ("parquet", "pyarrow")])
def test_a_sink_whose_packages_are_missing_says_which(
    name: str, module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(InvalidError, match=rf"sink {name} needs more packages: pip install 'newswire\[{name}\]'"):
        make_sink(name, parts(name, tmp_path))


def test_the_metrics_of_a_sink() -> None:
    metrics = Metrics(CollectorRegistry())
    meter = Meter("sql", metrics)
    meter.stored(5)
    meter.stands(7, 12)
    for kind in SINK_ERRORS:
        meter.failed(kind)
    text = metrics.exposition()[0].decode()
    for line in (
        'newswire_sink_items_total{sink="sql"} 5.0',
        'newswire_sink_lag_items{sink="sql"} 7.0',
        'newswire_sink_paused_partitions{sink="sql"} 12.0',
        'newswire_sink_errors_total{kind="buried",sink="sql"} 1.0',
    ):
        assert line in text


class Staged(Sinks):
    """Sinks that do as told instead of running; `script`: by sink, what each of its runs does."""

    def __init__(self, script: dict[str, list[Exception | None]]) -> None:
        self.stop = threading.Event()
        super().__init__(None, LABELS, Metrics(CollectorRegistry()), self.stop)
        self.script = script
        self.runs: list[str] = []

    def _run_once(self, name: str, meter: Meter) -> None:
        self.runs.append(name)
        now = self.script[name].pop(0) if self.script[name] else None
        if now is not None:
            raise now
        if any(self.script.values()):
            self.stop.wait(60)
        self.stop.set()


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinking, "FIRST_WAIT_SECONDS", 0.001)


def test_among_several_one_that_fails_for_a_time_begins_anew(at_once: None) -> None:
    sinks = Staged({"files": [None], "sql": [TransientError("away"), TransientError("away"), None]})
    sinks.run(["files", "sql"])
    assert sinks.runs.count("sql") == 3


@pytest.mark.parametrize("error", [InvalidError("wrong"), ZeroDivisionError("a bug")])
def test_among_several_any_other_error_ends_them_all(at_once: None, error: Exception) -> None:
    sinks = Staged({"files": [None, None], "sql": [error]})
    with pytest.raises(type(error), match=str(error)):
        sinks.run(["files", "sql"])
    assert sinks.stop.is_set()


def test_one_alone_ends_with_its_error() -> None:
    sinks: Any = Staged({"sql": [TransientError("away")]})
    with pytest.raises(TransientError, match="away"):
        sinks.run(["sql"])
