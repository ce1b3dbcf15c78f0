"""Every path of the interface asked at random, valid and invalid: what it answers is what /openapi.json says.

The stream is left out, for it does not end; test_app asks it. A seed, and a bound on the examples: the same in every run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import hypothesis
import pytest
import schemathesis
from prometheus_client import CollectorRegistry
from schemathesis.specs.openapi.checks import ignored_auth, positive_data_acceptance

from streams.cli.pushing import parse
from streams.gateway.app import create_app
from streams.gateway.intake import Intake
from streams.gateway.push import Push
from streams.gateway.tokens import Tokens
from streams.metrics import Metrics
from tests.unit.gateway.examples import LABELS, NOW, Feed, Running, running
from tests.unit.gateway.test_app import labelled
from tests.unit.gateway.test_archive import Page, Remembering
from tests.unit.gateway.test_intake import Sent

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "a-token"
EXAMPLES = 12  # of a path and method
NOT_CHECKED = [
    positive_data_acceptance,  # names of topics: more than a schema can list
    ignored_auth,  # it leaves the token away, and the header below adds it
]

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
described = create_app(Feed().source, LABELS, Metrics(CollectorRegistry()), clock=lambda: NOW)
schema = schemathesis.openapi.from_dict(described.openapi()).exclude(path="/stream")


@pytest.fixture(scope="module")
def gateway() -> Iterator[Running]:
    feed = Feed()
    feed.put([labelled(n, topics={"sport": 90} if n % 2 else {}) for n in range(5)])
    push = Push(Tokens([TOKEN]), parse, Intake(Sent().open))
    archive = Remembering()
    archive.gives = Page([], "2026-03-01T10:00:00Z,0")
    with running(feed.source, clock=lambda: NOW + 10, push=push, archive=archive) as gateway:
        gateway.wait_ready()
        yield gateway


@schema.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)
def test_every_answer_is_one_that_the_description_has(case: Any, gateway: Running) -> None:
    case.call_and_validate(
        base_url=gateway.url, headers={"authorization": f"Bearer {TOKEN}"}, excluded_checks=NOT_CHECKED
    )
