"""What can go wrong with the embedded Kafka, each told in one line."""

from __future__ import annotations

from streams.errors import TransientError


class BrokerError(TransientError):
    """The embedded Kafka could not be installed, started or kept alive; the message says why, and what to do."""


class BrokerRefusedError(BrokerError):
    """Starting again cannot help before a person acts: disk full, data of a newer Kafka, files that are not Kafka's."""
