"""Stubs in real Chromium: what a page waits for comes, though nothing was sent; `fetch` does not reject."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cmp.core.exchange import Kind
from cmp.wire.stubs import stub_fields, stub_for
from tests.browser.chromium import needs_chromium, running_chromium
from tests.browser.loopback import Loopback, serving

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with running_chromium() as browser, serving() as loopback:
        yield opened(browser, loopback)


def opened(browser: Browser, loopback: Loopback) -> Page:
    """An empty page of www.shop.test, beside a tracker's host of which every answer is a stub."""
    loopback.page("/", "<!doctype html><body>")
    origin = (b"Origin", f"http://www.shop.test:{loopback.port}".encode())
    for path, kind in (("/collect", Kind.FETCH), ("/pixel.gif", Kind.IMAGE), ("/sound.mp3", Kind.MEDIA)):
        stub = stub_for(kind, known=True, target=path)
        _, fields = stub_fields(kind, stub, "GET", [origin])
        loopback.answers[path] = (stub.status, {name.decode(): value.decode() for name, value in fields}, stub.body)
    found = browser.new_page()
    found.goto(f"http://www.shop.test:{loopback.port}/")
    return found


def run(page: Page, before: str, path: str, after: str) -> Any:
    """What a page's code sees: `before` runs, then the stub for a script at `path`, then `after`, which may call
    `done(value)`. A minute without that is none."""
    host, _, rest = path.partition("/")
    shim = stub_for(Kind.SCRIPT, known=True, host=host, target=f"/{rest}").body.decode()
    page.reload()
    return page.evaluate(
        "([before, shim, after]) => new Promise((done) => { window.done = done; setTimeout(() => done(null), 60000);"
        " for (const code of [before, shim, after]) (0, eval)(code); })",
        [before, shim, after],
    )


SNIPPET = "window.dataLayer = []; function gtag() { dataLayer.push(arguments); }"
ISOGRAM = "window.ga = function () { (ga.q = ga.q || []).push(arguments); };"


