# ruff: noqa: INP001
"""Makes the manifests that say the same as the code: topics (wire.py), users (users.py), rules (../prometheus/rules).

python deploy/kubernetes/build.py            writes them
python deploy/kubernetes/build.py --check    exits with 1 where one is not what would be written
"""

from __future__ import annotations

import argparse
import sys
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


MADE = {"topics.yaml": topics, "users.yaml": users, "rules.yaml": rules}


def main() -> int:
    """The number of files that were not in step."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true")
    check = options.parse_args().check
    stale = []
    for name, make in MADE.items():
        path = HERE / "base" / name
        text = "# made by deploy/kubernetes/build.py\n" + yaml.safe_dump_all(make(), sort_keys=False, width=110)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    print("\n".join(f"{name} {'is not what build.py makes' if check else 'written'}" for name in stale))
    return len(stale) if check else 0


if __name__ == "__main__":
    sys.exit(main())
