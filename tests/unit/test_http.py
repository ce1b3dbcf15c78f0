"""The guarded client against servers that are sound, slow, endless or hostile; everything on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import ssl
import subprocess
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver

from streams.http import Client, Limits
from streams.http_answers import FEED, PAGE
from streams.http_guard import allow_list
from streams.http_outcomes import Failed, Fetched, NotModified, Validators, digest_of
from streams.http_politeness import Politeness
from tests.servers.clock import JumpingClock
from tests.servers.web import always, bomb, serving, writing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from pathlib import Path

FEED_BODY = "<rss version='2.0'><channel><title>خبر</title></channel></rss>"
HELD_SECONDS = 60.0  # longer than any limit in here: the fault that a slow server holds
QUICK = Limits(total_seconds=0.5)
ROOMY = Limits(total_seconds=60.0)


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


@contextlib.asynccontextmanager
async def client(*allowed: str, limits: Limits = ROOMY, **options: Any) -> AsyncIterator[Client]:
    clock = options.setdefault("clock", JumpingClock())
    options.setdefault("politeness", Politeness(clock, 0.0))
    async with Client(
        "Newswire test", allowed=allow_list(allowed or ["127.0.0.0/8"]), limits=limits, **options
    ) as made:
        yield made


def failed(outcome: object) -> Failed:
    assert isinstance(outcome, Failed), outcome
    assert "\n" not in outcome.message
    return outcome


def test_a_body_comes_with_its_type_charset_and_validators() -> None:
    headers = {"Content_Type": "Application/RSS+xml; charset=utf-8", "ETag": '"v1"', "Cache_Control": "max-age=900"}

    async def test() -> None:
        async with serving({"/feed": always(FEED_BODY, **headers)}) as site, client() as http:
            found = await http.get(site.url("/feed"), FEED)
            assert isinstance(found, Fetched)
            assert found.body.decode() == FEED_BODY
            assert (found.content_type, found.charset, found.fresh_seconds) == ("application/rss+xml", "utf-8", 900.0)
            assert found.validators == Validators('"v1"', None, digest_of(FEED_BODY.encode()))
            assert site.requests[0].headers["User-Agent"] == "Newswire test"

    run(test())


def test_validators_are_sent_and_304_is_not_modified() -> None:
    async def conditional(request: web.Request) -> web.Response:
        same = request.headers.get("If-None-Match") == '"v1"' and "If-Modified-Since" in request.headers
        return web.Response(status=304 if same else 200, headers={"ETag": '"v1"'})

    known = Validators('"v1"', "Sun, 15 Jun 2025 15:00:00 GMT", "00")

    async def test() -> None:
        async with serving({"/feed": conditional}) as site, client() as http:
            found = await http.get(site.url("/feed"), FEED, validators=known)
            assert found == NotModified(known, None)

    run(test())


def test_the_same_bytes_are_not_modified_though_the_server_says_200() -> None:
    async def test() -> None:
        async with serving({"/feed": always(FEED_BODY, ETag='"v2"')}) as site, client() as http:
            known = Validators('"v1"', None, digest_of(FEED_BODY.encode()))
            found = await http.get(site.url("/feed"), FEED, validators=known)
            assert isinstance(found, NotModified)
            assert found.validators.etag == '"v2"'

    run(test())


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, "client_error"),
        (401, "forbidden"),
        (403, "forbidden"),
        (404, "not_found"),
        (410, "gone"),
        (418, "client_error"),
        (429, "rate_limited"),
        (451, "forbidden"),
        (500, "server_error"),
        (503, "server_error"),
        (522, "server_error"),
        (300, "client_error"),
    ],
)
def test_a_status_of_neither_success_nor_redirect_is_a_failure_with_a_reason(status: int, reason: str) -> None:
    async def test() -> None:
        async with serving({"/feed": always("no", status, Retry_After="7")}) as site, client() as http:
            found = failed(await http.get(site.url("/feed"), FEED))
            assert (found.reason, found.retry_after) == (reason, 7.0)
            assert str(status) in found.message

    run(test())


def test_a_compression_bomb_is_stopped_and_memory_stays_flat() -> None:
    packed = bomb(1024)
    assert len(packed) < 2 << 20

    async def test() -> None:
        handlers = {"/feed": always(packed, Content_Encoding="gzip", Content_Type="text/xml")}
        async with serving(handlers) as site, client() as http:
            tracemalloc.start()
            try:
                found = failed(await http.get(site.url("/feed"), FEED))
                _, peak = tracemalloc.get_traced_memory()
            finally:
                tracemalloc.stop()
            assert found.reason == "too_large"
            assert peak < 60 << 20, "one of 1 GB"

    run(test())


def test_a_body_of_a_gigabyte_is_not_read() -> None:
    sent = 0

    async def endless(writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n")
        block = b"<item/>" * 10_000
        while sent < 1 << 30:
            writer.write(block)
            sent += len(block)
            await writer.drain()

    async def test() -> None:
        async with writing(endless) as site, client() as http:
            assert failed(await http.get(site.url(), FEED)).reason == "too_large"
            assert sent < 64 << 20

    run(test())


def test_a_length_over_the_limit_is_believed() -> None:
    async def boast(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 1073741824\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(HELD_SECONDS)

    async def test() -> None:
        async with writing(boast) as site, client() as http:
            assert failed(await http.get(site.url(), FEED)).reason == "too_large"

    run(test())


def _drip(head: bytes) -> Callable[[asyncio.StreamWriter], Awaitable[None]]:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    return write


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n", b"HTTP/1.1 200 OK\r\nX-Slow: "])
def test_a_server_that_drips_bytes_is_left(head: bytes) -> None:
    async def test() -> None:
        async with writing(_drip(head)) as site, client(limits=QUICK) as http:
            assert failed(await http.get(site.url(), FEED)).reason == "timeout"

    run(test())


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\xff\xfe garbage \x80",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: minus\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nnot gz!",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 " + b"200" * 1000 + b"\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
    ],
)
def test_what_is_not_http_is_a_failure(answer: bytes) -> None:
    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async def test() -> None:
        async with writing(write) as site, client() as http:
            assert failed(await http.get(site.url(), FEED)).reason in {"bad_response", "connect"}

    run(test())


def _to(target: str, status: int = 302) -> Callable[[web.Request], Awaitable[web.Response]]:
    return always(status=status, Location=target)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_followed(status: int) -> None:
    async def test() -> None:
        async with serving({"/old": _to("new?a=1", status), "/new": always(FEED_BODY)}) as site, client() as http:
            found = await http.get(site.url("/old"), FEED)
            assert isinstance(found, Fetched)
            assert found.url == site.url("/new?a=1")

    run(test())


def test_a_loop_of_redirects_ends_after_five() -> None:
    async def test() -> None:
        async with serving({"/a": _to("/b"), "/b": _to("/a")}) as site, client() as http:
            assert failed(await http.get(site.url("/a"), FEED)).reason == "too_many_redirects"
            assert len(site.requests) == 6

    run(test())


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://x.example/", "javascript:alert(1)", "//[::"])
def test_a_redirect_to_what_is_not_http_is_a_failure(target: str) -> None:
    async def test() -> None:
        async with serving({"/a": _to(target)}) as site, client() as http:
            assert failed(await http.get(site.url("/a"), FEED)).reason == "bad_response"

    run(test())


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "0x7f.1",
        "127.1",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "169.254.169.254",
        "[::ffff:169.254.169.254]",
        "10.0.0.1",
        "[fe80::1]",
    ],
)
def test_neither_an_address_nor_a_redirect_leads_inside(host: str) -> None:
    """Only 127.0.0.2 is allowed here; it stands for the world outside."""

    async def test() -> None:
        async with serving({"/secret": always("secret")}, "127.0.0.1") as inside:
            secret = f"http://{host}:{inside.port}/secret"
            async with serving({"/a": _to(secret)}, "127.0.0.2") as outside, client("127.0.0.2") as http:
                for url in (secret, outside.url("/a")):  # aiohttp itself takes some odd spellings for no address
                    assert failed(await http.get(url, FEED)).reason in {"refused_address", "bad_url"}
                assert not inside.requests

    run(test())


class Rebinding(AbstractResolver):
    """A name service under a stranger's control: each question gets the next answer."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
        address = self.answers.pop(0)
        kind = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [{"hostname": host, "host": address, "port": port, "family": kind, "proto": 0, "flags": 0}]

    async def close(self) -> None:
        pass


