"""The guard in real Chromium: what a page's scripts try on denied cookies and hosts comes to nothing, else it works."""

import json
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.decide import rule_on_cookie, rule_on_request
from cmp.core.exchange import Kind
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.core.urls import parse_url
from cmp.wire.guard import guard_script
from tests.browser.chromium import needs_chromium
from tests.browser.loopback import Loopback, serving
from tests.core.examples import compiled, exchange
from tests.shipped import shipped_policy

pytestmark = [pytest.mark.browser, needs_chromium]

JS = (200, {"Content-Type": "text/javascript"}, b"window.ran = (window.ran || 0) + 1;")
GIF = (200, {"Content-Type": "image/gif"}, b"GIF89a\x01\x00\x01\x00\x00\x00\x00;")


@pytest.fixture
def served() -> Iterator[Loopback]:
    with serving() as loopback:
        loopback.answers["/t.js"] = JS
        loopback.answers["/t.gif"] = GIF
        yield loopback


def opened(
    browser: Browser,
    served: Loopback,
    policy: Policy,
    visitor: Visitor = NO_CHOICE,
    *,
    signals: Signals = NO_SIGNALS,
    path: str = "/",
    body: str = "",
    times: int = 1,
    before: str = "",
) -> Page:
    """A page of www.shop.test with the guard first in it (after `before`)."""
    script = guard_script(policy, visitor, signals, parse_url("http://www.shop.test/"))
    served.page(path, f"<!doctype html><head>{before}{f'<script>{script}</script>' * times}</head><body>{body}")
    page = browser.new_page()
    page.goto(f"http://www.shop.test:{served.port}{path}")
    return page


def cookies(page: Page) -> set[str]:
    # Chromium writes what scripts set a little later; who reads as a script does waits for that.
    page.evaluate("document.cookie")
    return {cookie.get("name", "") for cookie in page.context.cookies()}


@pytest.mark.parametrize(
    "write, kept",
    [
        pytest.param("document.cookie = '_st=1'", set(), id="denied"),
        pytest.param("document.cookie = '_st=1; Max-Age=99; Path=/; Domain=shop.test'", set(), id="on the domain"),
        pytest.param("document.cookie = ' _st = 1'", set(), id="spaces"),
        pytest.param("document.cookie = '=_st=1'", set(), id="without a name, read back as one"),
        pytest.param("document.cookie = '_st=1\\n'", set(), id="a line feed that would cut the end off"),
        pytest.param("document.cookie = '_st=1; expires=Fri, 31 Dec 9999 23:59:59 GMT'", set(), id="for ever"),
        pytest.param("document.cookie = '_st_abc=1'", set(), id="by pattern"),
        pytest.param("document.cookie = 'whatever=1'", set(), id="unknown"),
        pytest.param("document.cookie = 'theme=dark'", set(), id="declared, not granted"),
        pytest.param("document.cookie = 'sid=1'", {"sid"}, id="necessary"),
        pytest.param("document.cookie = 'csrf_x=1; Path=/'", {"csrf_x"}, id="necessary by pattern"),
        pytest.param("cookieStore && cookieStore.set('_st', '1')", set(), id="cookieStore"),
        pytest.param(
            "Object.getOwnPropertyDescriptor(Document.prototype, 'cookie').set.call(document, '_st=1')",
            set(),
            id="through the setter itself",
        ),
        pytest.param("document.cookie = {toString: () => '_st=1'}", set(), id="an object"),
    ],
)
def test_scripts_write_only_permitted_cookies(browser: Browser, served: Loopback, write: str, kept: set[str]) -> None:
    page = opened(browser, served, compiled())
    page.evaluate(
        f"async () => {{ try {{ await ({write}); }} catch (e) {{ if (!window.cookieStore) return; throw e; }} }}"
    )
    assert cookies(page) == kept
    page.close()


def test_a_policy_that_lets_the_unknown_pass_stops_what_is_denied(browser: Browser, served: Loopback) -> None:
    page = opened(browser, served, compiled(unknown={"host": "report", "cookie": "report"}))
    page.evaluate("['_st=1', '_st_x=1', 'theme=1', 'whatever=1', 'sid=1'].forEach((c) => { document.cookie = c; })")
    assert cookies(page) == {"whatever", "sid"}
    page.close()


