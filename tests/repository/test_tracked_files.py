"""No tracked file names a registry's host, a path of somebody's machine, or a secret; none is large."""

from __future__ import annotations

import re
import tomllib

import pytest

from tests.repository.source import ROOT, text_of, tracked_files

# written in parts: this file is tracked as well
HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry.npm" + "js.org",
    "repo1.mav" + "en.org",
    "repo.mav" + "en.apache.org",
    "mav" + "en.org",
    "cr" + "ates.io",
    "proxy.go" + "lang.org",
    "hugging" + "face.co",
    "conda." + "anaconda.org",
    "deb.de" + "bian.org",
)
MACHINE = re.compile(
    r"(?<![\w.$}/])(?:/" + r"(?:root|work|home/(?!who/|user/)[a-z]\w*|Users/\w+|private/tmp)/" + r"|[A-Z]:\\Users\\)"
)
SHARED = "../" + "shared"
MAY_NAME_SHARED = ("tests/", "CONTRIBUTING.md", ".ci/", "pyproject.toml")
SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY|AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}|xox[bp]-[0-9]{8,}")
LARGE = 1_000_000
MAY_BE_LARGE = ("classifiers/models/", "classifiers/lexicon/", "requirements")

FILES = {path.relative_to(ROOT).as_posix(): path for path in tracked_files()}
TEXTS = {name: text for name, path in FILES.items() if (text := text_of(path)) is not None}


@pytest.mark.parametrize("host", HOSTS)
def test_no_file_names_a_registry(host: str) -> None:
    assert not [name for name, text in TEXTS.items() if host in text.lower()]


def test_no_file_names_a_path_of_a_machine() -> None:
    assert not [(name, found) for name, text in TEXTS.items() for found in MACHINE.findall(text)]


def test_the_training_data_is_named_in_tests_only() -> None:
    assert not [name for name, text in TEXTS.items() if SHARED in text and not name.startswith(MAY_NAME_SHARED)]


def test_no_file_holds_a_secret() -> None:
    assert not [name for name, text in TEXTS.items() if SECRET.search(text)]


def test_no_file_is_large() -> None:
    sizes = {name: path.stat().st_size for name, path in FILES.items() if not name.startswith(MAY_BE_LARGE)}
    assert not {name: size for name, size in sizes.items() if size > LARGE}


def test_text_ends_with_one_line_feed_and_has_unix_lines() -> None:
    ours = {
        name: text
        for name, text in TEXTS.items()
        if text and not name.startswith(("tests/data/", "configs/demo/", "classifiers/models/"))
    }
    assert not [name for name, text in ours.items() if not text.endswith("\n") or text.endswith("\n\n")]
    assert not [name for name in ours if b"\r\n" in FILES[name].read_bytes()]


def test_the_patterns_can_find_something() -> None:
    assert MACHINE.search("see /" + "root/x")
    assert MACHINE.search("'/" + "home/ada/x'")
    assert not MACHINE.search("https://example.org/work/x and $HOME/work/ and a/work/b and ./home/ada/")


def test_what_every_project_has_is_here() -> None:
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml", ".ci/run"):
        assert name in FILES, f"{name} is missing"
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_the_changelog_has_the_version_that_is_being_made() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert headings
    assert headings[0] == "Unreleased" or headings[0] == version
