"""What browsers that protect privacy do to addresses, referrers and other sites' cookies, as tables with the bytes.

The cases are ours; the behaviours are those that such browsers document: numbers of clicks go from the addresses of
pages, referrers are cut to the origin for others, trackers neither get nor set cookies on other sites' pages.
"""

from dataclasses import replace

import pytest

from cmp.capture.observe import observe_request, with_answer
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.decision import EditKind
from cmp.core.urls import parse_url
from cmp.wire.cookies import edit_set_cookies, strip_request_cookies
from cmp.wire.reduce import reduced_target, trimmed_referrer
from tests.core.examples import compiled

SHOP = "https://www.shop.test"
POLICY = compiled(
    outgoing={"referrer": "origin", "clickIds": "advertising"},
    # Trackers are not stopped, only kept from telling one visitor from another.
    categories={
        "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
        "advertising": {"basis": "consent", "title": {"en": "Advertising"}},
        "tracking": {"basis": "consent", "title": {"en": "Tracking"}},
    },
    vendors=[
        {"id": "tracker", "name": "Tracker", "category": "necessary", "hosts": ["tracker.test"]},
    ],
    cookies=[
        {"name": "*", "category": "tracking", "hosts": ["tracker.test"], "party": "third"},
        {"name": "*", "category": "necessary", "party": "first"},
        {"name": "*", "category": "necessary", "hosts": ["library.test"]},
    ],
    signals={},
    unknown={"host": "report", "cookie": "report"},
)
NAVIGATION = (("Sec-Fetch-Dest", "document"), ("Sec-Fetch-Mode", "navigate"))

ADDRESSES = [
    pytest.param("/?gclid=abc", "/", id="the only one: the question mark goes too"),
    pytest.param("/a?x=1&gclid=abc", "/a?x=1", id="the last"),
    pytest.param("/a?fbclid=abc&x=1", "/a?x=1", id="the first"),
    pytest.param("/a?x=1&msclkid=abc&y=2", "/a?x=1&y=2", id="in the middle"),
    pytest.param("/a?gclid=1&fbclid=2&dclid=3&twclid=4&ttclid=5", "/a", id="all of them"),
    pytest.param("/a?gclid=1&x=2&gclid=3", "/a?x=2", id="the same one twice"),
    pytest.param("/a?x&GCLID=1", "/a?x", id="in capitals"),
    pytest.param("/a?%67clid=1&x=%41", "/a?x=%41", id="percent-encoded, and what stays is left as it was"),
    pytest.param("/a?gclid", "/a", id="without a value"),
    pytest.param("/a?gclid=", "/a", id="with an empty one"),
    pytest.param("/a?mc_eid=1&_hsenc=2&mkt_tok=3&vero_id=4", "/a", id="of mails"),
    pytest.param("/a?b=%26gclid%3D1", "/a?b=%26gclid%3D1", id="in the value of another"),
    pytest.param("/gclid=1/a", "/gclid=1/a", id="in the path"),
    pytest.param("/a?agclid=1&gclids=2&clid=3", "/a?agclid=1&gclids=2&clid=3", id="names that only look alike"),
    pytest.param("/a?utm_source=x&ref=y&id=7", "/a?utm_source=x&ref=y&id=7", id="what names a campaign, and no click"),
    pytest.param("/a?x=1&&y=2&", "/a?x=1&&y=2&", id="odd separators stay"),
    pytest.param("/a?&gclid=1&&x=2", "/a?&&x=2", id="odd separators around one that goes"),
    pytest.param("/a?q=caf%C3%A9+au+lait&gclid=1", "/a?q=caf%C3%A9+au+lait", id="other encodings stay"),
]


def target_of(url: str, visitor: Visitor) -> str:
    parsed = parse_url(url)
    seen = observe_request("GET", parsed, NAVIGATION, time=0.0)
    names = {edit.name for edit in decide(POLICY, visitor, seen).edits if edit.kind is EditKind.STRIP_QUERY}
    target = url.removeprefix(parsed.origin)
    return reduced_target(target, names) if names else target


@pytest.mark.parametrize("host", ["https://www.shop.test", "https://elsewhere.test"])
@pytest.mark.parametrize("target, expected", ADDRESSES)
def test_the_number_of_a_click_goes_from_the_address_of_a_page(host: str, target: str, expected: str) -> None:
    assert target_of(f"{host}{target}", NO_CHOICE) == expected


