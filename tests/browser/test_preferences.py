"""The preferences page in real Chromium, from a real consent server, with JavaScript and without."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Browser, Page, expect

from cmp.core.consent import Visitor
from cmp.core.signals import Signals
from cmp.policy.changes import changes
from cmp.policy.in_force import InForce
from cmp.seal.site import ConsentSite
from cmp.wire.banner import banner_html
from cmp.wire.occasion import Occasion
from cmp.wire.tell_me import CookieLine, Fate
from tests.browser.chromium import needs_chromium, running_chromium
from tests.browser.test_banner import CONTRAST
from tests.server.site import NOW, Running, running
from tests.wire.full import full, full_policy
from tests.wire.test_about import english

pytestmark = [pytest.mark.browser, needs_chromium]

ORIGIN = "http://www.shop.test"
OLD = full_policy()
NEW = full_policy(version="4", vendors=[{**v, "country": "FR"} if v["id"] == "chat" else v for v in full()["vendors"]])
with_and_without = pytest.mark.parametrize("javascript", [True, False], ids=["with-javascript", "without"])


@dataclass
class World:
    server: Running
    browser: Browser

    def visitor(self, *, javascript: bool = True, locale: str = "en-GB", width: int = 1280, scheme: str = "") -> Page:
        context = self.browser.new_context(
            java_script_enabled=javascript,
            locale=locale,
            viewport={"width": width, "height": 800},
            color_scheme="dark" if scheme == "dark" else "light",
        )
        return context.new_page()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("preferences")
    with running(folder, policy=OLD, site=ConsentSite(ORIGIN)) as server:
        rules = f"--host-resolver-rules=MAP www.shop.test:80 127.0.0.1:{server.port}"
        with running_chromium(None, rules) as browser:
            yield World(server, browser)


@pytest.fixture
def world(started: World) -> World:
    started.server.policies.swap(InForce(OLD))
    return started


def opened(world: World, *, javascript: bool = True, locale: str = "en-GB", width: int = 1280) -> Page:
    page = world.visitor(javascript=javascript, locale=locale, width=width)
    page.goto(f"{ORIGIN}/.consent/?back=/.consent/")
    return page


@with_and_without
def test_after_a_change_the_page_says_what_and_asks_again(world: World, javascript: bool) -> None:
    page = opened(world, javascript=javascript)
    page.get_by_role("button", name="Accept all").click()
    expect(page.get_by_role("checkbox", name="EN-comfort")).to_be_checked()
    world.server.policies.swap(InForce(NEW))
    page.reload()
    expect(page.get_by_role("heading", name="What changed since your choice")).to_be_visible()
    expect(page.get_by_text("Chat receives data in: France; before: USA.")).to_be_visible()
    expect(page.get_by_text("we ask you again: EN-comfort.")).to_be_visible()
    expect(page.get_by_role("checkbox", name="EN-comfort")).not_to_be_checked()
    expect(page.get_by_role("checkbox", name="EN-research")).to_be_checked()
    page.get_by_role("button", name="Accept all").click()
    expect(page.get_by_role("checkbox", name="EN-comfort")).to_be_checked()
    expect(page.get_by_role("heading", name="What changed since your choice")).to_have_count(0)
    page.context.close()


@with_and_without
def test_being_told_of_each_cookie_is_switched_on_and_off(world: World, javascript: bool) -> None:
    page = opened(world, javascript=javascript)
    page.get_by_role("button", name="Tell me of each cookie").click()
    expect(page.get_by_role("button", name="Stop telling me")).to_be_visible()
    assert [cookie.get("name") for cookie in page.context.cookies()] == ["consent"]
    # The page that answers shows the same button: one that was pressed on the page before would come to nothing.
    with page.expect_navigation():
        page.get_by_role("button", name="Refuse all").click()
    expect(page.get_by_role("button", name="Stop telling me")).to_be_visible()
    page.get_by_role("button", name="Stop telling me").click()
    expect(page.get_by_role("button", name="Tell me of each cookie")).to_be_visible()
    page.context.close()


@with_and_without
def test_a_german_visitor_reads_german(world: World, javascript: bool) -> None:
    page = opened(world, javascript=javascript, locale="de-DE")
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.get_by_role("button", name="Alle ablehnen")).to_be_visible()
    text = page.locator("main").inner_text()
    assert [part for part in english() if re.search(rf"(?<![\w-]){re.escape(part)}(?![\w-])", text)] == []
    assert "EN-" not in text
    page.get_by_role("button", name="Alle annehmen").click()
    expect(page.get_by_role("checkbox", name="DE-comfort")).to_be_checked()
    page.context.close()


@with_and_without
def test_notices_stand_before_the_choices(world: World, javascript: bool) -> None:
    page = opened(world, javascript=javascript)
    notice = page.get_by_text("Change of ownership: EN-sale")
    expect(notice).to_be_in_viewport()
    box, form = notice.bounding_box(), page.locator("form").first.bounding_box()
    assert box is not None
    assert form is not None
    assert box["y"] + box["height"] <= form["y"]
    page.context.close()


CHOSEN = Visitor(refused=frozenset({"research"}), decided_at=NOW - 90 * 86_400, policy=OLD.fingerprint, tell_me=True)
TOLD = [
    CookieLine("sid", Fate.SET, "EN-necessary"),
    CookieLine("_st", Fate.REFUSED, "EN-analytics"),
    CookieLine("a-very-long-name-of-a-cookie-that-somebody-thought-of-" * 2, Fate.SENT),
]


def with_banner(world: World, visitor: Visitor, *, width: int, scheme: str) -> Page:
    page = world.visitor(width=width, scheme=scheme)
    html = banner_html(
        NEW,
        visitor,
        Signals(gpc=True),
        "en",
        reserved="/.consent/",
        occasion=Occasion(NOW, lapsed=frozenset({"comfort"}), changes=changes(OLD, NEW)),
        told=TOLD,
    )
    body = f"<!doctype html><html lang=en><title>Shop</title><body>{html}<h1>Shop</h1>"
    page.route(f"{ORIGIN}/", lambda route: route.fulfill(body=body, content_type="text/html"))
    page.goto(f"{ORIGIN}/")
    return page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("place", ["page", "banner", "decided"])
def test_everything_can_be_read_on_any_screen(world: World, place: str, width: int, scheme: str) -> None:
    if place == "page":
        page = world.visitor(width=width, scheme=scheme)
        page.goto(f"{ORIGIN}/.consent/")
    else:
        everything = frozenset(NEW.optional_categories)
        visitor = CHOSEN if place == "banner" else replace(CHOSEN, refused=everything)
        page = with_banner(world, visitor, width=width, scheme=scheme)
        expect(page.get_by_role("list", name="Cookies of this page")).to_be_visible()
        expect(page.get_by_text("_st: not set: refused. EN-analytics")).to_be_visible()
        expect(page.get_by_text("Change of ownership: EN-sale")).to_be_visible()
        expect(page.get_by_text("Opt-out request honoured")).to_be_visible()
        assert page.get_by_role("heading", name="What changed since your choice").count() == (place == "banner")
    assert page.evaluate(CONTRAST) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.context.close()
