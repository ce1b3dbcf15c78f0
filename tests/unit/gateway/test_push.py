"""Items pushed over HTTP: what is taken, what is refused and how it says so. On a real server, into a list."""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streams.articles import decode_article
from streams.cli.pushing import make_push, parse
from streams.errors import InvalidError
from streams.gateway import push as module
from streams.gateway.intake import Intake
from streams.gateway.push import MAX_BODY_BYTES, Push
from streams.gateway.tokens import Tokens
from streams.wire import ARTICLES, MAX_RECORD_BYTES
from tests.unit.gateway.examples import Feed, Running, running
from tests.unit.gateway.test_intake import Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token-of-the-desk"
NDJSON = "application/x-ndjson"


class Gateway:
    def __init__(self, gateway: Running, sent: Sent) -> None:
        self.url = gateway.url
        self.get = gateway.get
        self.sent = sent

    def post(
        self, body: bytes, token: str | None = TOKEN, kind: str = "application/json", **more: Any
    ) -> httpx.Response:
        headers = {"content-type": kind, **more}
        if token is not None:
            headers["authorization"] = f"Bearer {token}"
        return httpx.post(f"{self.url}/articles", content=body, headers=headers, timeout=30)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    sent = Sent()
    push = Push(Tokens([TOKEN]), parse, Intake(sent.open, waiting=1))
    with running(Feed().source, push=push) as made:
        yield Gateway(made, sent)


def item(number: int = 1, **members: str) -> bytes:
    return json.dumps({"uri": f"urn:x:{number}", "title": f"Item {number}", "text": "It rained.", **members}).encode()