@pytest.mark.parametrize("target, expected", ADDRESSES)
def test_it_stays_for_who_permitted_it(target: str, expected: str) -> None:
    assert target_of(f"{SHOP}{target}", Visitor(granted=frozenset({"advertising"}))) == target


REFERRERS = [
    pytest.param(f"{SHOP}/order/7?x=1", "https://other.test/a.js", "script", f"{SHOP}/", id="another's script"),
    pytest.param(f"{SHOP}/order/7", "https://img.shop.test/a.gif", "image", f"{SHOP}/order/7", id="the same site"),
    pytest.param(f"{SHOP}/order/7", f"{SHOP}/b", "empty", f"{SHOP}/order/7", id="the same host"),
    pytest.param(f"{SHOP}/", "https://tracker.test/t", "image", f"{SHOP}/", id="an origin already"),
    pytest.param(f"{SHOP}:8443/a?b", "https://tracker.test/t", "image", f"{SHOP}:8443/", id="with a port"),
    pytest.param(
        "https://user:pw@www.shop.test/a", "https://tracker.test/t", "image", f"{SHOP}/", id="with a password"
    ),
    pytest.param(f"{SHOP}/a#b", "https://tracker.test/t", "image", f"{SHOP}/", id="with a fragment"),
    pytest.param(
        "https://me.github.io/a", "https://you.github.io/t", "image", "https://me.github.io/", id="neighbours"
    ),
    pytest.param("what is this", "https://tracker.test/t", "image", None, id="no address at all: it goes"),
    pytest.param("", "https://tracker.test/t", "image", "", id="none"),
]


@pytest.mark.parametrize("referrer, url, dest, expected", REFERRERS)
def test_others_learn_the_site_and_not_the_page(referrer: str, url: str, dest: str, expected: str | None) -> None:
    fields = (("Sec-Fetch-Dest", dest), *((("Referer", referrer),) if referrer else ()))
    seen = observe_request("GET", parse_url(url), fields, time=0.0)
    trims = [edit.name for edit in decide(POLICY, NO_CHOICE, seen).edits if edit.kind is EditKind.TRIM_REFERRER]
    assert (trimmed_referrer(referrer, trims[0]) if trims else referrer) == expected


COOKIES = [
    pytest.param("https://px.tracker.test/t", SHOP, "image", False, id="a tracker on another site's page"),
    pytest.param("https://px.tracker.test/f", SHOP, "iframe", False, id="in a frame"),
    pytest.param(
        "https://px.tracker.test/t", "https://www.tracker.test", "image", True, id="a tracker on its own site"
    ),
    pytest.param("https://library.test/t", SHOP, "script", True, id="somebody who is no tracker"),
    pytest.param("https://api.shop.test/t", SHOP, "empty", True, id="the site itself"),
    pytest.param("https://nottracker.test/t", SHOP, "image", True, id="a name that only looks alike"),
]


@pytest.mark.parametrize("url, page, dest, kept", COOKIES)
def test_trackers_neither_get_nor_set_cookies_on_other_sites(url: str, page: str, dest: str, kept: bool) -> None:
    sent = ((b"Accept", b"*/*"), (b"Cookie", b"id=1;  theme=dark"))
    answer = ((b"Set-Cookie", b"id=2; Max-Age=99"), (b"ETag", b'"x"'), (b"set-cookie", b"theme=light"))
    fields = [("Sec-Fetch-Dest", dest), ("Referer", f"{page}/"), *((k.decode(), v.decode()) for k, v in sent)]
    seen = observe_request("GET", parse_url(url), fields, time=0.0)
    seen = with_answer(seen, [(k.decode(), v.decode()) for k, v in answer], 200)
    edits = decide(POLICY, NO_CHOICE, seen).edits
    names = {edit.name for edit in edits if edit.kind is EditKind.STRIP_COOKIE}
    assert strip_request_cookies(sent, names.__contains__) == (sent if kept else sent[:1])
    assert edit_set_cookies(answer, edits) == (answer if kept else answer[1:2])


def test_a_page_of_a_tracker_that_the_visitor_goes_to_keeps_its_cookies() -> None:
    seen = observe_request("GET", parse_url("https://www.tracker.test/"), (*NAVIGATION, ("Cookie", "id=1")), time=0.0)
    decision = decide(replace(POLICY, sites=frozenset()), NO_CHOICE, seen)
    assert (decision.blocked, decision.edits) == (False, ())
