"""The worked example of classes of one's own: its commands run as the page says, and print what it says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from classifiers.artefact import verify
from streams.cli.models import labels_of
from streams.settings import load_labels
from streams.wire import kafka_topics
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from pathlib import Path

PAGE = (ROOT / "docs" / "labels.md").read_text(encoding="utf-8")
EXAMPLE = PAGE.partition("## Classes of your own\n")[2]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SECONDS = 120.0


def newswire(folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-c", "from streams.cli.main import main; main()", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """The folder in which the page's commands have run, and what each printed."""
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(ROOT / "docs" / "examples", folder / "docs" / "examples")
    (commands,) = [block for kind, block in FENCE.findall(EXAMPLE) if not kind]
    words = [shlex.split(line)[1:] for line in commands.splitlines()]
    assert [line[0] for line in words] == ["train", "model", "evaluate", "classify"]
    return folder, {line[0]: newswire(folder, *line) for line in words}


def test_it_prints_what_the_page_says(shown: tuple[Path, dict[str, str]]) -> None:
    (printed,) = [block for kind, block in FENCE.findall(EXAMPLE) if kind == "text"]
    head, words = printed.splitlines()
    assert shown[1]["classify"].splitlines()[0] == head
    # weights may differ in the last digit with the linear algebra of the machine; the words and their order do not
    names = re.compile(r"\w+ (?=[+-]\d)")
    assert names.findall(shown[1]["classify"].splitlines()[1])[:4] == names.findall(words)[:4]


def test_the_model_is_measured_and_described(shown: tuple[Path, dict[str, str]]) -> None:
    assert shown[1]["model"].startswith("city 1, made ")
    assert re.search(r"^traffic +4 +1\.000$", shown[1]["evaluate"], re.MULTILINE)


def test_its_labels_name_the_streams(shown: tuple[Path, dict[str, str]]) -> None:
    labels = labels_of(verify(shown[0] / "city"), load_labels())
    streams = {topic.name for topic in kafka_topics(labels) if topic.name.startswith("news.topic.")}
    assert streams == {f"news.topic.{slug}" for slug in ("traffic", "housing", "schools", "markets")}
