"""The main text of an article's page, for entries whose feed gives only a teaser. Meant for a child process."""

from __future__ import annotations

from streams.errors import InvalidError


def page_text(body: bytes, url: str) -> str:
    """The text of a page, paragraphs as lines. Raises InvalidError where there is none."""
    if b"\0" in body[:1024] and not body.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise InvalidError("this is binary data, not a page")
    import trafilatura  # noqa: PLC0415 - takes half a second and 60 MB, and only the child process needs it

    # precision: what surrounds the story is worse than a missing paragraph; `fast` lost a page of an agency whole
    text: str | None = trafilatura.extract(body, url=url, favor_precision=True, include_comments=False, fast=False)
    if not text:
        raise InvalidError("the page has no main text")
    return text
