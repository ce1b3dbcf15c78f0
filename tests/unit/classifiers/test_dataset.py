from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from classifiers.contract import Item
from classifiers.dataset import DatasetError, Example, by_language, digest, read_examples

if TYPE_CHECKING:
    from pathlib import Path

ROW = {"id": "a", "lang": "tr", "title": "Başlık", "text": "Metin", "topics": ["medtop:11000000", "04000000"]}


def written(path: Path, *rows: dict[str, Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_row_with_everything(tmp_path: Path) -> None:
    row = {**ROW, "countries": ["TR", "SY"], "source": "x", "split": "dev", "home": "TR", "more": 1}
    [example] = read_examples(written(tmp_path / "a.jsonl", row))
    assert example == Example("a", "tr", "Başlık", "Metin", ("11000000", "04000000"), ("TR", "SY"), "x", "dev", "TR")
    assert example.item == Item("Başlık", "Metin", "tr", "TR")


def test_a_bare_row_gets_an_id_and_a_split(tmp_path: Path) -> None:
    [example] = read_examples(written(tmp_path / "a.jsonl", {"lang": "en", "text": "Text", "topics": []}))
    assert example.id.endswith("a.jsonl:1")
    assert example.split in ("train", "dev")
    assert (example.title, example.countries, example.source, example.home) == ("", (), "", None)


def test_a_folder_is_read_in_order_plain_and_gzip(tmp_path: Path) -> None:
    written(tmp_path / "b.jsonl", {**ROW, "id": "b"})
    with gzip.open(tmp_path / "a.jsonl.gz", "wt", encoding="utf-8") as file:
        file.write(json.dumps(ROW) + "\n\n")
    (tmp_path / "README.md").write_text("no examples")
    assert [example.id for example in read_examples(tmp_path)] == ["a", "b"]


def test_dealt_splits_are_stable_and_about_one_in_eight(tmp_path: Path) -> None:
    path = written(tmp_path / "a.jsonl", *({**ROW, "id": f"n{number}"} for number in range(800)))
    splits = [example.split for example in read_examples(path)]
    assert 60 <= splits.count("dev") <= 140
    assert splits == [example.split for example in read_examples(path)]
    assert {example.split for example in read_examples(path, without_split="dev")} == {"dev"}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "a.jsonl:1: not JSON"),
        ("[1]", "one JSON object a line is wanted, this is a list"),
        (json.dumps({**ROW, "lang": None}), "lang is missing"),
        (json.dumps({**ROW, "title": 5}), "title is a int; text is wanted"),
        (json.dumps({**ROW, "topics": "11000000"}), "topics is no list of codes"),
        (json.dumps({**ROW, "topics": [11]}), "topics is no list of codes"),
        (json.dumps({**ROW, "countries": [""]}), "countries is no list of codes"),
        (json.dumps({**ROW, "split": "test"}), "split is 'test'"),
        ("", "no examples"),
        (json.dumps(ROW) + "\n" + json.dumps(ROW), "1 ids stand more than once, the first is 'a'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, line: str, complaint: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(DatasetError, match=r"\S") as raised:
        read_examples(path)
    assert complaint in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_path_and_half_a_gzip_file(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        read_examples(tmp_path / "none")
    whole = gzip.compress((json.dumps(ROW) + "\n").encode() * 100)
    (tmp_path / "half.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetError, match="not a whole gzip file"):
        read_examples(tmp_path / "half.jsonl.gz")


def test_the_digest_follows_content_and_not_order(examples: list[Example]) -> None:
    assert digest(examples) == digest(list(reversed(examples)))
    assert digest(examples) != digest(examples[1:])


def test_the_sample_covers_every_topic_in_three_languages(examples: list[Example]) -> None:
    groups = by_language(examples)
    assert {language: len(group) for language, group in groups.items()} == {"ar": 85, "en": 85, "tr": 85}
    for group in groups.values():
        assert len({example.topics[0] for example in group}) == 17
