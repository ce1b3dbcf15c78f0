"""Where Kafka is and how to log in there, and the same in the words of each client.

Everything below takes either "host:port[,host:port]" or a Connection.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]


@dataclass(frozen=True)
class Security:
    """What a listener of Kafka asks for (https://kafka.apache.org/documentation/#security_overview).

    Files are PEM. Without `ca_file` the authorities of the system vouch for the brokers.
    """

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = "SCRAM-SHA-512"
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password: str = field(default="", repr=False)

    @property
    def logs_in(self) -> bool:
        """Whether by name and password."""
        return self.protocol.startswith("SASL")

    @property
    def encrypts(self) -> bool:
        """Whether by TLS."""
        return self.protocol.endswith("SSL")


@dataclass(frozen=True)
class Connection:
    """A cluster; as a text it is its addresses, so that a message never shows a password."""

    servers: str  # "host:port[,host:port]"
    security: Security = field(default_factory=Security)

    def __str__(self) -> str:
        return self.servers


Where = str | Connection


def connection_of(where: Where) -> Connection:
    """An address alone means no encryption and no login."""
    return where if isinstance(where, Connection) else Connection(where)


def unanswered(where: Where) -> str:
    """Why a client may find no Kafka where something listens: clients only say that their time is over."""
    connection = connection_of(where)
    security = connection.security
    user = f" as {security.username}" if security.logs_in else ""
    return (
        f"{connection} takes connections, but no Kafka answers by {security.protocol}{user}: "
        "check kafka.security (protocol, username, password, ca_file), or whether it is still starting"
    )


def for_kafka_python(where: Where) -> dict[str, Any]:
    """The settings of kafka-python's clients; PLAINTEXT is their default."""
    connection = connection_of(where)
    security = connection.security
    return {
        "bootstrap_servers": connection.servers.split(","),
        "security_protocol": security.protocol,
        **_sasl(security, "sasl_mechanism", "sasl_plain_username", "sasl_plain_password"),
        **_tls(security, "ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password"),
    }


def for_librdkafka(where: Where) -> dict[str, Any]:
    """The settings of librdkafka (CONFIGURATION.md)."""
    connection = connection_of(where)
    security = connection.security
    return {
        "bootstrap.servers": connection.servers,
        "security.protocol": security.protocol,
        **_sasl(security, "sasl.mechanism", "sasl.username", "sasl.password"),
        **_tls(security, "ssl.ca.location", "ssl.certificate.location", "ssl.key.location", "ssl.key.password"),
    }


def _sasl(security: Security, *names: str) -> dict[str, str]:
    values = security.mechanism, security.username, security.password
    return dict(zip(names, values, strict=True)) if security.logs_in else {}


def _tls(security: Security, *names: str) -> dict[str, str]:
    values = security.ca_file, security.certificate_file, security.key_file, security.key_password
    return {name: value for name, value in zip(names, values, strict=True) if value} if security.encrypts else {}
