"""Two kinds of failure that are no bug, and that neither is the other."""

from __future__ import annotations

import pickle

import pytest

from streams.errors import InvalidError, TransientError
from streams.kafka.link import AbortedError, LinkLostError


@pytest.mark.parametrize("kind", [InvalidError, TransientError])
def test_the_message_is_all_that_is_said(kind: type[Exception]) -> None:
    assert str(kind("port 1 is taken: choose another with --port")) == "port 1 is taken: choose another with --port"
    assert str(pickle.loads(pickle.dumps(kind("x")))) == "x"  # it may come from another process


def test_neither_is_the_other_and_neither_is_caught_with_what_others_raise() -> None:
    assert not issubclass(InvalidError, TransientError)
    assert not issubclass(TransientError, InvalidError)
    for kind in (InvalidError, TransientError):
        assert kind.__mro__[1] is Exception  # not a ValueError or an OSError, which a library's handler would swallow


def test_what_kafka_may_cure_is_transient() -> None:
    assert issubclass(AbortedError, TransientError)
    assert issubclass(LinkLostError, TransientError)
    assert not issubclass(LinkLostError, AbortedError)