def problem(response: httpx.Response, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = response.json()
    assert found["status"] == status
    assert found["type"] == "about:blank"
    return found


def test_one_item_is_taken_once_kafka_has_it(gateway: Gateway) -> None:
    response = gateway.post(item())
    assert response.status_code == 202
    assert response.json() == {"uris": ["urn:x:1"], "published": 1}
    (output,) = gateway.sent.outputs
    assert (output.kafka_topic, output.key) == (ARTICLES, b"urn:x:1")
    assert dict(output.headers)["ce_source"] == b"urn:newswire:push"
    assert decode_article(output.value or b"").headlines[0].value == "Item 1"


def test_lines_are_taken_together_and_what_is_there_is_not_published_again(gateway: Gateway) -> None:
    body = b"\n\r\n".join([item(1), item(2)])
    assert gateway.post(body, kind=NDJSON).json() == {"uris": ["urn:x:1", "urn:x:2"], "published": 2}
    assert gateway.post(item(2) + b"\n" + item(3), kind=f"{NDJSON}; charset=utf-8").json()["published"] == 1
    assert gateway.post(item(2)).json() == {"uris": ["urn:x:2"], "published": 0}
    assert 'newswire_published_items_total{source="push"} 3.0' in gateway.get("/metrics").text


def test_an_item_without_a_uri_gets_the_same_one_each_time(gateway: Gateway) -> None:
    body = json.dumps({"title": "Rain", "text": "It rained.", "url": "https://news.example/rain?utm_source=x"}).encode()
    first, second = (gateway.post(body).json() for _ in range(2))
    assert first["uris"] == second["uris"]
    assert [first["published"], second["published"]] == [1, 0]


@pytest.mark.parametrize("token", [None, "another", TOKEN.upper(), TOKEN[:-1], TOKEN + "s"])
def test_without_a_token_nothing_is_taken(gateway: Gateway, token: str | None) -> None:
    response = gateway.post(item(), token)
    problem(response, 401)
    assert response.headers["www-authenticate"].startswith("Bearer")
    assert gateway.sent.outputs == []


def test_a_gateway_without_tokens_takes_nothing_and_says_why() -> None:
    with running(Feed().source) as made:
        assert "gateway.tokens" in problem(Gateway(made, Sent()).post(item()), 401)["detail"]


@pytest.mark.parametrize(
    ("body", "kind", "line"),
    [
        (b"", "application/json", 1),
        (b"{bad", "application/json", 1),
        (item(1) + b"\n" + item(2), "application/json", 1),
        (b'{"title": "no text"}', "application/json", 1),
        (item(1) + b"\n\n{bad\n" + item(2), NDJSON, 3),
        (item(1, language="no tag!"), NDJSON, 1),
        (b"\xff\xfe", NDJSON, 1),
    ],
)
def test_one_bad_line_is_named_and_nothing_is_published(gateway: Gateway, body: bytes, kind: str, line: int) -> None:
    found = problem(gateway.post(body, kind=kind), 400)
    assert found["line"] == line
    assert found["detail"].startswith(f"line {line}: ")
    assert gateway.sent.outputs == []
    assert 'newswire_refused_items_total{source="push"} 1.0' in gateway.get("/metrics").text


def test_no_lines_and_packed_bodies_are_refused(gateway: Gateway) -> None:
    problem(gateway.post(b" \n\n", kind=NDJSON), 400)
    packed = gateway.post(gzip.compress(item()), **{"content-encoding": "gzip"})
    assert "Content-Encoding" in problem(packed, 400)["detail"]


def test_what_is_too_large_is_refused_before_it_is_read(gateway: Gateway) -> None:
    problem(gateway.post(b" " * (MAX_BODY_BYTES + 1)), 413)
    announced = (
        f"POST /articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 999999999999\r\n\r\n"
    )
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(announced.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_body_without_an_announced_length_is_cut_off_too(gateway: Gateway) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(2 * MAX_BODY_BYTES >> 16):
            yield b" " * (1 << 16)

    try:
        response = httpx.post(
            f"{gateway.url}/articles", content=endless(), headers={"authorization": f"Bearer {TOKEN}"}, timeout=30
        )
    except httpx.WriteError:
        return  # it was cut off while it still sent
    problem(response, 413)


def test_an_item_that_no_record_can_carry_is_too_large(gateway: Gateway) -> None:
    found = problem(gateway.post(item(1, text="x" * (MAX_RECORD_BYTES + 1))), 413)
    assert found["line"] == 1


def test_a_body_that_does_not_come_is_not_waited_for(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BODY_SECONDS", 0.2)
    host, port = gateway.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        head = f"POST /articles HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 100\r\n\r\n{{"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 408")


def test_kafka_away_is_503_and_the_same_request_later_is_taken(gateway: Gateway) -> None:
    gateway.sent.fail = True
    response = gateway.post(item())
    assert "Kafka is away" in problem(response, 503)["detail"]
    assert response.headers["retry-after"] == "10"
    gateway.sent.fail = False
    assert gateway.post(item()).json()["published"] == 1


def test_too_many_at_once_are_asked_to_come_again(gateway: Gateway) -> None:
    from concurrent.futures import ThreadPoolExecutor

    gateway.sent.hold.clear()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(gateway.post, item(1))
        gateway.sent.reached.wait(30)
        response = gateway.post(item(2))
        gateway.sent.hold.set()
    problem(response, 429)
    assert response.headers["retry-after"] == "1"
    assert first.result().status_code == 202


def test_a_gateway_that_ends_while_kafka_is_away_answers_and_ends() -> None:
    from concurrent.futures import ThreadPoolExecutor

    sent = Sent()
    sent.hold.clear()  # Kafka does not answer; it would be waited for 40 s
    try:
        with running(Feed().source, push=Push(Tokens([TOKEN]), parse, Intake(sent.open))) as made:
            with ThreadPoolExecutor(1) as pool:
                waiting = pool.submit(Gateway(made, sent).post, item())
                assert sent.reached.wait(30)
                made.server.stop()
                found = waiting.result()
            assert "the gateway ends; send it again" in problem(found, 503)["detail"]
            assert made.ended.wait(30)
    finally:
        sent.hold.set()


def test_the_interface_is_documented(gateway: Gateway) -> None:
    described = gateway.get("/openapi.json").json()
    post = described["paths"]["/articles"]["post"]
    assert set(post["responses"]) == {"202", "400", "401", "408", "413", "429", "503"}
    assert set(post["requestBody"]["content"]) == {"application/json", NDJSON}
    assert post["security"] == [{"token": []}]
    assert described["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


def test_a_token_may_be_given_by_its_hash() -> None:
    tokens = Tokens(["one", "sha256:" + hashlib.sha256(b"two").hexdigest()])
    assert [tokens.take(token) for token in ("one", "two", "three", "", "öé\ud800")] == [
        True,
        True,
        False,
        False,
        False,
    ]
    for wrong in ("sha256:", "sha256:abcd", "sha256:xyz"):
        with pytest.raises(InvalidError, match="64 hexadecimal"):
            Tokens([wrong])
    assert make_push(" , ", "127.0.0.1:1") is None
    assert make_push("a, b", "127.0.0.1:1") is not None
