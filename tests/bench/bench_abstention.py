"""Which share of each kind of text gets no topic: texts made here, and with ../shared real ones.

The aim: at least .95 of what is no news abstains, and at most .03 of the news. Where the aim is missed the kind says so.
What is in the data is cut in two halves, pages by their site and items by their words. The rules may be chosen by what
the first half shows (`--half first --show 30`); the second half is the one to report.

    python -m tests.bench.bench_abstention [--half first|second] [--quality fast|balanced|best] [--data DIR] [--items N]
        [--show N]
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import random
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lxml import html

from classifiers.contract import AbstainReason, Decision, Item
from classifiers.model import load_model
from tests.not_news import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

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


def half_of(key: str) -> str:
    """Which half a site or an item belongs to, whatever else is in the data."""
    return "first" if hashlib.sha256(key.encode()).digest()[0] < 128 else "second"


def halved(items: Iterable[Item], half: str) -> list[Item]:
    return [item for item in items if half_of(item.title + item.text) == half]


def real_languages(data: Path) -> list[Item]:
    return [Item("", row["text"]) for row in rows(data / "topics/sib200/data.jsonl.gz") if row["lang"] not in NEAR]


def pages(data: Path, half: str) -> Iterator[html.HtmlElement]:
    """The pages of the sites of one half: pages of one site have the same menus."""
    addresses = json.loads((data / "extraction" / "ground-truth.json").read_text(encoding="utf-8"))
    for path in sorted((data / "extraction" / "html").glob("*.gz")):
        host = urlsplit(addresses[path.name.partition(".")[0]]["url"]).hostname or ""
        if half_of(".".join(host.split(".")[-2:])) == half:
            text = gzip.decompress(path.read_bytes()).decode("utf-8", "replace")
            yield html.fromstring(text.encode(), parser=html.HTMLParser(encoding="utf-8"))


def real_links(data: Path, half: str) -> dict[str, list[Item]]:
    """Lists of links of English pages, each once, in the three forms that a careless extraction gives them."""
    found: dict[str, dict[str, Item]] = defaultdict(dict)
    for page in pages(data, half):
        for element in page.xpath("//nav|//ul"):
            links = [text for link in element.xpath(".//a") if (text := " ".join(link.text_content().split()))][:60]
            if len(links) >= LINKS_FROM:
                kind = "menus" if len(" ".join(links).split()) < MENU_WORDS * len(links) else "headlines"
                for form, between in (("one line", " "), ("bars", " | "), ("lines", "\n")):
                    text = between.join(links)
                    found[f"real {kind}, {form}"][text] = Item("", text)
    return {kind: list(items.values()) for kind, items in sorted(found.items())}


def real_news(data: Path, count: int, half: str) -> dict[str, list[Item]]:
    """Labelled items, which the rules were fitted on in part, and items of the same and other outlets."""
    found: dict[str, list[Item]] = {}
    for path in sorted((data / "desk").glob("*.jsonl.gz")):
        items = [Item(row["title"], row["text"], row["lang"]) for row in rows(path) if row["topics"]]
        found[f"news, labelled, {path.name[:2]}"] = halved(items, half)
    for path in sorted(data.glob("topics/*/data.jsonl.gz")):
        items = [
            Item(row["title"] or "", row["text"])
            for row in rows(path)
            if row.get("lang") in ("ar", "en", "fa", "fr", "tr")
        ]
        if "sib200" not in path.parent.name:
            of_half = halved(items, half)
            found[f"news, {path.parent.name}"] = random.Random(1).sample(of_half, min(count, len(of_half)))
    labelled = [item for kind, items in found.items() if "labelled" in kind for item in items]
    others = [item for kind, items in found.items() if "labelled" not in kind for item in items]
    return {**found, "news, labelled, all": labelled, "news, other collections": others}


def measure(model: Model, kind: str, items: list[Item], *, is_news: bool, show: int) -> bool:
    """Print one row, and `show` of the texts that were judged wrongly; whether the aim is met."""
    reasons: Counter[str] = Counter()
    wrong = []
    for start in range(0, len(items), BATCH):
        documents = model.prepare(items[start : start + BATCH])
        for document, verdict in zip(documents, model.topics.classify(documents), strict=True):
            abstained = verdict.decision is Decision.ABSTAINED
            if abstained:
                reasons[verdict.reason or ""] += 1
            if abstained is is_news:
                item = document.item
                wrong.append(f"    {verdict.reason or ''} {document.language} {f'{item.title} / {item.text}'[:250]!r}")
    share = reasons.total() / max(len(items), 1)
    met = share <= MOST if is_news else share >= LEAST
    listed = "".join(f"{reasons[reason] / max(len(items), 1):21.3f}" for reason in AbstainReason)
    print(f"{kind:34s}{len(items):7d}{share:10.3f} {' ' if met else '*'}{listed}")
    for line in random.Random(1).sample(wrong, min(show, len(wrong))):
        print(line)
    return met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--half", choices=["first", "second"], default="second", help="of the data")
    parser.add_argument("--quality", choices=["fast", "balanced", "best"], default="fast")
    parser.add_argument("--items", type=int, default=COUNT, help="of each outlet")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data")
    parser.add_argument(
        "--show", type=int, default=0, help="so many of the texts that are judged wrongly, of each kind"
    )
    asked = parser.parse_args()
    model = load_model(quality=asked.quality)
    print(
        f"{'kind':34s}{'items':>7s}{'abstained':>10s}  " + "".join(f"{reason.value:>21s}" for reason in AbstainReason)
    )
    kinds = {name: [Item("", text) for text in make(random.Random(7), COUNT)] for name, make in KINDS.items()}
    news = {}
    if asked.data.is_dir():
        others = halved(real_languages(asked.data), asked.half)
        kinds |= {"real, other languages": others, **real_links(asked.data, asked.half)}
        news = real_news(asked.data, asked.items, asked.half)
    missed = [n for n, items in kinds.items() if not measure(model, n, items, is_news=False, show=asked.show)]
    missed += [n for n, items in news.items() if not measure(model, n, items, is_news=True, show=asked.show)]
    print(f"* misses the aim: {', '.join(missed) or 'none'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
