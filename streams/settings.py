"""Every setting in one table, validated whole before anything starts.

Defaults stand in configs/newswire.toml, which is read first; then --config FILE, then the environment
(NEWSWIRE_<TABLE>__<KEY>), then what the command line says. Only cli imports this module: everything below takes plain
values.
"""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from streams.errors import InvalidError
from streams.wire import CountryLabel, Labels, RegionLabel, TopicLabel

PREFIX = "NEWSWIRE_"
SECRETS = frozenset({"password", "key_password", "token", "tokens", "read_tokens", "secret", "url"})
MASK = "********"

Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    pass


class SecuritySettings(_Table, frozen=True):
    """How to log in to Kafka."""

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
    username: str
    password: str
    ca_file: str
    certificate_file: str
    key_file: str
    key_password: str


class KafkaSettings(_Table, frozen=True):
    """Where Kafka is."""

    bootstrap_servers: Annotated[str, msgspec.Meta(pattern=r"^[^\s,:]+:\d+(,[^\s,:]+:\d+)*$")]
    replication_factor: Annotated[int, msgspec.Meta(ge=0, le=9)]
    security: SecuritySettings


class BrokerSettings(_Table, frozen=True):
    """The embedded broker."""

    data: Path
    port: Port


class ModelSettings(_Table, frozen=True):
    """Which model labels and how much of it."""

    directory: str
    quality: Literal["fast", "balanced", "best"]
    watch_seconds: Annotated[float, msgspec.Meta(ge=0)]


class LabelSettings(_Table, frozen=True):
    """The labelling worker; times in seconds."""

    link: Literal["kafka-python", "confluent"]
    workers: Positive
    slot: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]+$")]
    batch_size: Annotated[int, msgspec.Meta(ge=1, le=5000)]
    linger_seconds: Seconds
    depth: Positive
    drain_seconds: Seconds
    session_seconds: Seconds
    transaction_seconds: Seconds
    grace_seconds: Seconds
    stalled_seconds: Seconds
    host: str
    port: Port


class PublishSettings(_Table, frozen=True):
    """Publishers."""

    metrics_port: Port


class DuplicatesSettings(_Table, frozen=True):
    """The near-duplicate stage."""

    max_items: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
    max_days: Annotated[float, msgspec.Meta(gt=0, le=365)]
    metrics_port: Port


class GatewaySettings(_Table, frozen=True):
    """The gateway."""

    host: str
    port: Port
    recent_items: Positive
    recent_megabytes: Positive
    max_listeners: Positive
    tokens: str
    read_tokens: str
    public: bool
    requests_per_second: Annotated[float, msgspec.Meta(ge=0, le=10_000)]
    archive: bool


class UpSettings(_Table, frozen=True):
    """Everything on one machine."""

    items_per_second: Annotated[float, msgspec.Meta(gt=0, le=1000)]
    logs: Path


class FilesSettings(_Table, frozen=True):
    """The sink that writes JSON lines."""

    directory: Path
    compression: Literal["none", "gzip", "zstd"]
    max_items: Positive
    max_megabytes: Positive
    max_seconds: Seconds


class ParquetSettings(_Table, frozen=True):
    """The sink that writes Parquet files."""

    directory: Path
    partition_by: str
    max_items: Positive
    max_megabytes: Annotated[int, msgspec.Meta(ge=1, le=1024)]
    max_seconds: Seconds


class SqlSettings(_Table, frozen=True):
    """The sink that writes to a database."""

    url: str


class WebhookSettings(_Table, frozen=True):
    """The sink that posts to a URL."""

    url: str
    secret: str
    max_items: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    single: bool
    seconds: Seconds
    allow: str


class SearchSettings(_Table, frozen=True):
    """The sink that writes to OpenSearch or Elasticsearch."""

    url: str
    index: Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    max_items: Annotated[int, msgspec.Meta(ge=1, le=1000)]
    seconds: Seconds


class SinkSettings(_Table, frozen=True):
    """One table a sink, and what they share."""

    run: Annotated[str, msgspec.Meta(pattern=r"^[a-z]+(,[a-z]+)*$")]
    metrics_port: Port
    files: FilesSettings
    parquet: ParquetSettings
    search: SearchSettings
    sql: SqlSettings
    webhook: WebhookSettings


