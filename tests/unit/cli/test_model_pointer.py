"""The folder that a worker's model comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from classifiers import artefact
from streams.cli.model_pointer import ModelPointer
from streams.errors import InvalidError
from tests.models import linear_copy

if TYPE_CHECKING:
    from pathlib import Path


def switch(link: Path, folder: Path) -> None:
    """As `ln -sfn` does: the link names the one or the other at every moment."""
    new = link.with_suffix(".new")
    new.symlink_to(folder)
    new.replace(link)


def test_a_link_that_names_another_folder_is_another_model(tmp_path: Path) -> None:
    first, second = linear_copy(tmp_path / "one", "1"), linear_copy(tmp_path / "two", "2")
    link = tmp_path / "current"
    switch(link, first)
    pointer = ModelPointer(link, "balanced", None)
    seen = pointer.look()
    assert pointer.open().model.version == "1"
    assert pointer.look() == seen
    assert pointer.load() is None, "it is loaded already"
    switch(link, second)
    assert pointer.look() != seen
    found = pointer.load()
    assert found is not None
    assert found.model.version == "2"
    assert found.baseline is not None
    assert found.labels.topics["15000000"].slug == "sport"
    assert pointer.load() is None


def test_a_damaged_model_is_refused_and_the_one_before_stays_the_one_that_is_known(tmp_path: Path) -> None:
    folder = linear_copy(tmp_path / "one", "1")
    pointer = ModelPointer(folder, "fast", None)
    pointer.open()
    seen, whole = pointer.look(), artefact.read_manifest(folder)
    (folder / "topics.json").write_bytes(b"{}")
    artefact.write_manifest(folder, replace(whole, version="2"))
    assert pointer.look() != seen
    for _ in range(2):
        with pytest.raises(InvalidError, match=r"topics.json is damaged"):
            pointer.load()


def test_what_the_command_line_asks_for_the_new_model_must_serve(tmp_path: Path) -> None:
    pointer = ModelPointer(linear_copy(tmp_path / "one", "1"), "balanced", "best")
    with pytest.raises(InvalidError, match="needs a model with an encoder"):
        pointer.load()


def test_a_folder_that_is_gone_is_another_state_and_no_model(tmp_path: Path) -> None:
    pointer = ModelPointer(tmp_path / "nowhere", "fast", None)
    assert pointer.look() == pointer.look()
    with pytest.raises(InvalidError, match=r"no manifest.json"):
        pointer.load()
