"""The demo site: what it answers, what it notes, and whom its pages lead to, in our visitor and in a real browser."""

import asyncio
import http.client
import json
import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import pytest
import trustme

from demo.names import (
    AD_PIXEL,
    AD_SYNC,
    AD_TAG,
    AUDIENCE,
    CHAT,
    FONTS,
    LIBRARY,
    SITE,
    SOCIAL,
    STATS,
    THIRD_PARTIES,
    UNLISTED,
    VIDEO,
)
from demo.recording import Hit
from demo.site import ADDRESS, Site, running_site
from demo.visit import Visit, Visitor
from tests.browser.chromium import needs_chromium, running_chromium

# Requests to third parties by page, to the request: what an unprotected visitor's browser sends.
REACHED = {
    "/": {
        AUDIENCE: 2,  # match.js, match
        UNLISTED: 1,  # p.gif
        LIBRARY: 1,  # ready.js
        FONTS: 2,  # style sheet, font
        AD_PIXEL: 4,  # preload, impression, match after the sync's redirect, banner out of srcset
        STATS: 4,  # meter.js (preloaded, fetched once), beacon, pixel, keep-alive fetch
        AD_SYNC: 1,
        AD_TAG: 1,  # through the inline snippet
        VIDEO: 3,  # player page, its poster, its script
        SOCIAL: 3,  # button in the page, sdk.js, button the script adds
    },
    "/survey": {LIBRARY: 1, FONTS: 2, STATS: 4},
    "/chat": {LIBRARY: 1, FONTS: 2, STATS: 4, CHAT: 2},
    "/demo-request": {LIBRARY: 1, FONTS: 2, STATS: 4, AUDIENCE: 2, AD_TAG: 1, AD_PIXEL: 2, AD_SYNC: 1},
    "/privacy": {LIBRARY: 1, FONTS: 2, STATS: 1},
}
WITHOUT_SCRIPTS = {
    "/": {UNLISTED: 1, FONTS: 2, AD_PIXEL: 3, STATS: 1, VIDEO: 2, SOCIAL: 1},
    "/survey": {FONTS: 2},
    "/chat": {FONTS: 2},
    "/demo-request": {FONTS: 2},
    "/privacy": {FONTS: 2},
}


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def world(authority: trustme.CA) -> Iterator[Site]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(SITE, *THIRD_PARTIES).configure_cert(context)
    with running_site(context) as running:
        yield running


@pytest.fixture
def site(world: Site) -> Site:
    world.hits.clear()
    return world


@pytest.fixture(scope="module")
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


@dataclass(frozen=True)
class Reply:
    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name]


def ask(
    site: Site,
    method: str,
    host: str,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    tls: ssl.SSLContext | None = None,
) -> Reply:
    connection = http.client.HTTPConnection(ADDRESS, site.port, timeout=60)
    try:
        if tls is not None:
            plain = socket.create_connection((ADDRESS, site.tls_port))
            connection.sock = tls.wrap_socket(plain, server_hostname=host)
        connection.request(method, path, body or None, {"Host": host, **(headers or {})})
        got = connection.getresponse()
        return Reply(got.status, tuple(got.getheaders()), got.read())
    finally:
        connection.close()


def load(site: Site, path: str, *, scripts: bool = True) -> Visit:
    async def once() -> Visit:
        async with Visitor(routes=site.routes, scripts=scripts) as visitor:
            return await visitor.visit(site.url(path))

    return asyncio.run(once())


@pytest.mark.parametrize("path", REACHED)
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_page_leads_to_exactly_these_third_parties(site: Site, path: str, scripts: bool) -> None:
    visit = load(site, path, scripts=scripts)
    assert visit.status == 200
    assert site.reached() == (REACHED if scripts else WITHOUT_SCRIPTS)[path]
    # What the visitor notes and what arrived is the same list.
    assert [seen.url for seen in visit.requests] == [hit.url for hit in site.hits]
    assert {seen.status for seen in visit.requests} <= {200, 204, 302}


def test_every_third_party_is_on_some_page() -> None:
    assert set().union(*REACHED.values()) == set(THIRD_PARTIES)


