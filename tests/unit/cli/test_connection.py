"""The Kafka of the settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from streams.cli.connection import kafka_of
from streams.errors import InvalidError
from streams.kafka.connection import Connection, Security
from streams.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_the_defaults_are_the_embedded_kafka() -> None:
    assert kafka_of(load_settings(None, {}, {})) == Connection("127.0.0.1:9092")


def test_everything_that_is_set_arrives(tmp_path: Path) -> None:
    (tmp_path / "ca.crt").write_text("x")
    given = {
        "protocol": "SASL_SSL",
        "mechanism": "SCRAM-SHA-256",
        "username": "label",
        "password": "s3cret",
        "ca_file": str(tmp_path / "ca.crt"),
        "certificate_file": str(tmp_path / "ca.crt"),
        "key_file": str(tmp_path / "ca.crt"),
        "key_password": "also",
    }
    environ = {f"NEWSWIRE_KAFKA__SECURITY__{name.upper()}": value for name, value in given.items()}
    assert kafka_of(load_settings(None, environ, {})).security == Security(**given)  # type: ignore[arg-type]


def test_a_file_that_is_not_there_is_named() -> None:
    environ = {"NEWSWIRE_KAFKA__SECURITY__PROTOCOL": "SSL", "NEWSWIRE_KAFKA__SECURITY__CA_FILE": "/none/ca.crt"}
    with pytest.raises(InvalidError, match=r"kafka.security.ca_file: cannot read /none/ca.crt: No such file"):
        kafka_of(load_settings(None, environ, {}))
