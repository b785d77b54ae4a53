"""A page whose guard does not arrive, in real Chromium: it is not left open."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from cmp.core.consent import NO_CHOICE
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import parse_url
from cmp.wire.guard import guard_script
from cmp.wire.keeper import guard_elements
from tests.browser.chromium import needs_chromium
from tests.browser.loopback import Loopback, serving
from tests.core.examples import compiled

pytestmark = [pytest.mark.browser, needs_chromium]

AFTER = """<script>window.ran = document.querySelectorAll("script").length;
new Image().src = "http://tracker.test:{port}/p.gif";</script><p>the page</p>"""
TRACKER = "/p.gif"
HOME = parse_url("http://www.shop.test/")


@pytest.fixture
def served() -> Iterator[Loopback]:
    with serving() as loopback:
        yield loopback


class Shown:
    """One page opened, where the first `lost` requests for the guard come to nothing."""

    def __init__(
        self, browser: Browser, served: Loopback, lost: int, *, media_type: str = "text/html", **changes: object
    ) -> None:
        policy = compiled(unknown={"host": "report", "cookie": "report"}, **changes)
        head = guard_elements(policy, HOME, "en", reserved="/.consent/", csp=(), nonce="")
        script = guard_script(policy, NO_CHOICE, NO_SIGNALS)
        served.answers["/.consent/guard.js"] = (200, {"Content-Type": "text/javascript"}, script.encode())
        served.answers[TRACKER] = (200, {"Content-Type": "image/gif"}, b"GIF89a")
        body = AFTER.format(port=served.port)
        if media_type == "text/html":
            text = f"<!doctype html>{head}<title>a</title>{body}"
        else:
            text = f'<html xmlns="http://www.w3.org/1999/xhtml"><head>{head}</head><body>{body}</body></html>'
        served.answers["/page"] = (200, {"Content-Type": media_type}, text.encode())
        self.asked = 0

        def guard(route: Route) -> None:
            self.asked += 1
            if self.asked <= lost:
                route.abort()
            else:
                route.continue_()

        self.page: Page = browser.new_page()
        self.page.route("**/guard.js", guard)
        self.page.goto(f"http://www.shop.test:{served.port}/page", wait_until="commit" if changes else "load")

    def guarded(self) -> bool:
        self.page.evaluate("document.cookie = '_st=1'")
        return "_st" not in self.page.evaluate("document.cookie")


def test_a_guard_that_arrives_leaves_nothing_of_ours_behind(browser: Browser, served: Loopback) -> None:
    shown = Shown(browser, served, lost=0)
    assert (shown.asked, shown.guarded(), shown.page.evaluate("ran")) == (1, True, 1)
    shown.page.close()


@pytest.mark.parametrize("lost", [1, 2])
def test_one_that_gets_lost_is_asked_for_again_before_the_page_goes_on(
    browser: Browser, served: Loopback, lost: int
) -> None:
    shown = Shown(browser, served, lost=lost)
    assert (shown.asked, shown.guarded(), shown.page.evaluate("ran")) == (lost + 1, True, 1)
    shown.page.close()


@pytest.mark.parametrize(
    "media_type, asked", [pytest.param("text/html", 3, id="html"), pytest.param("application/xhtml+xml", 1, id="xhtml")]
)
def test_without_one_the_page_reaches_its_own_site_alone(
    browser: Browser, served: Loopback, media_type: str, asked: int
) -> None:
    shown = Shown(browser, served, lost=9, media_type=media_type)
    assert (shown.asked, shown.page.evaluate("ran")) == (asked, 1)
    assert "the page" in shown.page.content()
    assert shown.page.evaluate("[typeof RTCPeerConnection, typeof webkitRTCPeerConnection]") == ["undefined"] * 2
    assert served.asked_of("tracker.test") == []
    shown.page.close()


@pytest.mark.parametrize("media_type", ["text/html", "application/xhtml+xml"])
def test_where_nothing_passes_on_errors_the_page_is_stopped(
    browser: Browser, served: Loopback, media_type: str
) -> None:
    shown = Shown(browser, served, lost=9, media_type=media_type, onError="block")
    shown.page.wait_for_selector("a")
    assert shown.page.evaluate("typeof ran") == "undefined"
    assert "the page" not in shown.page.inner_text("html")
    assert served.asked_of("tracker.test") == []
    # The way back.
    shown.asked = 9
    shown.page.click("a")
    shown.page.wait_for_function("window.ran === 1")
    assert shown.guarded()
    shown.page.close()
