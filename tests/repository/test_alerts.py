"""Alert rules, prometheus.yml, alertmanager.yml: known metrics, a runbook each, tests that each fires and keeps still."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
import yaml

from streams.settings import load_settings
from tests.repository.promql import TARGET, grouped, recorded, selectors, series
from tests.repository.source import ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
TESTS = sorted((PROMETHEUS / "tests").glob("*.yml"))
BOARDS = sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json"))
RAW_COUNTERS = {"NewswireConservationBroken"}  # sums that are equal at every moment


def loaded(path: Any) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


EVERY = [rule for path in RULES for group in loaded(path)["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in EVERY if "alert" in rule}
RECORDS = {rule["record"]: rule for rule in EVERY if "record" in rule}
every_alert = pytest.mark.parametrize("alert", ALERTS.values(), ids=ALERTS)
every_rule = pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule.get("alert", rule.get("record")))


def labels_of(metric: str) -> frozenset[str]:
    """The labels of a metric of ours, or of what a rule records: those that its expression keeps."""
    return recorded()[metric] if metric in RECORDS else series()[metric] | TARGET


@pytest.fixture(scope="module")
def promtool() -> str:
    path = shutil.which("promtool")
    if path is None:
        pytest.skip("promtool is not installed: apt-get install prometheus")
    return path


def test_what_was_promised_is_watched() -> None:
    assert set(ALERTS) >= {
        "NewswireLatencyBurnsFast",
        "NewswireLatencyBurnsSlowly",
        "NewswirePartitionStalled",
        "NewswireLagGrowing",
        "NewswireLagHigh",
        "NewswireSourceSilent",
        "NewswireFeedsSilent",
        "NewswireDeadLetters",
        "NewswireAbstentionSpike",
        "NewswireConfidenceDrop",
        "NewswireLabelMixDrift",
        "NewswireNoWorkers",
        "NewswireRebalanceStorm",
        "NewswireModelMismatch",
        "NewswireModelReloadFailed",
        "NewswireIngestStopped",
        "NewswireSinkStalled",
        "NewswireConservationBroken",
    }


@every_rule
def test_a_rule_asks_for_what_the_code_exports(rule: dict[str, Any]) -> None:
    found = selectors(rule["expr"])
    assert found
    for selector in found:
        assert selector.metric in series().keys() | RECORDS.keys(), selector.metric
        assert selector.labels <= labels_of(selector.metric)
        if rule.get("alert") not in RAW_COUNTERS:
            counter = selector.metric in series() and selector.metric.endswith(("_total", "_bucket", "_sum", "_count"))
            assert counter == (selector.function is not None), selector
    assert grouped(rule["expr"]) <= frozenset().union(*(labels_of(s.metric) for s in found))


@pytest.mark.parametrize("record", RECORDS)
def test_a_recorded_series_is_named_level_metric_operation_and_is_used(record: str) -> None:
    assert re.fullmatch(r"newswire:[a-z_]+:[a-z0-9_]+", record)
    users = {s.metric for rule in EVERY for s in selectors(rule["expr"])}
    shown = {
        s.metric for path in BOARDS for target in re.findall(r'"expr": "(.+)"', path.read_text()) for s in seen(target)
    }
    assert record in users | shown


def seen(expression: str) -> Any:
    return selectors(expression.replace('\\"', '"'))


@every_alert
def test_an_alert_waits_and_says_what_to_do(alert: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[mh]", alert["for"])
    assert alert["labels"]["severity"] in ("critical", "warning")
    annotations = alert["annotations"]
    assert set(annotations) == {"summary", "runbook_url", "dashboard_url"}
    assert annotations["dashboard_url"].removeprefix("/d/") in {loaded(path)["uid"] for path in BOARDS}
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
    cases = [case for path in TESTS for test in loaded(path)["tests"] for case in test.get("alert_rule_test", ())]
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
    "a single dead letter": (">= 10\n", ">= 1\n"),
    "conservation over all workers": ("sum by (job, instance) (newswire_read", "sum by (job) (newswire_read"),
    "conservation at once": (
        "for: 5m\n        labels: {severity: critical}\n        annotations:\n          summary: 'On",
        None,
    ),
    "reasons unseen": ("newswire_abstained_items_total)", 'newswire_abstained_items_total{reason="none"})'),
    "an hour of silence": ("read_items_total[30m]", "read_items_total[1h]"),
    "ten minutes of silence": ("read_items_total[30m]", "read_items_total[10m]"),
    "silence while stalled": ("unless sum(newswire_lag_items) > 0", ""),
    "the short window alone": (" and newswire:latency_slow:ratio_rate1h > 14.4 * 0.01", ""),
    "the long window alone": ("newswire:latency_slow:ratio_rate5m > 14.4 * 0.01 and ", ""),
    "a tenth of the fast burn": ("ratio_rate1h > 14.4 *", "ratio_rate1h > 1.44 *"),
    "slow at once": ("ratio_rate30m > 6 * 0.01 and", "ratio_rate30m > 9 * 0.01 and"),
    "a ratio of nothing": ("_count[5m])) > 0)", "_count[5m])))"),
    "old and moving": (
        "and max by (partition) (changes(newswire_group_offset_records",
        "or max by (partition) (changes(newswire_group_offset_records",
    ),
    "quiet is stalled": (
        'newswire_group_lag_seconds{group="newswire.label"}) > 60',
        'newswire_group_lag_seconds{group="newswire.label"}) > 1',
    ),
    "four minutes are late": ("> 300", "> 200"),
    "every group is the workers'": (
        'max(newswire_group_lag_seconds{group="newswire.label"})',
        "max(newswire_group_lag_seconds)",
    ),
    "a sink that has just closed its file": ("> 600", "> 60"),
    "every group is a sink": ('{group=~"newswire[.]sink[.].+"}', ""),
    "known by another group": (
        'absent(newswire_group_lag_seconds{group="newswire.label"})',
        "absent(newswire_group_lag_seconds{group='x'})",
    ),
    "a storm of two": ("> 10\n", "> 5\n"),
    "a storm of all workers together": ("max(increase(newswire_rebalances", "sum(increase(newswire_rebalances"),
    "abstention as ever": (
        "and newswire:abstained:ratio_rate30m > 2 *",
        "and newswire:abstained:ratio_rate30m > 0.5 *",
    ),
    "abstention of a few": (">= 50", ">= 1"),
    "less sure by much": ("- 0.15", "- 0.25"),
    "drift of a day": ("psi > 0.25", "psi > 0.02"),
    "a week with a hole": (
        "(sum(rate(newswire_topic_items_total[1h])) > 0)",
        "(sum(rate(newswire_topic_items_total[1h])))",
    ),
    "a model on every worker": ("count(count by (name, version) (newswire_model_info))", "count(newswire_model_info)"),
    "a rollout": (
        "for: 15m\n        labels: {severity: warning}\n        annotations:\n          summary: '{{ $value }} models",
        None,
    ),
    "a model that was taken": ("newswire_model_reload_failures_total[1h]", "newswire_model_reloads_total[1h]"),
    "a failure that is soon forgotten": (
        "newswire_model_reload_failures_total[1h]",
        "newswire_model_reload_failures_total[15m]",
    ),
    "silent for two days": ("> 86400", "> 172800"),
    "a single silent feed": ("> 0.25\n", "> 0.2\n"),
    "half of the feeds": ("> 0.25\n", "> 0.5\n"),
}


@pytest.mark.prometheus
@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_tests_of_the_rules_find_a_mistake(promtool: str, mistake: str, tmp_path: Any) -> None:
    before, after = MISTAKES[mistake]
    (path,) = [path for path in RULES if before in path.read_text(encoding="utf-8")]
    text = path.read_text(encoding="utf-8")
    changed = text.replace(before, re.sub(r"for: \d+m", "for: 0m", before) if after is None else after)
    assert changed != text
    tests = PROMETHEUS / "tests" / path.name
    for folder, content in (("rules", changed), ("tests", tests.read_text(encoding="utf-8"))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / path.name).write_text(content, encoding="utf-8")
    command = [promtool, "test", "rules", str(tmp_path / "tests" / path.name)]
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


# --- Alertmanager


@pytest.fixture(scope="module")
def amtool() -> str:
    path = shutil.which("amtool")
    if path is None:
        pytest.skip("amtool is not installed: apt-get install prometheus-alertmanager")
    return path


ALERTMANAGER = PROMETHEUS / "alertmanager.yml"


@pytest.mark.prometheus
def test_amtool_accepts_the_example(amtool: str) -> None:
    done = subprocess.run([amtool, "check-config", str(ALERTMANAGER)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.prometheus
@every_alert
def test_an_alert_goes_to_who_must_know(amtool: str, alert: dict[str, Any]) -> None:
    labels = [f"alertname={alert['alert']}", f"severity={alert['labels']['severity']}"]
    command = [amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", *labels]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == {"critical": "on-call", "warning": "operators"}[alert["labels"]["severity"]]


def test_inhibitions_name_alerts_that_exist() -> None:
    for rule in loaded(ALERTMANAGER)["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            pattern = re.fullmatch(r'alertname=~?"(.+)"', matcher)
            assert pattern, matcher
            named = [name for name in ALERTS if re.fullmatch(pattern[1], name)]
            assert named
            for one in re.findall(r"[A-Z]\w+(?=[|)])", pattern[1]):
                assert any(one in name for name in named), one