@pytest.mark.parametrize("second", ["127.0.0.1", "::ffff:127.0.0.1", "::ffff:7f00:1"])
def test_a_name_that_resolves_to_loopback_the_second_time_is_refused(second: str) -> None:
    async def test() -> None:
        handlers = {"/a": always(FEED_BODY, Connection="close")}
        async with serving(handlers, "127.0.0.2") as site, serving({"/a": always("secret")}, "127.0.0.1") as inside:
            async with client("127.0.0.2", resolver=Rebinding("127.0.0.2", second)) as http:
                assert isinstance(await http.get(site.url("/a", host="feeds.test"), FEED), Fetched)
                address = f"http://feeds.test:{inside.port}/a"
                assert failed(await http.get(address, FEED)).reason == "refused_address"
            assert not inside.requests

    run(test())


def test_a_host_name_that_the_operator_names_may_be_private() -> None:
    async def test() -> None:
        async with serving({"/a": always(FEED_BODY)}) as site:
            resolver = Rebinding("127.0.0.1", "127.0.0.1")
            async with client("feeds.test", "192.0.2.0/24", resolver=resolver) as http:
                assert isinstance(await http.get(site.url("/a", host="feeds.test"), FEED), Fetched)
                assert failed(await http.get(site.url("/a", host="other.test"), FEED)).reason == "refused_address"

    run(test())


