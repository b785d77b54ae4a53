"""The visitor without a browser: headers, cookies and what follows from what."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from demo.effects import Effect, read_effects
from demo.markup import Resource, read_page, read_style
from demo.names import AD_PIXEL, AD_TAG, AUDIENCE, FONTS, LIBRARY, SITE, SOCIAL, STATS, THIRD_PARTIES, VIDEO
from demo.routes import find_route
from demo.site import ADDRESS, Site, running_site
from demo.visit import Visit, Visitor


@pytest.fixture(scope="module")
def world() -> Iterator[Site]:
    with running_site() as running:
        yield running


@pytest.fixture
def site(world: Site) -> Site:
    world.hits.clear()
    return world


@asynccontextmanager
async def blocking_proxy() -> AsyncIterator[str]:
    """A proxy that blocks everything, as ours does what a policy denies; it drops the widget's connections."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if SOCIAL in request.raw_path and request.transport:
            request.transport.abort()
        if SITE in request.raw_path:
            text = f'<script src="//{AD_TAG}/tag.js"></script><iframe src="//{SOCIAL}/like.html"></iframe>'
            return web.Response(text=text, content_type="text/html")
        return web.Response(text="/* stopped */", headers={"X-Consentry": "blocked"}, content_type="text/javascript")

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    proxy = web.TCPSite(runner, ADDRESS, 0)
    await proxy.start()
    try:
        yield f"http://{ADDRESS}:{proxy.port}"
    finally:
        await runner.cleanup()


def test_nothing_follows_from_a_script_that_was_stopped() -> None:
    async def look() -> tuple[Visit, dict[str, tuple[str, ...]]]:
        async with blocking_proxy() as proxy, Visitor(proxy=proxy) as visitor:
            return await visitor.visit(f"http://{SITE}/"), visitor.jar()

    visit, jar = asyncio.run(look())
    assert [(seen.host, seen.status, seen.blocked) for seen in visit.requests] == [
        (SITE, 200, False),
        (AD_TAG, 200, True),
        (SOCIAL, 0, False),
    ]
    assert visit.hosts() == (AD_TAG, SOCIAL, SITE)
    assert visit.reached() == (SITE,)
    assert visit.blocked() == (AD_TAG,)
    assert jar == {}


def test_headers_are_those_of_a_browser(site: Site) -> None:
    async def look() -> None:
        async with Visitor(routes=site.routes, gpc=True) as visitor:
            await visitor.visit(site.url("/"))

    asyncio.run(look())
    page = {"referer": f"http://{SITE}/", "sec-gpc": "1"}
    told = {(hit.host, hit.path): dict(hit.headers) for hit in site.hits}
    for headers in told.values():
        headers.pop("user-agent")
        headers.pop("accept")
        headers.pop("content-length", None)
    assert told[SITE, "/"] == fetch("none", "navigate", "document") | {"sec-gpc": "1", "sec-fetch-user": "?1"}
    assert told[LIBRARY, "/lib/ready.js"] == page | fetch("cross-site", "no-cors", "script")
    assert told[SITE, "/static/site.css"] == page | fetch("same-origin", "no-cors", "style")
    assert told[VIDEO, "/embed/tour-2024"] == page | fetch("cross-site", "navigate", "iframe")
    assert told[VIDEO, "/player.js"] == page | fetch("same-origin", "no-cors", "script") | {
        "referer": f"http://{VIDEO}/embed/tour-2024"
    }
    sender = {"origin": f"http://{SITE}"}
    assert told[FONTS, "/loop-sans.woff2"] == page | sender | fetch("cross-site", "cors", "font") | {
        "referer": f"http://{FONTS}/css?family=Loop+Sans"
    }
    text = sender | {"content-type": "text/plain;charset=UTF-8"}
    assert told[STATS, "/beacon"] == page | text | fetch("cross-site", "no-cors", "empty")
    assert told[AUDIENCE, "/match"] == page | text | fetch("cross-site", "cors", "empty")


def fetch(site: str, mode: str, dest: str) -> dict[str, str]:
    return {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}


def test_a_click_tells_whom_the_link_names(site: Site) -> None:
    async def click() -> Visit:
        async with Visitor(routes=site.routes, fetch_metadata=False, dnt=True) as visitor:
            home = await visitor.visit(site.url("/"))
            site.hits.clear()
            return await visitor.click(home, home.links[0])

    visit = asyncio.run(click())
    assert (visit.url, visit.status) == (site.url("/demo-request"), 200)
    ping, page = site.hits.snapshot()[:2]
    assert (ping.method, ping.host, ping.path, ping.body_size) == ("POST", AD_PIXEL, "/click", 4)
    assert ping.headers["ping-to"] == page.url == site.url("/demo-request")
    assert ping.headers["dnt"] == "1"
    assert "sec-fetch-dest" not in ping.headers


