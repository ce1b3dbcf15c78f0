# ruff: noqa: INP001
"""The dashboards from the Python beside this file; docs/build.py writes them."""

from __future__ import annotations

import json
from pathlib import Path

import overview
import sources_sinks
import worker
from grafana_foundation_sdk.cog.encoder import JSONEncoder

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = {
    "overview": overview.dashboard,
    "worker": worker.dashboard,
    "sources-sinks": sources_sinks.dashboard,
}


def made() -> dict[Path, str]:
    """Each dashboard as Grafana reads it from a file."""
    return {
        FOLDER / f"{name}.json": json.dumps(dashboard().build(), sort_keys=True, indent=1, cls=JSONEncoder) + "\n"
        for name, dashboard in DASHBOARDS.items()
    }
