"""`newswire classify` on files and on standard input, with the shipped model."""

from __future__ import annotations

import gzip
import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from classifiers import artefact
from classifiers.model import SHIPPED
from streams.articles import decode_article, decode_labelled
from streams.cli import classify, models
from streams.cli.main import group
from streams.errors import InvalidError, TransientError
from streams.sources.extract import MAX_PAGE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = Path(__file__).parents[3] / "configs" / "demo" / "page-ar.txt"
ITEMS = [
    {"title": "Strong earthquake damages houses in northern Japan", "text": "Rescue teams searched for the injured."},
    {"title": "Merkez Bankası faizi sabit tuttu", "text": "Enflasyon yavaşladı, borsa yükseldi.", "language": "tr"},
    {"title": "السنغال تتعادل مع الكاميرون في كأس أفريقيا", "text": "سجل المهاجم هدف التعادل في الدقيقة الأخيرة."},
]
EXPECTED = [("03000000", ["JP"], "en"), ("04000000", None, "tr"), ("15000000", ["SN", "CM"], "ar")]


@pytest.fixture(autouse=True)
def _load_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real model, but loaded once for all runs in this process."""
    monkeypatch.setattr(models, "open_model", _open_model)


_open_model = cache(models.open_model)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(group, ["classify", *map(str, arguments)])


def piped(data: bytes, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", "from streams.cli.main import main; main()", "classify", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=False, timeout=120)


def without_encoder(folder: Path) -> Path:
    """The shipped model as a user's own would be: the linear tier alone."""
    shutil.copytree(SHIPPED, folder, ignore=shutil.ignore_patterns("encoder.*"))
    manifest = replace(artefact.read_manifest(folder), tiers=["linear"], files=artefact.checksums(folder))
    artefact.write_manifest(folder, manifest)
    return folder


def json_lines(items: list[Any]) -> bytes:
    return "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items).encode()


