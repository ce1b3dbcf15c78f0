"""Labelled items that tell stories: of random words, copied whole, copied with changes."""

from __future__ import annotations

import random
from typing import Any

import msgspec

from streams.kafka.link import Record
from streams.wire import LABELLED
from tests.flow.labelled import labelled

WORDS = [
    f"{a}{b}{c}" for a in ("ba", "de", "fi", "mo", "su", "ra") for b in "lnrst" for c in ("a", "em", "ik", "or", "un")
]
NOW = 1_790_000_000.0


def story(number: int, words: int = 60) -> list[str]:
    """The words of a story, its own."""
    return random.Random(number).choices(WORDS, k=words)


def changed(words: list[str], places: int) -> list[str]:
    """So many words from the beginning replaced."""
    return [f"x{word}" for word in words[:places]] + words[places:]


def item(uri: str, words: list[str] | str, source: str = "wire", **members: Any) -> bytes:
    text = words if isinstance(words, str) else " ".join(words)
    made = labelled(uri, [("01000000", 90)])
    made |= {"bodies": [{"value": text}], "infoSources": [{"name": source}], **members}
    return msgspec.json.encode(made)


def record(uri: str, words: list[str] | str, source: str = "wire", at: float = NOW, offset: int = 0) -> Record:
    headers = [("news-topic", b"sport")]
    return Record(LABELLED, 0, offset, uri.encode(), item(uri, words, source), headers, int(at * 1000))