def test_over_tls_the_same_hosts_are_reached_and_know_the_visitor_again(site: Site, trusting: ssl.SSLContext) -> None:
    async def twice() -> tuple[dict[str, int], tuple[Hit, ...], dict[str, tuple[str, ...]]]:
        async with Visitor(routes=site.routes, ssl_context=trusting) as visitor:
            await visitor.visit(site.url("/", tls=True))
            first = site.reached()
            site.hits.clear()
            await visitor.visit(site.url("/", tls=True))
            return first, site.hits.snapshot(), visitor.jar()

    first, again, jar = asyncio.run(twice())
    assert first == REACHED["/"]
    assert {hit.scheme for hit in again} == {"https"}
    # Two hosts set none: the library, and fonts are fetched without (anonymous CORS).
    silent = {(hit.host, hit.path) for hit in again if not hit.cookies}
    assert silent - {(FONTS, "/loop-sans.woff2")} == {(LIBRARY, "/lib/ready.js")}
    assert jar == {
        "adsphere.test": ("uid",),
        UNLISTED: ("uid",),
        FONTS: ("ts_seen",),
        "socialnet.test": ("uid",),
        STATS: ("uid",),
        AD_SYNC: ("uid",),
        VIDEO: ("tp_visitor",),
        SITE: ("_bl_ads", "_bl_stats", "bl_campaign", "bl_visitor", "brightloop_session", "csrf"),
    }


def test_a_cookie_sync_tells_one_company_the_other_ones_id(site: Site) -> None:
    async def look() -> str:
        async with Visitor(routes=site.routes) as visitor:
            await visitor.visit(site.url("/"))
            return visitor.cookies(f"http://{AD_SYNC}/")["uid"]

    known_as = asyncio.run(look())
    assert site.hits.of(AD_SYNC)[0].query == "partner=adsphere"
    assert site.hits.of(AD_PIXEL, "/match")[0].query == f"partner=bidhub&uid={known_as}"


def test_ids_travel_in_queries_too(site: Site) -> None:
    async def both() -> tuple[Visit, dict[str, str]]:
        async with Visitor(routes=site.routes) as visitor:
            return await visitor.visit(site.url("/")), visitor.cookies(site.url("/"))

    _, cookies = asyncio.run(both())
    assert f"cid={cookies['_bl_stats']}&" in site.hits.of(STATS, "/pixel.gif")[0].query
    assert site.hits.of(AD_PIXEL, "/impression.gif")[0].query.endswith(f"cid={cookies['_bl_ads']}")
    assert site.hits.of(SITE, "/collect")[0].query == f"v=2&tid=BL-1&cid={cookies['bl_visitor']}&dp=%2F"
    assert site.hits.of(AUDIENCE, "/match")[0].body_size > 64


def test_the_server_sets_these_cookies(site: Site) -> None:
    fields = ask(site, "GET", SITE, "/").values("set-cookie")
    assert {field.partition("=")[0]: field.partition("; ")[2] for field in fields} == {
        "brightloop_session": "Path=/; HttpOnly; SameSite=Lax",
        "csrf": "Path=/; HttpOnly; SameSite=Lax",
        "bl_visitor": "Path=/; Max-Age=63072000; SameSite=Lax",
        "bl_campaign": "Path=/; Max-Age=7776000; SameSite=Lax",
    }
    kept = "; ".join(field.partition(";")[0] for field in fields)
    assert ask(site, "GET", SITE, "/survey", headers={"Cookie": kept}).values("set-cookie") == []


def test_third_parties_set_their_cookie_once(site: Site) -> None:
    (field,) = ask(site, "GET", AD_PIXEL, "/impression.gif").values("set-cookie")
    assert field.partition("; ")[2] == "Path=/; Max-Age=31536000; Domain=adsphere.test"
    known = ask(site, "GET", AD_PIXEL, "/impression.gif", headers={"Cookie": "uid=1"})
    assert known.values("set-cookie") == []


def test_over_tls_a_third_party_cookie_is_one_that_browsers_take(site: Site, trusting: ssl.SSLContext) -> None:
    (field,) = ask(site, "GET", STATS, "/pixel.gif", tls=trusting).values("set-cookie")
    assert field.endswith("; Secure; SameSite=None")


def test_the_survey_works_without_javascript(site: Site) -> None:
    async def fill_in() -> tuple[Visit, Visit]:
        async with Visitor(routes=site.routes, scripts=False) as visitor:
            page = await visitor.visit(site.url("/survey"))
            answers = {"recommend": "9", "comment": "Quick & friendly"}
            thanks = await visitor.submit(page, page.form("/survey/answers"), answers)
            forged = await visitor.submit(page, page.form("/survey/answers"), {"recommend": "1", "csrf": "guessed"})
            return thanks, forged

    thanks, forged = asyncio.run(fill_in())
    assert (thanks.url, thanks.status) == (site.url("/survey/thanks"), 200)
    assert [seen.status for seen in thanks.requests][:2] == [303, 200]
    assert AD_PIXEL in thanks.hosts()
    assert forged.status == 403
    assert site.origin.survey_answers[-1]["comment"] == "Quick & friendly"


