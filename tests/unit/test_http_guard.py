"""Which addresses may be reached."""

from __future__ import annotations

import ipaddress
import socket

import pytest
import yarl
from hypothesis import given
from hypothesis import strategies as st

from streams.errors import InvalidError
from streams.http_guard import REFUSED, AllowList, allow_list, guarded_socket, is_public

PRIVATE = [
    "0.0.0.0",
    "0.1.2.3",
    "10.1.2.3",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.9.10",
    "169.254.169.254",
    "172.16.0.1",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::8.8.8.8",
    "::ffff:127.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::808:808",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:a00:1::",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "fc00::1",
    "fd12:3456::1",
    "ff02::1",
    "2001:db8::1",
    "100::1",
]
PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


def _entry(address: str) -> tuple[object, ...]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80)


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(OSError, match=REFUSED):
        guarded_socket(AllowList())(_entry(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_gets_a_socket(address: str) -> None:
    with guarded_socket(AllowList())(_entry(address)) as made:
        assert made.family == (socket.AF_INET6 if ":" in address else socket.AF_INET)


@given(st.ip_addresses(v=4))
def test_wrapping_an_address_never_makes_it_public(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [
        ipaddress.IPv6Address(0xFFFF << 32 | number),
        ipaddress.IPv6Address(0x2002 << 112 | number << 80 | 1),
        ipaddress.IPv6Address(int(ipaddress.IPv6Address("64:ff9b::")) | number),
    ]
    assert {is_public(w) for w in wrapped} == {is_public(address)}


def test_an_allowed_network_may_be_reached_and_its_neighbour_may_not() -> None:
    make = guarded_socket(allow_list(["127.0.0.2", "10.0.0.0/8", "::1"]))
    for address in ("127.0.0.2", "10.200.1.1", "::1", "::ffff:127.0.0.2"):
        make(_entry(address)).close()
    for address in ("127.0.0.1", "192.168.0.1", "::2", "::ffff:127.0.0.1"):
        with pytest.raises(OSError, match=REFUSED):
            make(_entry(address))


def test_a_name_in_the_list_is_known_in_every_spelling() -> None:
    allowed = allow_list(["Intranet.Example"])
    assert allowed.has_name(yarl.URL("http://INTRANET.example:8080/feed"))
    assert allowed.has_name(yarl.URL("http://intranet.example./feed"))
    assert not allowed.has_name(yarl.URL("http://intranet.example.evil.test/"))


@pytest.mark.parametrize("entry", ["", "10.0.0.1/8", "10.1.2.300", "*.example", "http://intranet.example/", "a b"])
def test_an_entry_that_is_nothing_is_refused(entry: str) -> None:
    with pytest.raises(InvalidError, match="not a host name"):
        allow_list([entry])
