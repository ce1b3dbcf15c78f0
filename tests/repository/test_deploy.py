"""Compose, Dockerfile, Kubernetes, systemd: commands, settings, ports and files are those of the code.

No container is built or run here: what the Dockerfile installs is installed by the same command from the same files.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from configparser import ConfigParser
from functools import cache
from typing import TYPE_CHECKING, Any

import click
import jsonschema
import kubernetes_validate
import pytest
import yaml

from streams.cli.main import group
from streams.settings import load_settings
from tests.helpers import NOT_PACKAGED
from tests.repository.source import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"].startswith("newswire:")}
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
every_unit = pytest.mark.parametrize("unit", UNITS, ids=lambda p: p.name)
OVERLAYS = ("production", "small")
KUBERNETES = "1.31"  # an older release that is still in support: what fits it fits the newer ones


def understood(words: Sequence[str]) -> None:
    """Fails where `newswire WORDS` names a command, flag or value that there is none of; nothing is run."""
    context, command, rest = click.Context(group), group, list(words)
    while isinstance(command, click.Group):
        found = command.get_command(context, rest.pop(0))
        assert found, words
        command = found
    command.make_context("newswire", rest, resilient_parsing=False).close()


def settings_of(environment: Mapping[str, str]) -> Any:
    """The settings in such an environment. Raises InvalidError for one that does not exist."""
    return load_settings(None, {name: str(value) for name, value in environment.items()}, {})


# --- Compose


def test_compose_runs_commands_that_there_are_with_settings_that_there_are(tmp_path: Path) -> None:
    assert set(OURS) == {"topics", "label", "gateway", "sink-files", "demo", "feeds"}
    for name, service in OURS.items():
        understood([word if not word.startswith("/") else str(ROOT / "README.md") for word in service["command"]])
        assert settings_of(service["environment"]).kafka.bootstrap_servers == "kafka:19092", name


def test_compose_fits_its_schema(tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    text = (DEPLOY / "compose" / "compose.yaml").read_text(encoding="utf-8")
    broken.write_text(text.replace("healthcheck:", "healthchek:", 1), encoding="utf-8")
    for path, fits in ((DEPLOY / "compose" / "compose.yaml", True), (broken, False)):
        command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
        assert (done.returncode == 0) == fits, done.stdout + done.stderr


def test_docker_compose_reads_it() -> None:
    docker = shutil.which("docker-compose")
    if docker is None:
        pytest.skip(f"docker-compose is not on this machine: {NOT_PACKAGED}, see docs.docker.com/compose")
    command = [docker, "--file", str(DEPLOY / "compose" / "compose.yaml"), "--profile", "demo", "config", "--quiet"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr


def test_compose_confines_what_is_ours() -> None:
    grace = settings_of({}).label.grace_seconds
    for service in OURS.values():
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["user"] == "10001:10001"
        assert "no-new-privileges:true" in service["security_opt"]
        assert int(service["stop_grace_period"].removesuffix("s")) > grace
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[\w./-]+:v?\d+\.\d+\.\d+", service["image"]), f"{name}: no version"
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:"), f"{name}: open to everybody"
        assert "healthcheck" in service or name in ("prometheus", "alertmanager", "grafana")


def test_compose_waits_for_what_can_be_waited_for_and_mounts_what_is_there() -> None:
    for service in SERVICES.values():
        waits = service.get("depends_on", {})
        for other, how in waits.items() if isinstance(waits, dict) else ((one, None) for one in waits):
            if how and how["condition"] == "service_healthy":
                assert "test" in SERVICES[other]["healthcheck"]
            assert other in SERVICES
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            assert (DEPLOY / "compose" / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_compose_scrapes_the_ports_that_its_services_have() -> None:
    config = yaml.safe_load((DEPLOY / "compose" / "prometheus.yml").read_text(encoding="utf-8"))
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in config["scrape_configs"]}
    ports = {name: settings_of(service["environment"]) for name, service in OURS.items()}
    assert targets == {
        "newswire-label": [f"label:{ports['label'].label.port}"],
        "newswire-gateway": [f"gateway:{ports['gateway'].gateway.port}"],
        "newswire-publish": [f"feeds:{ports['feeds'].publish.metrics_port}"],
        "newswire-sink": [f"sink-files:{ports['sink-files'].sinks.metrics_port}"],
    }
    assert ports["label"].label.host == ports["feeds"].metrics.host == ports["sink-files"].metrics.host == "0.0.0.0"
    for name, port in (("label", ports["label"].label.port), ("gateway", ports["gateway"].gateway.port)):
        test = OURS[name]["healthcheck"]["test"]
        assert test == ["CMD", "newswire", "check", "--page", f"http://127.0.0.1:{port}/healthz"]
        understood(test[2:])


# --- Dockerfile


def copied() -> list[str]:
    """What the build stage takes from the checkout."""
    return [
        name for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE) for name in line.split()[:-1]
    ]


def test_the_dockerfile_takes_files_that_are_there_and_not_ignored() -> None:
    allowed = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }
    assert set(copied()) == allowed
    assert not [name for name in copied() if not (ROOT / name).exists()]


def test_the_dockerfile_pins_what_it_installs_and_leaves_no_root() -> None:
    assert set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)) == {"python:3.12.12-slim-bookworm"}
    assert "--require-hashes -r requirements-build.lock -r requirements-extras.lock" in DOCKERFILE
    final = DOCKERFILE.split("\nFROM ")[-1]
    assert re.findall(r"^USER (.+)$", final, re.MULTILINE) == ["10001:10001"]
    assert "pip install" not in final
    settings_of(dict(re.findall(r"(NEWSWIRE_\w+)=(\S+)", final)))
    (health,) = re.findall(r'CMD \["newswire", (.+)\]\n(?=ENTRYPOINT)', final)
    understood(re.findall(r'"(.+?)"', health))


def test_what_the_dockerfile_installs_runs_and_writes_nothing(tmp_path: Path) -> None:
    """The same `pip install` from the same files; the packages of the lock file are those of this environment."""
    source, target, home = tmp_path / "src", tmp_path / "site", tmp_path / "home"
    source.mkdir()
    home.mkdir()
    for name in copied():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    (flags,) = re.findall(r"pip install (--no-deps --no-build-isolation) \.", DOCKERFILE)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-compile"]
    install = [*pip, *flags.split(), "--target", str(target), "."]
    subprocess.run(install, cwd=source, check=True, capture_output=True, timeout=200)
    assert (target / "bin" / "newswire").is_file()
    before = {path: path.stat().st_mtime_ns for path in target.rglob("*")}
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(target), "PYTHONDONTWRITEBYTECODE": "1"}
    demo = target / "streams" / "_configs" / "demo" / "items.jsonl"
    for words in (["--version"], ["model", "show"], ["publish", "jsonl", str(demo), "--dry-run"]):
        code = "import streams; assert 'site' in streams.__file__; from streams.cli.main import main; main()"
        command = [sys.executable, "-P", "-c", code, *words]
        done = subprocess.run(
            command, cwd=home, env={**environment, "HOME": str(home)}, capture_output=True, timeout=100, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        assert done.stdout
    assert {path: path.stat().st_mtime_ns for path in target.rglob("*")} == before
    assert not list(home.iterdir())


def test_the_dockerfile_takes_away_what_only_building_needs() -> None:
    """packaging stands in both locks: uninstalling the whole build lock would leave an image that does not start."""
    build, run = (
        set(re.findall(r"^([\w.-]+)==", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE))
        for name in ("requirements-build.lock", "requirements-extras.lock")
    )
    (gone,) = re.findall(r"uninstall --yes ((?!pip)[\w -]+?) \\$", DOCKERFILE, re.MULTILINE)
    assert set(gone.split()) == build - run


# --- Kubernetes


@cache
def manifests() -> list[dict[str, Any]]:
    base = DEPLOY / "kubernetes" / "base"
    kustomization = yaml.safe_load((base / "kustomization.yaml").read_text(encoding="utf-8"))
    files = [base / name for name in kustomization["resources"] if not name.startswith("..")]
    assert set(files) == set(base.glob("*.yaml")) - {base / "kustomization.yaml"}
    return [one for path in files for one in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [one for one in manifests() if one["kind"] in kinds]


def test_pods_run_commands_that_there_are_with_settings_that_there_are() -> None:
    base = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    shared = dict(line.split("=", 1) for line in base["configMapGenerator"][0]["literals"])
    for workload in of_kind("Deployment", "StatefulSet"):
        pod = workload["spec"]["template"]["spec"]
        (container,) = pod["containers"]
        understood([word if not word.startswith("/") else str(ROOT / "README.md") for word in container["args"]])
        own = {one["name"]: one.get("value", "newswire-label-0") for one in container.get("env", ())}
        settings = settings_of({**shared, **own})
        ports = {
            "label": settings.label.port,
            "gateway": settings.gateway.port,
            "feeds": settings.publish.metrics_port,
            "duplicates": settings.duplicates.metrics_port,
            "sinks": settings.sinks.metrics_port,
        }
        assert container["ports"] == [{"name": "http", "containerPort": ports[container["name"]]}]
        assert pod["terminationGracePeriodSeconds"] > settings.label.grace_seconds
        assert pod["securityContext"]["runAsNonRoot"]
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert workload["spec"]["selector"]["matchLabels"] == workload["spec"]["template"]["metadata"]["labels"]


def test_pods_log_in_as_the_user_of_their_role_and_trust_the_cluster() -> None:
    base = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    shared = dict(line.split("=", 1) for line in base["configMapGenerator"][0]["literals"])
    users = {user["metadata"]["name"] for user in of_kind("KafkaUser")}
    pods = {w["metadata"]["name"]: w["spec"]["template"]["spec"] for w in of_kind("Deployment", "StatefulSet")}
    assert users >= pods.keys()
    for name, pod in pods.items():
        (container,) = pod["containers"]
        own = {one["name"].removeprefix("NEWSWIRE_KAFKA__SECURITY__"): one for one in container["env"]}
        assert own["USERNAME"]["value"] == name
        assert own["PASSWORD"]["valueFrom"] == {"secretKeyRef": {"name": name, "key": "password"}}
        (volume,) = [one["secret"] for one in pod["volumes"] if one["name"] == "kafka-ca"]
        (mount,) = [one["mountPath"] for one in container["volumeMounts"] if one["name"] == "kafka-ca"]
        assert shared["NEWSWIRE_KAFKA__SECURITY__CA_FILE"] == f"{mount}/{volume['items'][0]['path']}"


def test_kafka_is_reached_by_its_own_listener_alone() -> None:
    (kafka,) = of_kind("Kafka")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    assert (listener["tls"], listener["authentication"]["type"]) == (True, "scram-sha-512")
    assert kafka["spec"]["kafka"]["authorization"] == {"type": "simple"}
    assert "userOperator" in kafka["spec"]["entityOperator"]
    (policy,) = [one for one in of_kind("NetworkPolicy") if one["metadata"]["name"] == "newswire"]
    assert {"port": listener["port"]} in policy["spec"]["egress"][0]["ports"]
    (scaled,) = of_kind("ScaledObject")
    (login,) = of_kind("TriggerAuthentication")
    trigger = scaled["spec"]["triggers"][0]
    assert trigger["metadata"]["bootstrapServers"].endswith(f":{listener['port']}")
    assert trigger["authenticationRef"]["name"] == login["metadata"]["name"]
    named = {one["name"] for one in login["spec"]["secretTargetRef"]}
    assert named == {"newswire-keda", "newswire-cluster-ca-cert"}


def test_no_secret_of_ours_has_the_name_of_a_users() -> None:
    """Strimzi would write over it."""
    users = {user["metadata"]["name"] for user in of_kind("KafkaUser")}
    for workload in of_kind("Deployment", "StatefulSet"):
        (container,) = workload["spec"]["template"]["spec"]["containers"]
        assert not users & {one["secretRef"]["name"] for one in container["envFrom"] if "secretRef" in one}


@pytest.mark.parametrize("path", sorted((DEPLOY / "kubernetes" / "base").glob("*.yaml")), ids=lambda p: p.stem)
def test_manifests_fit_the_schemas_of_kubernetes(path: Path) -> None:
    """Custom resources have their own test: here they are passed over."""
    for one in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        if one["apiVersion"].endswith(".k8s.io/v1beta1"):
            continue
        try:
            kubernetes_validate.validate(one, KUBERNETES, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            assert "." in one["apiVersion"].split("/")[0], one["kind"]


def test_the_schemas_of_kubernetes_find_a_mistake() -> None:
    (broken,) = [one for one in manifests() if one["metadata"]["name"] == "newswire-label" and one["kind"] == "Service"]
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**broken, "spec": {**broken["spec"], "prots": []}}, KUBERNETES, strict=True)


def test_scaling_and_disruption_are_of_workloads_that_there_are() -> None:
    labels = {w["metadata"]["name"]: w["spec"]["selector"]["matchLabels"] for w in of_kind("Deployment", "StatefulSet")}
    for budget in of_kind("PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"] == labels[budget["metadata"]["name"]]
    (scaled,) = of_kind("ScaledObject")
    assert scaled["spec"]["scaleTargetRef"]["name"] in labels
    trigger = scaled["spec"]["triggers"][0]["metadata"]
    partitions = {t["metadata"]["name"]: t["spec"]["partitions"] for t in of_kind("KafkaTopic")}
    assert scaled["spec"]["maxReplicaCount"] <= partitions[trigger["topic"]]
    assert trigger["consumerGroup"] == "newswire.label"


@pytest.mark.parametrize("name", ["production", "small"])
def test_overlays_are_over_the_base_and_patch_what_it_has(name: str) -> None:
    overlay = yaml.safe_load(
        (DEPLOY / "kubernetes" / "overlays" / name / "kustomization.yaml").read_text(encoding="utf-8")
    )
    assert overlay["resources"] == ["../../base"]
    for patch in overlay["patches"]:
        targets = [
            one
            for one in of_kind(patch["target"]["kind"])
            if patch["target"].get("name") in (None, one["metadata"]["name"])
        ]
        assert targets, patch
        for one in targets:
            for change in yaml.safe_load(patch["patch"]):
                found: Any = one
                for part in change["path"].strip("/").split("/"):
                    found = found[int(part)] if isinstance(found, list) else found[part]
                assert type(found) is type(change["value"])


def schemas(folder: Path) -> dict[tuple[str, str], Any]:
    """The schema of each kind of custom resource, made strict: a member that it does not name is a typing error."""
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        for crd in filter(None, yaml.safe_load_all(path.read_text(encoding="utf-8"))):
            for version in crd["spec"]["versions"]:
                schema = version["schema"]["openAPIV3Schema"]
                make_strict(schema)
                schema["properties"] |= {"apiVersion": {}, "kind": {}, "metadata": {}}
                found[f"{crd['spec']['group']}/{version['name']}", crd["spec"]["names"]["kind"]] = schema
    return found


def make_strict(node: Any) -> None:
    if isinstance(node, dict):
        open_ended = node.get("x-kubernetes-preserve-unknown-fields") or "additionalProperties" in node
        if isinstance(node.get("properties"), dict) and not open_ended:
            node["additionalProperties"] = False
        if node.get("x-kubernetes-int-or-string"):
            node.pop("type", None)
            node.pop("anyOf", None)
    for value in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        make_strict(value)


def rendered(name: str) -> Iterator[dict[str, Any]]:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip(f"kubectl is not on this machine: {NOT_PACKAGED}, see kubernetes.io")
    command = [kubectl, "kustomize", str(DEPLOY / "kubernetes" / "overlays" / name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=100)
    assert done.returncode == 0, done.stderr
    yield from yaml.safe_load_all(done.stdout)


@pytest.mark.shared
@pytest.mark.parametrize("name", OVERLAYS)
def test_rendered_custom_resources_fit_their_schemas(shared: Path, name: str) -> None:
    known = schemas(shared / "data" / "crds")
    resources = list(rendered(name))
    checked = [one for one in resources if (one["apiVersion"], one["kind"]) in known]
    for one in checked:
        jsonschema.Draft202012Validator(known[one["apiVersion"], one["kind"]]).validate(one)
    assert {one["kind"] for one in checked} == {
        "Kafka",
        "KafkaNodePool",
        "KafkaTopic",
        "KafkaUser",
        "PodMonitor",
        "PrometheusRule",
        "ScaledObject",
    }
    assert {one["metadata"].get("namespace") for one in resources if one["kind"] != "Namespace"} == {"newswire"}
    (boards,) = [one for one in resources if one["metadata"]["name"] == "newswire-dashboards"]
    assert set(boards["data"]) == {path.name for path in (DEPLOY / "grafana" / "dashboards").glob("*.json")}
    broken = {**next(one for one in checked if one["kind"] == "ScaledObject"), "spce": {}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(broken, known["keda.sh/v1alpha1", "ScaledObject"])


# --- systemd

CONFINED = {
    "DynamicUser": "yes",
    "NoNewPrivileges": "yes",
    "ProtectSystem": "strict",
    "ProtectHome": "yes",
    "PrivateTmp": "yes",
    "PrivateDevices": "yes",
    "RestrictNamespaces": "yes",
    "CapabilityBoundingSet": "",
    "SystemCallArchitectures": "native",
}


def parsed(unit: Path) -> dict[str, dict[str, list[str]]]:
    """Sections of a unit, each key with its values: systemd allows a key several times."""
    found: dict[str, dict[str, list[str]]] = {}
    section: dict[str, list[str]] = {}
    for line in unit.read_text(encoding="utf-8").splitlines():
        if name := re.fullmatch(r"\[(\w+)\]", line):
            section = found.setdefault(name[1], {})
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.setdefault(key, []).append(value)
    return found


@every_unit
def test_units_run_commands_that_there_are_with_settings_that_there_are(unit: Path) -> None:
    service = parsed(unit)["Service"]
    program, *words = shlex.split(service["ExecStart"][0].replace("%i", "files" if "sink" in unit.name else "1"))
    assert program == "/opt/newswire/bin/newswire"
    understood(
        [w if not w.startswith(("/etc", "/var")) or w.endswith("kafka") else str(ROOT / "README.md") for w in words]
    )
    environment = dict(one.split("=", 1) for line in service["Environment"] for one in line.split())
    settings = settings_of(environment)
    assert settings.log.format == "json"
    if service["Type"] == ["exec"]:
        assert int(service["TimeoutStopSec"][0]) > settings.label.grace_seconds
        assert service["Restart"] == ["always"]


@every_unit
def test_units_are_confined(unit: Path) -> None:
    service = parsed(unit)["Service"]
    assert {key: service.get(key, [None])[0] for key in CONFINED} == CONFINED
    assert "MemoryMax" in service


@every_unit
def test_systemd_finds_nothing_wrong_and_little_exposed(unit: Path, tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed: apt-get install systemd")
    name = unit.name.replace("@", "@1")
    for one in (DEPLOY / "systemd").iterdir():  # the program is not installed here
        text = re.sub(r"^ExecStart=.*$", "ExecStart=/bin/true", one.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (tmp_path / one.name).write_text(text, encoding="utf-8")
    (tmp_path / name).write_text((tmp_path / unit.name).read_text(encoding="utf-8"), encoding="utf-8")
    # unknown keys leave the status at 0 and a line on stderr
    done = subprocess.run([analyze, "verify", str(tmp_path / name)], capture_output=True, text=True, check=False)
    assert not [line for line in done.stderr.splitlines() if str(tmp_path) in line or unit.name in line], done.stderr
    command = [analyze, "security", "--offline=true", "--threshold=20", str(tmp_path / name)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_the_timer_is_of_a_unit_that_there_is() -> None:
    (timer,) = (DEPLOY / "systemd").glob("*.timer")
    config = ConfigParser(interpolation=None)
    config.read(timer, encoding="utf-8")
    assert config["Timer"]["OnCalendar"]
    assert timer.with_suffix(".service").is_file()
