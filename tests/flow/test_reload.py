"""Another model while items are labelled: none is lost, none doubled, and those that come later are the new one's."""

from __future__ import annotations

import json
import re
import signal
import subprocess
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from streams import wire
from streams.articles import decode_labelled
from streams.kafka.broker import KafkaBroker
from tests.flow.edges import ROOT, Watch, command, committed, environment, make_wire, newswire
from tests.helpers import wait_for
from tests.models import linear_copy
from tests.pipeline import TIMEOUT, Pipeline, WorkerProcess, item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from streams.kafka.link import Record

pytestmark = pytest.mark.kafka

READY, FROM_NOW_ON = "/readyz", "from now on"
START_SECONDS = 200.0  # two workers that import, load a model and label take ten on a quiet machine
BURN = 0.002  # seconds an item: a backlog of hundreds lasts while the model is swapped


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique, partitions=1) as made:
        yield made


def metric(worker: WorkerProcess, name: str) -> str:
    found = re.search(rf"^{re.escape(name)} (\S+)$", worker.page("/metrics")[1], re.MULTILINE)
    return found[1] if found else ""


def versions(records: Iterable[Record]) -> list[str]:
    """The model that each item names, in the order in which they were labelled."""
    found = []
    for record in records:
        axes = decode_labelled(record.value).classification.axes
        (version,) = {axis.model.version for axis in axes}
        found.append(version)
        if axes[0].model.name == "keywords":
            assert {axis.tier for axis in axes} == {f"words-{version}"}, "it was labelled by another one"
    return found


def publish(bootstrap_servers: str, numbers: range) -> None:
    items = (item(n, "The council raised the water tax.") for n in numbers)
    done = newswire(
        bootstrap_servers, "publish", "jsonl", "-", stdin=b"".join(json.dumps(one).encode() + b"\n" for one in items)
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("how", ["told", "seen"])
def test_the_model_is_swapped_in_the_middle_of_a_stream(pipeline: Pipeline, tmp_path: Path, how: str) -> None:
    model = tmp_path / "model"
    model.write_text("1")
    published = 200

    def swapped() -> bool:
        """Items go on coming until it is, however long that takes here."""
        nonlocal published
        pipeline.publish(item(n) for n in range(published, published + 50))
        published += 50
        return FROM_NOW_ON in worker.said()

    pipeline.publish(item(n) for n in range(published))
    settings = {"watch": 0 if how == "told" else 0.05, "level": "INFO", "burn": BURN, "batch_size": 50}
    with WorkerProcess(pipeline, "0", tmp_path / "log", model=str(model), **settings) as worker:
        pipeline.wait_until_committed(100, worker)
        model.write_text("2")
        if how == "told":
            worker.process.send_signal(signal.SIGHUP)
        wait_for(swapped, TIMEOUT, "not swapped")
        at_swap = sum(pipeline.committed().values())
        assert metric(worker, 'newswire_model_info{name="keywords",version="2"}') == "1.0"
        assert metric(worker, 'newswire_model_info{name="keywords",version="1"}') == ""
        assert metric(worker, "newswire_model_reloads_total") == "1.0"
        total = published + 100
        pipeline.publish(item(n) for n in range(published, total))
        pipeline.wait_until_committed(total, worker)
        assert worker.stop() == 0, worker.said()
    labelled = pipeline.read(wire.LABELLED)
    assert Counter(r.key.decode() for r in labelled) == Counter(f"urn:example:{n}" for n in range(total))
    found = versions(labelled)
    first = found.index("2")
    assert found == ["1"] * first + ["2"] * (total - first)
    assert 100 <= first <= at_swap + 3 * 50, "three batches may be under way, and end as they began"


def test_a_model_that_comes_while_another_is_loaded_is_taken_when_told_so_then(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    """SIGHUP goes to every worker at once, also to one that has just been started again."""
    model = tmp_path / "model"
    model.write_text("1")
    settings = {"watch": 0, "level": "INFO", "replaced_by": "2"}
    with WorkerProcess(pipeline, "0", tmp_path / "log", model=str(model), **settings) as worker:
        wait_for(lambda: FROM_NOW_ON in worker.said(), TIMEOUT, "it labels with the first")
        assert metric(worker, 'newswire_model_info{name="keywords",version="2"}') == "1.0"
        assert worker.stop() == 0, worker.said()


def test_a_damaged_model_leaves_the_old_one_labelling(pipeline: Pipeline, tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.write_text("1")
    with WorkerProcess(pipeline, "0", tmp_path / "log", model=str(model), watch=0.05, level="INFO") as worker:
        worker.wait_until_ready()
        model.write_text("half a mod")
        failures = "newswire_model_reload_failures_total"
        wait_for(lambda: metric(worker, failures) == "1.0", TIMEOUT, "no failure was counted")
        pipeline.publish(item(n) for n in range(50))
        pipeline.wait_until_committed(50, worker)
        assert metric(worker, failures) == "1.0", "it is tried once, not at every look"
        assert worker.said().count("the model stays: ") == 1
        assert f"{model} is damaged" in worker.said()
        model.write_text("3")
        wait_for(lambda: FROM_NOW_ON in worker.said(), TIMEOUT, "the repaired model was not taken")
        pipeline.publish(item(n) for n in range(50, 60))
        pipeline.wait_until_committed(60, worker)
        assert worker.stop() == 0, worker.said()
    assert versions(pipeline.read(wire.LABELLED)) == ["1"] * 50 + ["3"] * 10


@pytest.mark.timeout(900)
def test_two_real_workers_under_one_command_take_the_model_that_a_link_names(tmp_path: Path) -> None:
    link = tmp_path / "current"
    link.symlink_to(linear_copy(tmp_path / "one", "1"))
    log = tmp_path / "log"
    with KafkaBroker(tmp_path / "kafka") as broker:
        servers = broker.bootstrap_servers
        make_wire(servers)
        watch = Watch(servers, [wire.LABELLED])
        with (
            log.open("wb") as out,
            subprocess.Popen(
                command("label", "--workers", "2", "--port", "0", "--model", str(link)),
                cwd=ROOT,
                env=environment(servers, NEWSWIRE_MODEL__WATCH_SECONDS="0", NEWSWIRE_LABEL__GRACE_SECONDS=str(TIMEOUT)),
                stdin=subprocess.DEVNULL,
                stderr=out,
            ) as label,
        ):
            try:
                # One alone takes every partition and labels all; the other could start with the second model then.
                wait_for(lambda: log.read_text().count(READY) == 2, START_SECONDS, "not both are ready")
                publish(servers, range(500))
                wait_for(
                    lambda: label.poll() is None and committed(servers) == 500, START_SECONDS, "not all was labelled"
                )
                linear_copy(tmp_path / "two", "2")
                (tmp_path / "next").symlink_to(tmp_path / "two")
                (tmp_path / "next").replace(link)
                label.send_signal(signal.SIGHUP)
                wait_for(lambda: log.read_text().count(FROM_NOW_ON) == 2, TIMEOUT, "not both took it")
                publish(servers, range(500, 600))
                wait_for(lambda: committed(servers) == 600, TIMEOUT, "the later ones were not labelled")
                label.terminate()
                assert label.wait(2 * TIMEOUT) == 0, log.read_text()
            finally:
                label.kill()
        records = watch.read()
        watch.close()
    number = {int(r.key.decode().rpartition(":")[2]): r for r in records}
    assert len(records) == len(number) == 600
    assert versions(number[n] for n in range(600)) == ["1"] * 500 + ["2"] * 100
