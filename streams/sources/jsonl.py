"""JSON lines, plain or gzip, from a file or standard input: one item a line, and a bad line costs one dead letter.

A line is read with a limit, so a file without line ends or a gzip bomb takes no more memory than one record.
"""

from __future__ import annotations

import gzip
import io
import sys
import zlib
from typing import TYPE_CHECKING, NamedTuple

from streams.errors import InvalidError, TransientError
from streams.sources.base import KEPT_BYTES, Position, Progress, Rejected, Step
from streams.sources.normalise import Defaults, article_of_json
from streams.wire import MAX_RECORD_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from streams.articles import Article

_GZIP_MAGIC = b"\x1f\x8b"
_SKIP_BYTES = 1 << 16


class _Line(NamedTuple):
    value: bytes  # without its line end; the beginning of one that is too long
    size: int
    end: int  # offset of the next line


class JsonLines:
    """A source of JSON lines: `raw` as stored (gzip is recognised by its first two bytes), `name` its path.

    `now` returns aware datetimes; `size` is that of `raw` in bytes, for progress.
    """

    kind = "jsonl"
    guarantee = "in the order of the lines; goes on at the line after the last one whose items are stored"

    def __init__(
        self, raw: io.RawIOBase, name: str, defaults: Defaults, now: Callable[[], datetime], size: int | None = None
    ) -> None:
        self.name = name
        self._raw = raw
        self._defaults = defaults
        self._now = now
        self._size = size
        self._read = 0
        self._buffered: io.BufferedReader | None = None
        self._stream: io.BufferedIOBase | None = None

    def steps(self, position: Position | None) -> Iterator[Step]:
        """See Source. Blank lines are passed over."""
        number = 0
        try:
            self._buffered = io.BufferedReader(self._raw, 1 << 18)
            stream = self._stream = _unpacked(self._buffered)
            number, offset = self._go_to(stream, position)
            for line in _lines(stream, offset):
                number += 1
                self._read = line.end
                if line.value or line.size:
                    yield Step(self._outcome(line, number), {"line": number, "offset": line.end})
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InvalidError(f"{self.name}: the gzip data is damaged after line {number}: {error}") from error
        except OSError as error:
            raise TransientError(f"{self.name}: cannot read after line {number}: {error}") from error

    def progress(self) -> Progress:
        """Bytes of the stored form."""
        if self._size is None:
            return Progress(self._read, None, "bytes")
        return Progress(self._raw.tell() if not self._raw.closed else self._size, self._size, "bytes")

    def close(self) -> None:
        """Closes the file."""
        for file in (self._stream, self._buffered, self._raw):  # a GzipFile closes nothing that it was given
            if file is not None:
                file.close()

    def _outcome(self, line: _Line, number: int) -> Article | Rejected:
        place = f"line {number}"
        if line.size > len(line.value):
            message = f"the line takes {line.size:,} bytes, an item at most {MAX_RECORD_BYTES:,}"
            return Rejected(line.value, line.size, message, place)
        try:
            return article_of_json(line.value, self._defaults, self._now())
        except InvalidError as error:
            return Rejected(line.value, line.size, str(error), place)

    def _go_to(self, stream: io.BufferedIOBase, position: Position | None) -> tuple[int, int]:
        """Puts the stream behind the lines of a position; their number and the offset."""
        if position is None:
            return 0, 0
        line, offset = position.get("line"), position.get("offset")
        if not isinstance(line, int) or not isinstance(offset, int):
            raise InvalidError(f"{self.name}: {position!r} is not a position in JSON lines")
        left = offset
        while left > 0:
            piece = stream.read(min(left, _SKIP_BYTES))
            if not piece:
                raise InvalidError(f"{self.name} is shorter than what was read of it before: is it another file?")
            left -= len(piece)
        return line, offset


def open_json_lines(path: Path | None, defaults: Defaults, now: Callable[[], datetime]) -> JsonLines:
    """The JSON lines of a file, or of standard input where `path` is None. Raises InvalidError: cannot be opened."""
    if path is None:
        return JsonLines(io.FileIO(sys.stdin.fileno(), closefd=False), "-", defaults, now)
    try:
        raw = io.FileIO(path)
        return JsonLines(raw, str(path), defaults, now, path.stat().st_size if path.is_file() else None)
    except OSError as error:
        raise InvalidError(f"cannot read {path}: {error.strerror}") from error


def _unpacked(buffered: io.BufferedReader) -> io.BufferedIOBase:
    if buffered.peek(2)[:2] == _GZIP_MAGIC:
        return gzip.GzipFile(fileobj=buffered, mode="rb")
    return buffered


def _lines(stream: io.BufferedIOBase, offset: int) -> Iterator[_Line]:
    limit = MAX_RECORD_BYTES + len(b"\r\n")
    while piece := stream.readline(limit):
        offset += len(piece)
        if piece.endswith(b"\n") or len(piece) < limit:
            value = piece.strip().removeprefix(b"\xef\xbb\xbf")
            kept = value if len(value) <= MAX_RECORD_BYTES else value[:KEPT_BYTES]
            yield _Line(kept, len(value), offset)
            continue
        kept, size = piece[:KEPT_BYTES], len(piece)
        del piece  # of a line that is too long only the beginning is held while the rest is passed over
        while rest := stream.readline(_SKIP_BYTES):
            size += len(rest)
            if rest.endswith(b"\n"):
                break
        offset += size - limit
        yield _Line(kept, size - rest.endswith(b"\n"), offset)
