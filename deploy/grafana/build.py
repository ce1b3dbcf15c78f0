# ruff: noqa: INP001
"""Makes the dashboards in dashboards/ from the Python beside this file.

python deploy/grafana/build.py            writes dashboards/<name>.json
python deploy/grafana/build.py --check    exits with 1 where a file is not what would be written
"""

from __future__ import annotations

import argparse
import json
import sys
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


def as_json(name: str) -> str:
    """The dashboard as Grafana reads it from a file."""
    return json.dumps(DASHBOARDS[name]().build(), sort_keys=True, indent=1, cls=JSONEncoder) + "\n"


def main() -> int:
    """The number of files that were not in step."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--check", action="store_true")
    check = options.parse_args().check
    stale = []
    for name in DASHBOARDS:
        path, text = FOLDER / f"{name}.json", as_json(name)
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            stale.append(path.name)
            if not check:
                path.write_text(text, encoding="utf-8")
    print("\n".join(f"{name} {'is not what build.py makes' if check else 'written'}" for name in stale))
    return len(stale) if check else 0


if __name__ == "__main__":
    sys.exit(main())
