"""From the HTML that feeds carry to plain text, paragraphs as lines."""

from __future__ import annotations

import re

from lxml import etree

from streams.errors import InvalidError
from streams.sources.text import clean, clean_line

MAX_LETTERS = 200_000  # of one text: the longest of 6,555 real entries has 120,000, and a record holds 900,000 bytes
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]*>|&(?:#\w{1,7}|[A-Za-z]\w{1,31});")
_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "br",
        "caption",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tbody",
        "td",
        "th",
        "thead",
        "tr",
        "ul",
    ]
)
_DROPPED = frozenset(
    [
        "script",
        "style",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "noscript",
        "canvas",
        "audio",
        "video",
        "select",
        "textarea",
        "button",
        "head",
    ]
)
# Characters that XML 1.0 forbids (2.2), so no tree of lxml takes them
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_PARSER = etree.HTMLParser(recover=True, remove_comments=True, remove_pis=True)
# WordPress puts this under every entry, in every feed that it makes
_FOOTER = re.compile(r"\nThe post .{1,400} (?:appeared first on|first appeared on) .{1,200}$")


def plain_text(value: str) -> str:
    """The words of a text that may be HTML, entities resolved once more where they came escaped twice.

    A text beyond repair (see `clean`) comes as it is: whoever makes an article of it refuses it with the reason.
    """
    text = value[: 4 * MAX_LETTERS]
    if _MARKUP.search(text):
        text = _words(text)
    try:
        text = clean(text[:MAX_LETTERS])
    except InvalidError:
        return text[:MAX_LETTERS]
    footer = text.rfind("\nThe post ")
    return text[:footer].rstrip() if footer >= 0 and _FOOTER.fullmatch(text, footer) else text


def plain_line(value: str, letters: int = 1000) -> str:
    """A name or an identifier on one line, without markup; "" beyond repair."""
    try:
        return clean_line(value[: 4 * letters])[:letters].strip()
    except InvalidError:
        return ""


def _words(markup: str) -> str:
    """The text of HTML: blocks as lines, scripts and the like left out.

    The walk is libxml2's, Python only touches the blocks: a quarter of the time of a walk over every element.
    """
    markup = _FORBIDDEN.sub("", markup.replace("\r", " ").replace("\n", " "))
    root = etree.fromstring(f"<div>{markup}</div>", _PARSER)
    if root is None:
        return ""
    etree.strip_elements(root, *_DROPPED, with_tail=False)
    for block in root.iter(*_BLOCKS):
        try:
            block.text, block.tail = f"\n{block.text or ''}", f"\n{block.tail or ''}"
        except ValueError:  # a forbidden character that came as a reference: &#31;
            block.text, block.tail = _allowed(block.text), _allowed(block.tail)
    # done here in one pass over lines, what `clean` would need three expressions for
    lines = (" ".join(line.split()) for line in "".join(root.itertext()).split("\n"))
    return "\n".join(line for line in lines if line)


def _allowed(text: str | None) -> str:
    return "\n" + _FORBIDDEN.sub("", text or "")
