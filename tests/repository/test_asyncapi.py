"""configs/asyncapi.yaml names the Kafka topics, keys, headers and schemas that the code writes."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from streams import wire
from streams.agents.dead_letters import dead_letter, invalid
from streams.articles import decode_article, decode_labelled
from streams.errors import InvalidError
from streams.kafka.link import Record
from streams.settings import load_labels
from streams.sources.base import Rejected, record_of
from streams.sources.jsonl import JsonLines
from streams.sources.normalise import Defaults
from tests.items import article_json, as_bytes, labelled_json

FILE = Path(__file__).parents[2] / "configs" / "asyncapi.yaml"

# the fields of AsyncAPI 3.0 that the page uses, by the object they stand in; * is a name of our own
FIELDS = {
    "": {"asyncapi", "id", "info", "defaultContentType", "servers", "channels", "operations", "components"},
    "info": {"title", "version", "description", "license"},
    "servers.*": {"host", "protocol", "description"},
    "channels.*": {"address", "title", "parameters", "messages", "bindings"},
    "channels.*.parameters.*": {"description", "enum"},
    "channels.*.messages.*": {"$ref"},
    "channels.*.bindings": {"kafka"},
    "channels.*.bindings.kafka": {"partitions", "topicConfiguration", "bindingVersion"},
    "operations.*": {"action", "channel", "summary", "bindings"},
    "operations.*.channel": {"$ref"},
    "components": {"messages", "schemas"},
    "components.messages.*": {"title", "contentType", "headers", "payload", "bindings"},
    "components.messages.*.bindings": {"kafka"},
    "components.messages.*.bindings.kafka": {"key", "bindingVersion"},
}
REQUIRED = {
    "": {"asyncapi", "info", "channels"},
    "info": {"title", "version"},
    "servers.*": {"host", "protocol"},
    "channels.*": {"address", "messages", "bindings"},
    "operations.*": {"action", "channel"},
}


@cache
def document() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def at(pattern: str) -> list[tuple[str, Any]]:
    """The objects at a path in which * stands for any name."""
    found = [("", document())]
    for part in filter(None, pattern.split(".")):
        found = [
            (f"{path}.{name}", node[name])
            for path, node in found
            if isinstance(node, dict)
            for name in (node if part == "*" else [part])
            if name in node
        ]
    return found


def look_up(reference: str) -> Any:
    file, _, pointer = reference.partition("#")
    node: Any = yaml.safe_load((FILE.parent / file).read_text(encoding="utf-8")) if file else document()
    for part in filter(None, pointer.split("/")):
        node = node[part]
    return node


def references(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return own + [ref for child in node.values() for ref in references(child)]
    return [ref for child in node for ref in references(child)] if isinstance(node, list) else []


@pytest.mark.parametrize("pattern", FIELDS)
def test_objects_have_the_fields_of_asyncapi_3(pattern: str) -> None:
    objects = at(pattern)
    assert objects
    for path, node in objects:
        assert set(node) <= FIELDS[pattern], path
        assert set(node) >= REQUIRED.get(pattern, set()), path
    assert document()["asyncapi"] == "3.0.0"


def test_references_lead_somewhere() -> None:
    found = references(document())
    assert len(found) >= 20
    for reference in found:
        assert look_up(reference)


def test_operations_are_on_channels_and_channels_carry_messages_of_the_components() -> None:
    for _, operation in at("operations.*"):
        assert operation["action"] in ("send", "receive")
        assert operation["channel"]["$ref"].startswith("#/channels/")
    used = {ref["$ref"] for _, ref in at("channels.*.messages.*")}
    assert used == {f"#/components/messages/{name}" for name in document()["components"]["messages"]}


def expanded(channel: dict[str, Any]) -> list[str]:
    """The addresses of a channel: one for each value of its parameter."""
    parameters = channel.get("parameters", {})
    assert set(re.findall(r"{(\w+)}", channel["address"])) == set(parameters)
    if not parameters:
        return [channel["address"]]
    ((name, parameter),) = parameters.items()
    return [channel["address"].replace(f"{{{name}}}", value) for value in parameter["enum"]]


def test_channels_are_the_kafka_topics_of_the_code() -> None:
    described = {}
    for _, channel in at("channels.*"):
        kafka = channel["bindings"]["kafka"]
        configuration = kafka["topicConfiguration"]
        (policy,) = configuration["cleanup.policy"]
        assert set(configuration) <= {"cleanup.policy", "retention.ms"}
        for address in expanded(channel):
            assert address not in described
            described[address] = (kafka["partitions"], configuration.get("retention.ms"), policy)
    code = {t.name: (t.partitions, t.retention_ms, t.cleanup_policy) for t in wire.kafka_topics(load_labels())}
    assert described == code
    assert len(code) == 46


def test_every_channel_has_the_key_and_schema_of_its_kind() -> None:
    articles = document()["channels"]["articles"]["messages"]
    assert set(articles) == {"article"}
    payloads = {name: message["payload"] for name, message in document()["components"]["messages"].items()}
    assert payloads["article"]["schema"] == {"$ref": "./schemas/article.schema.json"}
    assert payloads["labelledArticle"]["schema"] == {"$ref": "./schemas/labelled-article.schema.json"}
    for name in ("labelled", "topicStream", "regionStream", "unique"):
        assert set(document()["channels"][name]["messages"]) == {"labelledArticle"}, name


def test_groups_and_types_are_those_of_the_code() -> None:
    assert document()["operations"]["label"]["bindings"]["kafka"]["groupId"]["const"] == wire.LABEL_GROUP
    schemas = document()["components"]["schemas"]
    assert schemas["articleHeaders"]["properties"]["ce_type"]["const"] == wire.ARTICLE_TYPE
    assert schemas["labelledArticleHeaders"]["properties"]["ce_type"]["const"] == wire.LABELLED_TYPE
    own = set(schemas["deadLetterHeaders"]["properties"])
    assert all(name.startswith(wire.ERROR_HEADER) for name in own)


def abstained() -> dict[str, Any]:
    block = labelled_json()["classification"] | {"status": "abstained", "axes": []}
    return labelled_json(subjects=None, places=None, classification=block)


def check(headers: list[tuple[str, bytes]], schema: str) -> set[str]:
    """Headers against a schema of the page, none twice and none that the page does not name."""
    assert len(dict(headers)) == len(headers)
    written = {name: value.decode() for name, value in headers}
    described = document()["components"]["schemas"][schema]
    Draft202012Validator.check_schema(described)
    Draft202012Validator(described).validate(written)
    assert set(written) <= set(described["properties"])
    return set(written)


def test_an_articles_headers_are_the_described_ones() -> None:
    names = check(wire.article_headers(decode_article(as_bytes(article_json())), "jsonl"), "articleHeaders")
    assert names == set(document()["components"]["schemas"]["articleHeaders"]["properties"])
    plain = decode_article(as_bytes(article_json(language=None)))
    assert check(wire.article_headers(plain, "warc"), "articleHeaders") == names - {"news-language"}


@pytest.mark.parametrize("item", [labelled_json(), abstained()], ids=["labelled", "abstained"])
def test_a_labelled_items_headers_are_the_described_ones(item: dict[str, Any]) -> None:
    headers = wire.labelled_headers(decode_labelled(as_bytes(item)), load_labels())
    names = check(headers, "labelledArticleHeaders")
    assert names == set(document()["components"]["schemas"]["labelledArticleHeaders"]["properties"])


def test_the_headers_of_what_a_publisher_refuses_are_the_described_ones() -> None:
    source = JsonLines(io.BytesIO(), "items.jsonl", Defaults("example"), lambda: datetime.now(UTC))  # type: ignore[arg-type]
    rejected = Rejected(b"{", 10_000_000, "the line takes 10,000,000 bytes", "line 7")
    output = record_of(rejected, source, lambda: "2026-01-01T00:00:00Z")
    names = check(output.headers, "deadLetterHeaders")
    assert names >= {"newswire-error-source", "newswire-error-place", "newswire-error-truncated"}


def test_a_dead_letters_headers_are_the_described_ones() -> None:
    record = Record("news.articles", 3, 41, b"k", b"{}", [("theirs", b"1")], 0)
    failure = invalid(InvalidError("wrong"), "decode")._replace(stacktrace="Traceback")
    output = dead_letter(record, failure, "2026-01-01T00:00:00Z").output
    assert output.headers[0] == ("theirs", b"1")
    check(output.headers[1:], "deadLetterHeaders")