class LogSettings(_Table, frozen=True):
    """Log lines on stderr."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
    format: Literal["text", "json"]


class TracesSettings(_Table, frozen=True):
    """Spans for OpenTelemetry."""

    endpoint: Annotated[str, msgspec.Meta(pattern=r"^(https?://\S+)?$")]
    ratio: Annotated[float, msgspec.Meta(ge=0, le=1)]


class MetricsSettings(_Table, frozen=True):
    """/metrics of the commands that have no other page."""

    host: str


class Settings(_Table, frozen=True):
    """All settings; one attribute a table of configs/newswire.toml."""

    kafka: KafkaSettings
    broker: BrokerSettings
    model: ModelSettings
    label: LabelSettings
    publish: PublishSettings
    duplicates: DuplicatesSettings
    gateway: GatewaySettings
    up: UpSettings
    sinks: SinkSettings
    log: LogSettings
    metrics: MetricsSettings
    traces: TracesSettings


def configs_directory() -> Path:
    """The folder configs/: inside the installed package, else beside it in a checkout."""
    installed = Path(__file__).parent / "_configs"
    return installed if installed.is_dir() else Path(__file__).parent.parent / "configs"


def load_settings(config: Path | None, environ: Mapping[str, str], overrides: Mapping[str, Any]) -> Settings:
    """The settings of this run. `overrides`: dotted names from the command line; values of None are left out.

    Raises InvalidError with every table and key spelt out, and the nearest known name for one that is unknown.
    """
    default_text = (configs_directory() / "newswire.toml").read_text(encoding="utf-8")
    defaults = tomllib.loads(default_text)
    merged = tomllib.loads(default_text)
    if config is not None:
        _merge(merged, _read_toml(config), defaults, str(config))
    _merge(merged, _from_environment(environ, defaults), defaults, "the environment")
    given = {name: value for name, value in overrides.items() if value is not None}
    _merge(merged, _nested(given), defaults, "the command line")
    settings = _validated(merged)
    if settings.label.drain_seconds >= settings.label.session_seconds:
        raise InvalidError("settings: label.drain_seconds must be smaller than label.session_seconds")
    _check_security(settings.kafka.security)
    return settings


def _check_security(security: SecuritySettings) -> None:
    """What does not go together would end in a time-out, or in a connection without the login that somebody set."""
    named, logs_in = bool(security.username and security.password), security.protocol.startswith("SASL")
    if logs_in and not named:
        raise InvalidError(f"settings: kafka.security.protocol {security.protocol} needs username and password")
    if security.username and not logs_in:
        raise InvalidError("settings: kafka.security.username is used by SASL_SSL and SASL_PLAINTEXT; set protocol")
    if bool(security.certificate_file) != bool(security.key_file):
        raise InvalidError("settings: kafka.security.certificate_file and key_file go together")
    files = security.ca_file or security.certificate_file
    if files and not security.protocol.endswith("SSL"):
        raise InvalidError(f"settings: kafka.security: {files} is used by SSL and SASL_SSL only; set protocol")


def load_labels() -> Labels:
    """The label tables of configs/taxonomies."""
    folder = configs_directory() / "taxonomies"
    topics, regions, countries = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))[name]
        for name in ("topics", "regions", "countries")
    )
    return Labels(
        {t["code"]: TopicLabel(t["code"], t["slug"], t["names"]) for t in topics},
        {r["code"]: RegionLabel(r["code"], r["slug"], r["names"]) for r in regions},
        {c["code"]: CountryLabel(c["code"], c["region"], c["names"]) for c in countries},
    )


def masked(settings: Settings) -> dict[str, Any]:
    """The settings as plain values with every secret replaced, fit to be printed."""

    def mask(table: dict[str, Any]) -> dict[str, Any]:
        return {
            key: mask(value) if isinstance(value, dict) else MASK if value and key in SECRETS else value
            for key, value in table.items()
        }

    plain: dict[str, Any] = msgspec.to_builtins(settings, enc_hook=str)
    return mask(plain)


def nearest(name: str, known: Mapping[str, Any] | list[str]) -> str:
    """`; did you mean 'x'?` where some known name is near, else the list of them."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known: {', '.join(sorted(known))}"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InvalidError(f"cannot read {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidError(f"{path} is not TOML: {error}") from error


def _from_environment(environ: Mapping[str, str], defaults: dict[str, Any]) -> dict[str, Any]:
    found = {
        name.removeprefix(PREFIX).lower().replace("__", "."): value
        for name, value in environ.items()
        if name.startswith(PREFIX) and "__" in name
    }
    return _nested({name: _typed(name, value, defaults) for name, value in found.items()})


def _typed(name: str, value: str, defaults: dict[str, Any]) -> Any:
    """A value of the environment in the type of its default; what does not fit is left for validation to refuse."""
    default: Any = defaults
    for part in name.split("."):
        default = default.get(part) if isinstance(default, dict) else None
    if isinstance(default, bool) or not isinstance(default, int | float):
        return {"true": True, "false": False}.get(value.lower(), value) if isinstance(default, bool) else value
    try:
        return type(default)(value)
    except ValueError:
        return value


def _nested(flat: Mapping[str, Any]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in flat.items():
        *tables, key = name.split(".")
        node = tree
        for table in tables:
            node = node.setdefault(table, {})
        node[key] = value
    return tree


def _merge(into: dict[str, Any], new: Mapping[str, Any], known: Mapping[str, Any], where: str, at: str = "") -> None:
    for key, value in new.items():
        if key not in known:
            raise InvalidError(f"{where}: unknown setting {at + key!r}{nearest(key, known)}")
        if isinstance(known[key], dict):
            if not isinstance(value, Mapping):
                raise InvalidError(f"{where}: {at + key!r} is a table, not a value")
            _merge(into[key], value, known[key], where, f"{at}{key}.")
        else:
            into[key] = value


def _validated(tree: dict[str, Any]) -> Settings:
    try:
        return msgspec.convert(tree, Settings, dec_hook=lambda kind, value: kind(value))
    except msgspec.ValidationError as error:
        text = str(error).replace("`$.", "`")
        raise InvalidError(f"settings: {text}") from error
