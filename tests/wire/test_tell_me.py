"""Every cookie of a page as a line: what it is for, how long it stays, what became of it."""

import pytest
import turbohtml

from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.exchange import Kind
from cmp.core.signals import NO_SIGNALS
from cmp.wire.banner import banner_html
from cmp.wire.tell_me import CookieLine, Fate, cookie_lines
from tests.core.examples import compiled, exchange, shop

POLICY = compiled(
    cookies=[*shop()["cookies"], {"name": "cart2", "category": "necessary", "purpose": "Keeps what you chose to buy"}]
)
PAGE = exchange("https://www.shop.test/", kind=Kind.DOCUMENT, cookie="sid=1; theme=2; odd=3; __Host-consent=x")


def lines(**given: list[str]) -> list[tuple[str, str, str]]:
    return [(line.name, line.fate.value, line.text("en")) for line in cookie_lines(POLICY, PAGE, "en", **given)]


def test_what_the_browser_sent_is_told_with_its_purpose() -> None:
    assert lines(withheld=["theme", "odd"]) == [
        ("sid", "sent", "sent by your browser. Necessary"),
        ("__Host-consent", "sent", "sent by your browser. Remembers your privacy choices"),
        ("odd", "withheld", "sent by your browser, not passed on"),
        ("theme", "withheld", "sent by your browser, not passed on. Comfort"),
    ]


@pytest.mark.parametrize(
    "line, told",
    [
        ("cart2=1; Max-Age=172800", "set, for 2 days. Keeps what you chose to buy"),
        ("cart2=1", "set, until the browser closes. Keeps what you chose to buy"),
        ("cart2=; Max-Age=0", "deleted. Keeps what you chose to buy"),
        ("_st=1; Max-Age=60", "set, for 1 minute. Analytics"),
    ],
)
def test_what_an_answer_sets_is_told_as_it_is_delivered(line: str, told: str) -> None:
    assert lines(delivered=[line])[0][2] == told


def test_what_was_not_set_is_told_too_each_once() -> None:
    found = lines(delivered=["sid=1", "sid=2"], refused=["_st", "_st"])
    assert [line for line in found if line[1] != "sent"] == [
        ("sid", "set", "set, until the browser closes. Necessary"),
        ("_st", "refused", "not set: refused. Analytics"),
    ]


def test_it_speaks_the_visitors_language() -> None:
    (line,) = cookie_lines(POLICY, exchange("https://www.shop.test/", kind=Kind.DOCUMENT), "de", delivered=["sid=1"])
    assert line.text("de") == "gesetzt, bis der Browser geschlossen wird. Necessary"


@pytest.mark.parametrize("visitor", [NO_CHOICE, supposed_visitor(POLICY, "refuse")], ids=["asked", "decided"])
def test_the_banner_lists_them_for_a_screen_reader_too(visitor: Visitor) -> None:
    told = (CookieLine("sid", Fate.SENT, "Necessary"), CookieLine('"><script>', Fate.SET))
    html = banner_html(POLICY, visitor, NO_SIGNALS, "en", reserved="/.consent/", told=told)
    document = turbohtml.parse(html)
    listed = document.select_one(".consentry-told ul")
    assert listed is not None
    title = document.select_one(f"#{listed.attr('aria-labelledby')}")
    assert title is not None
    assert title.text == "Cookies of this page"
    assert [item.text for item in listed.select("li")] == [
        "sid: sent by your browser. Necessary",
        '"><script>: set, until the browser closes',
    ]
    assert [script.attr("src") for script in document.select("script")] == ["/.consent/banner.js"]


def test_a_page_without_cookies_says_so_and_a_flood_of_them_is_cut() -> None:
    def told(count: int) -> list[str]:
        lines = [CookieLine(f"c{n}", Fate.SENT) for n in range(count)]
        html = banner_html(POLICY, NO_CHOICE, NO_SIGNALS, "en", reserved="/.consent/", told=lines)
        return [element.text for element in turbohtml.parse(html).select(".consentry-told > p, .consentry-told li")]

    assert told(0) == ["Cookies of this page: none"]
    assert told(100)[-1] == "and 40 more"


def test_nobody_else_is_told() -> None:
    html = banner_html(POLICY, NO_CHOICE, NO_SIGNALS, "en", reserved="/.consent/")
    assert not turbohtml.parse(html).select(".consentry-told")
