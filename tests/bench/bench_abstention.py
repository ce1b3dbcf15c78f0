"""Which share of each kind of text gets no topic: texts made here, and with ../shared real ones.

The aim: at least .95 of what is no news abstains, and at most .03 of the news. Where the aim is missed the kind says so.

    python -m tests.bench.bench_abstention [--quality fast|balanced|best] [--data DIR] [--items N]
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from lxml import html

from classifiers.contract import AbstainReason, Decision, Item
from classifiers.model import load_model
from tests.not_news import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classifiers.model import Model

ROOT = Path(__file__).parents[2]
LEAST, MOST = 0.95, 0.03
COUNT = 1000  # of each kind made here
BATCH = 500
# spoken or written so that a reader of one of our languages takes them for it
NEAR = {
    "ar",
    "arz",
    "ary",
    "acm",
    "ars",
    "apc",
    "fa",
    "prs",
    "zh",
    "zh-Hant",
    "tr",
    "en",
    "de",
    "es",
    "fr",
    "it",
    "pl",
    "ru",
}
LINKS_FROM, MENU_WORDS = 8, 3.0  # a list of so many links is a menu where they have fewer words each, else headlines


def rows(path: Path) -> Iterator[dict[str, str]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def real_languages(data: Path) -> list[Item]:
    return [Item("", row["text"]) for row in rows(data / "topics/sib200/data.jsonl.gz") if row["lang"] not in NEAR]


def pages(data: Path) -> Iterator[html.HtmlElement]:
    for path in sorted((data / "extraction" / "html").glob("*.gz")):
        text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
        yield html.fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))


def real_links(data: Path) -> dict[str, list[Item]]:
    """Lists of links of English pages, in the three forms that a careless extraction gives them."""
    found: dict[str, list[Item]] = defaultdict(list)
    for page in pages(data):
        for element in page.xpath("//nav|//ul"):
            links = [text for link in element.xpath(".//a") if (text := " ".join(link.text_content().split()))][:60]
            if len(links) >= LINKS_FROM:
                kind = "menus" if len(" ".join(links).split()) < MENU_WORDS * len(links) else "headlines"
                for form, between in (("one line", " "), ("bars", " | "), ("lines", "\n")):
                    found[f"real {kind}, {form}"].append(Item("", between.join(links)))
    return dict(sorted(found.items()))


def real_news(data: Path, count: int) -> dict[str, list[Item]]:
    """Labelled items, which the rules were fitted on in part, and items of the same and other outlets."""
    found: dict[str, list[Item]] = defaultdict(list)
    for path in sorted((data / "desk").glob("*.jsonl.gz")):
        found[f"news, labelled, {path.name[:2]}"] = [
            Item(row["title"], row["text"], row["lang"]) for row in rows(path) if row["topics"]
        ]
    for path in sorted(data.glob("topics/*/data.jsonl.gz")):
        items = [
            Item(row["title"] or "", row["text"])
            for row in rows(path)
            if row.get("lang") in ("ar", "en", "fa", "fr", "tr")
        ]
        if "sib200" not in path.parent.name:
            found[f"news, {path.parent.name}"] = random.Random(1).sample(items, min(count, len(items)))
    return found


def measure(model: Model, kind: str, items: list[Item], *, is_news: bool) -> bool:
    """Print one row; whether the aim is met."""
    reasons: Counter[str] = Counter()
    for start in range(0, len(items), BATCH):
        documents = model.prepare(items[start : start + BATCH])
        for verdict in model.topics.classify(documents):
            if verdict.decision is Decision.ABSTAINED:
                reasons[verdict.reason or ""] += 1
    share = reasons.total() / max(len(items), 1)
    met = share <= MOST if is_news else share >= LEAST
    listed = "".join(f"{reasons[reason] / max(len(items), 1):21.3f}" for reason in AbstainReason)
    print(f"{kind:34s}{len(items):7d}{share:10.3f} {' ' if met else '*'}{listed}")
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quality", choices=["fast", "balanced", "best"], default="fast")
    parser.add_argument("--items", type=int, default=COUNT, help="of each outlet")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    asked = parser.parse_args()
    model = load_model(quality=asked.quality)
    print(
        f"{'kind':34s}{'items':>7s}{'abstained':>10s}  " + "".join(f"{reason.value:>21s}" for reason in AbstainReason)
    )
    kinds = {name: [Item("", text) for text in make(random.Random(7), COUNT)] for name, make in KINDS.items()}
    news = {}
    if asked.data.is_dir():
        kinds |= {"real, other languages": real_languages(asked.data), **real_links(asked.data)}
        news = real_news(asked.data, asked.items)
    missed = [name for name, items in kinds.items() if not measure(model, name, items, is_news=False)]
    missed += [name for name, items in news.items() if not measure(model, name, items, is_news=True)]
    print(f"* misses the aim: {', '.join(missed) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
