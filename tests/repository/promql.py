"""PromQL as the tests read it: which series and labels an expression asks for."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import promql_parser
import yaml
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from streams.metrics import TABLE, Metrics
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

# what Grafana puts in for its own variables; a chosen value for ours
INTERVALS = re.compile(r"\$__(?:rate_)?interval|\$__range")
VARIABLE = re.compile(r"\$\{?(\w+)\}?")
COUNTING = ("rate", "increase", "irate")


class Selector(NamedTuple):
    """A metric, the labels it is matched by, and the function of counters that it stands in, if any."""

    metric: str
    labels: frozenset[str]
    function: str | None


@cache
def series() -> dict[str, frozenset[str]]:
    """Every series that our metrics give, with its labels, and `up`, which Prometheus adds to every target."""
    registry = CollectorRegistry()
    metrics = Metrics(registry).with_process()
    for row in TABLE:
        if row.labels:
            attribute = getattr(metrics, row.name.removeprefix("newswire_").removesuffix("_total"))
            attribute.labels(*(["x"] * len(row.labels)))
    found = {"up": frozenset[str]()}
    for family in text_string_to_metric_families(metrics.exposition()[0].decode()):
        for sample in family.samples:
            if not sample.name.endswith("_created"):
                found[sample.name] = frozenset(sample.labels)
    return found


RULES = ROOT / "deploy" / "prometheus" / "rules"


@cache
def recorded() -> dict[str, frozenset[str]]:
    """Every series that a rule records, with the labels that its expression keeps."""
    rules = [
        rule
        for path in sorted(RULES.glob("*.yml"))
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
        for rule in group["rules"]
    ]
    return {rule["record"]: frozenset(grouped(rule["expr"])) for rule in rules if "record" in rule}


TARGET = frozenset({"job", "instance"})  # Prometheus adds them to what it scrapes


def parse(expression: str) -> Any:
    """The tree of an expression of a dashboard or a rule. Raises ValueError where it is not PromQL."""
    return promql_parser.parse(VARIABLE.sub("x", INTERVALS.sub("5m", expression)))


def selectors(expression: str) -> list[Selector]:
    """What an expression selects."""
    return list(_below(parse(expression), None))


def grouped(expression: str) -> set[str]:
    """The labels that an expression sums up by or joins on."""
    return set(re.findall(r"\w+", " ".join(re.findall(r"\b(?:by|without|on|ignoring)\s*\(([^)]*)\)", expression))))


def _below(node: Any, function: str | None) -> Iterator[Selector]:
    if isinstance(node, promql_parser.Call):
        name = node.func.name
        for argument in node.args:
            yield from _below(argument, name if name in COUNTING else function)
    elif isinstance(node, promql_parser.MatrixSelector):
        yield from _below(node.vector_selector, function)
    elif isinstance(node, promql_parser.VectorSelector):
        yield Selector(node.name, frozenset(m.name for m in node.matchers.matchers), function)
    else:
        for part in ("expr", "lhs", "rhs", "param"):
            child = getattr(node, part, None)
            if child is not None:
                yield from _below(child, function)