def assert_expected(output: bytes) -> None:
    found = [decode_labelled(line) for line in output.splitlines()]
    assert len(found) == len(EXPECTED)
    for article, (topic, countries, language) in zip(found, EXPECTED, strict=True):
        assert article.topics[0] == topic
        assert countries is None or article.countries == countries
        assert article.classification.language.tag == language
        assert article.classification.axes[0].tier == "blend"  # they are headlines


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_file_of_items(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / ("items.jsonl" if pack is bytes else "items.jsonl.gz")
    path.write_bytes(pack(json_lines(ITEMS)))
    shown = run(path)
    assert (shown.exit_code, shown.stderr) == (0, "")
    assert_expected(shown.stdout_bytes)


def test_items_on_standard_input() -> None:
    done = piped(b"\n" + json_lines(ITEMS), "-")
    assert (done.returncode, done.stderr) == (0, b"")
    assert_expected(done.stdout)


def test_ninjs_in_and_the_same_item_labelled_out(tmp_path: Path) -> None:
    first = run(write(tmp_path / "a.jsonl", json_lines(ITEMS[:1]))).stdout_bytes
    labelled = json.loads(first)
    bare = {name: value for name, value in labelled.items() if name not in ("subjects", "places", "classification")}
    again = json.loads(run(write(tmp_path / "b.jsonl", json_lines([bare]))).stdout_bytes)
    assert {name: again[name] for name in bare} == bare
    assert again["subjects"] == labelled["subjects"]
    assert decode_article(json.dumps(bare).encode()).uri == labelled["uri"]


def test_a_canceled_item_passes_unlabelled(tmp_path: Path) -> None:
    item = json.loads(run(write(tmp_path / "a.jsonl", json_lines(ITEMS[:1]))).stdout_bytes)
    for name in ("subjects", "places", "classification"):
        item.pop(name)
    mixed = [item, {**item, "pubStatus": "canceled"}, item]
    lines = [json.loads(line) for line in run(write(tmp_path / "b.jsonl", json_lines(mixed))).stdout_bytes.splitlines()]
    assert [line["classification"]["status"] for line in lines] == ["labelled", "abstained", "labelled"]
    assert "subjects" not in lines[1]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


class TestOneText:
    def test_a_short_first_line_is_the_headline(self, tmp_path: Path) -> None:
        path = write(tmp_path / "a.txt", "Deprem Malatya'yı salladı\n\nEkipler enkazda arama yapıyor.\n".encode())
        [article] = [decode_labelled(line) for line in run(path).stdout_bytes.splitlines()]
        assert article.headlines[0].value == "Deprem Malatya'yı salladı"
        assert article.bodies[0].value == "Ekipler enkazda arama yapıyor."
        assert article.topics == ["03000000"]

    def test_one_paragraph_has_no_headline_of_its_own(self, tmp_path: Path) -> None:
        text = "The court sentenced the former mayor to six years in prison for taking bribes from builders."
        [article] = [
            decode_labelled(line) for line in run(write(tmp_path / "a", text.encode())).stdout_bytes.splitlines()
        ]
        assert article.bodies[0].value == text
        assert article.topics == ["02000000"]

    def test_on_standard_input(self) -> None:
        done = piped(b"Kenya and Ethiopia reopen border crossing\nTraders cheered.", "-", "--format", "text")
        assert done.returncode == 0
        assert done.stdout.decode().split("\t")[1:3] == ["KE,ET", "en"]


class TestPage:
    def test_a_page_gives_its_items(self) -> None:
        shown = run(PAGE, "--page", "--format", "text")
        rows = [line.split("\t") for line in shown.stdout.splitlines()]
        assert [(row[0].split(",")[0], row[2]) for row in rows] == [
            ("economy", "ar"),
            ("disaster", "ar"),
            ("sport", "ar"),
            ("health", "ar"),
            ("conflict", "ar"),
        ]
        assert [row[1].split(",")[0] for row in rows[:2] + rows[3:]] == ["JO", "JP", "PK", "CO"]
        assert "MA" in rows[2][1].split(",")

    def test_the_winner_comes_before_the_venue(self) -> None:
        rows = [line.split("\t") for line in run(PAGE, "--page", "--format", "text").stdout.splitlines()]
        assert rows[2][1].split(",")[0] == "MA"

    def test_on_standard_input(self) -> None:
        done = piped(PAGE.read_bytes(), "-", "--page")
        assert (done.returncode, len(done.stdout.splitlines())) == (0, 5)

    @pytest.mark.shared
    def test_the_seed_page(self, shared: Path) -> None:
        [path] = (shared / "data" / "seed").glob("*.txt")
        found = [decode_labelled(line) for line in run(path, "--page").stdout_bytes.splitlines()]
        # main topics that its README allows, and countries that must be among those given
        allowed = [
            {"11000000"},
            {"04000000", "11000000"},
            {"11000000", "16000000"},
            {"16000000", "11000000"},
            {"11000000", "16000000"},
        ]
        assert [article.topics[0] in codes for article, codes in zip(found, allowed, strict=True)] == [True] * 5
        assert {"11000000", "16000000"} <= set(found[0].topics)
        assert "04000000" in found[1].topics


class TestText:
    def test_an_explained_label_shows_its_words(self, tmp_path: Path) -> None:
        shown = run(write(tmp_path / "a.jsonl", json_lines(ITEMS[:1])), "--format", "text", "--explain")
        head, *why = shown.stdout.splitlines()
        assert head.split("\t") == ["disaster", "JP", "en", ITEMS[0]["title"]]
        assert why[0].startswith("    disaster 0.9")
        assert "earthquake +0." in why[0]
        assert why[1].startswith("    JP ")
        assert "Japan" in why[1]

    def test_an_abstained_item_says_why(self, tmp_path: Path) -> None:
        shown = run(write(tmp_path / "a.txt", b"Rain"), "--format", "text")
        assert shown.stdout.split("\t")[0] == "- (too_short)"


def test_json_carries_the_explanation_when_asked(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", json_lines(ITEMS[:1]))
    plain, explained = (decode_labelled(run(path, *more).stdout_bytes.strip()) for more in ((), ("--explain",)))
    assert plain.classification.axes[0].explanation is None
    words = {evidence.word for evidence in explained.classification.axes[0].explanation or ()}
    assert "earthquake" in words


class TestWhatIsWrong:
    def test_bad_lines_cost_themselves_alone(self, tmp_path: Path) -> None:
        data = b"{\n" + json_lines(ITEMS[:1]) + b'{"title": "no text"}\n' + json_lines(ITEMS[1:])
        shown = run(write(tmp_path / "items.jsonl", data))
        assert_expected(shown.stdout_bytes)
        assert [line.partition(": ")[2][:7] for line in shown.stderr.splitlines()] == ["line 1:", "line 3:"]
        assert isinstance(shown.exception, InvalidError)
        assert "2 of its items could not be read" in str(shown.exception)

    def test_exit_status_and_one_line_on_stderr(self, tmp_path: Path) -> None:
        done = piped(b"x\xff", "-")
        assert (done.returncode, done.stdout) == (2, b"")
        assert done.stderr.decode().splitlines() == [
            "newswire: the text is not UTF-8 (invalid start byte at byte 1): convert it first"
        ]

    @pytest.mark.parametrize("name", ["none.txt", "none.jsonl"])
    def test_a_missing_file(self, tmp_path: Path, name: str) -> None:
        shown = run(tmp_path / name)
        assert isinstance(shown.exception, InvalidError)
        assert "there is no such file" in str(shown.exception)

    def test_an_empty_text(self, tmp_path: Path) -> None:
        assert isinstance(run(write(tmp_path / "a.txt", b" \n")).exception, InvalidError)

    def test_an_endless_text(self, tmp_path: Path) -> None:
        shown = run(write(tmp_path / "a.txt", b"a" * (MAX_PAGE_BYTES + 1)))
        assert isinstance(shown.exception, InvalidError)
        assert "give items as JSON lines" in str(shown.exception)

    def test_a_file_that_may_not_be_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(_: Path) -> None:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(classify.io, "FileIO", refuse)  # the tests may run as root, who may read everything
        shown = run(write(tmp_path / "a.txt", b"text"))
        assert isinstance(shown.exception, TransientError)

    @pytest.mark.parametrize("quality", ["balanced", "best"])
    def test_a_quality_that_the_model_lacks(self, tmp_path: Path, quality: str) -> None:
        items = write(tmp_path / "a.jsonl", json_lines(ITEMS))
        plain = without_encoder(tmp_path / "plain")
        assert run(items, "--model", plain).exit_code == 0  # the setting means the shipped model
        shown = run(items, "--model", plain, "--quality", quality)
        assert isinstance(shown.exception, InvalidError)
        assert "needs a model with an encoder" in str(shown.exception)

    def test_a_folder_that_is_no_model(self, tmp_path: Path) -> None:
        shown = run(write(tmp_path / "a.jsonl", json_lines(ITEMS)), "--model", tmp_path)
        assert isinstance(shown.exception, InvalidError)
        assert "no manifest.json, so this is no model" in str(shown.exception)


def test_help_has_an_example() -> None:
    assert "newswire classify article.txt --format text --explain" in run("--help").output
