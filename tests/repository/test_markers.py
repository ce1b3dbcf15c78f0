"""Markers are declared, and a test is skipped only where a part is missing that the reason names."""

from __future__ import annotations

import ast
import re
import tomllib

from tests.repository.source import ROOT, Module, test_modules

PYTEST = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pytest"]["ini_options"]
OF_PYTEST = {"parametrize", "skip", "skipif", "xfail", "usefixtures", "filterwarnings", "timeout", "asyncio"}
# how to get what is missing, or why it cannot be had here
REMEDY = re.compile(r"apt-get install|pip install|\.\./shared|of the distribution|needs root|sys\.platform|on this")


def marks(module: Module) -> set[str]:
    found = [node for node in ast.walk(module.tree) if isinstance(node, ast.Attribute)]
    return {node.attr for node in found if ast.unparse(node.value) == "pytest.mark"}


def test_markers_are_declared_and_used() -> None:
    declared = {line.partition(":")[0] for line in PYTEST["markers"]}
    used = set().union(*(marks(module) for module in test_modules()))
    assert used - OF_PYTEST <= declared
    assert "--strict-markers" in PYTEST["addopts"]
    assert PYTEST["xfail_strict"] is True
    assert PYTEST["filterwarnings"][0] == "error"


def skips(module: Module) -> list[ast.Call]:
    calls = [node for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    names = {"pytest.skip", "pytest.mark.skip", "pytest.mark.skipif", "pytest.importorskip"}
    return [call for call in calls if ast.unparse(call.func) in names]


def test_a_skip_says_what_is_missing_and_how_to_get_it() -> None:
    found = [(module, call) for module in test_modules() for call in skips(module)]
    assert not [
        f"{module.where}:{call.lineno} {ast.unparse(call)[:80]}"
        for module, call in found
        if not REMEDY.search(ast.unparse(call))
    ]


def test_no_test_is_skipped_for_good() -> None:
    always = [
        f"{module.where}:{node.lineno}"
        for module in test_modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        for decorator in node.decorator_list
        if re.match(r"pytest\.mark\.skip(\(|$)", ast.unparse(decorator))
    ]
    assert not always


def marked(module: Module, name: str) -> set[str]:
    """The tests of a module that carry a marker, by themselves or with the whole module."""
    functions = [f for f in module.functions if f.name.startswith("test_")]
    whole = [
        node
        for node in module.tree.body
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) == "pytestmark"
        and f".{name}" in ast.unparse(node)
    ]
    if whole:
        return {f.name for f in functions}
    return {f.name for f in functions if any(f"pytest.mark.{name}" in ast.unparse(d) for d in f.decorator_list)}


def fixtures_that_need(part: str, user: Module) -> set[str]:
    """Names of fixtures, as `user` sees them, that ask for a fixture, directly or through another."""
    needing = {part}
    found = [
        (function.name, {argument.arg for argument in function.args.args})
        for module in test_modules()
        if module.where == user.where or module.where.endswith("conftest.py")
        for function in module.functions
        if any("fixture" in ast.unparse(d) for d in function.decorator_list)
    ]
    for _ in range(5):
        needing |= {name for name, arguments in found if arguments & needing}
    return needing


def test_tests_that_need_a_part_carry_its_marker() -> None:
    wrong = []
    for part, marker in (("shared", "shared"), ("kafka", "kafka"), ("promtool", "prometheus")):
        for module in test_modules():
            needing = fixtures_that_need(part, module)
            good = marked(module, marker)
            wrong += [
                f"{module.where}:{f.lineno} {f.name} needs {part} and is not marked {marker}"
                for f in module.functions
                if f.name.startswith("test_") and {a.arg for a in f.args.args} & needing and f.name not in good
            ]
    assert not wrong, "\n".join(wrong)


def test_continuous_integration_forbids_skips_by_a_flag_that_exists() -> None:
    command = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (arguments,) = re.findall(r'PYTEST_ARGS="([^"]+)"', command)
    assert "--forbid-skips" in arguments
    own = set(re.findall(r'addoption\(\s*"(--[\w-]+)"', (ROOT / "tests" / "conftest.py").read_text(encoding="utf-8")))
    assert set(arguments.split()) <= own


def test_every_part_that_a_marker_needs_is_installed_by_continuous_integration() -> None:
    command = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (packages,) = re.findall(r"packages=\(([^)]*)\)", command)
    assert {"chromium", "prometheus"} <= set(packages.split())
