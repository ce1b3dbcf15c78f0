"""Clean text: NFC, plain spaces, no control characters, markup or entities; letters and direction marks stay.

What cannot be saved is refused, because a model would label noise and a reader would see it.
"""

from __future__ import annotations

import html
import re
import unicodedata

from streams.errors import InvalidError

# A page in a wrong charset loses every non-ASCII letter to U+FFFD (Arabic: over 70 %), a sound one has a stray two or
# three in a thousand letters. 2 % lies far from both.
MAX_REPLACED_SHARE = 0.02
# UTF-8 read as Latin-1 turns each Arabic or Turkish letter into such a pair. French and Portuguese have single ones.
_MIXED_UP = re.compile(
    "[\u00c2-\u00df\u00e2\u00e3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122]"
)
MIXED_UP_SHARE = 0.05
_MIXED_UP_LEADS = (
    "ÃÂØÙÚÛÄÅÐÑâã"  # one of them is in every such text; looking for them is ten times faster than the pairs
)

_SURROGATE = re.compile("[\ud800-\udfff]")
# C0 and C1 controls but tab and line feed, soft hyphen (splits words for every tokenizer), byte order mark and
# noncharacters. Joiners (U+200C, U+200D) and direction marks carry meaning in Persian, Kurdish and Arabic: they stay.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\ufeff\ufffe\uffff]")
_LINE_END = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_DROPPED = re.compile(r"<!--.*?-->|<(script|style)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BLOCK = re.compile(
    r"(?:</?(?:p|br|div|li|ul|ol|h[1-6]|tr|table|blockquote|section|article|figure|hr)\b[^<>]{0,2000}>\s*)+",
    re.IGNORECASE,
)
_INLINE = re.compile(
    r"</?(?:a|abbr|b|big|cite|code|em|font|i|img|mark|q|s|small|span|strong|sub|sup|td|th|time|u|wbr)\b[^<>]{0,2000}>",
    re.IGNORECASE,
)
_BLANKS = re.compile(r"(?: *[^\S\n ])+ *| {2,}")
_LINE_BLANKS = re.compile(r" \n ?|\n ")
_GAP = re.compile(r"\n{3,}")


def clean(text: str) -> str:
    """The text as it should be read, paragraphs as lines.

    Raises InvalidError: a lone surrogate, mojibake beyond repair.
    """
    if any(letter in text for letter in _MIXED_UP_LEADS):
        text = _repaired(text)
    replaced = text.count("\ufffd")
    if replaced > MAX_REPLACED_SHARE * len(text):
        raise InvalidError(f"a text is {100 * replaced / len(text):.0f} % U+FFFD: it was read in a wrong charset")
    if "<" in text:
        text = _INLINE.sub("", _BLOCK.sub("\n", _DROPPED.sub(" ", text)))
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match.group()), text)
    text = unicodedata.normalize("NFC", text)
    flat = text.replace("\n", " ")
    if not flat.isprintable():  # a control, a surrogate, a format character or a blank that is not a space
        text = _printable(text)
    elif "  " not in flat:  # the common case is left before the expressions that take 100 us a page
        return text.strip()
    return _GAP.sub("\n\n", _LINE_BLANKS.sub("\n", _BLANKS.sub(" ", text))).strip()


def _printable(text: str) -> str:
    surrogate = _SURROGATE.search(text)
    if surrogate:
        raise InvalidError(f"a text holds a lone surrogate (U+{ord(surrogate.group()):04X})")
    return _CONTROL.sub("", _LINE_END.sub("\n", text))


def clean_line(text: str) -> str:
    """Clean text on one line, for a headline. Raises InvalidError."""
    return " ".join(clean(text).split())


def _repaired(text: str) -> str:
    """UTF-8 that was read as Windows-1252 put right where that is possible without loss; else the text as it is."""
    pairs = len(_MIXED_UP.findall(text))
    if pairs < 2 or pairs * 2 < MIXED_UP_SHARE * len(text):
        return text
    try:
        return b"".join(_single_byte(letter) for letter in text).decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def _single_byte(letter: str) -> bytes:
    try:
        return letter.encode("cp1252")
    except UnicodeEncodeError:
        return letter.encode("latin-1")  # the five bytes that Windows-1252 leaves undefined
