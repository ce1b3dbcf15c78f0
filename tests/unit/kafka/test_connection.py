"""One Connection in the words of each client; passwords in no text."""

from __future__ import annotations

import pytest

from streams.kafka.connection import Connection, Security, connection_of, for_kafka_python, for_librdkafka

LOGIN = Security("SASL_SSL", username="label", password="s3cret", ca_file="/ca.crt")
MUTUAL = Security("SSL", ca_file="/ca.crt", certificate_file="/own.crt", key_file="/own.key", key_password="s3cret")
# what the settings ask for, and what each client is told beside its addresses
CASES = {
    "nothing": (Security(), {"security_protocol": "PLAINTEXT"}, {"security.protocol": "PLAINTEXT"}),
    "login over TLS": (
        LOGIN,
        {
            "security_protocol": "SASL_SSL",
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": "label",
            "sasl_plain_password": "s3cret",
            "ssl_cafile": "/ca.crt",
        },
        {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": "label",
            "sasl.password": "s3cret",
            "ssl.ca.location": "/ca.crt",
        },
    ),
    "certificates of both sides": (
        MUTUAL,
        {
            "security_protocol": "SSL",
            "ssl_cafile": "/ca.crt",
            "ssl_certfile": "/own.crt",
            "ssl_keyfile": "/own.key",
            "ssl_password": "s3cret",
        },
        {
            "security.protocol": "SSL",
            "ssl.ca.location": "/ca.crt",
            "ssl.certificate.location": "/own.crt",
            "ssl.key.location": "/own.key",
            "ssl.key.password": "s3cret",
        },
    ),
    "authorities of the system": (Security("SSL"), {"security_protocol": "SSL"}, {"security.protocol": "SSL"}),
}


@pytest.mark.parametrize("case", CASES)
def test_each_client_is_told_what_the_listener_asks_for(case: str) -> None:
    security, kafka_python, librdkafka = CASES[case]
    where = Connection("a:1,b:2", security)
    assert for_kafka_python(where) == {"bootstrap_servers": ["a:1", "b:2"], **kafka_python}
    assert for_librdkafka(where) == {"bootstrap.servers": "a:1,b:2", **librdkafka}


def test_an_address_alone_is_a_connection_without_a_login() -> None:
    assert connection_of("a:1") == Connection("a:1")
    assert for_kafka_python("a:1")["security_protocol"] == "PLAINTEXT"


@pytest.mark.parametrize("security", [LOGIN, MUTUAL])
def test_a_message_shows_addresses_and_no_password(security: Security) -> None:
    where = Connection("a:1", security)
    assert f"{where} {where!s} %s" % where == "a:1 a:1 a:1"
    assert "s3cret" not in repr(where)
