# ruff: noqa: INP001
"""The manifests that say the same as the code: topics (wire.py), users (users.py), rules (../prometheus/rules).

docs/build.py writes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from users import CLUSTER, users

from streams import wire
from streams.settings import load_labels

HERE = Path(__file__).parent
RULES = HERE.parent / "prometheus" / "rules"
REPLICAS = 3


def topics() -> list[dict[str, Any]]:
    """A KafkaTopic for each Kafka topic of the wire."""
    return [
        {
            "apiVersion": "kafka.strimzi.io/v1",
            "kind": "KafkaTopic",
            "metadata": {"name": topic.name, "labels": {"strimzi.io/cluster": CLUSTER}},
            "spec": {
                "partitions": topic.partitions,
                "replicas": REPLICAS,
                "config": {
                    "cleanup.policy": topic.cleanup_policy,
                    "min.insync.replicas": REPLICAS - 1,
                    **({} if topic.retention_ms is None else {"retention.ms": topic.retention_ms}),
                },
            },
        }
        for topic in wire.kafka_topics(load_labels())
    ]


def rules() -> list[dict[str, Any]]:
    """All rules as one PrometheusRule."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(RULES.glob("*.yml"))]
    return [
        {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": "newswire"},
            "spec": {"groups": [group for file in files for group in file["groups"]]},
        }
    ]


def made() -> dict[Path, str]:
    """Each file of base/ that is made."""
    resources = {"topics.yaml": topics(), "users.yaml": users(), "rules.yaml": rules()}
    return {
        HERE / "base" / name: "# made by docs/build.py\n" + yaml.safe_dump_all(found, sort_keys=False, width=110)
        for name, found in resources.items()
    }
