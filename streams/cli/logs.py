"""The log of a long-running command: lines for people, or one JSON object a line for machines; always on stderr.

Modules log with Python's own `logging`, so that a program that imports `streams` keeps its own log; structlog gives the
lines their form. What a line carries beside its message stands in FIELDS: log.warning("...", extra={"uri": uri}).
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING, Literal

import structlog

from streams.cli.terminal import quiet_clients

if TYPE_CHECKING:
    from typing import TextIO

    from structlog.typing import EventDict, Processor, WrappedLogger

Format = Literal["text", "json"]

FRAMEWORKS = ("faust", "mode", "aiokafka", "asyncio", "confluent_kafka", "streams.agents.app")
ALWAYS = {
    "time": "RFC 3339, UTC",
    "level": "`debug`, `info`, `warning` or `error`",
    "logger": "the module that says it",
    "message": "what happened, in words",
}
FIELDS = {
    "uri": "the item it is about; of a batch, the first one that it is about",
    "traceparent": "W3C trace context of that item: the same trace from publishing to the last sink",
    "uris": "at level DEBUG, every item of a batch",
    "source": "the feed or other source",
    "sink": "the sink",
    "kafka_topic": "where the record stands,",
    "partition": "in which partition,",
    "offset": "and at which offset",
    "items": "how many items the line is about",
    "dead": "how many of them went to the dead letters",
    "seconds": "how long it took",
}
LAST = {"exception": "the traceback, where an error is behind it"}


def start_log(level: str, form: Format, out: TextIO | None = None) -> None:
    """Our own lines, and warnings of the frameworks; their INFO is for their authors. `out`: stderr."""
    stream = out or sys.stderr
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form, colours=stream.isatty()))
    logging.basicConfig(level=level, handlers=[handler])
    for name in FRAMEWORKS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    if level != "DEBUG":
        quiet_clients()


def _formatter(form: Format, *, colours: bool) -> logging.Formatter:
    before: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(FIELDS),
    ]
    after: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if form == "json":
        before.append(structlog.processors.TimeStamper("iso", key="time"))
        after += [
            structlog.processors.format_exc_info,
            _in_order,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ]
    else:
        before.append(structlog.processors.TimeStamper("%Y-%m-%d %H:%M:%S", utc=False, key="time"))
        # its default shows the values of local variables, and a password may be among them
        plain = structlog.dev.plain_traceback
        after.append(
            structlog.dev.ConsoleRenderer(
                pad_event_to=0, colors=colours, exception_formatter=plain, sort_keys=False, timestamp_key="time"
            )
        )
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=after)


def _in_order(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """The fields in the order of the tables above."""
    event["message"] = event.pop("event")
    return {name: event[name] for name in (*ALWAYS, *FIELDS, *LAST) if name in event}
