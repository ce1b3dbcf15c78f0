"""The JSON Schemas say what the code does, and both keep to ninjs 3.1."""

from __future__ import annotations

import copy
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from streams.articles import Article, LabelledArticle, decode_article, decode_labelled, encode
from streams.errors import InvalidError
from streams.ninjs import PARTIAL_DATE_PATTERN, TIMESTAMP_PATTERN, URI_PATTERN
from tests.items import article_json, as_bytes, labelled_json
from tests.repository.schemas import ARTICLE, LABELLED, load, resolve, validator, values

if TYPE_CHECKING:
    from pathlib import Path

FILES = [ARTICLE, LABELLED]
CODE = {ARTICLE: decode_article, LABELLED: decode_labelled}
STEADY = settings(
    derandomize=True,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

# what a publisher, a typing error or an older version of a schema might put where something else belongs
WRONG = [
    None,
    True,
    0,
    -1,
    101,
    1.5,
    "",
    "x",
    "a b",
    "urn:a b",
    "urn:é",
    "2026-02-29T00:00:00Z",
    "2024-02-29T00:00:00Z",
    "2026-02",
    "text",
    "usable",
    [],
    {},
    ["x"],
    [None],
    [{}],
    {"value": "x"},
    {"value": "x", "address": {}},
    {"name": "x"},
    [{"value": "x"}],
    "urn:" + "a" * 2045,
]
# drawn from lists: strings made from a pattern took half of the time, and the patterns are the same on both sides
SAMPLES = {
    TIMESTAMP_PATTERN: ["2026-03-14T09:30:00+03:00", "2024-02-29t23:59:60.123456789z", "0001-01-01T00:00:00-23:59"],
    PARTIAL_DATE_PATTERN: ["2026", "2026-12", "2026-12-31", "2026-12-31T23:59:59", "2026-12-31T23:59:59.5Z"],
    URI_PATTERN: ["urn:example:1", "https://example.org/a/b?c=d&e=%C3%A9#f", "mailto:desk@example.org", "a:b"],
}
IRIS = ["https://example.org/خبر", "tag:örnek,2026:[1]|{2}"]


def wire_text(pattern: str) -> st.SearchStrategy[str]:
    return st.sampled_from(SAMPLES[pattern] + (IRIS if pattern == URI_PATTERN else []))


def standard_text(pattern: str) -> st.SearchStrategy[str]:
    return st.sampled_from(SAMPLES[pattern])


def code_accepts(item: Any, file: str) -> bool:
    try:
        CODE[file](as_bytes(item))
    except InvalidError:
        return False
    return True


def spots(item: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) of an item, outside geoJSON."""
    found = []
    below = [item]
    while below:
        node = below.pop()
        pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in pairs:
            found.append((node, key))
            if key != "geoJSON":
                below.append(child)
    return found


@st.composite
def altered(draw: st.DrawFn, file: str) -> Any:
    """A valid item with one thing changed, which leaves it valid or not."""
    item = copy.deepcopy(draw(values({"$ref": file}, wire_text)))
    node, key = draw(st.sampled_from(spots(item)))
    match draw(st.sampled_from(["replace", "replace", "like", "delete", "add"])):
        case "replace":
            node[key] = draw(st.sampled_from(WRONG))
        case "like":
            node[key] = draw(st.sampled_from([one for one in WRONG if type(one) is type(node[key])] or WRONG))
        case "delete":
            del node[key]
        case "add" if isinstance(node, dict):
            name = draw(
                st.sampled_from(["name", "value", "rel", "uri", "classification", "unknown", "expectedStartDate"])
            )
            node[name] = draw(st.sampled_from(WRONG))
    return item


@pytest.mark.parametrize("file", FILES)
def test_the_schemas_are_schemas(file: str) -> None:
    Draft202012Validator.check_schema(load(file))


@pytest.mark.parametrize(("file", "item"), [(ARTICLE, article_json()), (LABELLED, labelled_json())])
def test_the_examples_of_the_tests_are_valid(file: str, item: Any) -> None:
    validator(file).validate(item)


@pytest.mark.parametrize("file", FILES)
def test_what_the_schema_describes_the_code_accepts_and_leaves_as_it_came(file: str) -> None:
    @STEADY
    @given(values({"$ref": file}, wire_text))
    def check(item: Any) -> None:
        validator(file).validate(item)
        again = json.loads(encode(CODE[file](as_bytes(item))))
        if file == LABELLED:  # an empty list of scores and an absent one are the same to the code
            for axis in (*again["classification"]["axes"], *item["classification"]["axes"]):
                axis.setdefault("scores", [])
        assert again == item

    check()


@pytest.mark.parametrize("file", FILES)
def test_code_and_schema_judge_alike(file: str) -> None:
    verdicts = {True: 0, False: 0}

    @settings(STEADY, max_examples=400)
    @given(altered(file))
    def check(item: Any) -> None:
        verdict = validator(file).is_valid(item)
        verdicts[verdict] += 1
        assert code_accepts(item, file) is verdict

    check()
    assert min(verdicts.values()) > 15, verdicts  # the valid ones are looked at above


@pytest.mark.parametrize("pattern", [TIMESTAMP_PATTERN, PARTIAL_DATE_PATTERN, URI_PATTERN])
def test_patterns_are_the_same_and_in_the_common_part_of_both_languages(pattern: str) -> None:
    assert any(node.get("pattern") == pattern for node in load(ARTICLE)["$defs"].values())
    # Python-only: \A \Z, inline flags, named groups; read differently by ECMA 262: \d \w \s alone, $
    assert not re.search(r"\\[AZdDwWbB]|\(\?[aiLmsux]|\(\?P|\$", pattern)


@pytest.mark.parametrize(("file", "struct"), [(ARTICLE, Article), (LABELLED, LabelledArticle)])
def test_both_know_the_same_members(file: str, struct: Any) -> None:
    schema = resolve({"$ref": file})
    assert set(schema["properties"]) == set(struct.__struct_encode_fields__)


@pytest.mark.parametrize(("file", "struct"), [(ARTICLE, Article), (LABELLED, LabelledArticle)])
def test_every_member_is_of_the_same_type_and_range(file: str, struct: Any) -> None:
    (top,), parts = msgspec.json.schema_components([struct], ref_template="{name}")

    def compare(code: dict[str, Any], ours: dict[str, Any], path: str, depth: int) -> None:
        options = [one for one in code.get("anyOf", [code]) if one != {"type": "null"}]
        if options == [{"type": "integer"}, {"type": "number"}]:
            options.pop(0)
        (code,) = options
        code = parts.get(code.get("$ref"), code)
        ours = resolve(ours)
        for keyword in ("enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "minItems", "maxItems"):
            left, right = code.get(keyword), ours.get(keyword)
            if keyword == "enum":
                left, right = (sorted(values) if values else None for values in (left, right))
            assert left == right, f"{path}: {keyword} {left} in the code, {right} in the schema"
        if "enum" not in ours:
            assert code["type"] == ours["type"], path
        if "items" in code or "items" in ours:
            compare(code["items"], ours["items"], f"{path}[]", depth)
        if "properties" in code and depth < 8:
            assert set(code["required"]) == set(ours.get("required", ())), path
            assert set(code["properties"]) == set(ours["properties"]), path
            for name, member in code["properties"].items():
                compare(member, ours["properties"][name], f"{path}.{name}", depth + 1)

    compare(top, {"$ref": file}, "$", 0)


def rfc3339(value: object) -> bool:
    """RFC 3339 by Python's calendar, not by our pattern."""
    if not isinstance(value, str):
        return True
    text = re.sub(r"(\.\d{6})\d+", r"\1", value.upper()).replace(":60", ":59")
    try:
        return datetime.fromisoformat(text).tzinfo is not None and text[10] == "T"
    except ValueError:
        return False


def rfc3986(value: object) -> bool:
    """A URI with scheme; the grammar as far as characters go."""
    allowed = r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+"
    return not isinstance(value, str) or re.fullmatch(allowed, value) is not None


@pytest.fixture(scope="module")
def ninjs(shared: Path) -> Draft202012Validator:
    """The standard's own schema, with formats asserted."""
    schema = json.loads((shared / "data" / "ninjs" / "ninjs-schema_3.1.json").read_text(encoding="utf-8"))
    resource = Resource.from_contents(schema, DRAFT202012)
    anything = Resource.from_contents({}, DRAFT202012)
    name = schema["$id"].rstrip("#")
    geojson = "https://geojson.org/schema/GeoJSON.json"
    registry = Registry().with_resources(
        [(name, resource), (name + "#", resource), (geojson, anything), (geojson + "#", anything)]
    )
    formats = FormatChecker(formats=())
    formats.checks("date-time")(rfc3339)
    formats.checks("uri")(rfc3986)
    return Draft202012Validator(schema, registry=registry, format_checker=formats)


def without_recurrence_dates(item: Any) -> Any:
    """The standard asks for an array that is a string there, which nothing is."""
    for node, key in spots(item):
        if key == "recurrence" and isinstance(node[key], dict):
            node[key].pop("recurrenceDates", None)
    return item


@pytest.mark.shared
@pytest.mark.parametrize("file", FILES)
def test_what_passes_is_valid_ninjs(file: str, ninjs: Draft202012Validator) -> None:
    @STEADY
    @given(values({"$ref": file}, standard_text))
    def check(item: Any) -> None:
        item.pop("classification", None)
        ninjs.validate(without_recurrence_dates(item))

    check()


@pytest.mark.shared
def test_the_standard_and_its_formats_are_really_asserted(ninjs: Draft202012Validator) -> None:
    assert ninjs.is_valid(article_json())
    item = labelled_json()
    assert not ninjs.is_valid(item)
    del item["classification"]
    assert ninjs.is_valid(item)
    assert not ninjs.is_valid(article_json(versionCreated="2026-02-30T00:00:00Z"))
    assert not ninjs.is_valid(article_json(uri="no uri"))
    assert not ninjs.is_valid(article_json(language=1))


@pytest.mark.shared
def test_no_member_of_the_standard_is_missing_or_narrower(ninjs: Draft202012Validator) -> None:
    standard = ninjs.schema

    def behind(node: dict[str, Any]) -> dict[str, Any]:
        while "$ref" in node and node["$ref"].startswith("#/"):
            target: Any = standard
            for part in node["$ref"][2:].split("/"):
                target = target[part]
            node = {**{k: v for k, v in node.items() if k != "$ref"}, **target} | {
                "properties": {**target.get("properties", {}), **node.get("properties", {})},
                "required": [*target.get("required", ()), *node.get("required", ())],
            }
        return node

    def compare(theirs: dict[str, Any], ours: dict[str, Any], path: str) -> None:
        theirs = behind(theirs)
        ours = resolve(ours)
        if theirs.get("items") is True or "$ref" in theirs or path.endswith(".recurrenceDates"):
            return
        if properties := theirs.get("properties"):
            assert set(properties) == set(ours["properties"]), path
            if path != "$":
                assert set(theirs.get("required", ())) == set(ours.get("required", ())), path
            for keyword in ("oneOf", "anyOf", "additionalProperties"):
                assert theirs.get(keyword) == ours.get(keyword), (path, keyword)
            if path.count("associations") < 2:
                for name, child in properties.items():
                    compare(child, ours["properties"][name], f"{path}.{name}")
            return
        if theirs.get("type") == "array":
            assert ours["type"] == "array", path
            compare(theirs["items"], ours["items"], f"{path}[]")
            return
        for keyword in ("type", "enum", "minimum", "maximum"):
            expected = theirs.get(keyword) if keyword != "type" or "enum" not in theirs else None
            assert ours.get(keyword) == expected, (path, keyword)
        meant = {"uri": URI_PATTERN, "date-time": TIMESTAMP_PATTERN, None: None}[theirs.get("format")]
        assert ours.get("pattern") == (PARTIAL_DATE_PATTERN if "pattern" in theirs else meant), path

    item = standard["$defs"]["ninjsType"]
    compare({**item, "required": ["uri"]}, {"$ref": f"{ARTICLE}#/$defs/item"}, "$")


@pytest.mark.shared
def test_the_examples_of_the_standard_pass_once_the_profile_is_met(shared: Path, ninjs: Draft202012Validator) -> None:
    examples = sorted((shared / "data" / "ninjs" / "examples").glob("*.json"))
    assert len(examples) >= 4
    ours = {name: value for name, value in article_json().items() if name in resolve({"$ref": ARTICLE})["required"]}
    for path in examples:
        item = json.loads(path.read_text(encoding="utf-8"))
        assert ninjs.is_valid(item), path
        completed = {**ours, **item}
        validator(ARTICLE).validate(completed)
        assert json.loads(encode(decode_article(as_bytes(completed)))) == completed
