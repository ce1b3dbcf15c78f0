"""Alert rules and prometheus.yml: known metrics, a runbook each, and tests that each fires and keeps still."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from streams.settings import load_settings
from tests.repository.promql import TARGET, grouped, selectors, series
from tests.repository.source import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
RAW_COUNTERS = {"NewswireConservationBroken"}  # sums that are equal at every moment


def loaded(path: Any) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


ALERTS = {rule["alert"]: rule for path in RULES for group in loaded(path)["groups"] for rule in group["rules"]}
every_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)


@pytest.fixture(scope="module")
def promtool() -> str:
    path = shutil.which("promtool")
    if path is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return path


def test_what_was_promised_is_watched() -> None:
    assert set(ALERTS) >= {
        "NewswireNoWorkers",
        "NewswireLagGrowing",
        "NewswireDeadLetters",
        "NewswireConservationBroken",
        "NewswireIngestStopped",
    }


@every_alert
def test_a_rule_asks_for_what_the_code_exports(alert: dict[str, Any]) -> None:
    found = selectors(alert["expr"])
    assert found
    for selector in found:
        assert selector.metric in series(), selector.metric
        assert selector.labels <= series()[selector.metric] | TARGET
        if alert["alert"] not in RAW_COUNTERS:
            assert selector.metric.endswith("_total") == (selector.function is not None), selector
    assert grouped(alert["expr"]) <= frozenset().union(*(series()[s.metric] for s in found)) | TARGET


@every_alert
def test_an_alert_waits_and_says_what_to_do(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+m", alert["for"])
    assert alert["labels"]["severity"] in ("critical", "warning")
    annotations = alert["annotations"]
    assert set(annotations) == {"summary", "runbook_url", "dashboard_url"}
    assert annotations["dashboard_url"] == "/d/newswire-overview"
    page, _, anchor = annotations["runbook_url"].partition("#")
    assert anchor == alert["alert"].lower()
    section = re.search(
        rf"^### {alert['alert']}\n(.+?)(?=^##|\Z)", (ROOT / page).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )
    assert section, f"{page} has no section {alert['alert']}"
    assert "```" in section[1], "a runbook without a command"
    for label in re.findall(r"\$labels\.(\w+)", annotations["summary"]):
        assert label in grouped(alert["expr"])


@every_alert
def test_an_alert_has_tests_that_it_fires_and_that_it_does_not(alert: dict[str, Any]) -> None:
    cases = [case for path in TESTS for test in loaded(path)["tests"] for case in test["alert_rule_test"]]
    firing = {bool(case.get("exp_alerts")) for case in cases if case["alertname"] == alert["alert"]}
    assert firing == {True, False}


@pytest.mark.prometheus
@pytest.mark.parametrize("path", TESTS, ids=lambda p: p.name)
def test_the_alerts_fire_and_keep_still_as_their_tests_say(promtool: str, path: Any) -> None:
    done = subprocess.run([promtool, "test", "rules", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


# one change to each rule that an operator would make by mistake; the tests of the rules must find it
MISTAKES = {
    "a worker too few": ("absent(newswire_model_info)", "count(newswire_model_info) < 2"),
    "no workers, at once": (
        "for: 2m\n        labels: {severity: critical}\n        annotations:\n          summary: No",
        None,
    ),
    "any lag": ("sum(newswire_lag_items) > 1000", "sum(newswire_lag_items) > 10"),
    "lag that stays": ("> 1.1 * sum", ">= 1.0 * sum"),
    "lag that shrinks": ("> 1.1 * sum", "< 1.1 * sum"),
    "stalled without lag": ("sum(newswire_lag_items) > 0 and", "sum(newswire_lag_items) >= 0 and"),
    "stalled while it moves": (
        "increase(newswire_read_items_total[10m])) == 0",
        "increase(newswire_read_items_total[10m])) < 90",
    ),
    "one dead letter in a thousand": ("> 0.01", "> 0.001"),
    "one dead letter in ten": ("> 0.01", "> 0.1"),
    "a single dead letter": (">= 10", ">= 1"),
    "conservation over all workers": ("sum by (job, instance) (newswire_read", "sum by (job) (newswire_read"),
    "conservation at once": (
        "for: 5m\n        labels: {severity: critical}",
        "for: 0m\n        labels: {severity: critical}",
    ),
    "reasons unseen": ("newswire_abstained_items_total)", 'newswire_abstained_items_total{reason="none"})'),
    "an hour of silence": ("[30m]", "[1h]"),
    "ten minutes of silence": ("[30m]", "[10m]"),
    "silence while stalled": ("unless sum(newswire_lag_items) > 0", ""),
}


@pytest.mark.prometheus
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_tests_of_the_rules_find_a_mistake(promtool: str, mistake: str, tmp_path: Any) -> None:
    before, after = MISTAKES[mistake]
    text = RULES[0].read_text(encoding="utf-8")
    assert before in text
    changed = text.replace(before, before.replace("2m", "0m") if after is None else after)
    assert changed != text
    for folder, content in (("rules", changed), ("tests", TESTS[0].read_text(encoding="utf-8"))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "newswire.yml").write_text(content, encoding="utf-8")
    command = [promtool, "test", "rules", str(tmp_path / "tests" / "newswire.yml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0


@pytest.mark.prometheus
def test_promtool_accepts_configuration_and_rules(promtool: str) -> None:
    for arguments in (["check", "config", str(PROMETHEUS / "prometheus.yml")], ["check", "rules", *map(str, RULES)]):
        done = subprocess.run([promtool, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
def test_promtool_finds_our_metrics_well_named(promtool: str) -> None:
    from prometheus_client import CollectorRegistry

    from streams.metrics import Metrics

    body, _ = Metrics(CollectorRegistry()).exposition()
    done = subprocess.run([promtool, "check", "metrics"], input=body, capture_output=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


def test_the_ports_are_the_defaults_of_the_settings() -> None:
    settings = load_settings(None, {}, {})
    jobs = {
        job["job_name"]: job["static_configs"][0]["targets"]
        for job in loaded(PROMETHEUS / "prometheus.yml")["scrape_configs"]
    }
    assert jobs == {
        "newswire-label": [f"127.0.0.1:{settings.label.port}"],
        "newswire-gateway": [f"127.0.0.1:{settings.gateway.port}"],
    }
