"""The webhook: what a request looks like, how it is signed, what an answer means, where it may go."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web

from streams.articles import decode_labelled
from streams.errors import InvalidError
from streams.http_guard import allow_list
from streams.http_outcomes import Failed, Fetched, Outcome, Validators
from streams.kafka.link import Record
from streams.sinks.posting import Poster
from streams.sinks.webhook import Webhook, event_of, signature
from streams.wire import LABELLED, labelled_headers
from tests.contract.sink_cases import LABELS
from tests.items import as_bytes, labelled_json
from tests.repository.source import ROOT
from tests.servers.background import site_of
from tests.servers.receivers import Hook

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TAKEN = Fetched("http://x/", b"", "", None, Validators(), None)
SECRET = "whsec_" + base64.b64encode(b"sixteen bytes or").decode()


class Post:
    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent: list[tuple[str, bytes, dict[str, str]]] = []

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> Outcome:
        self.sent.append((url, body, dict(headers)))
        return self.outcomes.pop(0) if self.outcomes else TAKEN

    def close(self) -> None:
        pass


def item(number: int = 1) -> Record:
    value = as_bytes(labelled_json(uri=f"urn:n:{number}"))
    headers = labelled_headers(decode_labelled(value), LABELS)
    return Record(LABELLED, 3, number, b"k", value, headers, 0)


def hook(post: Any, secret: str = "", *, single: bool = False, url: str = "https://example.org/hook") -> Webhook:
    return Webhook(url, secret, post, lambda: 1772359200.9, single=single)


def test_a_batch_of_cloud_events() -> None:
    post = Post()
    assert hook(post).send([item(1), item(2)]) == ({}, frozenset(), False, "", None)
    ((url, body, headers),) = post.sent
    assert url == "https://example.org/hook"
    assert headers["Content-Type"] == "application/cloudevents-batch+json; charset=utf-8"
    first, second = json.loads(body)
    assert first["specversion"] == "1.0"
    assert first["type"] == "org.newswire.article.labelled.v1"
    assert first["source"] == "urn:newswire:label"
    assert (first["subject"], second["subject"]) == ("urn:n:1", "urn:n:2")
    assert first["id"] == dict(item(1).headers)["ce_id"].decode() != second["id"]
    assert first["newstopic"] == "economy,society"
    assert first["newscountry"] == "TR,EG"
    assert first["datacontenttype"] == "application/json"
    assert first["data"] == labelled_json(uri="urn:n:1")
    assert all(re.fullmatch(r"[a-z0-9]{1,20}", name) for name in first)
    assert "webhook-signature" not in headers


def test_a_single_event_and_its_bytes() -> None:
    post = Post()
    hook(post, single=True).send([item(1)])
    ((_, body, headers),) = post.sent
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert (item(1).value or b"") in body
    assert headers["Idempotency-Key"] == f'"{json.loads(body)["id"]}"'


def test_what_is_sent_again_has_the_key_that_it_had() -> None:
    post = Post()
    for batch in ([item(1), item(2)], [item(1), item(2)], [item(2)]):
        hook(post).send(batch)
    keys = [headers["Idempotency-Key"] for _, _, headers in post.sent]
    assert keys[0] == keys[1] != keys[2]


def test_a_record_of_somebody_else_gets_an_id_by_its_place() -> None:
    event = event_of(Record(LABELLED, 3, 7, None, b"{}", [], 0))
    assert event["id"] == f"{LABELLED}-3-7"
    assert event["type"] == "org.newswire.article.labelled.v1"


def test_the_signature_is_that_of_standard_webhooks() -> None:
    post = Post()
    hook(post, SECRET).send([item(1)])
    ((_, body, headers),) = post.sent
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = base64.b64encode(hmac.new(b"sixteen bytes or", signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{digest}"
    assert headers["webhook-timestamp"] == "1772359200"
    assert headers["Idempotency-Key"] == f'"{headers["webhook-id"]}"'
    # the example of the specification's own page of tools
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert (
        signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
        == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )


def test_the_verification_that_the_page_shows_works() -> None:
    page = (ROOT / "docs" / "sinks.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "def is_genuine" in block]
    names: dict[str, Any] = {}
    exec(code, names)
    post = Post()
    hook(post, SECRET).send([item(1)])
    ((_, body, headers),) = post.sent
    assert names["is_genuine"](headers, body, SECRET, 1772359200)
    assert not names["is_genuine"](headers, body + b" ", SECRET, 1772359200)
    assert not names["is_genuine"](headers, body, SECRET, 1772359200 + 301)
    assert not names["is_genuine"](headers, body, "whsec_AAAA", 1772359200)


def test_a_secret_in_plain_letters_and_one_that_is_broken() -> None:
    post = Post()
    hook(post, "plain").send([item(1)])
    assert "webhook-signature" in post.sent[0][2]
    with pytest.raises(InvalidError, match="no base64 after whsec_"):
        hook(post, "whsec_***")


@pytest.mark.parametrize(
    "reason", ["connect", "timeout", "server_error", "rate_limited", "not_found", "forbidden", "tls"]
)
def test_what_may_pass_is_sent_again(reason: Any) -> None:
    answer = hook(Post(Failed(reason, "so it is", 12.0))).send([item(1), item(2)])
    assert answer == ({}, frozenset({0, 1}), False, "so it is", 12.0)


def test_what_is_refused_is_looked_for() -> None:
    answer = hook(Post(Failed("client_error", "422 Unprocessable"))).send([item(1), item(2)])
    assert answer.divide
    assert not answer.again


@pytest.mark.parametrize("reason", ["bad_url", "refused_address"])
def test_an_address_that_may_not_be_is_told(reason: Any) -> None:
    with pytest.raises(InvalidError, match="sink webhook: never"):
        hook(Post(Failed(reason, "never"))).send([item(1)])


def test_without_an_address_it_is_told() -> None:
    with pytest.raises(InvalidError, match=r"set sinks\.webhook\.url"):
        hook(Post(), url="").prepare()


@pytest.mark.parametrize("value", [b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_json_is_not_sent(value: bytes) -> None:
    with pytest.raises(InvalidError, match="not JSON in UTF-8"):
        hook(Post()).check(Record(LABELLED, 0, 0, None, value, [], 0))


# --- over HTTP


@pytest.fixture
def site() -> Iterator[tuple[str, Hook]]:
    receiver = Hook()
    with site_of({"/hook": receiver}) as (found,):
        yield found.url("/hook"), receiver


def test_addresses_of_this_machine_are_refused_unless_they_are_allowed(site: tuple[str, Hook]) -> None:
    url, receiver = site
    guarded, free = Poster(allow_list([]), 10.0), Poster(allow_list(["127.0.0.0/8"]), 10.0)
    with pytest.raises(InvalidError, match="is not a public address; name it in the allow-list"):
        hook(guarded, url=url).send([item(1)])
    assert receiver.requests == []
    assert hook(free, url=url).send([item(1)]) == ({}, frozenset(), False, "", None)
    assert receiver.uris() == ["urn:n:1"]
    guarded.close()
    free.close()
    free.close()


def test_answers_as_they_come_over_http(site: tuple[str, Hook]) -> None:
    url, receiver = site
    post = Poster(allow_list(["127.0.0.0/8"]), 10.0)
    target = hook(post, url=url)
    receiver.answers = [
        web.Response(status=429, headers={"Retry-After": "7"}),
        web.Response(status=503),
        web.Response(status=413),
        web.Response(status=302, headers={"Location": url}),
    ]
    busy, broken, large, elsewhere = (target.send([item(1)]) for _ in range(4))
    assert (busy.again, busy.retry_after) == (frozenset({0}), 7.0)
    assert (broken.again, broken.retry_after) == (frozenset({0}), None)
    assert large.divide
    assert elsewhere.again  # a signed body is not carried on to another address
    assert target.send([item(1)]) == ({}, frozenset(), False, "", None)  # at once: the client does not sleep by itself
    target.close()
