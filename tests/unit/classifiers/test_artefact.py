from __future__ import annotations

import json
import pickle
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from classifiers import artefact
from classifiers.artefact import ArtefactError, checksums, read_manifest, verify
from classifiers.model import load_model
from classifiers.topic_files import ARRAYS_FILE, NUMBERS_FILE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def folder(artefact_folder: Path, tmp_path: Path) -> Path:
    """A copy to harm."""
    return shutil.copytree(artefact_folder, tmp_path / "model")


def edit(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change manifest.json as somebody with an editor would."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    change(manifest)
    path.write_text(json.dumps(manifest), encoding="utf-8")


def reseal(folder: Path) -> None:
    """Make the checksums right again, as a forger would."""
    edit(folder, lambda manifest: manifest.update(files=checksums(folder)))


def complaint(folder: Path) -> str:
    with pytest.raises(ArtefactError) as raised:
        load_model(folder)
    message = str(raised.value)
    assert "\n" not in message
    return message


def test_a_whole_artefact_passes(folder: Path) -> None:
    manifest = verify(folder)
    assert set(manifest.files) == {path.name for path in folder.iterdir()} - {"manifest.json"}
    assert manifest == read_manifest(folder)
    assert load_model(folder).manifest == manifest


class TestDamage:
    @pytest.mark.parametrize("name", ["topics.npz", "topics.json", "regions.npz", "regions.forms.tsv"])
    def test_a_flipped_bit(self, folder: Path, name: str) -> None:
        data = bytearray((folder / name).read_bytes())
        data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
        assert f"{name} is damaged" in complaint(folder)

    def test_a_truncated_file(self, folder: Path) -> None:
        data = (folder / ARRAYS_FILE).read_bytes()
        (folder / ARRAYS_FILE).write_bytes(data[:-1])
        assert "topics.npz is damaged" in complaint(folder)

    def test_a_missing_file(self, folder: Path) -> None:
        (folder / NUMBERS_FILE).unlink()
        assert "topics.json is missing" in complaint(folder)

    def test_a_file_too_many(self, folder: Path) -> None:
        (folder / "extra.joblib").write_bytes(b"")
        assert "extra.joblib is not in the manifest" in complaint(folder)

    def test_a_folder_in_place_of_a_file(self, folder: Path) -> None:
        (folder / NUMBERS_FILE).unlink()
        (folder / NUMBERS_FILE).mkdir()
        assert "topics.json is damaged" in complaint(folder)

    def test_no_folder_and_an_empty_one(self, tmp_path: Path) -> None:
        assert "no manifest.json" in complaint(tmp_path / "nowhere")
        assert "no manifest.json" in complaint(tmp_path)

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"kind": 3}', b"null"])
    def test_a_manifest_that_is_none(self, folder: Path, data: bytes) -> None:
        (folder / "manifest.json").write_bytes(data)
        assert "not a model's manifest" in complaint(folder)

    def test_a_manifest_with_a_member_nobody_knows(self, folder: Path) -> None:
        edit(folder, lambda manifest: manifest.update(surprise=1))
        assert "not a model's manifest" in complaint(folder)

    def test_another_kind_and_another_format(self, folder: Path) -> None:
        edit(folder, lambda manifest: manifest.update(format=99))
        assert "format 99, this program reads 1" in complaint(folder)
        edit(folder, lambda manifest: manifest.update(kind="other-model"))
        assert "describes a 'other-model'" in complaint(folder)


class TestLibraries:
    @pytest.mark.parametrize(
        ("name", "release", "fits"),
        [
            ("numpy", "2.99.0", True),
            ("numpy", "3.0.0", False),
            ("numpy", "1.26.4", False),
            ("scikit-learn", "1.0.0", True),
            ("py3langid", "0.4.9", True),
            ("py3langid", "0.5.0", False),  # before 1.0 a minor version may break
        ],
    )
    def test_major_versions_must_match(self, folder: Path, name: str, release: str, fits: bool) -> None:
        installed = {**artefact.library_versions(), name: release}
        if fits:
            verify(folder, installed)
            return
        with pytest.raises(ArtefactError, match=f"trained with {name} .*installed is {release}"):
            verify(folder, installed)

    def test_a_library_that_is_not_installed(self, folder: Path) -> None:
        with pytest.raises(ArtefactError, match=r"needs scipy .*which is not installed"):
            verify(folder, {name: release for name, release in artefact.library_versions().items() if name != "scipy"})

    def test_the_mismatch_is_found_before_any_file_is_read(self, folder: Path) -> None:
        edit(folder, lambda manifest: manifest["libraries"].update(numpy="1.0"))
        for path in folder.iterdir():
            if path.name != "manifest.json":
                path.write_bytes(b"")
        assert "trained with numpy 1.0" in complaint(folder)


class Bomb:
    """A pickle that would tell that it was opened."""

    def __init__(self, witness: str) -> None:
        self.witness = witness

    def __reduce__(self) -> Any:
        return open, (self.witness, "w")


class TestForgery:
    """Files whose checksums somebody has put right: they must not run code nor be taken for a model."""

    def forge(self, folder: Path, **arrays: Any) -> None:
        with np.load(folder / ARRAYS_FILE) as stored:
            content = dict(stored.items())
        np.savez_compressed(folder / ARRAYS_FILE, **{**content, **arrays})
        reseal(folder)

    def test_a_pickle_is_not_opened(self, folder: Path, tmp_path: Path) -> None:
        witness = tmp_path / "opened"
        self.forge(folder, **{"ar.idf": np.array([Bomb(str(witness))], dtype=object)})
        assert "the topic files do not fit" in complaint(folder)
        (folder / ARRAYS_FILE).write_bytes(pickle.dumps(Bomb(str(witness))))
        reseal(folder)
        assert "the topic files do not fit" in complaint(folder)
        assert not witness.exists()

    def test_arrays_of_a_foreign_type_or_shape(self, folder: Path) -> None:
        with np.load(folder / ARRAYS_FILE) as stored:
            weights = stored["ar.weights"]
        for wrong in (weights.astype(np.float64), weights[:, :-1], weights[:-1], weights.ravel()):
            self.forge(folder, **{"ar.weights": wrong})
            assert "the topic files do not fit" in complaint(folder)

    @pytest.mark.parametrize(
        "text", ["{}", "[", '{"codes": [1], "languages": {}}', '{"codes": [], "languages": {"xx": {}}}']
    )
    def test_numbers_of_a_foreign_form(self, folder: Path, text: str) -> None:
        (folder / NUMBERS_FILE).write_text(text)
        reseal(folder)
        assert "the topic files do not fit" in complaint(folder)

    def test_labels_that_are_not_the_topics(self, folder: Path) -> None:
        edit(folder, lambda manifest: manifest["labels"].pop())
        assert "the manifest's labels are not those of the topic files" in complaint(folder)

    def test_region_files_of_another_form(self, folder: Path) -> None:
        (folder / "regions.npz").write_bytes(b"PK")
        reseal(folder)
        assert "region files" in complaint(folder)
