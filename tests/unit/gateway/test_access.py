"""Who may ask, and how often: tokens, buckets, addresses; over HTTP as browsers, feed readers and probes do."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from streams.gateway.access import OPEN_PATHS, Access, Pace, client_of
from streams.gateway.app import NOBODY, ROUTES, Limits
from streams.gateway.intake import Intake
from streams.gateway.push import Push
from streams.gateway.tokens import Tokens, bearer, password
from tests.contract.sink_cases import Clock
from tests.unit.gateway.examples import Feed, Running, running
from tests.unit.gateway.test_intake import Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

READER, WRITER = "a-reader", "a-writer"


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    readers = Tokens(["sha256:" + hashlib.sha256(READER.encode()).hexdigest()]) + Tokens([WRITER])
    push = Push(Tokens([WRITER]), lambda _: pytest.fail("nothing is parsed"), Intake(Sent().open))
    feed = Feed()
    feed.put([])
    with running(feed.source, limits=Limits(readers=readers), push=push) as gateway:
        gateway.wait_ready()
        yield gateway


def status(gateway: Running, path: str, **asked: Any) -> int:
    with httpx.stream("GET", gateway.url + path, timeout=20, **asked) as answer:
        return answer.status_code


@pytest.mark.parametrize("path", sorted({*ROUTES, "/page/wire.js", "/openapi.json"} - OPEN_PATHS))
def test_what_shows_items_asks_for_a_token(gateway: Running, path: str) -> None:
    path = path.replace("{slug}", "sport" if "topic" in path else "TR").replace("{format}", "atom")
    path += "?uri=x" if path == "/article" else ""
    with httpx.stream("GET", gateway.url + path, timeout=20) as answer:
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"
        schemes = [challenge.partition(" ")[0] for challenge in answer.headers.get_list("www-authenticate")]
        assert schemes == ["Bearer", "Basic"]
        assert "content-security-policy" in answer.headers
        assert "gateway.read_tokens" in json.loads(answer.read())["detail"]
    right = 404 if path.startswith("/article?") else 200
    assert status(gateway, path, headers={"authorization": f"Bearer {READER}"}) == right
    assert status(gateway, path, auth=("whoever", READER)) == right


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
def test_probes_and_prometheus_need_none(gateway: Running, path: str) -> None:
    assert status(gateway, path) == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer another",
        f"Bearer {READER}x",
        f"Token {READER}",
        "Basic !",
        "Basic eDp5",
        "\xff",
    ],
)
def test_what_is_no_token_is_refused(gateway: Running, header: str) -> None:
    assert status(gateway, "/articles", headers={"authorization": header.encode("latin-1")}) == 401


def test_who_may_write_may_read_and_not_the_other_way_round(gateway: Running) -> None:
    assert status(gateway, "/articles", headers={"authorization": f"bearer {WRITER}"}) == 200
    for sent in ({"headers": {"authorization": f"Bearer {READER}"}}, {"auth": ("x", WRITER)}):
        # a browser sends Basic along with what another page makes it post: that never writes
        assert httpx.post(f"{gateway.url}/articles", content=b"{}", timeout=20, **sent).status_code == 401  # type: ignore[arg-type]


def test_without_tokens_everybody_may_read() -> None:
    assert not NOBODY
    with running(Feed().source) as gateway:
        assert status(gateway, "/articles") == 200


def test_headers_are_read_as_their_standards_have_them() -> None:
    assert bearer("BEARER  x ") == "x"
    assert bearer("Basic x") is None
    assert password("basic " + "dTpwOnE=") == "p:q"
    assert password("Bearer dTpwOnE=") is None
    assert password("Basic /////w==") is None  # not UTF-8


# --- pace


def test_a_client_has_a_burst_then_its_pace_and_others_have_theirs() -> None:
    clock = Clock()
    pace = Pace(2.0, clock)
    assert [pace.wait("a") for _ in range(8)] == [0.0] * 8
    assert pace.wait("a") == 0.5
    assert pace.wait("b") == 0.0
    clock.now += 0.25
    assert pace.wait("a") == 0.25  # asking in vain costs nothing
    clock.now += 0.25
    assert [pace.wait("a"), pace.wait("a")] == [0.0, 0.5]
    clock.now += 1000
    assert [pace.wait("a") for _ in range(9)] == [0.0] * 8 + [0.5]


def test_a_pace_below_one_a_second_lets_one_through() -> None:
    clock = Clock()
    pace = Pace(0.1, clock)
    assert [pace.wait("a"), pace.wait("a")] == [0.0, 10.0]


def test_so_many_clients_are_remembered_and_the_one_longest_away_is_forgotten() -> None:
    clock = Clock()
    pace = Pace(0.5, clock, most_clients=3)
    for client in "abcd":
        pace.wait(client)
    assert len(pace) == 3
    assert [pace.wait("d"), pace.wait("d")] == [0.0, 2.0]
    assert [pace.wait("a"), pace.wait("a")] == [0.0, 0.0]  # forgotten: its burst begins anew


@pytest.mark.parametrize(
    ("host", "client"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:bbbb::7", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("testclient", "testclient"),
    ],
)
def test_whose_request_it_is(host: str, client: str) -> None:
    assert client_of({"client": (host, 1)}) == client
    assert client_of({"client": None}) == ""


def test_more_than_the_pace_is_told_when_to_come_again_and_probes_are_not_counted() -> None:
    clock = Clock()
    limits = Limits(pace=Pace(0.5, clock))
    with running(Feed().source, limits=limits) as gateway:
        assert [gateway.get("/articles").status_code for _ in range(3)] == [200, 200, 429]
        refused = gateway.get("/topics")
        assert refused.headers["retry-after"] == "2"
        assert refused.json()["title"] == "too many requests"
        assert refused.headers["content-type"] == "application/problem+json"
        assert httpx.post(f"{gateway.url}/articles", content=b"{}", timeout=20).status_code == 429
        assert gateway.get("/healthz").status_code == 200
        clock.now += 2
        assert gateway.get("/articles").status_code == 200


def test_behind_a_proxy_of_this_machine_clients_are_told_apart() -> None:
    with running(Feed().source, limits=Limits(pace=Pace(0.25, Clock()))) as gateway:
        found = [
            status(gateway, "/articles", headers={"x-forwarded-for": client})
            for client in ("203.0.113.1", "203.0.113.1", "203.0.113.2")
        ]
        assert found == [200, 429, 200]


def test_what_is_no_request_of_http_passes() -> None:
    seen = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["type"])

    asyncio.run(Access(app, Tokens(["x"]), Pace(1.0, Clock()))({"type": "lifespan"}, None, None))  # type: ignore[arg-type]
    assert seen == ["lifespan"]
