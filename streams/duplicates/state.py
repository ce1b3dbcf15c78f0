"""What the stage writes: the mark of a duplicate, and what it must remember of an item to go on elsewhere."""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np

from streams.duplicates.signature import MAKING, PLACES, Signature, bands_of
from streams.errors import InvalidError

Kind = Literal["exact", "revision", "near", "wire"]


class DuplicateMark(msgspec.Struct, frozen=True, rename="camel"):
    """A record of `news.duplicates`; its key is `uri`.

    `dup_of`: the item of the story that is on `news.unique`. `kind`: "exact", the same words; "revision", much the same
    by the same source; "wire", nearly the same by another source; "near", half of it by another. `similarity`: of the
    word triples to the nearest earlier item (Jaccard, estimated, standard deviation .04), 0 to 1.
    """

    uri: str
    dup_of: str
    kind: Kind
    similarity: float


class Remembered(msgspec.Struct, frozen=True):
    """A record of `news.signatures`; its key is the uri. `at`: milliseconds since 1970; `story`: uri of its first."""

    making: str
    at: int
    source: str
    story: str
    near: bool
    text: bytes
    places: bytes  # PLACES numbers of 32 bits, the lowest byte first

    def signature(self) -> Signature | None:
        """The signature; None where it was made by another version and means nothing to this one."""
        if self.making != MAKING or len(self.places) != 4 * PLACES:
            return None
        places = np.frombuffer(self.places, dtype="<u4").astype(np.uint32)
        return Signature(self.text, places, bands_of(places), self.near)


_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Remembered)


def encode_mark(mark: DuplicateMark) -> bytes:
    """JSON."""
    return _encoder.encode(mark)


def encode_remembered(signature: Signature, at: int, source: str, story: str) -> bytes:
    """JSON with the signature in base64: about a kilobyte."""
    places = signature.places.astype("<u4").tobytes()
    return _encoder.encode(Remembered(MAKING, at, source, story, signature.near, signature.text, places))


def decode_remembered(value: bytes) -> Remembered:
    """Raises InvalidError for what the stage did not write."""
    try:
        return _decoder.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidError(f"not a signature: {error}") from error
