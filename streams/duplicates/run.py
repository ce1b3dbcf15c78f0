"""The stage on Kafka: marks, firsts, signatures and offsets of a batch in one transaction, one batch after the other.

    dies before the commit   nothing is visible; the heir reads the batch again with the signatures from before it
    dies after it            the heir goes on behind it, with its signatures

One process has the whole window: a second one takes the place of the first, which leaves.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, NamedTuple

from streams.duplicates.marker import offsets_of
from streams.errors import TransientError
from streams.kafka.link import AbortedError
from streams.wire import DUPLICATES, LABELLED, SIGNATURES, UNIQUE

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.duplicates.marker import Marked, Marker
    from streams.kafka.link import Link, OpenLink

POLL_SECONDS = 0.5  # how late an idle stage notices that it is to stop
BATCH_RECORDS = 500  # marked in a fifth of a second
BACK_OFF_SECONDS = 0.5  # after the n-th rollback in a row, times n
PATIENCE = 8  # rollbacks in a row before the process leaves

log = logging.getLogger(__name__)


class Parts(NamedTuple):
    """What the stage works with. `new_marker` reads the signatures from Kafka; `prefix` is before every Kafka topic."""

    open_link: OpenLink
    new_marker: Callable[[], Marker]
    committed: Callable[[Marked], None]
    prefix: str = ""


def run_duplicates(parts: Parts, stopped: Callable[[], bool]) -> None:
    """Marks until it is told to stop. Raises TransientError where it cannot go on; nothing uncommitted is visible."""
    link = parts.open_link(lambda _: None)  # nothing is in flight when partitions go: one thread polls and publishes
    try:
        missing = link.missing(parts.prefix + name for name in (LABELLED, DUPLICATES, UNIQUE, SIGNATURES))
        if missing:
            raise TransientError(f"Kafka topics are missing: {', '.join(missing)}; run `newswire topics create`")
        _run(link, parts, stopped)
    finally:
        link.close()


def _run(link: Link, parts: Parts, stopped: Callable[[], bool]) -> None:
    marker = parts.new_marker()  # only now: opening the link has ended what an earlier holder left open
    log.info("marking duplicates among %d items of the window", len(marker))
    rollbacks = 0
    while not stopped():
        records = link.poll(POLL_SECONDS, BATCH_RECORDS)
        if not records:
            continue
        group = link.group()
        if group is None:  # out of the group: the records may be another's by now
            link.rewind()
            continue
        marked = marker.mark(records, parts.prefix)
        try:
            link.publish(marked.outputs, offsets_of(records), group)
        except AbortedError as error:
            rollbacks += 1
            log.warning("rolled back (%d in a row): %s", rollbacks, error)
            if rollbacks >= PATIENCE:
                raise
            time.sleep(BACK_OFF_SECONDS * rollbacks)
            link.rewind()
            marker = parts.new_marker()  # it remembers items that are to come again
            continue
        rollbacks = 0
        parts.committed(marked)
