"""Kafka topics: make what is missing, say what differs, show what is there. On kafka-python's admin client."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from kafka import TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, KafkaAdminClient, OffsetSpec
from kafka.errors import KafkaError, RetriableError, TopicAlreadyExistsError, for_code

from streams.errors import InvalidError, TransientError
from streams.kafka.connection import for_kafka_python, unanswered
from streams.kafka.opening import opened

if TYPE_CHECKING:
    from streams.kafka.connection import Where
    from streams.wire import KafkaTopic

CONNECT_SECONDS = 5.0  # a broker that answers does so in 0.03 s; a firewall that drops packets never does
CREATE_SECONDS = 25.0  # under the 30 s the client waits for an answer; 46 topics take 0.4 s here
POLL_SECONDS = 0.05
MOST_REPLICAS = 3  # one node may be down while another is restarted; more costs disk for nothing

Configs = Mapping[str, Mapping[str, str]]  # Kafka topic -> setting -> value


class Finding(NamedTuple):
    """One way in which a Kafka topic is not what the pipeline needs, and what to do about it."""

    kafka_topic: str
    problem: str  # "missing", "partitions", "retention.ms" or "cleanup.policy"
    wanted: str
    found: str

    def __str__(self) -> str:
        if self.problem == "missing":
            return f"{self.kafka_topic} is missing; `newswire topics create` makes it"
        if self.problem == "partitions":
            return (
                f"{self.kafka_topic} has {self.found} partitions, not {self.wanted}; it cannot be changed without "
                "breaking the order of items, so delete the topic and run `newswire topics create`"
            )
        return (
            f"{self.kafka_topic} has {self.problem}={self.found}, not {self.wanted}; "
            "`newswire topics create --alter` sets it"
        )


class TopicState(NamedTuple):
    """A Kafka topic as it is."""

    name: str
    partitions: int
    replication: int
    records: int  # last offset minus first, of all partitions: transaction markers count too


class Created(NamedTuple):
    """What `create_topics` did; everything else was there already."""

    created: list[str]
    altered: list[str]


def create_topics(
    bootstrap_servers: Where, specs: Sequence[KafkaTopic], *, replication: int | None = None, alter: bool = False
) -> Created:
    """Make the topics that are missing and wait until every one has a leader; run it as often as you like.

    Args:
        bootstrap_servers: "host:port[,host:port]".
        specs: what is needed.
        replication: replicas of each partition; by default three, or as many as there are brokers;
            name it where brokers may still be starting.
        alter: also set retention and cleanup policy of topics that are there with others.

    Raises:
        TransientError: no broker answers, or the topics do not come up.
        InvalidError: Kafka refuses, for example a replication of 3 with one broker.

    """
    with connected(bootstrap_servers) as admin:
        present = set(admin.list_topics())
        brokers = len(admin.describe_cluster()["brokers"])
        missing = [spec for spec in specs if spec.name not in present]
        created = _create(admin, missing, replication or min(MOST_REPLICAS, brokers)) if missing else []
        admin.wait_for_topics([spec.name for spec in specs], timeout_ms=CREATE_SECONDS * 1000)
        altered = _alter(admin, specs) if alter else []
        return Created(created, altered)


def check_topics(bootstrap_servers: Where, specs: Sequence[KafkaTopic]) -> list[Finding]:
    """What differs from the specs, in their order; empty if all is well.

    Raises:
        TransientError: no broker answers.

    """
    with connected(bootstrap_servers) as admin:
        return _check(admin, specs)


def list_topics(bootstrap_servers: Where) -> list[TopicState]:
    """Every Kafka topic but Kafka's own, by name.

    Raises:
        TransientError: no broker answers.

    """
    with connected(bootstrap_servers) as admin:
        topics = [topic for topic in admin.describe_topics() if not topic["is_internal"]]
        records = _records(admin, topics)
    return [
        TopicState(
            topic["name"],
            len(topic["partitions"]),
            min((len(partition["replica_nodes"]) for partition in topic["partitions"]), default=0),
            records[topic["name"]],
        )
        for topic in sorted(topics, key=lambda topic: topic["name"])
    ]


def broker_version(bootstrap_servers: Where) -> str:
    """The release of Kafka that answers, such as "4.3", as far as the client tells releases apart.

    Raises:
        TransientError: no broker answers.

    """
    with connected(bootstrap_servers) as admin:
        broker = admin.describe_cluster()["brokers"][0]
        return str(admin.get_broker_version_data(broker["broker_id"]).broker_version_str)


def reachable(bootstrap_servers: Where, timeout: float = CONNECT_SECONDS) -> bool:
    """Whether something accepts connections at one of the addresses."""
    deadline = time.monotonic() + timeout
    for server in str(bootstrap_servers).split(","):
        host, _, port = server.strip().rpartition(":")
        try:
            with socket.create_connection((host.strip("[]"), int(port)), max(0.1, deadline - time.monotonic())):
                return True
        except OSError:
            continue
    return False


@contextmanager
def connected(bootstrap_servers: Where) -> Iterator[KafkaAdminClient]:
    """An admin client; every failure of Kafka's as one of our two kinds.

    A plain connection is tried first: it is refused at once where nothing listens, while the client would go on trying
    and, in 3.0.12, leave its thread behind when it gives up.
    """
    if not reachable(bootstrap_servers):
        raise TransientError(
            f"no Kafka broker answers at {bootstrap_servers}; start one with `newswire broker` or `newswire up`"
        )
    try:
        admin = opened(
            KafkaAdminClient, **for_kafka_python(bootstrap_servers), bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000)
        )
    except KafkaError as error:
        raise TransientError(unanswered(bootstrap_servers)) from error
    try:
        with admin:
            yield admin
    except KafkaError as error:
        raise TransientError(f"Kafka at {bootstrap_servers}: {_one_line(error)}; try again") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _create(admin: KafkaAdminClient, specs: Iterable[KafkaTopic], replication: int) -> list[str]:
    wanted = {
        spec.name: {
            "num_partitions": spec.partitions,
            "replication_factor": replication,
            "configs": _configs(spec),
        }
        for spec in specs
    }
    answers = admin.create_topics(wanted, timeout_ms=int(CREATE_SECONDS * 1000), raise_errors=False)["topics"]
    return [answer["name"] for answer in answers if _was_created(answer)]


def _was_created(answer: Mapping[str, Any]) -> bool:
    """Whether this call made it; False if another made it meanwhile."""
    kind = for_code(answer["error_code"])
    if answer["error_code"] == 0 or kind is TopicAlreadyExistsError:
        return kind is not TopicAlreadyExistsError
    reason = f"cannot create {answer['name']}: {answer['error_message'] or kind.__name__}"
    raise TransientError(reason) if issubclass(kind, RetriableError) else InvalidError(reason)


def _configs(spec: KafkaTopic) -> dict[str, str]:
    configs = {"cleanup.policy": spec.cleanup_policy}
    if spec.retention_ms is not None:
        configs["retention.ms"] = str(spec.retention_ms)
    return configs


def _check(admin: KafkaAdminClient, specs: Sequence[KafkaTopic]) -> list[Finding]:
    topics = {topic["name"]: topic for topic in admin.describe_topics()}
    configs = _current_configs(admin, [spec.name for spec in specs if spec.name in topics])
    findings = []
    for spec in specs:
        if spec.name not in topics:
            findings.append(Finding(spec.name, "missing", "", ""))
            continue
        partitions = len(topics[spec.name]["partitions"])
        if partitions != spec.partitions:
            findings.append(Finding(spec.name, "partitions", str(spec.partitions), str(partitions)))
        findings += [
            Finding(spec.name, setting, wanted, configs[spec.name][setting])
            for setting, wanted in _configs(spec).items()
            if configs[spec.name][setting] != wanted
        ]
    return findings


def _current_configs(admin: KafkaAdminClient, names: Sequence[str]) -> Configs:
    if not names:
        return {}
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, ["cleanup.policy", "retention.ms"]) for name in names]
    answer = admin.describe_configs(resources, config_filter="all")["topic"]
    return {
        name: {setting: str(config["value"]) for setting, config in configs.items()} for name, configs in answer.items()
    }


def _alter(admin: KafkaAdminClient, specs: Sequence[KafkaTopic]) -> list[str]:
    wrong = _alterable(admin, specs)
    if not wrong:
        return []
    resources = [ConfigResource(ConfigResourceType.TOPIC, name, configs) for name, configs in wrong.items()]
    for name, answer in admin.alter_configs(resources)["topic"].items():
        if answer != "OK":
            raise InvalidError(f"cannot alter {name}: {answer}")
    deadline = time.monotonic() + CREATE_SECONDS
    while _alterable(admin, specs):  # the controller has it; the brokers learn of it a moment later
        if time.monotonic() > deadline:
            raise TransientError(f"Kafka has not altered {', '.join(wrong)} after {CREATE_SECONDS:.0f} s; try again")
        time.sleep(POLL_SECONDS)
    return list(wrong)


def _alterable(admin: KafkaAdminClient, specs: Sequence[KafkaTopic]) -> dict[str, dict[str, str]]:
    wrong: dict[str, dict[str, str]] = {}
    for finding in _check(admin, specs):
        if finding.problem in ("cleanup.policy", "retention.ms"):
            wrong.setdefault(finding.kafka_topic, {})[finding.problem] = finding.wanted
    return wrong


def _records(admin: KafkaAdminClient, topics: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    partitions = [
        TopicPartition(topic["name"], partition["partition_index"])
        for topic in topics
        for partition in topic["partitions"]
    ]
    records = {topic["name"]: 0 for topic in topics}
    if partitions:
        first = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.EARLIEST))
        last = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
        for partition in partitions:
            records[partition.topic] += last[partition].offset - first[partition].offset
    return records
