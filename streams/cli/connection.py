"""The Kafka of the settings, as streams.kafka takes it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from streams.errors import InvalidError

if TYPE_CHECKING:
    from streams.kafka.connection import Connection


def kafka_of(settings: Any) -> Connection:
    """Addresses and login. Raises InvalidError for a file that cannot be read: a client would say "SSL error"."""
    from streams.kafka.connection import Connection, Security

    table = settings.kafka.security
    for key in ("ca_file", "certificate_file", "key_file"):
        file = getattr(table, key)
        if file:
            try:
                Path(file).read_bytes()
            except OSError as error:
                raise InvalidError(f"kafka.security.{key}: cannot read {file}: {error.strerror}") from error
    security = Security(
        protocol=table.protocol,
        mechanism=table.mechanism,
        username=table.username,
        password=table.password,
        ca_file=table.ca_file,
        certificate_file=table.certificate_file,
        key_file=table.key_file,
        key_password=table.key_password,
    )
    return Connection(settings.kafka.bootstrap_servers, security)
