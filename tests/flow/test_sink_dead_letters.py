"""What a sink can never store, on a real Kafka."""

from __future__ import annotations

import pytest

from streams.cli.sinking import burying
from streams.kafka.dead_letters import error_of, original
from streams.kafka.link import Record
from streams.wire import DEAD_LETTERS, LABELLED
from tests.flow.edges import Watch, make_wire

pytestmark = pytest.mark.kafka


def test_what_a_sink_buries_is_a_dead_letter_that_no_replay_sends_back(bootstrap_servers: str, unique: str) -> None:
    make_wire(bootstrap_servers)
    watch = Watch(bootstrap_servers, [DEAD_LETTERS])
    counted: list[int] = []
    bad = Record(LABELLED, 3, 77, b"k", b'{"uri": "%s"}' % unique.encode(), [("ce_id", b"1")], 0)
    with burying(bootstrap_servers, "sql", lambda: counted.append(1)) as bury:
        bury(bad, "no headline")
    (found,) = [record for record in watch.read() if unique.encode() in record.value]
    watch.close()
    assert counted == [1]
    assert (found.key, found.value) == (bad.key, bad.value)
    letter = bad._replace(headers=found.headers)
    error = error_of(letter)
    assert (error["stage"], error["topic"], error["offset"], error["message"]) == (
        "sink.sql",
        LABELLED,
        "77",
        "no headline",
    )
    assert original(letter) is None
