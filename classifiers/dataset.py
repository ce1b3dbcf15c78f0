"""Labelled examples: the JSONL form that training and evaluation read, its checks, and the splits.

One JSON object a line, UTF-8, plain or gzip (`.jsonl`, `.jsonl.gz`):

    {"id": "a-1", "lang": "tr", "title": "…", "text": "…", "topics": ["11000000"], "countries": ["TR"],
     "source": "…", "split": "train", "home": "TR"}

`lang` is a BCP 47 primary tag, `topics` any codes, main first (`medtop:` in front is dropped), `countries` ISO 3166-1
alpha-2, most important first. `topics` may be empty: the item is no news. `home` is the country of the source. All but
`lang`, `text` and `topics` may be missing; `split` is "train" or "dev"; what has none is dealt by a hash of its id, one
in eight to dev.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from classifiers.contract import Item

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

_DEV_SHARE = 8  # one in eight, as the desk data deals


class DatasetError(ValueError):
    """The examples cannot be used; the message names file, line and what is wrong."""


@dataclass(slots=True, frozen=True)
class Example:
    """One labelled item."""

    id: str
    language: str
    title: str
    text: str
    topics: tuple[str, ...]
    countries: tuple[str, ...]
    source: str
    split: str
    home: str | None = None

    @property
    def item(self) -> Item:
        return Item(self.title, self.text, self.language, self.home)


def read_examples(path: Path, without_split: str = "") -> list[Example]:
    """Read one file, or every `*.jsonl` and `*.jsonl.gz` of a folder in the order of their names.

    `without_split` is the split of examples that name none; empty deals them by a hash of the id.

    Raises DatasetError on a missing path, an empty set, a malformed line or two examples of one id.
    """
    files = _files(path)
    examples = [example for file in files for example in _read_file(file, without_split)]
    if not examples:
        raise DatasetError(f"{path}: no examples; give a .jsonl or .jsonl.gz file, or a folder of them")
    twice = [name for name, count in Counter(example.id for example in examples).items() if count > 1]
    if twice:
        raise DatasetError(f"{path}: {len(twice)} ids stand more than once, the first is {twice[0]!r}")
    return examples


def _files(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.iterdir() if file.name.endswith((".jsonl", ".jsonl.gz")))
    if not path.exists():
        raise DatasetError(f"{path}: no such file or folder")
    return [path]


def _read_file(path: Path, without_split: str) -> Iterator[Example]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as lines:
        try:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _example(line, f"{path}:{number}", without_split)
        except (gzip.BadGzipFile, EOFError) as error:
            raise DatasetError(f"{path}: not a whole gzip file ({error})") from error


def _example(line: bytes, where: str, without_split: str) -> Example:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise DatasetError(f"{where}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise DatasetError(f"{where}: one JSON object a line is wanted, this is a {type(row).__name__}")
    name = _text(row, "id", where) or where
    topics = tuple(code.removeprefix("medtop:") for code in _codes(row, "topics", where))
    split = _text(row, "split", where) or without_split or _dealt(name)
    if split not in ("train", "dev"):
        raise DatasetError(f'{where}: split is {split!r}; "train" or "dev" is wanted')
    language = _text(row, "lang", where)
    if not language:
        raise DatasetError(f"{where}: lang is missing")
    return Example(
        id=name,
        language=language,
        title=_text(row, "title", where),
        text=_text(row, "text", where),
        topics=topics,
        countries=_codes(row, "countries", where),
        source=_text(row, "source", where),
        split=split,
        home=_text(row, "home", where) or None,
    )


def _text(row: dict[str, Any], field: str, where: str) -> str:
    value = row.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DatasetError(f"{where}: {field} is a {type(value).__name__}; text is wanted")
    return value


def _codes(row: dict[str, Any], field: str, where: str) -> tuple[str, ...]:
    value = row.get(field) or []
    if not isinstance(value, list) or not all(isinstance(code, str) and code for code in value):
        raise DatasetError(f"{where}: {field} is no list of codes")
    return tuple(dict.fromkeys(value))


def _dealt(name: str) -> str:
    return "dev" if hashlib.blake2b(name.encode(errors="surrogatepass")).digest()[0] % _DEV_SHARE == 0 else "train"


def digest(examples: Iterable[Example]) -> str:
    """SHA-256 over every field of the examples in the order of their ids: which data a model was trained on."""
    total = hashlib.sha256()
    for example in sorted(examples, key=lambda one: one.id):
        fields = (example.id, example.language, example.title, example.text, example.topics, example.countries)
        total.update(json.dumps(fields).encode())
    return total.hexdigest()


def by_language(examples: Sequence[Example]) -> dict[str, list[Example]]:
    """Examples by language, the language with most examples first, ties by name."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.language, []).append(example)
    return dict(sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])))
