"""The source as the repository tests see it: its modules, what each imports, and the files that git tracks."""

from __future__ import annotations

import ast
import subprocess
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PACKAGES = ("streams", "classifiers")

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Import(NamedTuple):
    """What a line imports. `deferred`: inside a function, or for the type checker only."""

    name: str
    line: int
    deferred: bool


class Module(NamedTuple):
    """A module of the packages; `name` is dotted, without `__init__`."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def where(self) -> str:
        return str(self.path.relative_to(ROOT))

    @property
    def lines(self) -> int:
        return len(self.path.read_text(encoding="utf-8").splitlines())

    @property
    def imports(self) -> list[Import]:
        return list(_imports(self.tree.body, self, deferred=False))

    @property
    def functions(self) -> list[Function]:
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]


@cache
def modules() -> tuple[Module, ...]:
    """Every module of streams and classifiers."""
    return tuple(parse(path) for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py")))


@cache
def test_modules() -> tuple[Module, ...]:
    """Every module below tests."""
    return tuple(parse(path) for path in sorted((ROOT / "tests").rglob("*.py")))


test_modules.__test__ = False  # type: ignore[attr-defined]  # no test, whatever its name


def parse(path: Path) -> Module:
    parts = path.relative_to(ROOT).with_suffix("").parts
    name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    return Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))


@cache
def tracked_files() -> tuple[Path, ...]:
    """The files that are part of the project: tracked by git, or new and not ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True).stdout.decode().split("\0")
    return tuple(ROOT / name for name in listed if name and (ROOT / name).is_file())


def text_of(path: Path) -> str | None:
    """The text of a file, or None for one that is no text."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return None


def _imports(body: list[ast.stmt], module: Module, *, deferred: bool) -> Iterator[Import]:
    for node in body:
        match node:
            case ast.Import():
                for alias in node.names:
                    yield Import(alias.name, node.lineno, deferred)
            case ast.ImportFrom():
                base = _absolute(node, module)
                for alias in node.names:
                    full = f"{base}.{alias.name}"
                    yield Import(full if full in _names() else base, node.lineno, deferred)
            case ast.If() if "TYPE_CHECKING" in ast.unparse(node.test):
                yield from _imports(node.body, module, deferred=True)
                yield from _imports(node.orelse, module, deferred=deferred)
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _imports(node.body, module, deferred=True)
            case ast.Match():
                for case_ in node.cases:
                    yield from _imports(case_.body, module, deferred=deferred)
            case _:
                for field in ("body", "orelse", "finalbody"):
                    yield from _imports(getattr(node, field, []), module, deferred=deferred)
                for handler in getattr(node, "handlers", []):
                    yield from _imports(handler.body, module, deferred=deferred)


def _absolute(node: ast.ImportFrom, module: Module) -> str:
    if not node.level:
        return node.module or ""
    package = module.name.split(".")
    up = node.level - (module.path.name == "__init__.py")
    return ".".join(package[: len(package) - up] + ([node.module] if node.module else []))


@cache
def _names() -> frozenset[str]:
    paths = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    dotted = (".".join(path.relative_to(ROOT).with_suffix("").parts) for path in paths)
    return frozenset(name.removesuffix(".__init__") for name in dotted)
