"""The lock files: hashed, without an index, and what pyproject.toml asks for."""

from __future__ import annotations

import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from itertools import chain
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.repository.source import ROOT, modules, parse, test_modules

LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
UNLOCKED = "encoder-training"  # gigabytes of torch, for one command
PYTHONS = ("3.11", "3.12", "3.13")


@cache
def locked(name: str) -> dict[str, list[Requirement]]:
    """The requirements of a lock file by their canonical name; a package may be there once for each platform."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[Requirement]] = {}
    for line in text.splitlines():
        if line and not line.startswith((" ", "#")):
            requirement = Requirement(re.split(r"\s+--hash|\s+#", line)[0])
            found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def version_of(requirement: Requirement) -> str:
    (specifier,) = requirement.specifier
    assert specifier.operator == "==", requirement
    return specifier.version


@cache
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed_and_no_index_is_named(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)
    assert len(entries) > 1
    for entry in entries:
        assert re.match(r"[A-Za-z0-9._-]+(\[[\w,-]+\])?==\S+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry[:80]
    assert not re.search(r"--(extra-)?index-url|--find-links|://", text)


def check(asked: list[str], lock: str) -> None:
    for line in asked:
        requirement = Requirement(line)
        found = locked(lock).get(canonicalize_name(requirement.name))
        assert found, f"{line}: not in {lock}; run `make lock`"
        for one in found:
            assert requirement.specifier.contains(version_of(one), prereleases=True), f"{line}: {lock} has {one}"


def test_the_lock_of_running_holds_the_dependencies() -> None:
    check(project()["project"]["dependencies"], "requirements.lock")


def test_the_lock_of_testing_holds_everything_in_the_same_versions() -> None:
    check(project()["project"]["dependencies"], "requirements-dev.lock")
    check([line for line in project()["dependency-groups"]["dev"] if isinstance(line, str)], "requirements-dev.lock")
    extras = {name: asked for name, asked in project()["project"]["optional-dependencies"].items() if name != UNLOCKED}
    check(list(chain(*extras.values())), "requirements-dev.lock")
    assert "torch" not in locked("requirements-dev.lock")
    for lock in ("requirements.lock", "requirements-extras.lock"):
        for name, running in locked(lock).items():
            tested = {str(r.specifier) for r in locked("requirements-dev.lock")[name]}
            assert {str(r.specifier) for r in running} == tested


def test_the_lock_of_the_image_holds_the_dependencies_and_every_extra() -> None:
    extras = {name: asked for name, asked in project()["project"]["optional-dependencies"].items() if name != UNLOCKED}
    check([*project()["project"]["dependencies"], *chain(*extras.values())], "requirements-extras.lock")


def test_what_was_taken_out_of_the_dependencies_is_out_of_the_lock() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    direct = re.findall(r"^([A-Za-z0-9._-]+)==(?:.*\n)(?:    --hash.*\n)*    # via newswire", text, re.MULTILINE)
    asked = {canonicalize_name(Requirement(line).name) for line in project()["project"]["dependencies"]}
    assert {canonicalize_name(name) for name in direct} <= asked


@pytest.mark.parametrize("python", PYTHONS)
def test_the_locks_hold_for_every_python_that_is_promised(python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.0", "sys_platform": "linux"}
    for name, found in locked("requirements.lock").items():
        applying = [one for one in found if one.marker is None or Marker(str(one.marker)).evaluate(environment)]
        assert len(applying) <= 1, f"{name} twice on Python {python}"
    required = {canonicalize_name(Requirement(line).name) for line in project()["project"]["dependencies"]}
    for name in required:
        assert any(one.marker is None or one.marker.evaluate(environment) for one in locked("requirements.lock")[name])


def test_what_tests_and_builders_import_is_declared() -> None:
    declared = [
        *project()["project"]["dependencies"],
        *chain(*project()["project"]["optional-dependencies"].values()),
        *(line for line in project()["dependency-groups"]["dev"] if isinstance(line, str)),
    ]
    names = {canonicalize_name(Requirement(line).name) for line in declared}
    # part of what is declared: jsonschema's registry, FastAPI's base, lxml of trafilatura
    names |= {"referencing", "starlette"}
    others = [parse(path) for folder in ("deploy", "docs") for path in (ROOT / folder).rglob("*.py")]
    local = {"streams", "classifiers", "tests"} | {module.path.stem for module in others}
    imported = {found.name.split(".")[0] for module in (*test_modules(), *others) for found in module.imports}
    distributions = packages_distributions()
    undeclared = {
        name
        for name in imported - local - set(sys.stdlib_module_names)
        if not names & {canonicalize_name(one) for one in distributions.get(name, [name])}
    }
    assert not undeclared


def test_no_dependency_is_declared_that_nothing_imports() -> None:
    # reasons for what is used without being imported stand beside them in pyproject.toml
    unseen = {"crc32c", "lz4", "zstandard", "lxml-html-clean", "mode-streaming", "huggingface-hub"}
    imported = {found.name.split(".")[0] for module in modules() for found in module.imports}
    distributions = {
        canonicalize_name(name) for top, names in packages_distributions().items() if top in imported for name in names
    }
    asked = {canonicalize_name(Requirement(line).name) for line in project()["project"]["dependencies"]}
    assert sorted(asked - distributions - unseen) == []
