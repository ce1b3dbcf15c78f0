"""Fixtures every test may use."""

from __future__ import annotations

import os
import re
import signal
import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from streams.kafka.broker import KafkaBroker
from streams.kafka.jars import cache_folder
from tests.helpers import NOT_PACKAGED
from tests.servers.postgresql import Postgresql, programs

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED = Path(__file__).parents[2] / "shared"
ABSENT = "it holds the training data and is no part of the project"
# What waits for processes comes first: a worker that is dealt a file of minutes at the end would finish alone.
FIRST = ("tests/chaos/", "tests/flow/test_up.py", "tests/flow/", "tests/contract/", "tests/repository/")


hypothesis.settings.register_profile("newswire", derandomize=True)  # the same examples in every run
hypothesis.settings.load_profile("newswire")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the tests marked long (the full chaos runs)")
    parser.addoption(
        "--forbid-skips", action="store_true", help="fail if a test is skipped, but for want of ../shared or kubectl"
    )


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With --forbid-skips a skipped test fails the run: where every part is installed it is a test that nobody runs."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not session.config.getoption("--forbid-skips") or reporter is None or exitstatus != pytest.ExitCode.OK:
        return
    skipped = [
        report
        for report in reporter.stats.get("skipped", [])
        if not any(reason in str(report.longrepr) for reason in (ABSENT, NOT_PACKAGED))
    ]
    if skipped:
        reporter.write_line(f"--forbid-skips: {len(skipped)} tests were skipped", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config: pytest.Config) -> None:
    # a shell ignores SIGINT in what it runs in the background, and programs inherit that: Ctrl-C tests would wait in vain
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Three test processes share two cores, and OpenMP's threads wait for each other spinning: beside a training a fixture
    # of 20 s ran into the 300 s of a test. Read when numpy and scikit-learn are loaded, that is, with the tests.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(
        key=lambda item: next((at for at, start in enumerate(FIRST) if item.nodeid.startswith(start)), len(FIRST))
    )
    absent = pytest.mark.skip(reason=f"../shared is not here: {ABSENT}")
    for item in items:
        if "shared" in item.keywords and not SHARED.is_dir():
            item.add_marker(absent)
    if not config.getoption("--long"):
        long = [item for item in items if "long" in item.keywords]
        items[:] = [item for item in items if "long" not in item.keywords]
        config.hook.pytest_deselected(items=long)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder ../shared; tests that use it carry the marker `shared` and are skipped without it."""
    return SHARED


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """One embedded Kafka for the whole session, started by the first test that asks for it.

    It is shared: name topics and groups with `unique`, and never stop or kill it; start a KafkaBroker of your own for
    that. A Kafka that cannot start fails the test.
    """
    with KafkaBroker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def cache() -> Path:
    """Where the embedded Kafka is installed; filled once `kafka` has started."""
    return cache_folder(os.environ)


@pytest.fixture
def bootstrap_servers(kafka: KafkaBroker) -> str:
    """Where the session's Kafka answers, as "127.0.0.1:PORT"."""
    assert kafka.alive, f"an earlier test ended the session's Kafka: {kafka.failure()}"
    return kafka.bootstrap_servers


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """One PostgreSQL for the whole session; ask it for a `database()` of your own, and start it again if you stop it."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not here: apt-get install postgresql")
    with Postgresql(folder) as server:
        yield server


@pytest.fixture
def unique(request: pytest.FixtureRequest) -> str:
    """A fresh prefix for this test's topics and groups, such as "labels-reach-their-streams-3f9c"; allowed in both."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.removeprefix("test_").lower()).strip("-")[:40]
    return f"{name}-{uuid.uuid4().hex[:8]}"
