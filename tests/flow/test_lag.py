"""The lag of the groups as Kafka tells it: of one that was never there, one that stands still, one that is done."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client import CollectorRegistry

from streams import wire
from streams.cli.serve import lag_shown, show_lag
from streams.errors import TransientError
from streams.kafka.lag import GroupLag, LagWatch, watch_lag
from streams.kafka.link import LinkSettings
from streams.kafka.link_kafka_python import KafkaPythonLink
from streams.kafka.reader import Reader
from streams.metrics import Metrics
from tests.helpers import wait_for
from tests.pipeline import TIMEOUT, Pipeline, item

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.kafka


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique) as made:
        yield made


@pytest.fixture
def watch(pipeline: Pipeline) -> Iterator[LagWatch]:
    with LagWatch(pipeline.bootstrap_servers, pipeline.prefix) as made:
        yield made


def of(lags: Mapping[tuple[str, int], GroupLag], group: str) -> dict[int, GroupLag]:
    return {partition: lag for (name, partition), lag in lags.items() if name == group}


def commit(pipeline: Pipeline, group: str, name: str, offsets: dict[int, int]) -> None:
    reader = Reader(pipeline.bootstrap_servers, [pipeline.prefix + name], group=pipeline.prefix + group, shared=False)
    reader.commit({(pipeline.prefix + name, partition): offset for partition, offset in offsets.items()})
    reader.close()


def test_workers_that_never_came_are_behind_by_all_there_is(pipeline: Pipeline, watch: LagWatch) -> None:
    before = time.time()
    pipeline.publish([item(n) for n in range(3)], partition=1)
    found = of(watch.look(before + 60), wire.LABEL_GROUP)
    assert {partition: lag.records for partition, lag in found.items()} == {0: 0, 1: 3, 2: 0, 3: 0}
    assert found[0] == GroupLag(0, 0, 0.0)
    assert 0 < found[1].seconds <= 60


def test_the_age_is_that_of_the_first_record_that_is_not_committed(pipeline: Pipeline, watch: LagWatch) -> None:
    """A group that stands still: its offset stays, its lag in seconds grows with the clock."""
    pipeline.publish([item(1)], partition=2)
    between = time.time()
    pipeline.publish([item(2), item(3)], partition=2)
    commit(pipeline, wire.LABEL_GROUP, wire.ARTICLES, {2: 1})
    first, second = (of(watch.look(between + seconds), wire.LABEL_GROUP)[2] for seconds in (30, 90))
    assert (first.offset, first.records) == (second.offset, second.records) == (1, 2)
    assert 0 < first.seconds <= 30.001  # Kafka keeps milliseconds
    assert second.seconds == pytest.approx(first.seconds + 60)


def test_sinks_are_seen_by_their_names(pipeline: Pipeline, watch: LagWatch) -> None:
    commit(pipeline, wire.SINK_GROUP + "files", wire.LABELLED, {0: 0})
    commit(pipeline, "somebody.else", wire.LABELLED, {0: 0})
    found = watch.look(time.time())
    assert {group for group, _ in found} == {wire.LABEL_GROUP, wire.SINK_GROUP + "files"}
    assert len(of(found, wire.SINK_GROUP + "files")) == 4


def test_the_marker_of_a_transaction_is_no_lag(pipeline: Pipeline, watch: LagWatch) -> None:
    """It stands behind the last record and in front of the end: a group that has read all never commits past it."""
    pipeline.publish_in_a_transaction([item(1), item(2)], partition=0)
    settings = LinkSettings(
        pipeline.bootstrap_servers, pipeline.prefix + wire.ARTICLES, pipeline.group, "0", 6000, 10_000
    )
    link: Any = KafkaPythonLink(settings, lambda _: None)
    records: list[Any] = []
    wait_for(lambda: records.extend(link.poll(0.2, 10)) or len(records) == 2, TIMEOUT, "the records did not come")
    link.publish([], {(pipeline.prefix + wire.ARTICLES, 0): records[-1].offset + 1}, link.group())
    link.close()
    assert of(watch.look(time.time()), wire.LABEL_GROUP)[0] == GroupLag(2, 0, 0.0)
    pipeline.publish([item(3)], partition=0)
    assert of(watch.look(time.time()), wire.LABEL_GROUP)[0].records == 1


def test_the_gateway_shows_it_as_metrics(pipeline: Pipeline) -> None:
    registry = CollectorRegistry()
    pipeline.publish([item(n) for n in range(5)], partition=3)

    def shown(name: str, partition: str = "3") -> float | None:
        return registry.get_sample_value(name, {"group": wire.LABEL_GROUP, "partition": partition})

    metrics = Metrics(registry)
    with lag_shown(metrics, pipeline.bootstrap_servers, pipeline.prefix):
        wait_for(lambda: shown("newswire_group_lag_records") == 5, TIMEOUT, "no lag is shown")
    assert shown("newswire_group_offset_records") == 0
    assert (shown("newswire_group_lag_seconds") or 0) > 0
    assert shown("newswire_group_lag_seconds", "0") == 0
    show_lag(metrics, {})
    assert shown("newswire_group_lag_records") is None


def test_old_news_is_not_told_while_kafka_is_away(caplog: pytest.LogCaptureFixture) -> None:
    stop, shown = threading.Event(), []

    def show(lags: Mapping[tuple[str, int], GroupLag]) -> None:
        shown.append(dict(lags))
        stop.set()

    watch_lag("127.0.0.1:1", stop, show, time.time)
    assert shown == [{}]
    assert "the lag of the groups is not known: no Kafka broker answers at 127.0.0.1:1" in caplog.text
    with pytest.raises(TransientError):
        LagWatch("127.0.0.1:1")
