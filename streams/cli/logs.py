"""The log of a long-running command: lines for people, or one JSON object a line for machines; always on stderr."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from streams.cli.terminal import quiet_clients

if TYPE_CHECKING:
    from typing import TextIO

Format = Literal["text", "json"]

TEXT = "%(asctime)s %(levelname)s %(name)s %(message)s"
FRAMEWORKS = ("faust", "mode", "aiokafka", "asyncio", "confluent_kafka", "streams.agents.app")
# what our lines may carry beside their message: log.warning("...", extra={"uri": uri})
CONTEXT = ("uri", "traceparent", "source", "sink", "partition")


class JsonFormatter(logging.Formatter):
    """One JSON object a record: time (RFC 3339, UTC), level, logger, message; CONTEXT and traceback where there are."""

    def format(self, record: logging.LogRecord) -> str:
        """The object, on one line."""
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, object] = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: getattr(record, name) for name in CONTEXT if hasattr(record, name)}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return json.dumps(fields, ensure_ascii=False, default=str)


def start_log(level: str, form: Format, out: TextIO | None = None) -> None:
    """Our own lines, and warnings of the frameworks; their INFO is for their authors. `out`: stderr."""
    handler = logging.StreamHandler(out or sys.stderr)
    handler.setFormatter(JsonFormatter() if form == "json" else logging.Formatter(TEXT))
    logging.basicConfig(level=level, handlers=[handler])
    for name in FRAMEWORKS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    if level != "DEBUG":
        quiet_clients()