def test_denied_cookies_that_are_there_go_and_a_script_can_delete_its_own(browser: Browser, served: Loopback) -> None:
    policy = compiled()
    page = opened(browser, served, policy, supposed_visitor(policy, "accept"), path="/a/b/page")
    for line in ("_st=1", "_st_d=1; domain=shop.test; path=/", "_st_p=1; path=/a/", "theme=1; path=/a/b", "sid=1"):
        page.evaluate("(c) => { document.cookie = c; }", line)
    assert cookies(page) == {"_st", "_st_d", "_st_p", "theme", "sid"}
    script = guard_script(policy, supposed_visitor(policy, "refuse"), NO_SIGNALS)
    served.page("/a/b/page", f"<head><script>{script}</script>")
    page.reload()
    # The browser takes a moment to forget what a script took away.
    page.wait_for_function("document.cookie === 'sid=1'")
    assert cookies(page) == {"sid"}
    page.evaluate("document.cookie = 'sid=; max-age=0'")
    assert cookies(page) == set()
    page.close()


# What each does with the address `u`; a promise is waited for.
REQUESTS = {
    "img src": "new Image().src = u",
    "img srcset": "new Image().srcset = u + ' 2x'",
    "img setAttribute": "document.body.appendChild(document.createElement('img')).setAttribute('SRC', u)",
    "script": "document.head.appendChild(Object.assign(document.createElement('script'), {src: u}))",
    "script setAttribute": (
        "(s => { s.setAttribute('src', u); document.head.append(s); })(document.createElement('script'))"
    ),
    "iframe": "document.body.appendChild(Object.assign(document.createElement('iframe'), {src: u}))",
    "link": "document.head.appendChild(Object.assign(document.createElement('link'), {rel: 'stylesheet', href: u}))",
    "preload": (
        "document.head.appendChild("
        "Object.assign(document.createElement('link'), {rel: 'preload', as: 'image', href: u}))"
    ),
    "object": "document.body.appendChild(Object.assign(document.createElement('object'), {data: u}))",
    "embed": "document.body.appendChild(Object.assign(document.createElement('embed'), {src: u}))",
    "video poster": "document.body.appendChild(Object.assign(document.createElement('video'), {poster: u}))",
    "audio": "document.body.appendChild(Object.assign(document.createElement('audio'), {src: u, preload: 'auto'}))",
    "new Audio": "new Audio(u).load()",
    "input image": "document.body.appendChild(Object.assign(document.createElement('input'), {type: 'image', src: u}))",
    "svg image": (
        "(s => { document.body.append(s); s.innerHTML = '<image width=9 height=9 />';"
        " s.firstChild.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', u);"
        " })(document.createElementNS('http://www.w3.org/2000/svg', 'svg'))"
    ),
    "fetch": "fetch(u).catch(() => 0)",
    "fetch request": "fetch(new Request(u, {mode: 'no-cors'})).catch(() => 0)",
    "fetch URL": "fetch(new URL(u, location)).catch(() => 0)",
    "fetch object": "fetch({toString: () => u}).catch(() => 0)",
    "xhr": "(x => { x.open('POST', u); x.send('1'); })(new XMLHttpRequest())",
    "beacon": "navigator.sendBeacon(u, 'x')",
    "event source": "new EventSource(u)",
    "web socket": "new WebSocket(u.replace(/^http/, 'ws').replace(/^\\/\\//, 'ws://'))",
    "web socket constructor": (
        "new (WebSocket.prototype.constructor)(u.replace(/^http/, 'ws').replace(/^\\/\\//, 'ws://'))"
    ),
}


def _in_time(page: Page, there: Callable[[], object]) -> bool:
    """Whether it came within a minute: a browser takes its time to try a socket again."""
    for _ in range(600):
        if there():
            return True
        page.wait_for_timeout(100)
    return False


@pytest.mark.parametrize("how", REQUESTS)
def test_scripts_reach_only_permitted_hosts(browser: Browser, served: Loopback, how: str) -> None:
    page = opened(browser, served, compiled())
    for host, path in (("stats.test", "/t.gif"), ("deep.stats.test", "/t.gif"), ("pay.test", "/t.gif"), ("", "/t.gif")):
        address = f"http://{host}:{served.port}{path}" if host else path
        page.evaluate(f"async (u) => {{ await ({REQUESTS[how]}); }}", address)
    page.evaluate("(u) => fetch(u)", "/end")
    # The permitted hosts are asked last: once they were, what the denied ones would get is there too.
    assert _in_time(page, lambda: served.asked_of("pay.test/t.gif"))
    if "socket" not in how:
        assert _in_time(page, lambda: served.asked_of("www.shop.test/t.gif"))
    page.wait_for_timeout(150)
    assert not served.asked_of("stats.test")
    assert not served.asked_of("deep.stats.test")
    page.close()


