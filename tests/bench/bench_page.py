"""The live page under a fast wire: whether it stutters.

    python -m tests.bench.bench_page [--rate 200] [--seconds 15]

A gateway in this process is fed so many items a second, and the page is open in headless Chromium. Given are the CPU
that the page's own thread takes, by second and by layout (a frame has 16.7 ms), and the gaps between frames that the
page sees, which say nothing on a machine that has other things to do; first for a page where nothing comes.
"""

from __future__ import annotations

import argparse
import threading
import time
from typing import TYPE_CHECKING

from playwright.sync_api import expect, sync_playwright

from streams.gateway.items import Labelled
from tests.flow.test_gateway_page import CHROMIUM, FLAGS
from tests.unit.gateway.examples import Feed, article, running

if TYPE_CHECKING:
    from playwright.sync_api import Page

EVERY = 0.05  # seconds between two batches, as a worker commits
MOST_GAP_MS = 100.0  # a gap that an eye sees as a jerk: six frames
WATCH = """() => {
    window.gaps = [];
    let last = performance.now();
    const frame = now => { window.gaps.push(now - last); last = now; requestAnimationFrame(frame); };
    requestAnimationFrame(frame);
}"""
WORK = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration")


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


def show(name: str, page: Page, seconds: float) -> list[float]:
    """Watches the page; the gaps between its frames in ms."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})  # CPU, not time

    def metrics() -> dict[str, float]:
        return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}

    before = metrics()
    page.evaluate(WATCH)
    page.wait_for_timeout(1000 * seconds)
    gaps: list[float] = sorted(page.evaluate("() => window.gaps.slice(5)"))
    spent = {key: 1000 * (value - before[key]) for key, value in metrics().items() if key in before}
    layouts = spent["LayoutCount"] / 1000
    drawing = sum(spent[key] for key in WORK) / max(1.0, layouts)
    print(
        f"{name:<20} {spent['TaskDuration'] / seconds:5.1f} ms of CPU a second, {layouts / seconds:5.1f} layouts,"
        f" {drawing:5.2f} ms each; {len(gaps) / seconds:4.1f} frames, gaps p50 {gaps[len(gaps) // 2]:5.1f},"
        f" p99 {gaps[len(gaps) * 99 // 100]:6.1f}, longest {gaps[-1]:6.1f} ms"
    )
    return gaps


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
        show("nothing comes", page, asked.seconds)
        feeding = threading.Thread(target=feed_at, args=(feed, asked.rate, stop))
        feeding.start()
        expect(page.locator("#cards .headline").first).to_be_visible()
        page.wait_for_timeout(2000)
        gaps = show(f"{asked.rate:.0f} items a second", page, asked.seconds)
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
