"""The pages among the records of an archive, by fastwarc, or by warcio where fastwarc gives up."""

from __future__ import annotations

import contextlib
import gzip
import io
import struct
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from fastwarc.warc import ArchiveIterator, WarcRecordType
from warcio.archiveiterator import ArchiveIterator as SlowIterator  # type: ignore[import-untyped]
from warcio.exceptions import ArchiveLoadFailed  # type: ignore[import-untyped]
from warcio.statusandheaders import StatusAndHeadersParserException  # type: ignore[import-untyped]

from streams.sources.charset import in_utf8

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_BLOCK_BYTES = 16 << 20  # of a record as stored; what is larger is a film
MAX_PAGE_BYTES = 10 << 20  # unpacked
_PAGES = ("text/html", "application/xhtml+xml", "text/plain")
_WANTED = WarcRecordType.response | WarcRecordType.resource | WarcRecordType.conversion
_GZIP_MAGIC = b"\x1f\x8b"
_WANTED_NAMES = frozenset({"response", "resource", "conversion"})
# what warcio lets out of it on damaged archives
_DAMAGE = (
    ArchiveLoadFailed,
    StatusAndHeadersParserException,
    zlib.error,
    EOFError,
    ValueError,
    struct.error,
    gzip.BadGzipFile,
)


class Capture(NamedTuple):
    """A page as captured. `number`: of its record, from 1; `fault`: why it cannot be read."""

    number: int
    url: str
    date: datetime | None
    body: bytes
    size: int
    fault: str | None = None


class DamagedError(Exception):
    """An archive ends where it should not. `records`: how many were read before."""

    def __init__(self, records: int, message: str) -> None:
        super().__init__(message)
        self.records = records


class _Payload(NamedTuple):
    """What a record of a page holds; of a body that is too large one byte too many."""

    status: int | None
    content_type: str
    charset: str | None
    body: bytes


def captures(file: io.FileIO, done: int) -> Iterator[Capture]:
    """The pages after so many records. Raises DamagedError where the archive ends too soon, OSError."""
    try:
        for _, capture in _fast(file, done):
            if capture:
                yield capture
    except _RefusedError as error:
        done = max(done, error.records)
    else:
        return
    file.seek(0)
    for _, capture in _slow(file, done):
        if capture:
            yield capture


class _RefusedError(Exception):
    """fastwarc cannot go on, warcio may."""

    def __init__(self, records: int) -> None:
        super().__init__(records)
        self.records = records


def _fast(file: io.FileIO, done: int) -> Iterator[tuple[int, Capture | None]]:
    """Every record after `done`, with its page where it has one."""
    number = 0
    records = iter(ArchiveIterator(file, record_types=WarcRecordType.any_type, parse_http=False))
    while True:
        try:
            record = next(records, None)
        except OSError as error:
            raise _RefusedError(number) from error
        if record is None:
            break
        number += 1
        if number <= done:
            continue
        wanted = bool(int(record.record_type & _WANTED))
        size = record.content_length
        block = record.reader.read(MAX_BLOCK_BYTES if wanted else size)
        if len(block) < min(size, MAX_BLOCK_BYTES):
            raise DamagedError(number - 1, f"record {number} should have {size:,} bytes and has {len(block):,}")
        yield number, _fast_capture(record, block, number, size) if wanted else None
    if not number and file.tell():
        raise _RefusedError(0)


def _fast_capture(record: Any, block: bytes, number: int, size: int) -> Capture | None:
    headers = record.headers
    if record.is_http:
        record.set_bytes_content(block)
        try:
            record.parse_http(auto_decode="all")
            body = record.reader.read(MAX_PAGE_BYTES + 1)
        except OSError as error:
            return Capture(number, _url(headers), record.record_date, block, size, f"not a sound answer: {error}")
        status = record.http_headers.status_code
        payload = _Payload(status, record.http_content_type or "", record.http_charset, body)
    else:
        content_type, _, rest = headers.get("Content-Type", "").partition(";")
        payload = _Payload(None, content_type, rest.partition("charset=")[2] or None, block)
    return _capture(payload, number, _url(headers), record.record_date, size)


def _slow(file: io.FileIO, done: int) -> Iterator[tuple[int, Capture | None]]:
    """The same by warcio: ARC files, and what follows a damage that it can step over."""
    number = 0
    packed = file.read(2) == _GZIP_MAGIC
    file.seek(0)
    # unpacked here: warcio refuses archives that are packed as a whole
    records = iter(SlowIterator(gzip.GzipFile(fileobj=file) if packed else file, arc2warc=True))
    # warcio writes warnings about odd records to stderr, one or several a record
    with contextlib.redirect_stderr(io.StringIO()):
        while True:
            try:
                record = next(records, None)
                if record is None:
                    break
                number += 1
                if number > done:
                    yield number, _slow_capture(record, number) if record.rec_type in _WANTED_NAMES else None
            except _DAMAGE as error:
                raise DamagedError(number, " ".join(str(error).split())[:200] or type(error).__name__) from error
    if not number:
        raise DamagedError(0, "it holds no record")


def _slow_capture(record: Any, number: int) -> Capture | None:
    size, url, date = record.length or 0, _url(dict(record.rec_headers.headers)), _date(record)
    try:
        body = record.content_stream().read(MAX_PAGE_BYTES + 1)
    except _DAMAGE as error:
        return Capture(number, url, date, b"", size, f"not a sound answer: {error}")
    if len(body) <= MAX_PAGE_BYTES:
        record.raw_stream.read()  # what the encoding of the body left
    if record.raw_stream.limit and len(body) <= MAX_PAGE_BYTES:
        raise DamagedError(number - 1, f"record {number} is shorter than it says")
    headers = record.http_headers or record.rec_headers
    content_type, _, rest = (headers.get_header("Content-Type") or "").partition(";")
    status = headers.get_statuscode() if record.http_headers else "200"
    payload = _Payload(
        int(status) if status.isdigit() else 0, content_type, rest.partition("charset=")[2] or None, body
    )
    return _capture(payload, number, url, date, size)


def _capture(payload: _Payload, number: int, url: str, date: datetime | None, size: int) -> Capture | None:
    """The page of a record; None for what is no page."""
    content_type = payload.content_type.strip().lower()
    untyped = not content_type and payload.body.lstrip()[:1] == b"<"
    if payload.status not in (None, 200) or not (untyped or content_type.startswith(_PAGES)):
        return None
    if not url.startswith(("http://", "https://")):  # what a crawler says of itself
        return None
    if len(payload.body) > MAX_PAGE_BYTES:
        return Capture(number, url, date, payload.body, size, f"the page takes more than {MAX_PAGE_BYTES:,} bytes")
    return Capture(number, url, date, in_utf8(payload.body, payload.charset), size)


def _url(headers: Mapping[str, str]) -> str:
    return headers.get("WARC-Target-URI", "").strip().strip("<>")


def _date(record: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(record.rec_headers.get_header("WARC-Date") or "")
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
