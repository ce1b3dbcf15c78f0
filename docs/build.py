# ruff: noqa: INP001
"""Makes what says the same as the code: metrics.md and settings.md, the dashboards, and manifests of Kubernetes.

python docs/build.py            writes them
python docs/build.py --check    exits with 1 where a file is not what would be written
"""

from __future__ import annotations

import argparse
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec.inspect

from streams import metrics
from streams.settings import PREFIX, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parent
DEPLOY = FOLDER.parent / "deploy"
sys.path += [str(DEPLOY / "grafana"), str(DEPLOY / "kubernetes")]  # folders of scripts like this one, no packages

import boards  # noqa: E402
import manifests  # noqa: E402

SETTINGS = FOLDER.parent / "configs" / "newswire.toml"
TABLE_LINE = re.compile(r"\[(?P<table>[\w.]+)\]\s*(?:#\s*(?P<comment>.*))?")
KEY_LINE = re.compile(r"(?P<key>\w+) = (?P<value>\"[^\"]*\"|[^#]*?)\s*(?:#\s*(?P<comment>.*))?")


METRICS_INTRODUCTION = """\
# Metrics

Worker, gateway and publisher answer on `/metrics` in Prometheus' text format. Names and labels are an interface: this
page is made from the table in `streams/metrics.py`, and the dashboards and alerts in `deploy/` are tested against it.

Items conserve: `newswire_read_items_total` is the sum of `newswire_items_total` over its outcomes; the abstained ones
are the sum of `newswire_abstained_items_total` over its reasons, the dead ones that of `newswire_dead_letters_total`.
All are counted after the transaction that made them true has been committed.

| name | type | labels | meaning |
|---|---|---|---|
"""
# what a label may be, where that is a list of ours; the others are slugs, numbers and names from the settings
LABEL_VALUES = (
    ("newswire_items_total", "outcome", metrics.OUTCOMES),
    ("newswire_abstained_items_total", "reason", metrics.ABSTAIN_REASONS),
    ("newswire_dead_letters_total", "reason", metrics.DEAD_REASONS),
    ("newswire_stage_seconds", "stage", metrics.STAGES),
    ("newswire_transactions_total", "result", metrics.RESULTS),
    ("newswire_sink_errors_total", "kind", metrics.SINK_ERRORS),
    ("newswire_duplicates_total", "kind", metrics.DUPLICATE_KINDS),
)

SETTINGS_INTRODUCTION = """\
# Settings

Made from `configs/newswire.toml`, which holds every setting with its default. A later place wins: that file, a file
given as `newswire --config FILE`, the environment, the command line. All are checked before anything starts; a name
that does not exist is refused with the nearest one that does.
"""


def metrics_page() -> str:
    """Every metric with its type, labels and meaning."""
    rows = [
        f"| `{row.name}` | {row.kind} | {', '.join(row.labels) or '-'} | {row.help}{_buckets(row)} |\n"
        for row in metrics.TABLE
    ]
    values = [f"| `{name}` | {label} | {', '.join(known)} |\n" for name, label, known in LABEL_VALUES]
    return "".join([METRICS_INTRODUCTION, *rows, "\n| name | label | values |\n|---|---|---|\n", *values])


def _buckets(row: metrics.Metric) -> str:
    return f". Buckets up to: {', '.join(f'{bound:g}' for bound in row.buckets)}" if row.buckets else ""


def settings_page() -> str:
    """Every setting with its default, its environment variable and its meaning."""
    lines = [SETTINGS_INTRODUCTION.rstrip()]
    for table, comment, keys in _tables():
        lines += ["", f"## {table}", ""]
        lines += [f"{_sentence(comment)}", ""] if comment else []
        lines += ["| setting | default | values | environment variable | meaning |", "|---|---|---|---|---|"]
        for key, value, meaning in keys:
            variable = f"{PREFIX}{table.replace('.', '__')}__{key}".upper()
            values = _values(f"{table}.{key}")
            lines.append(f"| `{key}` | `{value}` | {values} | `{variable}` | {_sentence(meaning)} |")
    return "\n".join([*lines, ""])


def _tables() -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """(table, comment, [(key, default as written, comment)]) in the order of the file."""
    found: list[tuple[str, str, list[tuple[str, str, str]]]] = []
    text = SETTINGS.read_text(encoding="utf-8")
    for line in text.splitlines():
        if table := TABLE_LINE.fullmatch(line):
            found.append((table["table"], table["comment"] or "", []))
        elif key := KEY_LINE.fullmatch(line):
            found[-1][2].append((key["key"], key["value"], key["comment"] or ""))
        elif line and not line.startswith("#"):
            raise ValueError(f"{SETTINGS.name}: a line that this cannot read: {line}")
    written = {
        f"{table}.{key}": tomllib.loads(f"x = {value}")["x"] for table, _, keys in found for key, value, _ in keys
    }
    if written != dict(_flat(tomllib.loads(text))):
        raise ValueError(f"{SETTINGS.name} holds more than this reads of it")
    yield from found


def _flat(tree: dict[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{at}{key}.")
        else:
            yield at + key, value


def _values(name: str) -> str:
    """What a setting may be, from its type."""
    kind: Any = msgspec.inspect.type_info(Settings)
    for part in name.split("."):
        (kind,) = (field.type for field in kind.fields if field.name == part)
    match kind:
        case msgspec.inspect.LiteralType():
            return ", ".join(f"`{value}`" for value in kind.values)
        case msgspec.inspect.IntType() | msgspec.inspect.FloatType():
            return _range(kind)
        case msgspec.inspect.StrType():
            return "text"
        case msgspec.inspect.CustomType():
            return "path"
        case msgspec.inspect.BoolType():
            return "`true`, `false`"
    raise ValueError(f"{name}: no words for {kind}")


def _range(kind: msgspec.inspect.IntType | msgspec.inspect.FloatType) -> str:
    what = "number" if isinstance(kind, msgspec.inspect.FloatType) else "whole number"
    if kind.ge is not None and kind.le is not None:
        return f"{kind.ge:g} to {kind.le:g}"
    if kind.ge is not None:
        return f"{what}, {kind.ge:g} at least"
    return f"{what} over {kind.gt:g}" if kind.gt is not None else what


def _sentence(comment: str) -> str:
    """The comment for a cell of a table: a capital first, no comma last."""
    text = comment.strip().rstrip(",").replace("|", r"\|").replace("<", "&lt;")
    return text[:1].upper() + text[1:]


def made() -> dict[Path, str]:
    """Every file that is made, and what stands in it."""
    pages = {FOLDER / "metrics.md": metrics_page(), FOLDER / "settings.md": settings_page()}
    return pages | boards.made() | manifests.made()


def main() -> int:
    """The number of files that were not in step."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true")
    check = options.parse_args().check
    stale = []
    for path, text in made().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path.relative_to(FOLDER.parent))
            if not check:
                path.write_text(text, encoding="utf-8")
    print("\n".join(f"{name} {'is not what docs/build.py makes' if check else 'written'}" for name in stale))
    return len(stale) if check else 0


if __name__ == "__main__":
    sys.exit(main())
