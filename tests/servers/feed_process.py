"""`newswire publish feeds` as a process whose clock runs fast: FILE BOOTSTRAP_SERVERS SPEED BEGAN [apart].

`apart` stores items and positions in two transactions and dies between them: what a test of exactly-once must notice.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from streams.cli.publish_feeds import poll_feeds
from streams.cli.terminal import quiet_clients
from streams.errors import TransientError
from streams.kafka.publisher import SourcePublisher
from streams.sources.feed_file import read_feeds
from tests.servers.clock import FastClock

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from streams.kafka.link import Output


def main(path: str, bootstrap_servers: str, speed: str, began: str, *how: str) -> None:
    quiet_clients()
    file, feeds = read_feeds(Path(path).read_text(encoding="utf-8"), path)
    with SourcePublisher(bootstrap_servers, file.poller.name) as publisher:
        positions = publisher.positions()

        def apart(outputs: Sequence[Output], new: Mapping[str, bytes]) -> None:
            publisher.publish(outputs, {f"apart:{file.poller.name}": b"0"} if outputs else new)
            if outputs:
                os._exit(1)

        publish = apart if "apart" in how else publisher.publish
        clock = FastClock(float(speed), float(began))
        try:
            asyncio.run(poll_feeds(file, feeds, positions, publish, lambda _: None, clock, once=False))
        except asyncio.CancelledError:
            return
        except TransientError as error:
            sys.exit(f"newswire: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])
