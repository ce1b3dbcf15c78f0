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
from typing import Any

import msgspec

from streams.errors import InvalidError
from streams.settings_tables import (
    BrokerSettings,
    DuplicatesSettings,
    FilesSettings,
    GatewaySettings,
    KafkaSettings,
    LabelSettings,
    LogSettings,
    MetricsSettings,
    ModelSettings,
    ParquetSettings,
    PublishSettings,
    SearchSettings,
    SecuritySettings,
    Settings,
    SinkSettings,
    SqlSettings,
    TracesSettings,
    UpSettings,
    WebhookSettings,
)
from streams.wire import CountryLabel, Labels, RegionLabel, TopicLabel

__all__ = [
    "MASK",
    "PREFIX",
    "SECRETS",
    "BrokerSettings",
    "DuplicatesSettings",
    "FilesSettings",
    "GatewaySettings",
    "KafkaSettings",
    "LabelSettings",
    "LogSettings",
    "MetricsSettings",
    "ModelSettings",
    "ParquetSettings",
    "PublishSettings",
    "SearchSettings",
    "SecuritySettings",
    "Settings",
    "SinkSettings",
    "SqlSettings",
    "TracesSettings",
    "UpSettings",
    "WebhookSettings",
    "configs_directory",
    "load_labels",
    "load_settings",
    "masked",
    "nearest",
]

PREFIX = "NEWSWIRE_"
SECRETS = frozenset({"password", "key_password", "token", "tokens", "read_tokens", "secret", "url"})
MASK = "********"


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
        """At every depth; an empty secret stays empty, so that one sees that it is not set."""
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