@pytest.mark.parametrize(
    "url", ["", "feed", "ftp://x.example/", "http://", "http:///feed", "http://[::1", "file:///etc/passwd"]
)
def test_what_is_no_address_is_a_failure(url: str) -> None:
    async def test() -> None:
        async with client() as http:
            assert failed(await http.get(url, FEED)).reason == "bad_url"

    run(test())


def test_a_name_that_nobody_knows_and_a_port_that_nobody_listens_on() -> None:
    class Unknown(Rebinding):
        async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[Any]:
            raise OSError(None, "no such name")

    async def test() -> None:
        async with client(resolver=Unknown()) as http:
            assert failed(await http.get("http://nowhere.test/", FEED)).reason == "dns"
            assert failed(await http.get(f"http://{'a' * 70}.test/", FEED)).reason in {"dns", "bad_url"}
            with socket.create_server(("127.0.0.1", 0)) as closed:
                port = closed.getsockname()[1]
            assert failed(await http.get(f"http://127.0.0.1:{port}/", FEED)).reason == "connect"

    run(test())


@pytest.mark.parametrize("content_type", ["image/png", "video/mp4", "application/zip", "application/pdf", "audio/mpeg"])
def test_what_is_no_document_is_not_read(content_type: str) -> None:
    async def test() -> None:
        async with serving({"/a": always(b"\x00" * 100, Content_Type=content_type)}) as site, client() as http:
            for wanted in (FEED, PAGE):
                assert failed(await http.get(site.url("/a"), wanted)).reason == "content_type"

    run(test())


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/xml", "application/octet-stream", "text/x-odd", "rss"]
)
def test_a_feed_may_come_under_many_names(content_type: str) -> None:
    async def test() -> None:
        async with serving({"/a": always(FEED_BODY, Content_Type=content_type)}) as site, client() as http:
            assert isinstance(await http.get(site.url("/a"), FEED), Fetched)

    run(test())


def test_packed_bodies_are_unpacked() -> None:
    async def test() -> None:
        packed = gzip.compress(FEED_BODY.encode())
        async with serving({"/a": always(packed, Content_Encoding="gzip")}) as site, client() as http:
            found = await http.get(site.url("/a"), FEED)
            assert isinstance(found, Fetched)
            assert found.body.decode() == FEED_BODY

    run(test())


@pytest.fixture(scope="session")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    folder: Path = tmp_path_factory.mktemp("tls")
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def test_a_certificate_that_nobody_vouches_for_is_refused(self_signed: ssl.SSLContext) -> None:
    async def test() -> None:
        async with serving({"/a": always(FEED_BODY)}, tls=self_signed) as site, client() as http:
            assert failed(await http.get(site.url("/a"), FEED)).reason == "tls"
            assert not site.requests

    run(test())


def test_tls_spoken_to_a_plain_server_is_a_failure() -> None:
    async def test() -> None:
        async with serving({"/a": always(FEED_BODY)}) as site, client() as http:
            plain = site.url("/a").replace("http:", "https:")
            assert failed(await http.get(plain, FEED)).reason in {"tls", "connect"}

    run(test())


def test_a_password_in_an_address_is_not_shown() -> None:
    async def test() -> None:
        async with serving({}) as site, client() as http:
            found = failed(await http.get(f"http://user:geheim@127.0.0.1:{site.port}/a", FEED))
            assert "geheim" not in found.message
            assert site.requests[0].headers["Authorization"].startswith("Basic ")

    run(test())


def test_a_webhook_body_is_posted_once_and_not_redirected() -> None:
    seen: list[bytes] = []

    async def hook(request: web.Request) -> web.Response:
        seen.append(await request.read())
        return web.Response(status=202, text="ok")

    async def test() -> None:
        async with serving({"/hook": hook, "/moved": _to("/hook", 307)}) as site, client() as http:
            assert isinstance(await http.post(site.url("/hook"), b"{}", {"Content-Type": "application/json"}), Fetched)
            assert failed(await http.post(site.url("/moved"), b"{}", {})).reason == "too_many_redirects"
            assert seen == [b"{}"]

    run(test())
