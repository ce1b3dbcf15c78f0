"""Which entries of a feed are new, which are changed, and what each is called, whatever the feed renames.

Identity, in order of trust: an address in the guid, a guid that is no address (the publisher's own within a host), the
entry's address, its title and date. Publishers break each of them (DW changes guids when a title changes, BBC counts
`#0`, `#1` at each edit, others flip http and https or the sub-domain), so what was seen is known by its name and by
its address too: an entry whose address is known keeps the name that it got first.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import yarl

from streams.errors import InvalidError
from streams.sources.identity import PREFIX, guid_uri, text_uri, url_key, url_uri

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from streams.sources.feed_fields import RawEntry

# Feeds whose text holds a counter or an advertisement change at every poll: without an end they would be relabelled
# every ten minutes for ever. A developing story has seldom ten versions.
MAX_REVISIONS = 10
KEPT_BEYOND = 500  # entries that have left the feed and are still known: some feeds show old ones again
_NAME_BYTES, _ADDRESS_BYTES, _TEXT_BYTES = 16, 8, 4
_RECORD_BYTES = _NAME_BYTES + _ADDRESS_BYTES + _TEXT_BYTES + 1
_NO_ADDRESS = bytes(_ADDRESS_BYTES)
# "1", "22", "item-3": numbers of the place in the feed, which the next entry takes over. Real ones have four and more
_PLACE_NUMBER = re.compile(r"(?:\D{0,8})\d{1,3}")


class FeedEntry(NamedTuple):
    """An entry with its name; `identity` is the uri of the item. Dates in RFC 3339; "" and None: the feed is silent."""

    identity: str
    url: str
    title: str
    text: str
    language: str | None
    published: str | None
    updated: str | None
    author: str | None
    categories: tuple[str, ...]
    revision: int = 0  # how often the text has changed since the entry was first seen


class _Known(NamedTuple):
    address: bytes
    text: bytes
    revisions: int


class _Named(NamedTuple):
    """An entry, the names that it may have, its own before those that stand in, and its address in short."""

    entry: RawEntry
    names: tuple[bytes, ...]
    address: bytes


class Seen:
    """What a feed has shown, newest last; packed into 29 bytes an entry to be stored."""

    def __init__(self, packed: bytes = b"") -> None:
        self._known: dict[bytes, _Known] = {}
        self._by_address: dict[bytes, bytes] = {}
        for start in range(0, len(packed) - len(packed) % _RECORD_BYTES, _RECORD_BYTES):
            record = packed[start : start + _RECORD_BYTES]
            address, text = record[_NAME_BYTES:][:_ADDRESS_BYTES], record[-_TEXT_BYTES - 1 : -1]
            self._remember(record[:_NAME_BYTES], _Known(address, text, record[-1]))

    def packed(self, shown: int | None = None) -> bytes:
        """To be stored: what the feed shows now (so many entries, all of them selected) and KEPT_BEYOND more.

        Everything, without a number: where `select` has not come to its end, what follows must stay known.
        """
        kept = list(self._known.items())[-(shown + KEPT_BEYOND) if shown is not None else 0 :]
        return b"".join(name + k.address + k.text + bytes([k.revisions]) for name, k in kept)

    def select(self, entries: Sequence[RawEntry], feed_url: str, source: str) -> Iterator[FeedEntry]:
        """The entries that are new or changed, the last of the feed first; each is remembered when it is given.

        `source` names the feed where an entry has neither guid nor address.
        """
        chosen = self._chosen(_names(entries, feed_url, source))
        for name, (entry, _, address) in reversed(chosen.items()):
            found = self._note(name, address, _digest(_TEXT_BYTES, entry.title, entry.text))
            if found is not None:
                yield FeedEntry(PREFIX + name.hex(), *entry[1:], revision=found)

    def _chosen(self, entries: Sequence[_Named]) -> dict[bytes, _Named]:
        """Each entry under one name, in the order of the document, so that the next reading gives the same.

        First those whose address is known: a guid that was known may be one that repeats. A name that such an entry
        keeps is not given to another that shows up with the guid of old: one would hide the other until the next poll.
        """
        named = {self._by_address[entry.address]: entry for entry in entries if entry.address in self._by_address}
        for entry in entries:
            if entry.address in self._by_address:
                continue
            for name in entry.names:
                holder = named.setdefault(name, entry)
                if holder is entry or holder.names[0] == name:  # it is ours; or it is the same item once more
                    break
        places = {id(entry): place for place, entry in enumerate(entries)}
        return dict(sorted(named.items(), key=lambda item: places[id(item[1])]))

    def _note(self, name: bytes, address: bytes, text: bytes) -> int | None:
        """Remembers an entry as it is now; its revision where that is to be published."""
        known = self._known.pop(name, None)
        if known is None:
            self._remember(name, _Known(address, text, 0))
            return 0
        if address not in (_NO_ADDRESS, known.address) and self._by_address.get(known.address) == name:
            del self._by_address[known.address]  # it has moved: whoever comes to its old address is another
        changed = known.text != text and known.revisions < MAX_REVISIONS
        revisions = known.revisions + changed
        address = known.address if address == _NO_ADDRESS else address
        self._remember(name, _Known(address, text if changed else known.text, revisions))
        return revisions if changed else None

    def _remember(self, name: bytes, known: _Known) -> None:
        self._known[name] = known
        if known.address != _NO_ADDRESS:
            other = self._by_address.get(known.address, name)
            if other != name:  # an address leads to one name
                self._known[other] = self._known[other]._replace(address=_NO_ADDRESS)
            self._by_address[known.address] = name


def _names(entries: Sequence[RawEntry], feed_url: str, source: str) -> list[_Named]:
    """The entries with what may name them; entries that are there twice once.

    What several entries share names none of them: a guid, an address, an address but for its fragment.
    """
    once = {(e.guid, e.url, e.title): e for e in reversed(entries)}
    kept = [(entry, _key(entry.guid), _key(entry.url)) for entry in reversed(once.values())]
    guids = Counter(entry.guid for entry in once.values())
    guid_keys, url_keys = Counter(guid for _, guid, _ in kept), Counter(url for _, _, url in kept)
    named = []
    for entry, guid_key, url_key_ in kept:
        by_url = bool(url_key_) and url_keys[url_key_] == 1
        uris = [text_uri(source, entry.title, entry.published or entry.updated, entry.text)]
        if by_url:
            uris.insert(0, url_uri(entry.url))
        if guid_key and guid_keys[guid_key] == 1:
            uris.insert(0, url_uri(entry.guid))
        elif guids[entry.guid] == 1 and _names_something(entry.guid):
            # the host of the articles, not of the feed: one publisher serves feeds under several hosts
            uris.insert(0, guid_uri(entry.guid, yarl.URL(entry.url or feed_url).raw_host or ""))
        names = tuple(bytes.fromhex(uri.removeprefix(PREFIX)) for uri in uris)
        named.append(_Named(entry, names, _digest(_ADDRESS_BYTES, url_key_) if by_url else _NO_ADDRESS))
    return named


def _names_something(guid: str) -> bool:
    """Whether a guid is neither empty, nor a place in the feed, nor a front page."""
    if not guid or _PLACE_NUMBER.fullmatch(guid):
        return False
    return bool(_key(guid)) or not guid.startswith(("http://", "https://"))


def _key(url: str) -> str:
    """An address as an identity; "" for what is none or leads to a front page."""
    if not url.startswith(("http://", "https://")):
        return ""
    try:
        key = url_key(url)
    except InvalidError:
        return ""
    return key if "/" in key or "?" in key else ""


def _digest(size: int, *parts: str) -> bytes:
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=size).digest()


def unseen(entries: Iterable[RawEntry], feed_url: str, source: str) -> list[FeedEntry]:
    """All entries of a document as if none had been seen."""
    return list(Seen().select(list(entries), feed_url, source))
