"""The pages say what the code does: generated ones are current, examples are valid, links and commands exist."""

from __future__ import annotations

import ast
import importlib
import json
import re
import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import click
import pytest
import yaml

from streams import wire
from streams.articles import decode_article, decode_labelled
from streams.cli.main import group
from streams.settings import load_labels, load_settings
from tests.items import as_bytes
from tests.repository.schemas import ARTICLE, LABELLED, validator
from tests.repository.source import ROOT, tracked_files

if TYPE_CHECKING:
    from pathlib import Path

PAGES = [path for path in tracked_files() if path.suffix == ".md"]
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
WIRE = (ROOT / "docs" / "wire.md").read_text(encoding="utf-8")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(text: str) -> set[str]:
    """The fragments that a page's headings give."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_what_is_made_from_the_code_is_current() -> None:
    command = [sys.executable, str(ROOT / "docs" / "build.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_setting_has_a_row_and_a_meaning() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \| `.*?` \| .+? \| `(\w+)` \| (.*) \|$", text_of(ROOT / "docs" / "settings.md"), re.MULTILINE
    )
    known = load_settings(None, {}, {})
    assert len(rows) > 20
    for key, variable, _ in rows:
        table, _, last = variable.removeprefix("NEWSWIRE_").rpartition("__")
        found: Any = known
        for part in [*table.lower().split("__"), last.lower()]:
            found = getattr(found, part)
        assert key == last.lower()
    assert not [variable for _, variable, meaning in rows if not meaning.strip()]


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", text_of(page))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        missing = not path.exists() or (fragment and path.suffix == ".md" and fragment not in anchors(text_of(path)))
        if missing:
            broken.append(target)
    assert not broken


@every_page
def test_paths_that_a_page_names_exist(page: Path) -> None:
    named = re.findall(r"`((?:configs|streams|classifiers|deploy|tests|docs)/[\w./-]+)`", text_of(page))
    assert not [name for name in named if not (ROOT / name).exists()]


def commands(page: Path) -> list[list[str]]:
    """The command lines of a page's blocks that start newswire, without comments."""
    blocks = [body for language, body in FENCE.findall(text_of(page)) if language in ("", "sh", "console")]
    lines = [line.strip() for body in blocks for line in body.splitlines()]
    return [shlex.split(line, comments=True) for line in lines if re.match(r"newswire [a-z-]", line)]


@every_page
def test_commands_of_the_pages_exist_with_their_flags(page: Path) -> None:
    wrong = []
    for words in commands(page):
        context = click.Context(group)
        command: click.Command | None = group
        rest = words[1:]
        while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
            name = rest.pop(0)
            command = command.get_command(context, name)
            if command is None:
                wrong.append(f"{' '.join(words)}: no command {name}")
        flags = {flag for parameter in command.params for flag in parameter.opts} if command else set()
        unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in flags]
        if command and unknown:
            wrong.append(f"{' '.join(words)}: no flag {unknown}")
    assert not wrong


@every_page
def test_make_targets_of_the_pages_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", text_of(ROOT / "Makefile"), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z-]+)", text_of(page), re.MULTILINE)
    assert set(named) <= targets


@every_page
def test_python_of_the_pages_names_what_there_is(page: Path) -> None:
    for body in (body for language, body in FENCE.findall(text_of(page)) if language == "python"):
        tree = ast.parse(body)
        modules = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
                assert hasattr(importlib.import_module(node.value.id), node.attr), ast.unparse(node)
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    assert hasattr(importlib.import_module(node.module), alias.name), alias.name


def test_the_readme_has_the_two_commands_first() -> None:
    blocks = [body for language, body in FENCE.findall(text_of(ROOT / "README.md")) if language == "sh"]
    assert [line.split("#")[0].strip() for line in blocks[0].splitlines()] == ["make up", "make test"]


# --- wire.md


@pytest.fixture(scope="module")
def examples() -> tuple[Any, Any]:
    """The article and the labelled article of the page."""
    article, labelled = (json.loads(body) for language, body in FENCE.findall(WIRE) if language == "json")
    return article, labelled


def test_the_examples_are_valid(examples: tuple[Any, Any]) -> None:
    article, labelled = examples
    validator(ARTICLE).validate(article)
    validator(LABELLED).validate(labelled)
    assert decode_article(as_bytes(article)).uri == decode_labelled(as_bytes(labelled)).uri


def test_the_labelled_example_is_the_article_and_what_we_say_of_it(examples: tuple[Any, Any]) -> None:
    article, labelled = examples
    plain = dict(labelled)
    del plain["classification"]
    plain["subjects"] = [s for s in plain["subjects"] if not s.get("creator", "").startswith("urn:newswire:model:")]
    codes = {score["code"] for axis in labelled["classification"]["axes"] for score in axis["scores"]}
    plain["places"] = [p for p in plain["places"] if p["literal"].removeprefix("iso3166-1a2:") not in codes]
    assert {name: value for name, value in plain.items() if value} == article


def test_the_labelled_example_goes_where_the_page_says(examples: tuple[Any, Any]) -> None:
    article = decode_labelled(as_bytes(examples[1]))
    labels = load_labels()
    streams = wire.streams_of(article, labels)
    assert streams == ["news.labelled", "news.topic.economy", "news.region.western-asia"]
    assert f"goes to {', '.join(f'`{s}`' for s in streams[:2])} and `{streams[2]}`" in WIRE
    for subject, code in zip(examples[1]["subjects"][1:], article.topics, strict=True):
        assert subject["name"] == labels.topics[code].names["en"]
        assert subject["uri"] == f"http://cv.iptc.org/newscodes/mediatopic/{code}"
    confidence = [subject["confidence"] for subject in examples[1]["subjects"][1:]]
    scores = [score["score"] for score in article_axis(examples[1], "topic")["scores"]]
    assert confidence == [round(100 * score) for score in scores[: len(confidence)]]
    for place, code in zip(examples[1]["places"], article.countries, strict=True):
        assert place["name"] == labels.countries[code].names["en"]


def article_axis(item: Any, name: str) -> Any:
    return next(axis for axis in item["classification"]["axes"] if axis["axis"] == name)


def test_the_table_of_kafka_topics_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(news\.[\w.<>-]+)` \| .+? \| (.+?) \| (\d+) \| (.+?) \|$", WIRE, re.MULTILINE)
    written = {name: (int(partitions), kept) for name, _, partitions, kept in rows}
    code = {}
    for one in wire.kafka_topics(load_labels()):
        name = one.name
        for stream in (wire.TOPIC_STREAM, wire.REGION_STREAM):
            name = f"{stream}<slug>" if name.startswith(stream) else name
        days = "compacted" if one.retention_ms is None else f"{one.retention_ms // 86_400_000} days"
        code.setdefault(name, set()).add((one.partitions, days))
    assert {name: {row} for name, row in written.items()} == code


def test_the_table_of_headers_is_that_of_asyncapi() -> None:
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (both|labelled) \| ", WIRE, re.MULTILINE))
    schemas = yaml.safe_load((ROOT / "configs" / "asyncapi.yaml").read_text(encoding="utf-8"))["components"]["schemas"]
    assert set(rows) == set(schemas["labelledArticleHeaders"]["properties"])
    assert {name for name, where in rows.items() if where == "both"} == set(schemas["articleHeaders"]["properties"])
    assert set(re.findall(r"`(newswire-error-\w+)`", WIRE)) == set(schemas["deadLetterHeaders"]["properties"])