def test_the_chat_keeps_what_was_written(site: Site) -> None:
    async def write() -> Visit:
        async with Visitor(routes=site.routes) as visitor:
            page = await visitor.visit(site.url("/chat"))
            return await visitor.submit(page, page.form("/chat/messages"), {"message": "Is <b>anybody</b> there?"})

    page = asyncio.run(write())
    assert "<li>Is &lt;b&gt;anybody&lt;/b&gt; there?</li>" in page.text
    assert CHAT in page.hosts()
    assert json.loads(ask(site, "GET", SITE, "/chat/messages").body) == {"messages": []}


def test_a_page_is_confirmed_unchanged(site: Site) -> None:
    first = ask(site, "GET", SITE, "/privacy")
    again = ask(site, "GET", SITE, "/privacy", headers={"If-None-Match": first.values("etag")[0]})
    assert (first.status, again.status) == (200, 304)
    assert again.body == b""


def test_pages_travel_compressed(site: Site) -> None:
    assert ask(site, "GET", SITE, "/", headers={"Accept-Encoding": "gzip"}).values("content-encoding") == ["gzip"]


@pytest.mark.parametrize(
    "method, host, path, status",
    [
        ("GET", SITE, "/nothing", 404),
        ("POST", SITE, "/privacy", 405),
        ("GET", STATS, "/nothing", 404),
        ("GET", "elsewhere.test", "/", 421),
        ("HEAD", SITE, "/", 200),
        ("GET", f"{SITE}:8080", "/", 200),
        ("OPTIONS", AUDIENCE, "/match", 204),
    ],
)
def test_other_requests(site: Site, method: str, host: str, path: str, status: int) -> None:
    assert ask(site, method, host, path).status == status
    (hit,) = site.hits
    assert (hit.method, hit.host, hit.path) == (method, host.partition(":")[0], path)


def test_a_hit_says_what_arrived(site: Site) -> None:
    before = time.time()
    headers = {"Cookie": "a=1; b=x=y; a=2", "Referer": "http://page.test/", "Sec-GPC": "1", "Accept-Language": "de"}
    ask(site, "POST", STATS, "/beacon?tid=1", headers=headers, body=b"x" * 200_000)
    (hit,) = site.hits.of(STATS, "/beacon")
    assert before <= hit.time <= time.time()
    assert hit.cookies == (("a", "1"), ("b", "x=y"), ("a", "2"))
    assert hit.cookie_names == ("a", "b", "a")
    assert (hit.scheme, hit.query, hit.body_size) == ("http", "tid=1", 200_000)
    assert hit.headers["sec-gpc"] == "1"
    assert hit.headers["referer"] == "http://page.test/"
    assert "accept-language" not in hit.headers
    assert hit.url == f"http://{STATS}/beacon?tid=1"
    assert site.hits.take() == (hit,)
    assert len(site.hits) == 0


def test_a_request_that_is_broken_off_has_reached_its_host(site: Site) -> None:
    with socket.create_connection((ADDRESS, site.port)) as raw:
        raw.sendall(f"POST /beacon HTTP/1.1\r\nHost: {STATS}\r\nContent-Length: 1000\r\n\r\nonly this".encode())
        wait_for(lambda: any(hit.body_size == 9 for hit in site.hits))
    (hit,) = site.hits
    assert (hit.host, hit.body_size) == (STATS, 9)


def wait_for(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)


@pytest.mark.browser
@needs_chromium
@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_a_real_browser_sends_the_same_requests(site: Site, scripts: bool) -> None:
    expected = {}
    for path in REACHED:
        load(site, path, scripts=scripts)
        expected[path] = requests_to_others(site.hits.take())
    sent, written = {}, set()
    with running_chromium(None, f"--host-resolver-rules={site.resolver_rules}") as browser:
        for path in REACHED:
            context = browser.new_context(java_script_enabled=scripts)
            context.new_page().goto(site.url(path))
            wait_for(lambda wanted=expected[path]: requests_to_others(site.hits.snapshot()) >= wanted)  # type: ignore[misc]
            # Whatever comes beyond what is expected would come now.
            time.sleep(0.5)
            written |= {cookie["name"] for cookie in context.cookies() if cookie["domain"] == SITE}
            context.close()
            sent[path] = requests_to_others(site.hits.take())
    assert sent == expected
    by_server = {"brightloop_session", "csrf", "bl_visitor", "bl_campaign"}
    assert written == by_server | ({"_bl_stats", "_bl_ads"} if scripts else set())


def requests_to_others(hits: tuple[Hit, ...]) -> Counter[str]:
    return Counter(f"{hit.method} {hit.host}{hit.path}" for hit in hits if hit.host in THIRD_PARTIES)
