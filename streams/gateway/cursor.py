"""The id of an event: the offsets of all partitions, so that a listener goes on where it was, also at another gateway.

Form: `<partition>:<offset of the next record to read>`, comma-separated, by partition: `0:153,1:88`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from streams.errors import InvalidError

if TYPE_CHECKING:
    from streams.gateway.items import Offsets

# 12 partitions of 19 digits need 300 characters; a header of 4,096 allows a wire of a hundred partitions.
_LONGEST = 4096
_FORM = re.compile(r"\d{1,6}:\d{1,19}(,\d{1,6}:\d{1,19})*", re.ASCII)


def encode_cursor(positions: Offsets) -> str:
    """The positions as text."""
    return ",".join(f"{partition}:{offset}" for partition, offset in sorted(positions.items()))


def decode_cursor(text: str) -> dict[int, int]:
    """The positions of a text; raises InvalidError for one that is no cursor."""
    if len(text) > _LONGEST or not _FORM.fullmatch(text):
        raise InvalidError("Last-Event-ID is not one of ours: it looks like 0:153,1:88")
    pairs = (pair.split(":") for pair in text.split(","))
    return {int(partition): int(offset) for partition, offset in pairs}
