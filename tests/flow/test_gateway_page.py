"""The live page in a browser: what an editor sees and does, in Chromium, on a gateway that the test feeds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import expect, sync_playwright

from streams.gateway.app import Limits
from streams.gateway.items import Labelled
from streams.gateway.tokens import Tokens
from tests.unit.gateway.examples import NOW, Feed, article, running

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",  # as root, in a container
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
TIMEOUT = 30_000  # ms; what takes 0.2 s on a quiet machine

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium of the distribution is not installed"),
]
expect.set_options(timeout=TIMEOUT)


def labelled(number: int, *, partition: int = 0, offset: int | None = None, **changes) -> Labelled:
    changes.setdefault("at", NOW + number)
    return Labelled(partition, number if offset is None else offset, article(number, **changes))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def feed():
    made = Feed()
    made.put(
        [
            labelled(0, topics={"sport": 91, "economy": 44}, countries={"TR": 80}, language="tr", title="Maç bitti"),
            labelled(1, topics={"weather": 88}, countries={"SA": 70}, language="ar", title="أمطار غزيرة متوقعة"),
            labelled(2, topics={"politics": 95}, countries={"DE": 90}, title="Parliament votes"),
            labelled(3, topics={}, countries={}, title="Nothing to tell"),
        ]
    )
    return made


@pytest.fixture
def gateway(feed):
    with running(feed.source, clock=lambda: NOW + 60) as gateway:
        gateway.wait_ready()
        yield gateway


@pytest.fixture
def open_page(browser, gateway):
    """Opens the page; at the end the browser must have had nothing to complain about."""
    opened = []
    complaints: list[str] = []

    def open_(path: str = "/", **options):
        context = browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC", **options})
        context.set_default_timeout(TIMEOUT)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on(
            "request", lambda request: None if request.url.startswith(gateway.url) else complaints.append(request.url)
        )
        opened.append(context)
        page.goto(gateway.url + path)
        return page

    yield open_
    for context in opened:
        context.close()
    assert complaints == []


def headlines(page):
    return page.locator("#cards .headline")


def test_items_newest_first_with_chips(open_page):
    page = open_page()
    expect(headlines(page)).to_have_text(["Nothing to tell", "Parliament votes", "أمطار غزيرة متوقعة", "Maç bitti"])
    first, last = page.locator(".card").first, page.locator(".card").last
    expect(first.locator(".chip")).to_have_text(re.compile("no topic.*not sure enough"))
    expect(last.locator(".chip.topic")).to_have_text([re.compile("sport.*91%"), re.compile("economy.*44%")])
    expect(last.locator(".chip.country")).to_have_text([re.compile("Türkiye.*80%")])
    expect(page.locator("#status")).to_have_attribute("data-state", "live")
    expect(last.locator("time")).to_have_attribute("datetime", "2026-03-14T12:00:00.000Z")


def test_new_item_appears_on_top(open_page, feed):
    page = open_page()
    expect(headlines(page)).to_have_count(4)
    feed.put([labelled(4, title="Breaking")])
    expect(headlines(page).first).to_have_text("Breaking")
    expect(headlines(page)).to_have_count(5)


def test_new_version_takes_the_place_of_the_old(open_page, feed):
    page = open_page()
    expect(headlines(page)).to_have_count(4)
    feed.put([labelled(1, offset=9, title="Corrected")])
    expect(headlines(page)).to_have_text(["Corrected", "Nothing to tell", "Parliament votes", "Maç bitti"])


def test_right_to_left_titles_begin_at_the_right(open_page):
    page = open_page()
    arabic = page.locator(".card", has_text="أمطار").locator("h3")
    latin = page.locator(".card", has_text="Parliament").locator("h3")
    expect(arabic).to_have_css("direction", "rtl")
    expect(latin).to_have_css("direction", "ltr")
    expect(arabic.locator("bdi")).to_have_attribute("lang", "ar")

    def gaps(locator):
        """Free pixels left and right of the text."""
        return locator.evaluate(
            "h => { const box = h.getBoundingClientRect(), text = h.querySelector('bdi').getBoundingClientRect();"
            "return [text.left - box.left, box.right - text.right] }"
        )

    left, right = gaps(arabic)
    assert right < 2 < left
    left, right = gaps(latin)
    assert left < 2 < right


def test_filters_by_topic_and_region_and_says_so_in_the_address(open_page, feed):
    page = open_page()
    expect(headlines(page)).to_have_count(4)
    page.locator("#topics [data-value=sport]").click()
    expect(headlines(page)).to_have_text(["Maç bitti"])
    expect(page.locator("#topics [data-value=sport]")).to_have_attribute("aria-pressed", "true")
    assert page.url.endswith("/?topic=sport")
    feed.put([labelled(4, topics={"sport": 70}, countries={"EG": 80}, title="Other match")])
    feed.put([labelled(5, topics={"arts": 70}, title="Opera")])
    expect(headlines(page)).to_have_text(["Other match", "Maç bitti"])
    page.locator("#regions [data-value=western-asia]").click()
    expect(headlines(page)).to_have_text(["Maç bitti"])
    assert page.url.endswith("/?topic=sport&region=western-asia")
    page.get_by_role("button", name="Clear all").click()
    expect(headlines(page)).to_have_count(6)
    assert page.url.endswith("/")


def test_chips_filter_and_filters_can_be_taken_away(open_page):
    page = open_page()
    page.get_by_role("button", name="Germany, confidence 90%. Filter by it").click()
    expect(headlines(page)).to_have_text(["Parliament votes"])
    page.get_by_role("button", name="Remove filter Germany").click()
    expect(headlines(page)).to_have_count(4)


def test_address_opens_with_its_filters(open_page):
    page = open_page("/?topic=weather,politics&min_confidence=90")
    expect(headlines(page)).to_have_text(["Parliament votes"])
    expect(page.locator("#confidence-text")).to_have_text("90%")
    expect(page.locator(".chosen-chip")).to_have_count(3)


def test_filter_without_items_says_so(open_page):
    page = open_page("/?topic=religion")
    expect(page.locator("#empty")).to_contain_text("No recent item fits")


def test_counts_of_the_last_hour(open_page):
    page = open_page()
    expect(page.locator("#figure-items")).to_have_text("4")
    expect(page.locator("#figure-labelled")).to_have_text("75%")
    expect(page.locator("#topics [data-value=sport] .number")).to_have_text("1")
    expect(page.locator("#regions [data-value=western-asia] .number")).to_have_text("2")
    expect(page.locator("#regions [data-value=melanesia]")).to_be_hidden()
    page.get_by_role("button", name="All regions").click()
    expect(page.locator("#regions [data-value=melanesia]")).to_be_visible()
    expect(page.locator("#languages [data-value=ar]")).to_contain_text("Arabic")


def test_pause_holds_new_items_back(open_page, feed):
    page = open_page()
    expect(headlines(page)).to_have_count(4)
    page.get_by_role("button", name="Pause").click()
    expect(page.locator("#status")).to_have_attribute("data-state", "paused")
    feed.put([labelled(4), labelled(5)])
    expect(page.locator("#held")).to_have_text("2 new items")
    expect(headlines(page)).to_have_count(4)
    page.get_by_role("button", name="Go on").click()
    expect(headlines(page)).to_have_count(6)
    expect(page.locator("#held")).to_be_hidden()


def test_list_stands_still_while_it_is_read(open_page, feed):
    page = open_page(viewport={"width": 900, "height": 400})
    feed.put([labelled(n) for n in range(10, 40)])
    expect(headlines(page)).to_have_count(34)
    page.mouse.wheel(0, 600)
    page.wait_for_function("scrollY > 300")
    before = page.evaluate("document.elementFromPoint(500, 300).closest('.card').dataset.uri")
    feed.put([labelled(40, title="Breaking")])
    expect(page.locator("#held")).to_have_text("1 new item")
    assert page.evaluate("document.elementFromPoint(500, 300).closest('.card').dataset.uri") == before
    page.locator("#held").click()
    expect(headlines(page).first).to_have_text("Breaking")
    expect(headlines(page).first).to_be_focused()
    page.wait_for_function("scrollY === 0")


def test_opened_item_shows_text_scores_and_why(open_page):
    page = open_page()
    card = page.locator(".card", has_text="Maç bitti")
    card.locator(".headline").click()
    expect(card.locator(".headline")).to_have_attribute("aria-expanded", "true")
    expect(card.locator(".text")).to_contain_text("بدأ الخط عمله")
    expect(card.locator(".axis").first).to_contain_text("model linear 1.0.0")
    expect(card.locator(".scores .score")).to_have_text(["91%", "44%", "80%"])
    expect(card.get_by_role("link", name="Original")).to_have_attribute("href", "https://example.org/1")
    card.locator(".headline").click()
    expect(card.locator(".details")).to_be_hidden()


def test_keyboard_reaches_everything(open_page, feed):
    page = open_page()
    expect(headlines(page)).to_have_count(4)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the items")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(headlines(page).nth(0)).to_be_focused()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(headlines(page).nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".card").nth(1).locator(".text")).to_be_visible()
    feed.put([labelled(4)])  # the list does not move under the keyboard
    expect(page.locator("#held")).to_have_text("1 new item")
    expect(headlines(page).nth(1)).to_be_focused()


def test_hostile_item_is_text(open_page, feed):
    page = open_page()
    evil = '<img src=x onerror="document.title=1"><script>document.title=2</script>'
    feed.put(
        [
            labelled(
                4,
                title=evil,
                bodies=[{"value": f"<p>{evil}</p><p>R&amp;D &#1587;</p>", "contentType": "text/html"}],
                infoSources=[{"name": evil}],
                altIds=[{"role": "canonicalUrl", "value": "javascript:document.title=3"}],
            )
        ]
    )
    expect(headlines(page).first).to_have_text(evil)
    headlines(page).first.click()
    expect(page.locator(".card").first.locator(".text p").last).to_have_text("R&D س")
    assert page.locator("#cards img, #cards script, #cards a").count() == 0
    assert page.title() == "Newswire"


def test_page_in_arabic_is_its_mirror_image(open_page):
    page = open_page(locale="ar", viewport={"width": 1200, "height": 800})
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    expect(page.locator("#status-text")).to_have_text("مباشر")
    expect(page.locator("#topics [data-value=sport] .name")).to_have_text("الرياضة")
    filters, items = page.locator("#filters").bounding_box(), page.locator("#wire").bounding_box()
    assert filters["x"] > items["x"]
    page.locator("#page-language").select_option("tr")
    expect(page.locator("html")).to_have_attribute("dir", "ltr")
    expect(page.locator("#status-text")).to_have_text("Canlı")
    expect(headlines(page)).to_have_count(4)


def test_theme_follows_the_system_until_it_is_chosen_and_is_kept(open_page):
    page = open_page(color_scheme="dark")

    def background() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    dark = background()
    page.locator("#theme").click()
    light = background()
    assert light != dark
    page.reload()
    expect(headlines(page)).to_have_count(4)
    assert background() == light
    page.emulate_media(color_scheme="light")
    page.locator("#theme").click()
    assert background() == dark


@pytest.mark.parametrize("width", [320, 390, 820, 1280])
def test_nothing_is_wider_than_the_screen(open_page, width):
    page = open_page(viewport={"width": width, "height": 800})
    expect(headlines(page)).to_have_count(4)
    headlines(page).first.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_phone_opens_the_filters_on_demand(open_page):
    page = open_page(viewport={"width": 390, "height": 800})
    expect(page.locator("#filters")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    page.locator("#topics [data-value=weather]").click()
    expect(headlines(page)).to_have_text(["أمطار غزيرة متوقعة"])


def test_page_goes_on_after_the_gateway_was_away(browser, feed):
    """The same port, another process as it were: the browser comes back with its last id."""
    items = [labelled(n) for n in range(3)]
    first = Feed()
    first.put(items)
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    with running(first.source) as gateway:
        gateway.wait_ready()
        port = int(gateway.url.rpartition(":")[2])
        page.goto(gateway.url)
        expect(headlines(page)).to_have_count(3)
    expect(page.locator("#status")).to_have_attribute("data-state", "lost")
    second = Feed()
    second.put([*items, labelled(3), labelled(4)])
    with running(second.source, port=port):
        expect(headlines(page)).to_have_text([f"Headline {n}" for n in (4, 3, 2, 1, 0)])
        expect(page.locator("#status")).to_have_attribute("data-state", "live")
        context.close()


def test_a_browser_that_was_asked_for_the_token_sends_it_with_all_that_the_page_loads(browser, feed):
    with running(feed.source, limits=Limits(readers=Tokens(["a-reader"]))) as gateway:
        gateway.wait_ready()
        context = browser.new_context(http_credentials={"username": "anybody", "password": "a-reader"})
        context.set_default_timeout(TIMEOUT)
        page = context.new_page()
        page.goto(gateway.url)
        expect(headlines(page)).to_have_count(4)
        feed.put([labelled(9, title="Comes by the stream")])
        expect(headlines(page).first).to_have_text("Comes by the stream")
        context.close()
        stranger = browser.new_page()
        with pytest.raises(BrowserError, match="ERR_INVALID_AUTH_CREDENTIALS"):  # it is asked, and has nothing to say
            stranger.goto(gateway.url)
        stranger.close()


def test_fast_wire_is_drawn_without_growing(open_page, feed):
    page = open_page()
    expect(headlines(page)).to_have_count(4)
    for start in range(100, 2100, 200):
        feed.put([labelled(n) for n in range(start, start + 200)])
    expect(headlines(page).first).to_have_text("Headline 2099")
    assert headlines(page).count() <= 200


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en", "ar", "tr"])
def test_axe_finds_no_barrier(open_page, scheme, locale):
    """axe-core's rules (WCAG 2.2 A and AA, best practices), with an item open and a filter set."""
    # the page's own policy keeps a foreign script out; transitions would be measured half way
    page = open_page(
        "/?topic=sport,weather", locale=locale, color_scheme=scheme, bypass_csp=True, reduced_motion="reduce"
    )
    expect(headlines(page)).to_have_count(2)
    headlines(page).first.click()
    expect(page.locator(".scores").first).to_be_visible()
    report = Axe().run(page)
    assert report.violations_count == 0, report.generate_report()
    # a run that looked at nothing finds nothing
    assert len(report.response["passes"]) > 20
    page.evaluate("document.querySelector('#page-language').removeAttribute('id')")
    page.evaluate("document.querySelector('html').removeAttribute('lang')")
    assert Axe().run(page).violations_count > 0