@pytest.mark.parametrize(
    "spelling",
    [
        "//stats.test:{port}/t.gif",
        "HTTP://STATS.TEST:{port}/t.gif",
        "http://stats.test.:{port}/t.gif",
        "http:\\\\stats.test:{port}\\t.gif",
        "\thttp://sta\nts.test:{port}/t.gif",
        "http://www.shop.test@stats.test:{port}/t.gif",
        "http://st%61ts.test:{port}/t.gif",
        "http://ｓtats.test:{port}/t.gif",  # noqa: RUF001  # a full-width letter, which a browser reads as "s"
    ],
    ids=ascii,
)
def test_spellings_do_not_help(browser: Browser, served: Loopback, spelling: str) -> None:
    page = opened(browser, served, compiled())
    page.evaluate("(u) => { new Image().src = u; navigator.sendBeacon(u); }", spelling.format(port=served.port))
    page.evaluate("() => fetch('/end')")
    page.wait_for_timeout(100)
    assert not [line for line in served.asked if "t.gif" in line]
    page.close()


STAYS = {
    "what a page says of itself": "<meta property='og:image' content='{url}'>",
    "a link to click on": "<a href='{url}'>a</a>",
    "text": "<p title='{url}'>{url}</p>",
    "an element of the page's own": "<x-player src='{url}'></x-player>",
    "a value of something else": "<x-y to='{url}'></x-y><p from='{url}' by='{url}' values='{url}'>",
    "a picture in the page": "<img src='data:image/svg+xml,<svg xmlns=\"http://www.w3.org/2000/svg\"></svg>'>",
    "style without an address": "<p style='color: red; --a: 1'>a</p>",
}


@pytest.mark.parametrize("markup", STAYS.values(), ids=STAYS)
@pytest.mark.parametrize("unknown", ["deny", "report"])
def test_markup_that_asks_for_nothing_stays(browser: Browser, served: Loopback, markup: str, unknown: str) -> None:
    page = opened(browser, served, compiled(unknown={"host": unknown, "cookie": "deny"}))
    text = markup.format(url="http://stats.test/x")
    kept = page.evaluate(
        """(text) => {
          const wanted = new DOMParser().parseFromString(`<div>${text}</div>`, "text/html").body.firstChild;
          const made = document.createElement("div");
          made.innerHTML = text;
          const copied = document.createElement("div");
          for (const element of wanted.children) {
            const copy = document.createElement(element.localName);
            for (const { name, value } of element.attributes) copy.setAttribute(name, value);
            copy.textContent = element.textContent;
            copied.append(copy);
          }
          const plain = [...wanted.children].map((e) => e.attributes.length + e.textContent).join();
          return [made.innerHTML === wanted.innerHTML,
            [...copied.children].map((e) => e.attributes.length + e.textContent).join() === plain];
        }""",
        text,
    )
    assert kept == [True, True]
    page.close()


@pytest.mark.parametrize(
    "how",
    [
        "l.rel = 'preload'",
        "l.setAttribute('rel', 'preload')",
        "l.attributes.rel.value = 'preload'",
        "l.relList.add('preload')",
        "l.relList.value = 'preload'",
        "l.cloneNode().rel = 'preload'",
    ],
)
def test_a_link_that_only_said_something_does_not_begin_to_ask(browser: Browser, served: Loopback, how: str) -> None:
    links = "".join(
        f'<link class=l rel=author as=image href="http://{host}:{served.port}/t.gif">'
        for host in ("stats.test", "pay.test")
    )
    page = opened(browser, served, compiled(), body=links)
    page.evaluate(f"document.querySelectorAll('.l').forEach((l) => {{ {how}; }})")
    if "cloneNode" not in how:
        assert _in_time(page, lambda: served.asked_of("pay.test/t.gif"))
    page.wait_for_timeout(100)
    assert not served.asked_of("stats.test")
    page.close()


