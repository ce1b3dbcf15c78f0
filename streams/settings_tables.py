"""The tables of configs/newswire.toml: which keys there are, and which values they take."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec reads it
from typing import Annotated, Literal

import msgspec

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
