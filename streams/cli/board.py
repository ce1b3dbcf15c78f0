"""What `newswire up` knows of the flow: the newest labelled items, counts by topic and region, figures of the workers.

Plain values in, plain values out: the table draws them, the lines print them, tests read them.
"""

from __future__ import annotations

import re
import threading
from collections import Counter, deque
from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from streams.articles import main_headline, parse_timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from streams.articles import LabelledArticle
    from streams.wire import Labels

KEPT_ITEMS = 100  # more than any terminal shows
RATE_SECONDS = 60
# C0, C1, and what turns the direction of a line around: a title must not move the cursor nor scramble its neighbours
_UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


class Row(NamedTuple):
    """A labelled item as a line; `at` in seconds since 1970."""

    at: float
    language: str
    labels: list[tuple[str, int]]  # slug and confidence 0-100, main first
    countries: list[str]
    title: str


class Figures(NamedTuple):
    """Sums over the workers, as their metrics give them."""

    read: int = 0
    labelled: int = 0
    abstained: int = 0
    dead: int = 0
    lag: int = 0


class View(NamedTuple):
    """Everything that a table shows, at one moment. Counts are of items labelled since the start."""

    published: int
    seen: int  # labelled items, abstained ones too
    figures: Figures
    rate: float  # labelled items a second, over the last ten seconds
    seconds: list[int]  # labelled items in each of the last 60 seconds, oldest first
    topics: Mapping[str, int]
    regions: Mapping[str, int]
    rows: Sequence[Row]  # newest first


class Board:
    """Fed by the gateway's reader, the feeder and the poller, read by the screen: each in a thread of its own."""

    def __init__(
        self, labels: Labels, clock: Callable[[], float], on_row: Callable[[Row], None] = lambda _: None
    ) -> None:
        self._labels = labels
        self._clock = clock
        self._on_row = on_row
        self._started = clock()
        self._lock = threading.Lock()
        self._topics: Counter[str] = Counter()
        self._regions: Counter[str] = Counter()
        self._rows: deque[Row] = deque(maxlen=KEPT_ITEMS)
        self._by_second: Counter[int] = Counter()
        self._published = 0
        self._seen = 0
        self._figures = Figures()

    def add(self, articles: Iterable[LabelledArticle]) -> None:
        """Items as they were labelled; those of an earlier run are passed over."""
        for article in articles:
            row = row_of(article, self._labels)
            if row.at < self._started:
                continue
            with self._lock:
                self._seen += 1
                self._rows.appendleft(row)
                self._topics.update(slug for slug, _ in row.labels)
                self._regions.update(region.slug for region in self._labels.regions_of(row.countries))
                self._count_second()
            self._on_row(row)

    def sent(self) -> None:
        """One more item handed to Kafka."""
        with self._lock:
            self._published += 1

    def settle(self, published: int) -> None:
        """So many were delivered by the end of a source: what was no item, and counted as sent, is not among them."""
        with self._lock:
            self._published = published

    def update(self, figures: Figures) -> None:
        """The newest sums of the workers."""
        with self._lock:
            self._figures = figures

    def view(self) -> View:
        """What there is now."""
        with self._lock:
            now = int(self._clock())
            seconds = [self._by_second[s] for s in range(now - RATE_SECONDS, now)]
            return View(
                self._published,
                self._seen,
                self._figures,
                sum(seconds[-10:]) / 10,
                seconds,
                dict(self._topics),
                dict(self._regions),
                list(self._rows),
            )

    def _count_second(self) -> None:
        now = int(self._clock())
        self._by_second[now] += 1
        if len(self._by_second) > 2 * RATE_SECONDS:
            for second in [s for s in self._by_second if s < now - RATE_SECONDS]:
                del self._by_second[second]


def row_of(article: LabelledArticle, labels: Labels) -> Row:
    """An item as a line; a topic that the tables do not know goes by its code."""
    sure = {subject.literal: subject.confidence or 0 for subject in article.subjects or () if subject.creator}
    topics = [
        (labels.topics[code].slug if code in labels.topics else code, sure.get(f"medtop:{code}", 0))
        for code in article.topics
    ]
    block = article.classification
    at = parse_timestamp(block.labelled_at, field="labelledAt").timestamp()
    return Row(at, block.language.tag, topics, article.countries, safe(main_headline(article)))


def safe(text: str) -> str:
    """One line without control characters."""
    return " ".join(_UNSAFE.sub(" ", text).split())


def figures_of(pages: Iterable[str]) -> Figures:
    """The sums over /metrics pages of workers; a page may be empty."""
    sums: Counter[str] = Counter()
    for page in pages:
        for family in text_string_to_metric_families(page):
            for sample in family.samples:
                sums[f"{sample.name} {sample.labels.get('outcome', '')}".strip()] += int(sample.value)
    return Figures(
        read=sums["newswire_read_items_total"],
        labelled=sums["newswire_items_total labelled"],
        abstained=sums["newswire_items_total abstained"],
        dead=sums["newswire_items_total dead"],
        lag=sums["newswire_lag_items"],
    )