def test_a_script_of_the_page_can_be_played(site: Site) -> None:
    async def write() -> tuple[int, Visit]:
        async with Visitor(routes=site.routes) as visitor:
            page = await visitor.visit(site.url("/privacy"))
            got = await visitor.send(page, "POST", "/collect", body=b'{"a":1}')
            return got.status, page

    status, page = asyncio.run(write())
    assert status == 204
    assert page.requests[-1].url == site.url("/collect")
    assert site.hits.of(SITE, "/collect")[-1].headers["content-type"] == "application/json"


def test_nothing_leaves_the_machine() -> None:
    async def look() -> Visit:
        async with Visitor(routes={SITE: (ADDRESS, 1)}) as visitor:
            return await visitor.visit(f"http://{THIRD_PARTIES[0]}/")

    assert [seen.status for seen in asyncio.run(look()).requests] == [0]


def test_a_visitor_has_one_way_out() -> None:
    with pytest.raises(ValueError, match="a proxy or routes"):
        Visitor()


@pytest.mark.parametrize(
    "host, port, address",
    [("a.test", 80, 1), ("a.test", 81, 2), ("b.test", 443, 3), ("b.test", 80, 4)],
)
def test_the_narrowest_route_is_taken(host: str, port: int, address: int) -> None:
    routes = {"*": ("x", 4), "*:443": ("x", 3), "a.test": ("x", 2), "a.test:80": ("x", 1)}
    assert find_route(routes, host, port) == ("x", address)


@pytest.mark.parametrize(
    "text, found",
    [
        ('<script src="a.js"></script>', ["script a.js"]),
        ('<script type="text/plain" src="a.js"></script>', []),
        ('<script type="module" src="a.js"></script>', ["script a.js"]),
        ('<script data-demo-does="GET image /p">x</script>', ["image /p"]),
        ('<script type="text/plain" data-demo-does="GET image /p">x</script>', []),
        ('<img src="a.gif" srcset="b.gif 1x, c.gif 2x">', ["image b.gif"]),
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', []),
        ('<noscript><img src="a.gif"></noscript>', []),
        ('<template><img src="a.gif"></template>', []),
        ('<!-- <img src="a.gif"> -->', []),
        ('<link rel="preload" as="image" href="a.gif">', ["image a.gif"]),
        ('<link rel="preconnect" href="//a.test"><link rel="icon" href="a.ico">', []),
        ('<p style="background: url(a.png)">', ["image a.png"]),
        ("<style>@font-face { src: url('a.woff2') }</style>", ["font a.woff2"]),
        ('<iframe src="about:blank"></iframe><iframe></iframe>', []),
    ],
)
def test_what_a_page_loads(text: str, found: list[str]) -> None:
    assert [f"{resource.kind} {resource.url}" for resource in read_page(text, scripts=True).resources] == found


@pytest.mark.parametrize(
    "text, found",
    [
        ('<noscript><img src="a.gif"></noscript>', ["image a.gif"]),
        ('<script src="a.js"></script><link rel="preload" as="script" href="a.js">', []),
    ],
)
def test_what_a_page_loads_without_scripts(text: str, found: list[str]) -> None:
    assert [f"{resource.kind} {resource.url}" for resource in read_page(text, scripts=False).resources] == found


def test_what_a_form_says_by_itself() -> None:
    text = """<form method=post action="/choice"><input type=hidden name=token value=t>
    <input type=checkbox name=a checked><input type=checkbox name=b><input name=c disabled>
    <button name=choice value=accept>Yes</button><button name=choice value=refuse>No</button></form><input name=d>"""
    (form,) = read_page(text, scripts=False).forms
    assert (form.action, form.method, form.fields) == ("/choice", "POST", {"token": "t", "a": "on"})
    assert form.buttons == {"choice": ["accept", "refuse"]}


def test_what_a_style_sheet_loads() -> None:
    text = '@import url("b.css"); a { background: url(c.png) } b { background: url("data:image/png;base64,AA==") }'
    assert read_style(text) == [Resource("style", "b.css"), Resource("image", "c.png")]


def test_effects_are_read_as_they_are_written() -> None:
    effects = (Effect("GET", "image", "//a.test/?c={id}&p={path}"), Effect("POST", "fetch", "/x", '{"a":1}'))
    assert read_effects("; ".join(map(str, effects))) == effects
    assert effects[0].address({"id": "1/2"}, "/a b") == "//a.test/?c=1%2F2&p=%2Fa%20b"
    assert effects[0].address({}, "/") == "//a.test/?c=none&p=%2F"
    with pytest.raises(ValueError, match="is not METHOD KIND URL"):
        read_effects("GET //a.test/")
