"""What a site has, as its pages show it."""

import pytest

from cmp.core.urls import parse_url
from cmp.policy.drafting import FoundCookie
from cmp.wire.inventory import cookies_set, languages_of, links_to_own_pages, vendors_on

PAGE = parse_url("https://www.shop.test/start")
NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    "markup, key, category",
    [
        pytest.param('<script src="https://js.stripe.com/v3/"></script>', "stripe", "infrastructure", id="script"),
        pytest.param('<img src="//px.unheard.test/p.gif">', "unheard.test", None, id="not in the catalogue"),
        pytest.param("<script>fbq('init', '1')</script>", "meta-pixel", "advertising", id="code in the page"),
        pytest.param(
            '<noscript><img src="https://www.facebook.com/tr?id=1"></noscript>', "meta-pixel", "advertising", id="pixel"
        ),
        pytest.param(
            '<link rel="stylesheet" href="https://fonts.googleapis.com/css">', "google-fonts", "functional", id="font"
        ),
    ],
)
def test_third_parties_are_named(markup: str, key: str, category: str | None) -> None:
    found = {vendor.key: vendor.category for vendor in vendors_on(markup, PAGE)}
    assert found[key] == category


@pytest.mark.parametrize(
    "markup",
    [
        pytest.param('<img src="/own.png"><script src="https://cdn.shop.test/a.js"></script>', id="its own"),
        pytest.param('<a href="https://elsewhere.test/">link</a>', id="a link"),
        pytest.param('<img src="https://exa mple.test/"><img src="https://co.uk/p.gif">', id="nothing a policy names"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_third_party_is_not(markup: str) -> None:
    assert list(vendors_on(markup, PAGE)) == []


@pytest.mark.parametrize(
    "line, found",
    [
        pytest.param("sid=1; HttpOnly", FoundCookie("sid", "session", "necessary"), id="signed in"),
        pytest.param("theme=dark; Max-Age=2592000", FoundCookie("theme", "30 days", None), id="nobody knows"),
        pytest.param("long=1; HttpOnly; Max-Age=60", FoundCookie("long", "1 minute", None), id="kept"),
        pytest.param(
            "_ga=1; Max-Age=63072000",
            FoundCookie("_ga", "13 months", "analytics", "google-analytics", "Tells visitors apart"),
            id="of the catalogue",
        ),
    ],
)
def test_a_cookie_is_found_with_its_lifetime(line: str, found: FoundCookie) -> None:
    assert list(cookies_set([line], PAGE, NOW)) == [found]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("old=; Max-Age=0", id="taken away"),
        pytest.param("=v", id="without a name"),
        pytest.param("a*b=1", id="a pattern in a policy"),
        pytest.param("__Host-consent=x; Path=/", id="ours"),
        pytest.param("b\x1b[2J=1", id="control characters"),
    ],
)
def test_what_no_draft_can_declare_is_left_out(line: str) -> None:
    assert list(cookies_set([line], PAGE, NOW)) == []


@pytest.mark.parametrize(
    "text, languages",
    [('<html lang="de-AT">', ["de"]), ("<html lang=' EN '>", ["en"]), ("<html>", []), ('<html lang="???">', [])],
)
def test_the_language_of_a_page(text: str, languages: list[str]) -> None:
    assert list(languages_of(text)) == languages


def test_links_lead_to_other_pages_of_the_same_origin() -> None:
    text = """
        <a href="/deep/er/x">1</a> <a href="/about#top">2</a> <a href="/about">3</a> <a href="start">the page itself</a>
        <a href="https://other.test/">4</a> <a href="http://www.shop.test/plain">5</a> <a href="/a.PDF">6</a>
        <a href="mailto:a@shop.test">7</a> <a href="https://[">8</a> <a>9</a>
    """
    assert [url.path for url in links_to_own_pages(text, PAGE)] == ["/about", "/deep/er/x"]
