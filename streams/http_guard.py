"""Which addresses may be reached: public ones, and those that the operator names.

A feed, a page or a redirect is a stranger's word, and a stranger must not make this machine ask its own neighbours
(server-side request forgery). The check sits where a socket is made, so it sees the address that is really connected
to: redirects, literal addresses, odd spellings (0x7f.1) and names that resolve to something else the second time are
all covered. A check of the name or in the resolver alone is not enough: literal addresses pass by it.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

from streams.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import yarl

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED = "is not a public address"  # how the error of a refused address is told from others of the same connection
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")  # RFC 6052; `is_global` is True for it whatever it stands for
# What `is_global` of Python 3.11 to 3.13 lets pass or judges differently: local NAT64 (RFC 8215), addresses written as
# ::a.b.c.d (RFC 4291 2.5.5.1), site-local (RFC 3879), protocol assignments (RFC 6890), 6to4 relays (RFC 7526)
_NEVER: tuple[Network, ...] = (
    ipaddress.IPv6Network("64:ff9b:1::/48"),
    ipaddress.IPv6Network("::/96"),
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv4Network("192.88.99.0/24"),
)


class AllowList(NamedTuple):
    """What may be reached although it is not public."""

    names: frozenset[str] = frozenset()  # host names in lower case
    networks: tuple[Network, ...] = ()

    def has_name(self, url: yarl.URL) -> bool:
        """Whether the host of an address is named, whatever it resolves to."""
        return (url.raw_host or "").lower().rstrip(".") in self.names


def allow_list(entries: Iterable[str]) -> AllowList:
    """An AllowList from host names, addresses and networks ("intranet.example", "10.1.2.3", "10.0.0.0/8").

    Raises InvalidError for what is none of them.
    """
    names, networks = set(), []
    for entry in entries:
        try:
            networks.append(ipaddress.ip_network(entry.strip("[]")))
        except ValueError as error:
            if not entry or any(c in entry for c in "/:*@ \t") or entry.replace(".", "").isdigit():
                raise InvalidError(
                    f"{entry!r} is not a host name, an address or a network such as 10.0.0.0/8"
                ) from error
            names.add(entry.lower().rstrip("."))
    return AllowList(frozenset(names), tuple(networks))


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, seen through every form that wraps an IPv4 address."""
    carried = _carried(address)
    if carried:
        return all(is_public(inner) for inner in carried)
    if any(address in network for network in _NEVER if network.version == address.version):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def guarded_socket(allowed: AllowList) -> Callable[[tuple[Any, ...]], socket.socket]:
    """A socket factory for aiohttp that refuses what is neither public nor in one of the allowed networks.

    It takes an entry of getaddrinfo() and raises OSError, whose text holds REFUSED.
    """

    def make(entry: tuple[Any, ...]) -> socket.socket:
        """Asked with the address that is connected to, so a name that resolves anew cannot slip through."""
        family, kind, protocol, _, place = entry
        address = ipaddress.ip_address(str(place[0]).partition("%")[0])
        mapped = address.ipv4_mapped if address.version == 6 else None
        named = any(a in n for a in (address, mapped) if a for n in allowed.networks if n.version == a.version)
        if not named and not is_public(address):
            raise OSError(f"{address} {REFUSED}")
        return socket.socket(family, kind, protocol)

    return make


def _carried(address: Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that an IPv6 address stands for: mapped, 6to4, Teredo (server and client), NAT64."""
    if address.version == 4:
        return []
    if address.ipv4_mapped:
        return [address.ipv4_mapped]
    if address.sixtofour:
        return [address.sixtofour]
    if address.teredo:
        return list(address.teredo)
    return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)] if address in _NAT64 else []