def test_servers_of_a_connection_are_read_once(browser: Browser, served: Loopback) -> None:
    page = opened(browser, served, compiled())
    told = page.evaluate(
        """() => {
          const hosts = (config) => new RTCPeerConnection(config).getConfiguration().iceServers.flatMap((s) => s.urls);
          const turns = (host) => `turns:${host}:443`, more = {username: "a", credential: "b"};
          let asked = 0;
          const one = Object.defineProperty({...more}, "urls", {
            enumerable: true, get: () => turns(asked++ ? "stats.test" : "pay.test"),
          });
          return [
            hosts({iceServers: [one]}),
            hosts({get iceServers() { return asked++ > 3 ? [{urls: turns("stats.test"), ...more}] : undefined; }}),
            hosts({iceServers: [
              {urls: [turns("pay.test"), turns("stats.test")], ...more}, {urls: turns("pay.test"), ...more},
            ]}),
          ];
        }"""
    )
    assert "stats.test" not in json.dumps(told)
    assert told[2] == ["turns:pay.test:443"]
    page.close()


def test_a_page_notices_as_little_as_can_be(browser: Browser, served: Loopback) -> None:
    page = opened(browser, served, compiled())
    told: dict[str, Any] = page.evaluate(
        """async (u) => {
          const image = new Image();
          const failed = new Promise((done) => { image.onerror = () => done("error"); });
          image.src = u;
          const socket = new WebSocket("ws://stats.test/");
          const closed = new Promise((done) => { socket.onclose = () => done("close"); });
          const xhr = new XMLHttpRequest();
          xhr.open("GET", u);
          const xhrFailed = new Promise((done) => { xhr.onerror = () => done(xhr.readyState + " " + xhr.status); });
          xhr.send();
          return {
            image: await failed, marked: image.getAttribute("data-consent-blocked") === u,
            fetch: await fetch(u).catch((e) => e.constructor.name), beacon: navigator.sendBeacon(u),
            socket: await closed, instance: socket instanceof WebSocket, open: WebSocket.OPEN, xhr: await xhrFailed,
            own: Object.keys(window).filter((k) => /consent|guard|table/i.test(k)).length,
          };
        }""",
        f"http://stats.test:{served.port}/t.gif",
    )
    assert told == {
        "image": "error",
        "marked": True,
        "fetch": "TypeError",
        "beacon": True,
        "socket": "close",
        "instance": True,
        "open": 1,
        "xhr": "4 0",
        "own": 0,
    }
    page.close()


@pytest.mark.parametrize(
    "times, before",
    [
        pytest.param(2, "", id="loaded twice"),
        pytest.param(1, "<script>Object.freeze(HTMLImageElement.prototype)</script>", id="after a freeze of images"),
        pytest.param(1, "<script>delete window.EventSource; delete window.CookieStore</script>", id="an old browser"),
    ],
)
def test_odd_pages(browser: Browser, served: Loopback, times: int, before: str) -> None:
    problems: list[str] = []
    page = opened(browser, served, compiled(), times=times, before=before)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.evaluate("Object.freeze(Document.prototype), Object.freeze(Element.prototype), Object.freeze(window.fetch)")
    page.evaluate(
        "async (u) => { document.cookie = '_st=1'; document.cookie = 'sid=1';"
        " document.createElement('script').setAttribute('src', u); await fetch(u).catch(() => 0); }",
        f"http://stats.test:{served.port}/t.js",
    )
    assert cookies(page) == {"sid"}
    assert not served.asked_of("stats.test")
    assert not problems
    page.close()


def test_what_is_granted_works(browser: Browser, served: Loopback) -> None:
    policy = compiled()
    page = opened(browser, served, policy, supposed_visitor(policy, "analytics"))
    page.evaluate(
        "(u) => { document.cookie = '_st=1'; new Image().src = u; }", f"http://stats.test:{served.port}/t.gif"
    )
    page.evaluate("(u) => { new Image().src = u; }", f"http://ads.test:{served.port}/t.gif")
    page.evaluate("() => fetch('/end')")
    assert _in_time(page, lambda: served.asked_of("stats.test"))
    page.wait_for_timeout(100)
    assert cookies(page) == {"_st"}
    assert not served.asked_of("ads.test")
    page.close()


