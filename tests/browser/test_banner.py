"""The banner in real Chromium: by keyboard, without JavaScript, small and large, and nothing typed is lost."""

import json
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cmp.core.consent import NO_CHOICE, supposed_visitor
from cmp.core.signals import NO_SIGNALS
from cmp.resources import static
from cmp.wire.banner import answer_html, banner_html, preferences_html, state_of
from tests.browser.chromium import needs_chromium
from tests.browser.loopback import Answer, Loopback, serving
from tests.core.examples import compiled
from tests.waiting import wait_for

pytestmark = [pytest.mark.browser, needs_chromium]

POLICY = compiled()
BODY = """<h1>Survey</h1><form action=/send><input name=agent id=agent><input name=agent>
<textarea name=comment></textarea>
<input type=checkbox name=ok><input type=radio name=r value=1><input type=radio name=r value=2>
<select name=s><option>a<option>b</select><select multiple name=m><option>x<option>y<option>z</select>
<input type=password name=secret><input type=hidden name=csrf value=token1><input autocomplete=cc-number name=card>
<button>Send</button></form><p style="height: 200vh">long</p><a href="/other">other</a>"""


class Site:
    """A site with our server's answers: takes a choice, keeps it for everybody, shows the page anew."""

    def __init__(self, served: Loopback) -> None:
        self.served, self.visitor, self.down = served, NO_CHOICE, False
        self.posted: list[dict[str, Any]] = []
        served.answers["/"] = lambda _method, _body: self.page()
        served.answers["/other"] = (200, {"Content-Type": "text/html"}, b"<p>other")
        served.answers["/.consent/choice"] = self.choice
        served.answers["/.consent/state"] = lambda _method, _body: self.state()
        served.answers["/.consent/"] = lambda _method, _body: self.preferences()
        for name, kind in (("banner.js", "text/javascript"), ("banner.css", "text/css")):
            served.answers[f"/.consent/{name}"] = (200, {"Content-Type": kind}, (static() / name).read_bytes())

    @property
    def url(self) -> str:
        return f"http://www.shop.test:{self.served.port}/"

    def page(self) -> Answer:
        ours = banner_html(POLICY, self.visitor, NO_SIGNALS, "en", reserved="/.consent/")
        html = f"<!doctype html><html lang=en><title>t</title><body>{ours}{BODY}"
        csp = "default-src 'self'; style-src 'self' 'unsafe-inline'"
        return (200, {"Content-Type": "text/html", "Content-Security-Policy": csp}, html.encode())

    def preferences(self) -> Answer:
        html = preferences_html(POLICY, self.visitor, NO_SIGNALS, "en", reserved="/.consent/", token="t", back="/")
        return (200, {"Content-Type": "text/html"}, html.encode())

    def state(self) -> Answer:
        return (
            200,
            {"Content-Type": "application/json"},
            json.dumps({"state": state_of(POLICY, self.visitor)}).encode(),
        )

    def choice(self, _method: str, body: bytes) -> Answer:
        is_json = body.startswith(b"{")
        sent = json.loads(body) if is_json else urllib.parse.parse_qs(body.decode())
        self.posted.append(sent)
        if self.down:
            error = {"ok": False, "error": {"code": "not-saved", "message": "Not saved, sorry"}}
            return (503, {"Content-Type": "application/json"}, json.dumps(error).encode())
        choice = sent.get("choice") if is_json else sent["choice"][0]
        granted = sent.get("granted" if is_json else "category", [])
        named = {"accept": "accept", "refuse": "refuse"}.get(str(choice)) or ",".join(granted) or "refuse"
        self.visitor = supposed_visitor(POLICY, named)
        if is_json:
            return (200, {"Content-Type": "application/json"}, b'{"ok": true}')
        return (200, {"Content-Type": "text/html"}, answer_html(POLICY, "en", saved=True, problem="").encode())


@pytest.fixture
def site() -> Iterator[Site]:
    with serving() as loopback:
        yield Site(loopback)


def opened(browser: Browser, site: Site, **options: Any) -> Page:
    page = browser.new_context(**options).new_page()
    page.goto(site.url)
    return page


def fill(page: Page) -> None:
    page.fill("#agent", "Ann")
    page.locator("[name=agent]").nth(1).fill("Bob")
    page.fill("[name=comment]", "half a sen")
    page.check("[name=ok]")
    page.check("[name=r][value='2']")
    page.select_option("[name=s]", "b")
    page.select_option("[name=m]", ["x", "z"])
    page.fill("[name=secret]", "hunter2")
    page.fill("[name=card]", "4111")


