"""Exactly once through kill -9 and frozen workers: 0 lost, 0 doubled on every labelled stream.

The short form runs with the other tests; the long one by `make chaos`, once for each link and kind of membership.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.chaos.monkey import Account, Monkey, Plan
from tests.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = [pytest.mark.kafka, pytest.mark.chaos]

LINKS = ["kafka-python", "confluent"]


@pytest.fixture
def pipeline(bootstrap_servers: str, unique: str) -> Iterator[Pipeline]:
    with Pipeline(bootstrap_servers, unique, partitions=6) as made:
        yield made


def check(account: Account, capsys: pytest.CaptureFixture[str], plan: Plan) -> None:
    with capsys.disabled():
        print(f"\n{plan}\n{account}")
    assert (dict(account.lost), dict(account.doubled), dict(account.wrong)) == ({}, {}, {})
    assert account.statuses == [0] * plan.workers
    assert account.rolled_back > 0, "no kill met an open transaction: this run proves nothing"


@pytest.mark.timeout(600)
def test_eight_kills_and_a_freeze_lose_and_double_nothing(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = Plan(items=10_000, kills=8, freezes=1)
    check(Monkey(pipeline, tmp_path, plan).run(), capsys, plan)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("link", [*LINKS, "kafka-python, stock send"])
def test_sixty_kills_and_five_freezes_lose_and_double_nothing(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str
) -> None:
    plan = Plan(items=60_000, kills=60, freezes=5, workers=3, link=link, seed=7)
    check(Monkey(pipeline, tmp_path, plan).run(), capsys, plan)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("link", LINKS)
def test_twenty_kills_of_members_without_a_slot_lose_and_double_nothing(
    pipeline: Pipeline, tmp_path: Path, capsys: pytest.CaptureFixture[str], link: str
) -> None:
    plan = Plan(items=20_000, kills=20, freezes=5, workers=3, link=link, dynamic=True, seed=11)
    check(Monkey(pipeline, tmp_path, plan).run(), capsys, plan)
