# ruff: noqa: INP001
"""Who may do what at Kafka: one user a role, with no more rights than its commands ask for.

tests/flow/test_access.py gives these rights to users of a real Kafka; each role does its work there, and tries more.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from streams import wire
from streams.kafka.dead_letters import REPLAY_GROUP

CLUSTER = "newswire"


class Right(NamedTuple):
    """Operations on a Kafka topic, group or transactional id; a name that ends in `*` is a prefix."""

    kind: str
    name: str
    operations: tuple[str, ...]


SEE = Right("topic", "news.*", ("Describe", "DescribeConfigs"))  # every command says which Kafka topics are missing


def read(*kafka_topics: str) -> list[Right]:
    """Records of some Kafka topics."""
    return [Right("topic", name, ("Read",)) for name in kafka_topics]


def write(*kafka_topics: str) -> list[Right]:
    """Records into some Kafka topics."""
    return [Right("topic", name, ("Write",)) for name in kafka_topics]


def group(name: str) -> Right:
    """Membership in a group, and its offsets."""
    return Right("group", name, ("Read", "Describe"))


def transactions(name: str) -> Right:
    """Transactions under an id."""
    return Right("transactionalId", name, ("Write", "Describe"))


STREAMS = (wire.LABELLED, f"{wire.TOPIC_STREAM}*", f"{wire.REGION_STREAM}*")
ROLES: dict[str, list[Right]] = {
    "feeds": [
        *write(wire.ARTICLES, wire.DEAD_LETTERS, wire.SOURCES),
        *read(wire.SOURCES),
        transactions(f"{wire.PUBLISH_TRANSACTIONS}*"),
    ],
    "label": [
        *read(wire.ARTICLES),
        *write(*STREAMS, wire.DEAD_LETTERS),
        group(wire.LABEL_GROUP),
        transactions(f"{wire.LABEL_GROUP}.*"),
    ],
    # also asks how far every group of ours is behind, and reads the first record of each for its age
    "gateway": [
        *read(wire.ARTICLES, wire.LABELLED),
        *write(wire.ARTICLES),
        Right("group", "newswire.*", ("Describe",)),
    ],
    "sinks": [*read(wire.LABELLED), *write(wire.DEAD_LETTERS), group(f"{wire.SINK_GROUP}*")],
    "duplicates": [
        *read(wire.LABELLED, wire.SIGNATURES),
        *write(wire.DUPLICATES, wire.UNIQUE, wire.SIGNATURES),
        group(wire.DUPLICATES_GROUP),
        transactions(f"{wire.DUPLICATES_GROUP}.*"),
    ],
    "subscriber": [*read(*STREAMS, wire.UNIQUE, wire.DUPLICATES), group("subscriber.*")],
    # an operator's own commands: check, topics, dead-letters
    "operator": [
        *read(wire.DEAD_LETTERS),
        *write(wire.ARTICLES, wire.DEAD_LETTERS),
        group(REPLAY_GROUP),
        transactions(REPLAY_GROUP),
        Right("topic", "news.*", ("Create", "AlterConfigs")),
        Right("cluster", "kafka-cluster", ("Describe",)),
    ],
    # KEDA, which asks for the lag of the workers
    "keda": [group(wire.LABEL_GROUP)],
}


def users() -> list[dict[str, Any]]:
    """A KafkaUser for each role; Strimzi keeps its password in a Secret of the same name."""
    return [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaUser",
            "metadata": {"name": f"newswire-{role}", "labels": {"strimzi.io/cluster": CLUSTER}},
            "spec": {
                "authentication": {"type": "scram-sha-512"},
                "authorization": {"type": "simple", "acls": [_acl(right) for right in [SEE, *rights]]},
            },
        }
        for role, rights in ROLES.items()
    ]


def _acl(right: Right) -> dict[str, Any]:
    resource = {"type": right.kind, "name": right.name.removesuffix("*")}
    if right.kind == "cluster":  # there is one, and it has no name in a KafkaUser
        resource = {"type": "cluster"}
    else:
        resource["patternType"] = "prefix" if right.name.endswith("*") else "literal"
    return {"resource": resource, "operations": list(right.operations)}
