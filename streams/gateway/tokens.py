"""Tokens of the gateway: how they are held, and how a request carries one."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterable

_HASHED = "sha256:"


class Tokens:
    """The tokens that are taken. Held as SHA-256 and compared in constant time, each and every one.

    `given`: a token, or "sha256:" and the hexadecimal SHA-256 of one, so that a file of settings need not hold it.
    Raises InvalidError for a digest that is none; `setting` is what it names.
    """

    def __init__(self, given: Iterable[str], setting: str = "gateway.tokens") -> None:
        self._digests = [_digest(token, setting) for token in given]

    def __bool__(self) -> bool:
        return bool(self._digests)

    def __add__(self, other: Tokens) -> Tokens:
        both = Tokens(())
        both._digests = self._digests + other._digests
        return both

    def take(self, token: str) -> bool:
        """Whether it is one of them."""
        digest = hashlib.sha256(token.encode("utf-8", "replace")).digest()
        return any([hmac.compare_digest(digest, known) for known in self._digests])  # noqa: C419 - never ends early


def bearer(authorization: str) -> str | None:
    """The token of `Authorization: Bearer TOKEN` (RFC 6750); None where there is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def password(authorization: str) -> str | None:
    """The password of `Authorization: Basic ...` (RFC 7617), whoever the user is; None where there is none."""
    scheme, _, credentials = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(credentials.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def split(setting: str) -> list[str]:
    """The tokens of a setting, comma-separated."""
    return [token.strip() for token in setting.split(",") if token.strip()]


def _digest(token: str, setting: str) -> bytes:
    if not token.startswith(_HASHED):
        return hashlib.sha256(token.encode()).digest()
    try:
        digest = bytes.fromhex(token.removeprefix(_HASHED))
    except ValueError:
        digest = b""
    if len(digest) != hashlib.sha256().digest_size:
        raise InvalidError(f"{setting}: after {_HASHED!r} come 64 hexadecimal digits")
    return digest
