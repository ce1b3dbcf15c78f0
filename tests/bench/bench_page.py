"""The live page under a fast wire: whether it stutters.

    python -m tests.bench.bench_page [--rate 200] [--seconds 15]

A gateway in this process is fed so many items a second, and the page is open in headless Chromium, which draws 60
frames a second. Given are the gaps between frames that the page itself sees, with the tasks that took longer than 50 ms
(what the browser calls a long task), how late the newest item is, and the same for a page where nothing comes.
"""

from __future__ import annotations

import argparse
import threading
import time
from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect, sync_playwright

from streams.gateway.items import Labelled
from tests.flow.test_gateway_page import CHROMIUM, FLAGS
from tests.unit.gateway.examples import Feed, article, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVERY = 0.05  # seconds between two batches, as a worker commits
MOST_GAP_MS = 100.0  # a gap that an eye sees as a jerk: six frames
WATCH = """() => {
    window.gaps = []; window.tasks = [];
    new PerformanceObserver(list => list.getEntries().forEach(e => window.tasks.push(e.duration)))
        .observe({entryTypes: ["longtask"]});
    let last = performance.now();
    const frame = now => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
}"""


def feed_at(feed: Feed, rate: float, stop: threading.Event) -> None:
    began, number = time.monotonic(), 0
    while not stop.wait(EVERY):
        behind = int((time.monotonic() - began) * rate)
        topics = ({"sport": 90}, {"politics": 80, "economy": 50}, {})
        made = [
            Labelled(0, n, article(n, topics=topics[n % 3], at=time.time(), title=f"Headline {n}: عاجل, son dakika"))
            for n in range(number, behind)
        ]
        feed.put(made)
        number = behind


def watched(page: Page, seconds: float) -> tuple[list[float], list[float]]:
    page.evaluate(WATCH)
    page.wait_for_timeout(1000 * seconds)
    found: dict[str, Any] = page.evaluate("() => ({gaps: window.gaps.slice(5), tasks: window.tasks})")
    return sorted(found["gaps"]), sorted(found["tasks"])


def show(name: str, gaps: list[float], tasks: list[float], seconds: float) -> None:
    at = {share: gaps[min(len(gaps) - 1, int(len(gaps) * share / 100))] for share in (50, 99)}
    print(
        f"{name:<22} {len(gaps) / seconds:5.1f} frames a second; gaps p50 {at[50]:5.1f}, p99 {at[99]:6.1f},"
        f" longest {gaps[-1]:6.1f} ms; {len(tasks)} long tasks, longest {max(tasks, default=0):5.0f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=15.0)
    asked = parser.parse_args()
    feed, stop = Feed(), threading.Event()
    feed.put([])
    with running(feed.source) as gateway, sync_playwright() as playwright:
        gateway.wait_ready()
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(gateway.url)
        page.wait_for_timeout(1000)
        show("nothing comes", *watched(page, asked.seconds), asked.seconds)
        feeding = threading.Thread(target=feed_at, args=(feed, asked.rate, stop))
        feeding.start()
        expect(page.locator("#cards .headline").first).to_be_visible()
        gaps, tasks = watched(page, asked.seconds)
        show(f"{asked.rate:.0f} items a second", gaps, tasks, asked.seconds)
        shown = page.locator("#cards .headline").first.text_content() or ""
        newest = gateway.get("/articles", limit=1, form="card").json()["items"][0]["title"]
        print(f"newest on the page: {shown!r}; at the gateway: {newest!r}")
        stop.set()
        feeding.join()
        browser.close()
    jerks = sum(gap > MOST_GAP_MS for gap in gaps)
    print(f"{jerks} gaps over {MOST_GAP_MS:.0f} ms")


if __name__ == "__main__":
    main()
