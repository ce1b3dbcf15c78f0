"""The process that runs trafilatura: pages in, articles out, on its standard streams (see streams/sources/extract.py).

A frame is four bytes of length, big-endian, and so many bytes: HTML in, a JSON object out.
"""

from __future__ import annotations

import json
import re
import resource
import struct
import sys
from typing import Any

FRAME = struct.Struct(">I")
_LANGUAGE = re.compile(rb"<html[^>]{0,500}?\slang\s*=\s*[\"']?([A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8})*)", re.IGNORECASE)
_HEAD_BYTES = 20_000
MIN_LETTERS = 100  # less is a caption or a consent dialogue; trafilatura's plain baseline is tried then


def main() -> None:
    """Answers pages until its input ends. The limit of memory in bytes is the first argument."""
    limit = int(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    import trafilatura  # noqa: PLC0415 - within the limit

    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while len(head := source.read(FRAME.size)) == FRAME.size:
        answer = json.dumps(extract(trafilatura, source.read(*FRAME.unpack(head)))).encode()
        sink.write(FRAME.pack(len(answer)) + answer)
        sink.flush()


def extract(trafilatura: Any, page: bytes) -> dict[str, Any]:
    """Title, text (a paragraph a line), date, url, language and name of the site; empty where the page has none."""
    try:
        # not fast=True: it lost an Anadolu Ajansı page (F1 .07). Precision has the best F1 of two benchmarks
        found = trafilatura.bare_extraction(page, favor_precision=True, include_comments=False, with_metadata=True)
        text = (found.text if found else "") or ""
        if len(text) < MIN_LETTERS:
            _, plain, _ = trafilatura.baseline(page)
            text = max(text, plain or "", key=len)
    except MemoryError:
        return {"error": "takes too much memory"}
    except (ValueError, TypeError, AttributeError, LookupError, RecursionError, AssertionError) as error:
        return {"error": f"{type(error).__name__}: {error}"}  # lxml and its users raise these on broken markup
    kept = {name: getattr(found, name, None) or "" for name in ("title", "date", "url", "sitename")}
    declared = _LANGUAGE.search(page[:_HEAD_BYTES])
    return {"text": text, "language": declared.group(1).decode() if declared else "", **kept}


if __name__ == "__main__":
    main()
