"""The embedded Kafka with a second listener as in production: TLS, name and password, and rights for each user."""

from __future__ import annotations

import contextlib
import subprocess
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ACLResourcePatternType,
    KafkaAdminClient,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)

from streams.kafka.broker import KafkaBroker, Quorum
from streams.kafka.broker_process import Reservation
from streams.kafka.broker_settings import new_id
from streams.kafka.connection import Connection, Security

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

PASSWORD = "correct horse battery staple"
KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "cluster": ResourceType.CLUSTER,
    "transactionalId": ResourceType.TRANSACTIONAL_ID,
}
PATTERNS = {"literal": ACLResourcePatternType.LITERAL, "prefix": ACLResourcePatternType.PREFIXED}


class SecuredKafka(NamedTuple):
    """`open_servers`: the listener of the broker's owner, without TLS or login."""

    open_servers: str
    servers: str
    ca_file: Path

    def connection(self, user: str, password: str = PASSWORD) -> Connection:
        """The login of a user."""
        return Connection(
            self.servers, Security("SASL_SSL", username=user, password=password, ca_file=str(self.ca_file))
        )

    def settings(self, user: str, password: str = PASSWORD) -> dict[str, str]:
        """The same in the environment of a command."""
        given = {"PROTOCOL": "SASL_SSL", "USERNAME": user, "PASSWORD": password, "CA_FILE": str(self.ca_file)}
        return {f"NEWSWIRE_KAFKA__SECURITY__{key}": value for key, value in given.items()}


@contextlib.contextmanager
def secured_kafka(folder: Path, users: Sequence[dict[str, Any]]) -> Iterator[SecuredKafka]:
    """A Kafka whose users and rights are those of some KafkaUser resources."""
    keys = make_certificate(folder)
    with contextlib.ExitStack() as last_first:
        ports = [Reservation() for _ in range(3)]
        for reserved in ports:
            last_first.callback(reserved.release)
        plain, secured, controller = (reserved.port for reserved in ports)
        ports[0].release()  # the broker reserves these two itself
        ports[2].release()
        config = listeners(plain, secured, controller, keys)
        quorum = Quorum(1, {1: controller}, new_id())
        broker = last_first.enter_context(KafkaBroker(folder / "kafka", plain, config=config, quorum=quorum))
        make_users(broker.bootstrap_servers, users)
        yield SecuredKafka(broker.bootstrap_servers, f"127.0.0.1:{secured}", folder / "ca.crt")


def listeners(plain: int, secured: int, controller: int, keys: Path) -> dict[str, str | int]:
    """What differs from the broker's own settings."""
    both = f"PLAINTEXT://127.0.0.1:{plain},SASL_SSL://127.0.0.1:{secured}"
    login = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    return {
        "listeners": f"{both},CONTROLLER://127.0.0.1:{controller}",
        "advertised.listeners": both,
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": login,
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(keys),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # who comes in by the listener without a login: the broker itself and this test
    }


def make_certificate(folder: Path) -> Path:
    """Key and certificate of the broker in one file, as Kafka reads them; the certificate alone is ca.crt."""
    key, certificate, keys = folder / "kafka.key", folder / "ca.crt", folder / "kafka.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=newswire-test"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    keys.write_text(key.read_text() + certificate.read_text())
    return keys


def make_users(bootstrap_servers: str, users: Sequence[dict[str, Any]]) -> None:
    """What the user operator of Strimzi does with KafkaUser resources."""
    admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)
    names = [user["metadata"]["name"] for user in users]
    answers = admin.alter_user_scram_credentials(
        [UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, PASSWORD) for name in names]
    )
    assert not any(answers.values()), answers
    rights = [
        ACL(f"User:{user['metadata']['name']}", "*", operation_of(name), ACLPermissionType.ALLOW, pattern_of(acl))
        for user in users
        for acl in user["spec"]["authorization"]["acls"]
        for name in acl["operations"]
    ]
    assert not admin.create_acls(rights)["failed"]
    admin.close()


def operation_of(name: str) -> ACLOperation:
    """DescribeConfigs as DESCRIBE_CONFIGS."""
    return ACLOperation["".join(f"_{c}" if c.isupper() else c for c in name).lstrip("_").upper()]


def pattern_of(acl: dict[str, Any]) -> ResourcePattern:
    resource = acl["resource"]
    name = resource.get("name", "kafka-cluster")
    return ResourcePattern(KINDS[resource["type"]], name, PATTERNS[resource.get("patternType", "literal")])
