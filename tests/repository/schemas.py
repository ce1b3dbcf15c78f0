"""The JSON Schemas of configs/schemas: loading them, and strategies that make what they describe."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

if TYPE_CHECKING:
    from collections.abc import Callable

FOLDER = Path(__file__).parents[2] / "configs" / "schemas"
ARTICLE = "article.schema.json"
LABELLED = "labelled-article.schema.json"
DEEPEST = 6  # objects within objects; associations hold associations


@cache
def load(name: str) -> dict[str, Any]:
    """A schema by its file name."""
    return json.loads((FOLDER / name).read_text(encoding="utf-8"))


@cache
def validator(name: str) -> Draft202012Validator:
    """A validator of a schema; references between the files are followed."""
    resources = [(file, Resource.from_contents(load(file), DRAFT202012)) for file in (ARTICLE, LABELLED)]
    return Draft202012Validator({"$ref": name}, registry=Registry().with_resources(resources))


@cache
def _absolute(file: str) -> dict[str, Any]:
    """A schema whose references name their file, so that they hold wherever they are merged into."""

    def with_file(node: Any) -> Any:
        if isinstance(node, list):
            return [with_file(child) for child in node]
        if not isinstance(node, dict):
            return node
        changed = {key: with_file(child) for key, child in node.items()}
        if isinstance(node.get("$ref"), str) and node["$ref"].startswith("#"):
            changed["$ref"] = file + node["$ref"]
        return changed

    return with_file(load(file))


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its $ref, and those behind it, merged in: `required` adds up, members are merged by name."""
    if "$ref" not in schema:
        return schema
    file, _, pointer = schema["$ref"].partition("#")
    target: Any = _absolute(file)
    for part in filter(None, pointer.split("/")):
        target = target[part]
    base = resolve(target)
    merged = {**base, **{key: value for key, value in schema.items() if key != "$ref"}}
    merged["required"] = [*base.get("required", ()), *schema.get("required", ())]
    members = dict(base.get("properties", {}))
    for name, member in schema.get("properties", {}).items():
        members[name] = {**members.get(name, {}), **member}
    return {**merged, "properties": members} if members else merged


def values(
    schema: dict[str, Any], text: Callable[[str], st.SearchStrategy[str]], depth: int = 0
) -> st.SearchStrategy[Any]:
    """Values that a schema accepts; `text` makes strings of a pattern. Raises KeyError for a keyword it does not know.

    Strategies are kept: to make one anew for each member of each example takes ten times as long as to draw from it.
    """
    return _values(json.dumps(schema, sort_keys=True), text, min(depth, DEEPEST))


@cache
def _values(written: str, text: Callable[[str], st.SearchStrategy[str]], depth: int) -> st.SearchStrategy[Any]:
    schema = resolve(json.loads(written))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    match schema["type"]:
        case "string":
            strings = text(schema["pattern"]) if "pattern" in schema else st.text(max_size=8)
            return strings.filter(lambda s: schema.get("minLength", 0) <= len(s) <= schema.get("maxLength", 9999))
        case "integer":
            return st.integers(schema.get("minimum"), schema.get("maximum"))
        case "number":
            return st.floats(schema.get("minimum"), schema.get("maximum"), allow_nan=False, allow_infinity=False)
        case "array":
            item = values(schema["items"], text, depth + 1)
            return st.lists(item, min_size=schema.get("minItems", 0), max_size=2)
        case "object" if "properties" in schema:
            return objects(schema, text, depth)
        case "object":
            inner = st.none() | st.integers() | st.text(max_size=3)
            return st.dictionaries(st.text(max_size=3), inner | st.lists(inner, max_size=2), max_size=2)
    raise KeyError(schema)


@st.composite
def objects(
    draw: st.DrawFn, schema: dict[str, Any], text: Callable[[str], st.SearchStrategy[str]], depth: int
) -> dict[str, Any]:
    """An object with its required members and a few of the others, in any order."""
    choices = [one["required"] for one in schema.get("oneOf", ())]
    for either in schema.get("anyOf", ())[:1]:
        choices = [one["required"] for one in either["oneOf"]]
    fixed = list(schema.get("required", ()))
    free = sorted(set(schema["properties"]) - set(fixed) - {name for choice in choices for name in choice})
    if depth >= DEEPEST:
        free = [name for name in free if schema["properties"][name].get("type") in ("string", "integer")]
    names = fixed + (draw(st.sampled_from(choices)) if choices else [])
    if free:
        names += draw(st.lists(st.sampled_from(free), unique=True, max_size=4 if depth == 0 else 1))
    return {name: draw(values(schema["properties"][name], text, depth + 1)) for name in draw(st.permutations(names))}
