"""Precedence, validation with the nearest name, types of the environment, masking, the label tables."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from streams import settings as module
from streams.errors import InvalidError
from streams.settings import MASK, Settings, configs_directory, load_labels, load_settings, masked, nearest


def load(config: Path | None = None, environ: dict[str, str] | None = None, **overrides: Any) -> Settings:
    given = {name.replace("__", "."): value for name, value in overrides.items()}
    return load_settings(config, environ or {}, given)


def config(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(*args: Any, **kwargs: Any) -> str:
    with pytest.raises(InvalidError) as caught:
        load(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_defaults_are_those_of_the_file() -> None:
    text = (configs_directory() / "newswire.toml").read_text(encoding="utf-8")
    assert msgspec.to_builtins(load(), enc_hook=str) == tomllib.loads(text)


def test_the_later_place_wins(tmp_path: Path) -> None:
    file = config(tmp_path, '[label]\nbatch_size = 1\nworkers = 2\nslot = "file"\n')
    environ = {"NEWSWIRE_LABEL__WORKERS": "3", "NEWSWIRE_LABEL__SLOT": "environment"}
    found = load(file, environ, label__slot="flag").label
    assert (found.batch_size, found.workers, found.slot, found.depth) == (1, 3, "flag", load().label.depth)


def test_a_flag_that_was_not_given_changes_nothing() -> None:
    assert load(label__workers=None) == load()


def test_loading_twice_gives_the_same_and_shares_nothing() -> None:
    load(kafka__bootstrap_servers="other:1")
    assert load().kafka.bootstrap_servers == "127.0.0.1:9092"


@pytest.mark.parametrize(
    ("variable", "value", "path", "expected"),
    [
        ("NEWSWIRE_KAFKA__BOOTSTRAP_SERVERS", "a:1,b:2", "kafka.bootstrap_servers", "a:1,b:2"),
        ("NEWSWIRE_LABEL__BATCH_SIZE", "7", "label.batch_size", 7),
        ("NEWSWIRE_LABEL__LINGER_SECONDS", "2", "label.linger_seconds", 2.0),
        ("NEWSWIRE_LABEL__SLOT", "12", "label.slot", "12"),  # a text that looks like a number stays a text
        ("NEWSWIRE_BROKER__DATA", "here", "broker.data", Path("here")),
        ("NEWSWIRE_SINKS__FILES__MAX_ITEMS", "5", "sinks.files.max_items", 5),
        ("NEWSWIRE_LOG__LEVEL", "DEBUG", "log.level", "DEBUG"),
    ],
)
def test_the_environment_gives_values_of_the_settings_type(variable: str, value: str, path: str, expected: Any) -> None:
    found: Any = load(environ={variable: value})
    for name in path.split("."):
        found = getattr(found, name)
    assert found == expected
    assert type(found) is type(expected)


def test_other_variables_are_not_ours() -> None:
    assert load(environ={"PATH": "x", "NEWSWIRE_HOME": "x", "KAFKA__BOOTSTRAP_SERVERS": "x"}) == load()


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        (
            {"NEWSWIRE_LABEL__BATCHSIZE": "7"},
            "the environment: unknown setting 'label.batchsize'; did you mean 'batch_size'?",
        ),
        (
            {"NEWSWIRE_KAFAK__BOOTSTRAP_SERVERS": "a:1"},
            "the environment: unknown setting 'kafak'; did you mean 'kafka'?",
        ),
        ({"NEWSWIRE_LABEL__BATCH_SIZE": "many"}, "Expected `int`, got `str` - at `label.batch_size`"),
        ({"NEWSWIRE_LABEL__BATCH_SIZE": "0"}, ">= 1 - at `label.batch_size`"),
        ({"NEWSWIRE_LABEL__BATCH_SIZE": "1.5"}, "Expected `int`, got `str` - at `label.batch_size`"),
        ({"NEWSWIRE_LABEL": "1", "NEWSWIRE_LABEL__": "1"}, "unknown setting 'label.'"),
        ({"NEWSWIRE_KAFKA__": "1"}, "unknown setting 'kafka.'"),
    ],
)
def test_the_environment_is_checked_too(environ: dict[str, str], message: str) -> None:
    assert message in refusal(environ=environ)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[label]\nbatchsize = 5", "unknown setting 'label.batchsize'; did you mean 'batch_size'?"),
        ("[labels]\nbatch_size = 5", "unknown setting 'labels'; did you mean 'label'?"),
        ("[sinks.file]\nmax_items = 5", "unknown setting 'sinks.file'; did you mean 'files'?"),
        ("[zzz]\na = 5", "unknown setting 'zzz'; known: broker, duplicates, gateway, kafka"),
        ("kafka = 'a:1'", "'kafka' is a table, not a value"),
        ("[label.slot]\na = 1", "Expected `str`, got `object` - at `label.slot`"),
        ("[label]\nworkers = '2'", "Expected `int`, got `str` - at `label.workers`"),
        ("[label]\nworkers = true", "Expected `int`, got `bool` - at `label.workers`"),
        ("[label]\nworkers = 0", ">= 1 - at `label.workers`"),
        ("[label]\nport = 70000", "<= 65535 - at `label.port`"),
        ("[label]\nlinger_seconds = 0", "> 0.0 - at `label.linger_seconds`"),
        ("[label]\nslot = 'a b'", "at `label.slot`"),
        ("[label]\nlink = 'kafka'", "Invalid enum value 'kafka' - at `label.link`"),
        ("[label]\ndrain_seconds = 10.0", "label.drain_seconds must be smaller than label.session_seconds"),
        ("[kafka]\nbootstrap_servers = 'localhost'", "at `kafka.bootstrap_servers`"),
        ("[kafka]\nbootstrap_servers = 'a:1, b:2'", "at `kafka.bootstrap_servers`"),
        ("[log]\nlevel = 'debug'", "Invalid enum value 'debug' - at `log.level`"),
        ("[label", "is not TOML"),
        ("a = 1\na = 2", "is not TOML"),
    ],
)
def test_a_settings_file_is_checked_whole(tmp_path: Path, text: str, message: str) -> None:
    path = config(tmp_path, text)
    said = refusal(path)
    assert message in said
    assert said.startswith((str(path), "settings: "))


def test_a_settings_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none.toml") == f"cannot read {tmp_path / 'none.toml'}: No such file or directory"
    assert "cannot read" in refusal(tmp_path)
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe\x00")
    assert "is not TOML" in refusal(binary)


def test_an_unknown_flag_names_the_command_line() -> None:
    assert refusal(kafka__bootstrap_server="a:1") == (
        "the command line: unknown setting 'kafka.bootstrap_server'; did you mean 'bootstrap_servers'?"
    )


def test_secrets_are_masked_wherever_they_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = msgspec.to_builtins(load(), enc_hook=str)
    plain["sinks"]["sql"]["url"] = MASK  # it may hold a password; the other secrets are empty
    assert masked(load()) == plain
    monkeypatch.setattr(module, "SECRETS", frozenset({"directory", "bootstrap_servers"}))
    hidden = masked(load(sinks__files__directory="postgresql://user:hidden@host"))
    assert hidden["sinks"]["files"]["directory"] == MASK
    assert hidden["kafka"]["bootstrap_servers"] == MASK
    assert hidden["model"]["directory"] == ""  # that there is none is no secret
    assert "hidden" not in json.dumps(hidden)


@pytest.mark.parametrize("name", ["password", "token", "tokens", "secret", "url"])
def test_the_usual_secrets_are_known(name: str) -> None:
    assert name in module.SECRETS


@pytest.mark.parametrize(
    ("name", "said"),
    [("sprot", "; did you mean 'sport'?"), ("SPORT", "; known: politics, sport"), ("", "; known: politics, sport")],
)
def test_the_nearest_name_is_suggested(name: str, said: str) -> None:
    assert nearest(name, ["sport", "politics"]) == said


def test_the_installed_package_brings_its_configs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "streams"
    package.mkdir()
    monkeypatch.setattr(module, "__file__", str(package / "settings.py"))
    assert configs_directory() == tmp_path / "configs"
    (package / "_configs").mkdir()
    assert configs_directory() == package / "_configs"


def test_the_label_tables_are_indexed_by_code() -> None:
    labels = load_labels()
    assert (len(labels.topics), len(labels.regions)) == (17, 22)
    assert labels.topics["15000000"].slug == "sport"
    assert labels.regions["145"].slug == "western-asia"
    assert labels.region_of("TR") == labels.regions["145"]
    assert labels.countries["AQ"].region is None
    assert all(code == label.code for table in labels for code, label in table.items())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"protocol": "SASL_SSL"}, "kafka.security.protocol SASL_SSL needs username and password"),
        ({"protocol": "SASL_SSL", "username": "label"}, "needs username and password"),
        ({"username": "label", "password": "x"}, "username is used by SASL_SSL and SASL_PLAINTEXT; set protocol"),
        ({"protocol": "SSL", "certificate_file": "own.crt"}, "certificate_file and key_file go together"),
        ({"ca_file": "ca.crt"}, "ca.crt is used by SSL and SASL_SSL only; set protocol"),
        ({"protocol": "TLS"}, "Invalid enum value 'TLS'"),
    ],
)
def test_a_login_that_would_not_be_used_or_cannot_work_is_refused(given: dict[str, str], said: str) -> None:
    assert said in refusal(**{f"kafka__security__{key}": value for key, value in given.items()})


def test_the_passwords_of_kafka_are_masked() -> None:
    given = {"protocol": "SASL_SSL", "username": "label", "password": "s3cret", "key_password": "s3cret"}
    text = str(masked(load(**{f"kafka__security__{key}": value for key, value in given.items()})))
    assert "label" in text
    assert "s3cret" not in text