@pytest.mark.parametrize(
    "path, before, after, expected",
    [
        pytest.param(
            "www.googletagmanager.com/gtag/js",
            SNIPPET,
            "gtag('event', 'click', {event_callback: () => done('sent')});",
            "sent",
            id="gtag: an event is called back",
        ),
        pytest.param(
            "www.googletagmanager.com/gtag/js",
            SNIPPET + "gtag('event', 'click', {event_callback: () => done('sent')});",
            "",
            "sent",
            id="gtag: one that was queued before too",
        ),
        pytest.param(
            "www.googletagmanager.com/gtag/js",
            SNIPPET,
            "gtag('get', 'G-1', 'client_id', (id) => done([id === undefined, dataLayer.length]));",
            [True, 1],
            id="gtag: who asks for an id gets none",
        ),
        pytest.param(
            "www.googletagmanager.com/gtm.js",
            "",
            "dataLayer.push({event: 'order', eventCallback: () => done('sent')});",
            "sent",
            id="tag manager: an event is called back",
        ),
        pytest.param(
            "www.google-analytics.com/analytics.js",
            ISOGRAM + "ga('create', 'UA-1'); ga('send', 'event', 'a', 'b', {hitCallback: () => done('sent')});",
            "",
            "sent",
            id="analytics: a hit is called back",
        ),
        pytest.param(
            "www.google-analytics.com/analytics.js",
            ISOGRAM,
            "ga(() => { const t = ga.getByName('t0'); t.set('page', '/a');"
            " done([ga.getAll().length, t.get('page')]); });",
            [1, "/a"],
            id="analytics: a function is called, trackers can be asked",
        ),
        pytest.param(
            "www.google-analytics.com/analytics.js",
            "window.GoogleAnalyticsObject = 'x'; window.x = function () { (x.q = x.q || []).push(arguments); };"
            "x('send', {hitType: 'pageview', hitCallback: () => done('sent')});",
            "",
            "sent",
            id="analytics: under another name",
        ),
        pytest.param(
            "ssl.google-analytics.com/ga.js",
            "window._gaq = [['_trackPageview'], () => done(typeof _gat._getTracker('UA-1')._trackEvent)];",
            "",
            "function",
            id="ga: a queued function is called",
        ),
        pytest.param(
            "connect.facebook.net/en_US/fbevents.js",
            "window.fbq = function () { fbq.callMethod ? fbq.callMethod(...arguments) : fbq.queue.push(arguments); };"
            "fbq.queue = []; fbq('init', '1');",
            "fbq('track', 'Purchase'); done([fbq.queue.length, fbq.loaded]);",
            [0, True],
            id="pixel: commands are taken",
        ),
        pytest.param(
            "securepubads.g.doubleclick.net/tag/js/gpt.js",
            "window.googletag = {cmd: [() => {"
            " const slot = googletag.defineSlot('/1/a', [300, 250], 'box').setTargeting('k', 'v')"
            ".addService(googletag.pubads());"
            " googletag.pubads().enableSingleRequest(); googletag.enableServices();"
            " googletag.pubads().addEventListener('slotRenderEnded',"
            " (e) => done([e.isEmpty, e.slot === slot, e.slot.getSlotElementId()]));"
            " googletag.display('box'); }]};",
            "",
            [True, True, "box"],
            id="slots: queued commands run, an empty slot is told",
        ),
        pytest.param(
            "c.amazon-adsystem.com/aax2/apstag.js",
            "window.apstag = {_Q: [], fetchBids() { this._Q.push(['f', arguments]); }};"
            "apstag.fetchBids({slots: []}, (bids) => done(bids));",
            "",
            [],
            id="bids: there are none, at once",
        ),
        pytest.param(
            "pagead2.googlesyndication.com/pagead/js/adsbygoogle.js",
            "document.body.innerHTML = '<ins class=adsbygoogle></ins>'; window.adsbygoogle = [{}];",
            "adsbygoogle.push({}); done([adsbygoogle.loaded, document.querySelector('ins').dataset.adStatus]);",
            [True, "unfilled"],
            id="units: they stay empty",
        ),
        pytest.param(
            "stats.shop.test/matomo.js",
            "window._paq = [['trackPageView'], [function () { done(this.getVisitorId()); }]];",
            "",
            "",
            id="matomo: a queued function is called, and finds no id",
        ),
        pytest.param("tracker.test/t.js", "", "done('ran')", "ran", id="any other script"),
    ],
)
def test_a_page_that_waits_for_a_tracker_goes_on(page: Page, path: str, before: str, after: str, expected: Any) -> None:
    assert run(page, before, path, after) == expected


def test_a_call_to_a_tracker_is_answered_and_can_be_read(page: Page) -> None:
    port = page.evaluate("location.port")
    call = f"fetch('http://tracker.test:{port}/collect', {{credentials: 'include'}})"
    assert page.evaluate(f"{call}.then(async (r) => [r.status, await r.json(), r.headers.get('x-consentry')])") == [
        200,
        {},
        "blocked",
    ]


def test_a_pixel_loads(page: Page) -> None:
    port = page.evaluate("location.port")
    code = "new Promise((done) => { const i = new Image(); i.onload = () => done(i.width); i.onerror = () => done(0);"
    assert page.evaluate(f"{code} i.src = 'http://tracker.test:{port}/pixel.gif'; }})") == 1


def test_a_sound_plays_to_its_end(page: Page) -> None:
    port = page.evaluate("location.port")
    code = "new Promise((done) => { const a = new Audio(); a.muted = true; a.onerror = () => done('error');"
    code += " a.onended = () => done('ended'); setTimeout(() => done('silence'), 60000);"
    assert page.evaluate(f"{code} a.src = 'http://tracker.test:{port}/sound.mp3'; a.play(); }})") == "ended"