POLICIES: dict[str, Callable[[], Policy]] = {
    "shop": compiled,
    "shop-sites": partial(compiled, sites=["shop.test"]),
    "shop-report": partial(compiled, unknown={"host": "report", "cookie": "allow"}),
    **{name: partial(shipped_policy, name) for name in ("default", "strict", "customerly")},
}


@pytest.mark.parametrize("name", POLICIES)
@pytest.mark.parametrize("choice", ["none", "refuse", "accept"])
def test_the_table_says_what_the_core_decides(browser: Browser, served: Loopback, name: str, choice: str) -> None:
    policy = POLICIES[name]()
    visitor, signals = supposed_visitor(policy, choice), Signals(gpc=choice == "accept")
    seeded = random.Random(name + choice)
    rules = [*policy.requests.endpoints, *(rule for found in policy.requests.by_host.values() for rule in found)]
    urls = ["https://unknown.test/", "https://help.shop.test/x", "https://www.shop.test/collect?tid=1&v=2"]
    for rule in seeded.sample(rules, min(len(rules), 150)):
        path = (rule.path.text if rule.path else "/a.js").replace("*", "/x")
        query = "&".join(f"{key}=1" for key in rule.query.names)
        for host in {rule.host or "www.shop.test", f"x.{rule.host or 'shop.test'}", "unknown.test"}:
            urls += [f"https://{host}{path}?{query}", f"https://{host}/other"]
    lists = (*policy.cookies.exact.values(), *policy.cookies.patterns.values())
    written = sorted({rule.name.text.replace("*", "x1") for found in lists for rule in found})
    # Prefixes cannot be written by scripts over plain HTTP.
    written = [n for n in [*seeded.sample(written, min(len(written), 150)), "zz"] if not n.startswith("__")]

    page = opened(browser, served, policy, visitor, signals=signals)
    here = parse_url("http://www.shop.test/")
    found = page.evaluate(
        """([urls, names]) => [
          urls.map((u) => { const a = document.createElement("a"); a.ping = u; return a.hasAttribute("ping"); }),
          names.map((n) => {
            document.cookie = n + "=1";
            const there = document.cookie.startsWith(n + "=");
            document.cookie = n + "=; max-age=0";
            return there;
          }),
        ]""",
        [urls, written],
    )
    for url, passes in zip(urls, found[0], strict=True):
        asked = exchange(url, str(here), kind=Kind.BEACON, gpc=signals.gpc)
        assert passes == rule_on_request(policy, visitor, asked).allowed, url
    asked = exchange(str(here), str(here), kind=Kind.FETCH, gpc=signals.gpc)
    expected = [rule_on_cookie(policy, visitor, asked, n).allowed for n in written]
    assert dict(zip(written, found[1], strict=True)) == dict(zip(written, expected, strict=True)), json.dumps(written)
    page.close()


@pytest.mark.parametrize("name", ["default", "strict"])
@pytest.mark.parametrize(
    "strangers",
    [
        pytest.param(1_000, id="some strangers"),
        pytest.param(50_000, marks=[pytest.mark.soak, pytest.mark.timeout(1_200)], id="fifty thousand strangers"),
    ],
)
def test_packed_names_are_all_found_and_no_stranger_is(
    browser: Browser, served: Loopback, name: str, strangers: int
) -> None:
    policy = POLICIES[name]()
    visitor, seeded = supposed_visitor(policy, "refuse"), random.Random(strangers)
    hosts = sorted(policy.requests.by_host)
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    made = ("".join(seeded.choices(letters, k=seeded.randint(3, 20))) for _ in range(strangers))
    hosts += [f"{label}.{seeded.choice(['com', 'net.test', 'co.uk', 'io'])}" for label in made]
    page = opened(browser, served, policy, visitor)
    passed = page.evaluate(
        """(hosts) => {
          const a = document.createElement("a");
          return hosts.map((host) => {
            a.removeAttribute("ping");
            a.ping = `https://${host}/nothing/of/note`;
            return a.hasAttribute("ping");
          });
        }""",
        hosts,
    )
    page.close()
    wrong = []
    for host, passes in zip(hosts, passed, strict=True):
        asked = exchange(f"https://{host}/nothing/of/note", "http://www.shop.test/", kind=Kind.BEACON)
        if passes != rule_on_request(policy, visitor, asked).allowed:
            wrong.append(host)
    assert wrong == []