def filled(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = page.evaluate(
        """() => ({
          agents: [...document.querySelectorAll("[name=agent]")].map((f) => f.value),
          comment: document.querySelector("[name=comment]").value,
          ok: document.querySelector("[name=ok]").checked,
          r: [...document.querySelectorAll("[name=r]")].map((f) => f.checked),
          s: document.querySelector("[name=s]").value,
          m: [...document.querySelector("[name=m]").selectedOptions].map((o) => o.value),
          secret: document.querySelector("[name=secret]").value, card: document.querySelector("[name=card]").value,
          csrf: document.querySelector("[name=csrf]").value,
        })"""
    )
    return found


WHOLE = {
    "agents": ["Ann", "Bob"],
    "comment": "half a sen",
    "ok": True,
    "r": [False, True],
    "s": "b",
    "m": ["x", "z"],
    "csrf": "token1",
}


@pytest.mark.parametrize(
    "press, sent",
    [
        ("Accept all", {"choice": "accept"}),
        ("Refuse all", {"choice": "refuse"}),
        ("Save choice", {"granted": ["analytics"], "vendors": {"granted": []}}),
    ],
)
def test_a_choice_is_sent_and_what_was_typed_survives(
    browser: Browser, site: Site, press: str, sent: dict[str, Any]
) -> None:
    page = opened(browser, site)
    fill(page)
    if press == "Save choice":
        page.click("summary")
        page.check("input[value=analytics]")
    page.evaluate("sessionStorage.clear()")
    with page.expect_navigation():
        page.click(f"text={press}")
    page.wait_for_selector("section.consentry-decided")
    page.wait_for_function("sessionStorage.length === 0")
    assert site.posted == [{"surface": "banner", "language": "en", **sent}]
    # Passwords and card numbers are never kept; everything else is as it was, the token as the site made it.
    assert filled(page) == {**WHOLE, "secret": "", "card": ""}
    assert not page.locator("section form").count()
    page.context.close()


def test_by_keyboard_alone(browser: Browser, site: Site) -> None:
    page = opened(browser, site)
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.textContent.trim()"))
    assert reached == ["Accept all", "Refuse all", "Choose"]
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.querySelector('details').open")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.locator("input[name=category]").first.is_checked()
    page.keyboard.press("Escape")
    assert not page.evaluate("document.querySelector('details').open")
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    # No trap: the way goes on, past the link back to the choices, into the page.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent.trim()") == "Privacy choices"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "agent"
    assert site.posted == []
    page.context.close()


def test_a_choice_that_cannot_be_saved_says_so_and_can_be_tried_again(browser: Browser, site: Site) -> None:
    site.down = True
    page = opened(browser, site)
    page.click("text=Accept all")
    page.wait_for_function("document.querySelector('section [role=status]').textContent === 'Not saved, sorry'")
    assert page.evaluate("document.activeElement.value") == "accept"
    site.down = False
    with page.expect_navigation():
        page.click("text=Refuse all")
    assert [sent["choice"] for sent in site.posted] == ["accept", "refuse"]
    page.context.close()


def test_without_a_server_at_all(browser: Browser, site: Site) -> None:
    page = opened(browser, site)
    page.route("**/choice", lambda route: route.abort())
    page.click("text=Accept all")
    page.wait_for_function("document.querySelector('section [role=status]').textContent.includes('could not be saved')")
    assert page.get_by_role("button", name="Accept all").is_enabled()
    page.context.close()


@pytest.mark.parametrize("press, expected", [("Accept all", "accept"), ("Refuse all", "refuse")])
def test_without_javascript_the_page_stays_and_the_frame_answers(
    browser: Browser, site: Site, press: str, expected: str
) -> None:
    page = opened(browser, site, java_script_enabled=False)
    page.fill("#agent", "Ann")
    page.click(f"text={press}")
    frame = page.frame_locator("iframe[name=consent-answer]")
    frame.locator("text=Your choice is saved.").wait_for()
    assert page.input_value("#agent") == "Ann"
    assert site.posted[0]["choice"] == [expected]
    assert site.posted[0]["answer"] == ["frame"]
    page.reload()
    assert page.locator("section.consentry-decided").count() == 1
    page.context.close()


def test_without_javascript_single_choices_can_be_made(browser: Browser, site: Site) -> None:
    page = opened(browser, site, java_script_enabled=False)
    page.click("summary")
    page.check("input[value=analytics]")
    page.click("text=Save choice")
    page.frame_locator("iframe").locator("text=Your choice is saved.").wait_for()
    assert site.posted[0]["category"] == ["analytics"]
    assert site.visitor.granted == {"analytics"}
    page.context.close()


def test_a_browser_that_keeps_no_cookies_gets_a_sentence(browser: Browser, site: Site) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script("Object.defineProperty(Navigator.prototype, 'cookieEnabled', { get: () => false })")
    page.goto(site.url)
    assert page.locator("text=Your browser keeps no cookies").is_visible()
    assert not page.locator("section form").is_visible()
    assert page.locator("section a.consentry-reopen").is_visible()
    context.close()


def test_a_page_out_of_the_back_forward_cache_that_is_no_longer_true_loads_anew(browser: Browser, site: Site) -> None:
    page = opened(browser, site)
    asked = len(site.served.asked_of("www.shop.test/.consent/state"))
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    assert wait_for(lambda: len(site.served.asked_of("www.shop.test/.consent/state")) > asked)
    page.wait_for_timeout(200)
    assert len(site.served.asked_of("www.shop.test/.consent/state")) == asked + 1
    assert page.locator("section form").count() == 1
    site.visitor = supposed_visitor(POLICY, "refuse")
    with page.expect_navigation():
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    page.wait_for_selector("section.consentry-decided")
    page.context.close()


CONTRAST = """() => {
  const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
  const light = (c) => { const [r, g, b] = c.map((v) =>
    (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor);
    if (c.length < 4 || c[3] > 0) return c.slice(0, 3); } return [255, 255, 255]; };
  return [...document.querySelectorAll("section.consentry *, main.consentry *")].filter((e) => e.checkVisibility() &&
    [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())).map((e) => {
      const a = light(rgb(getComputedStyle(e).color).slice(0, 3)), b = light(ground(e));
      return [e.textContent.trim().slice(0, 30), (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)];
    }).filter(([, ratio]) => ratio < 4.5);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("path", ["", ".consent/"])
def test_it_can_be_read_and_hit(browser: Browser, site: Site, scheme: str, width: int, path: str) -> None:
    page = opened(browser, site, color_scheme=scheme, viewport={"width": width, "height": 800})
    page.goto(site.url + path)
    if not path:
        page.click("summary")
    assert page.evaluate(CONTRAST) == []
    controls = "section.consentry :is(button, summary, a, label), main.consentry :is(button, summary, label)"
    small = page.evaluate(
        """(controls) => [...document.querySelectorAll(controls)].filter((e) => e.checkVisibility())
          .filter((e) => !e.closest("td")).map((e) => [e.textContent.trim(), e.getBoundingClientRect()])
          .filter(([, box]) => box.height < 44 || box.width < 44).map(([text]) => text)""",
        controls,
    )
    assert small == []
    # Nothing is cut off or has to be scrolled sideways (WCAG 1.4.10), and the page begins below, not under it.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if not path:
        edge = "(s, side) => document.querySelector(s).getBoundingClientRect()[side]"
        assert page.evaluate(f"({edge})('section', 'bottom') <= ({edge})('h1', 'top')")
    page.context.close()


def test_the_two_answers_are_equally_prominent(browser: Browser, site: Site) -> None:
    page = opened(browser, site)
    looks = page.evaluate(
        """() => [...document.querySelectorAll(".consentry-answers > button")].map((b) => {
          const s = getComputedStyle(b), r = b.getBoundingClientRect();
          return [s.color, s.backgroundColor, s.fontSize, s.fontWeight, s.borderColor, r.top, r.height, r.width];
        })"""
    )
    assert looks[0] == looks[1]
    page.context.close()


def test_roles_and_names_reach_assistive_technology(browser: Browser, site: Site) -> None:
    page = opened(browser, site)
    page.get_by_role("region", name="Your privacy choices").wait_for()
    page.click("summary")
    assert page.get_by_role("checkbox", name="Analytics").count() == 1
    assert page.get_by_role("group", name="Choose").count() == 1
    assert page.get_by_role("table", name="What it is about").count() == 1
    assert page.get_by_role("button", name="Refuse all").count() == 1
    assert page.get_by_role("status").count() <= 1
    link = page.get_by_role("link", name="Privacy choices")
    assert link.get_attribute("href") == "/.consent/?back=%2F"
    page.context.close()


def test_a_right_to_left_page(browser: Browser, site: Site) -> None:
    page = opened(browser, site)
    page.evaluate("document.documentElement.dir = 'rtl'")
    left, right = (
        page.evaluate(
            "(n) => document.querySelectorAll('.consentry-answers > button')[n].getBoundingClientRect().left", n
        )
        for n in (0, 1)
    )
    assert left > right
    page.context.close()


def test_the_first_form_and_the_first_paragraph_are_the_banners_the_form_until_a_choice_is_made(
    browser: Browser, site: Site
) -> None:
    """A limit: see docs/limits.md."""
    page = opened(browser, site)
    whose = "[document.forms[0], document.querySelector('p')].map((found) => found.closest('.consentry') !== null)"
    assert page.evaluate(whose) == [True, True]
    with page.expect_navigation():
        page.click("text=Refuse all")
    assert page.evaluate(whose) == [False, True]
    page.context.close()
