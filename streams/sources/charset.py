"""The bytes of a document as text, whatever charset they claim to be in.

Claims are often wrong: Arabic feeds in Windows-1256 that say UTF-8, UTF-8 that says ISO-8859-1 (feed readers trust
the bytes for that reason, miniflux among them). So: a byte order mark, then UTF-8 if the bytes are UTF-8, then the
claim if its outcome looks like words, then what cchardet makes of the bytes.
"""

from __future__ import annotations

import codecs
import contextlib
import re
from typing import NamedTuple

import cchardet

from streams.errors import InvalidError

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# "<?" or "<r", "{" without a mark, two or four bytes a letter (XML 1.0, appendix F)
_WIDE = (
    (re.compile(rb"[<{]\0\0\0"), "utf-32-le"),
    (re.compile(rb"\0\0\0[<{]"), "utf-32-be"),
    (re.compile(rb"[<{]\0[^\0]\0"), "utf-16-le"),
    (re.compile(rb"\0[<{]\0[^\0]"), "utf-16-be"),
)
# Browsers read each of these names as its superset (WHATWG Encoding), and so do those who write them
_SUPERSETS = {
    "iso8859-1": "cp1252",
    "ascii": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "iso8859-11": "cp874",
}
_PROLOG = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z0-9._:-]{1,40})[\"']")
_SNIFFED_BYTES = 1024
STRAY_SHARE = (
    20  # a feed is UTF-8 with strays where 1 of 20 letters beyond ASCII or fewer is not: quotes pasted from Windows
)
_RUN = re.compile("[\u00c0-\u024f]{3,}")
_BEYOND = re.compile("[\u0080-\u024f]")
# Turkish letters of Windows-1254 stand where Western Windows-1252 has Icelandic ones; Icelandic has these accents too
_ICELANDIC = re.compile("[ýþðÝÞÐ]")
_ACUTE = re.compile("[áíóúæÁÍÓÚÆ]")
RUN_SHARE = (
    0.3  # of accented letters in runs of three and more: French and Turkish under .02, Arabic read as Western over .8
)


class Decoded(NamedTuple):
    """Text and the charset that it was read in."""

    text: str
    charset: str


def decoded(body: bytes, declared: str | None = None) -> Decoded:
    """The text of a document of XML or JSON; `declared`: the charset in the Content-Type header.

    Raises InvalidError for what is not text.
    """
    for mark, charset in _MARKS:
        if body.startswith(mark):
            return Decoded(body[len(mark) :].decode(charset, "replace"), charset)
    for pattern, charset in _WIDE:
        if pattern.match(body.lstrip(b"\r\n\t ")):
            return Decoded(body.decode(charset, "replace"), charset)
    head = body[:_SNIFFED_BYTES]
    if b"\0" in head and not head.lstrip().startswith((b"<", b"{")):  # a feed may hold a stray one
        raise InvalidError("this is binary data, not a feed")
    text = _utf8(body)
    if text is not None:
        return Decoded(text, "utf-8")
    for claim in (declared, _in_prolog(body)):
        found = _as(body, claim)
        if found and not _looks_wrong(found.text):
            return found
    guess = _as(body, cchardet.detect(body)["encoding"])
    return guess or Decoded(body.decode("cp1252", "replace"), "cp1252")


def in_utf8(body: bytes, charset: str | None) -> bytes:
    """A page as UTF-8, where the server names another charset: what reads pages does not see the server's headers."""
    name = (charset or "").strip().strip("\"'")
    if not name or name.lower() in {"utf-8", "utf8"}:
        return body
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        with contextlib.suppress(LookupError, UnicodeError, ValueError):
            return body.decode(name, "replace").encode("utf-8", "replace")
    return body


def _utf8(body: bytes) -> str | None:
    """The text if the bytes are UTF-8 but for a few strays, which are read as Windows-1252."""
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    text = body.decode("utf-8", "replace")
    wrong = text.count("\ufffd")
    right = len(re.findall("[\u0080-\ufffc\U00010000-\U0010ffff]", text))
    return body.decode("utf-8", "newswire.strays") if wrong * STRAY_SHARE <= right else None


def _strays(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("newswire.strays", _strays)


def _in_prolog(body: bytes) -> str | None:
    found = _PROLOG.search(body[:_SNIFFED_BYTES])
    return found.group(1).decode("ascii") if found else None


def _as(body: bytes, charset: str | None) -> Decoded | None:
    """The text in a charset; None where there is no such charset, the bytes are not in it, or it is UTF-8."""
    try:
        name = codecs.lookup(charset or "").name
        name = _SUPERSETS.get(name, name)
        if name in {"utf-8", "utf-8-sig"} or name.startswith(("utf-16", "utf-32")):
            return None
        text = body.decode(name, "replace" if name == "cp1252" else "strict")
        if name == "cp1252" and len(_ICELANDIC.findall(text)) > 2 * len(_ACUTE.findall(text)):
            return Decoded(body.decode("cp1254", "replace"), "cp1254")
        return Decoded(text, name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _looks_wrong(text: str) -> bool:
    """Whether most accented letters stand three and more in a row: another alphabet, read as a Western charset."""
    beyond = len(_BEYOND.findall(text))
    return sum(len(run) for run in _RUN.findall(text)) > RUN_SHARE * beyond
