"""Dashboards: made by docs/build.py, asking only for what the code exports, and fit to be read."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

import pytest
import yaml

from tests.repository.promql import TARGET, grouped, parse, recorded, selectors, series
from tests.repository.source import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
FILES = sorted((GRAFANA / "dashboards").glob("*.json"))
UNITS = {"ops", "s", "short", "percentunit", "bytes"}
# units of Grafana by the unit in the metric's name; a count or a rate of them is another matter
UNIT_OF = {"_seconds": {"s"}, "_ratio": {"percentunit"}, "_bytes": {"bytes"}}
# the one use of a counter as it stands: two sums that are equal at every moment
RAW_COUNTERS = {"Read less outcomes"}


class Panel(NamedTuple):
    """A panel and the dashboard it is of."""

    board: str
    panel: dict[str, Any]

    @property
    def expressions(self) -> list[str]:
        return [target["expr"] for target in self.panel["targets"]]


def boards() -> dict[str, dict[str, Any]]:
    return {path.name: json.loads(path.read_text(encoding="utf-8")) for path in FILES}


def panels() -> list[Panel]:
    found = []
    for name, board in boards().items():
        rows = [panel for panel in board["panels"] if panel["type"] == "row"]
        inner = [panel for row in rows for panel in row.get("panels", [])]
        found += [Panel(name, panel) for panel in (*board["panels"], *inner) if panel["type"] != "row"]
    return found


every_panel = pytest.mark.parametrize("one", panels(), ids=lambda p: f"{p.board}: {p.panel['title']}")


def test_the_dashboards_are_three() -> None:
    """One to look at first, one for each half of the pipeline; the links between them are by tag."""
    assert [board["uid"] for board in boards().values()] == [
        "newswire-overview",
        "newswire-sources-sinks",
        "newswire-worker",
    ]


def test_the_overview_has_what_an_operator_asks_for_first() -> None:
    titles = {one.panel["title"] for one in panels() if one.board == "overview.json"}
    assert titles >= {
        "Items in",
        "Labelled",
        "Latency p99",
        "Worst lag",
        "Workers",
        "Dead letters, 1 h",
        "Abstained",
        "By topic",
        "By region",
        "Published to labelled",
        "Stages, a batch",
        "Transactions",
        "Batch size",
        "Lag",
        "Rebalances",
        "Confidence by axis",
        "Read against outcomes",
    }


@every_panel
def test_every_query_asks_for_what_the_code_exports(one: Panel) -> None:
    assert one.expressions
    for expression in one.expressions:
        found = selectors(expression)
        assert found
        for selector in found:
            if selector.metric in recorded():
                assert not selector.labels, "a rule has summed up the instances"
                continue
            assert selector.metric in series(), selector.metric
            known = series()[selector.metric] | TARGET
            assert selector.labels <= known, selector
            assert {"job", "instance"} <= selector.labels, selector
        known = frozenset().union(*(series().get(s.metric, frozenset()) for s in found)) | TARGET
        assert grouped(expression) <= known


@every_panel
def test_counters_are_read_as_rates_and_nothing_else_is(one: Panel) -> None:
    for expression in one.expressions:
        for selector in selectors(expression):
            counter = selector.metric.endswith(("_total", "_bucket", "_sum", "_count"))
            if one.panel["title"] in RAW_COUNTERS:
                assert selector.function is None
            else:
                assert counter == (selector.function is not None), selector
        for window in re.findall(r"\[(.+?)\]", expression):
            assert window in ("$__rate_interval", "$__range", "1h", "10m"), window


@every_panel
def test_every_panel_can_be_read(one: Panel) -> None:
    panel = one.panel
    assert panel["title"]
    assert len(panel["description"]) >= 20
    assert panel["description"].endswith(".")
    unit = panel["fieldConfig"]["defaults"]["unit"]
    assert unit in UNITS
    assert panel["datasource"] == {"type": "prometheus", "uid": "$datasource"}
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"]
        assert target["legendFormat"], "without a legend the number is called {}"
        shown = set(re.findall(r"{{\s*(\w+)\s*}}", target["legendFormat"]))
        assert shown <= grouped(target["expr"]), "a label in the legend that the query sums away"


@every_panel
def test_the_unit_is_that_of_the_metric(one: Panel) -> None:
    unit = one.panel["fieldConfig"]["defaults"]["unit"]
    for expression in one.expressions:
        for selector in selectors(expression):
            for ending, units in UNIT_OF.items():
                base = re.sub(r"_(bucket|sum)$", "", selector.metric)
                counted = selector.metric.endswith("_count") or expression.startswith("count(")
                if base.endswith(ending) and not counted:
                    assert unit in units, selector
            if expression.startswith(("sum(rate", "sum by")) and "/" not in expression and selector.function == "rate":
                # seconds of CPU a second are cores
                assert unit == ("short" if selector.metric.endswith("_seconds_total") else "ops"), selector


@pytest.mark.parametrize("name", boards())
def test_every_dashboard_is_laid_out_and_linked_alike(name: str) -> None:
    board = boards()[name]
    assert board["uid"] == f"newswire-{name.removesuffix('.json')}"
    assert board["title"].startswith("Newswire ")
    assert board["tags"] == ["newswire"]
    assert board["editable"] is False
    assert board["links"][0]["tags"] == ["newswire"]
    titles = [panel["title"] for panel in board["panels"]]
    assert len(set(titles)) == len(titles)
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + dx, at["y"] + dy) for dx in range(at["w"]) for dy in range(at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells
    assert [panel["id"] for panel in board["panels"]] == list(range(1, len(board["panels"]) + 1))


@pytest.mark.parametrize("name", boards())
def test_variables_are_asked_for_again_and_are_labels_that_exist(name: str) -> None:
    variables = {v["name"]: v for v in boards()[name]["templating"]["list"]}
    assert list(variables)[:3] == ["datasource", "job", "instance"]
    assert variables["datasource"]["type"] == "datasource"
    assert variables["datasource"]["query"] == "prometheus"
    used = set(re.findall(r"\$(\w+)", json.dumps(boards()[name]["panels"])))
    assert used - {"__rate_interval", "__range", "__interval"} == set(variables)
    for variable in list(variables.values())[1:]:
        query = variable["query"]
        found = re.fullmatch(r"label_values\((.+), (\w+)\)", query if isinstance(query, str) else query["query"])
        assert found, query
        assert variable["refresh"] == 2  # when the time range changes; at load alone, a new topic would be missing
        (selector,) = selectors(found[1])
        assert found[2] in series()[selector.metric] | TARGET


def test_a_misspelt_metric_or_label_would_be_found() -> None:
    assert "newswire_itmes_total" not in series()
    assert (
        selectors('sum by (outcom) (rate(newswire_items_total{job=~"$job"}[$__rate_interval]))')[0].metric in series()
    )
    assert "outcom" not in series()["newswire_items_total"]
    with pytest.raises(ValueError, match="unclosed left parenthesis"):
        parse("sum(rate(newswire_items_total[5m])")


def test_provisioning_names_the_data_source_and_the_folder() -> None:
    provisioning = GRAFANA / "provisioning"
    source = yaml.safe_load((provisioning / "datasources" / "prometheus.yml").read_text(encoding="utf-8"))
    (prometheus,) = source["datasources"]
    assert (prometheus["type"], prometheus["uid"], prometheus["isDefault"]) == (
        "prometheus",
        "newswire-prometheus",
        True,
    )
    provider = yaml.safe_load((provisioning / "dashboards" / "newswire.yml").read_text(encoding="utf-8"))
    assert provider["providers"][0]["type"] == "file"
    readme = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    for text in (prometheus["url"], provider["providers"][0]["options"]["path"]):
        assert (
            f"{text.strip('${}')}=" in readme
        )  # Grafana fills in variables of its environment: who starts it must know
