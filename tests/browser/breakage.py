"""Pages that owe nobody anything, and what they do with the proxy and without it.

May go in here: the pages (`pages/*.txt`), serving them on loopback, visiting each on three sites at once (as
`evasion.py` does) and noting all that can be seen of it. May not: what should come of it.

What is said of a page, besides what `page_files.py` reads:

    :: do ACTION SELECTOR | TEXT     something a person does, in order: click, type, press, choose (a file)
    :: see EXPRESSION                what it comes to, a JavaScript expression; may wait: `await until(() => ...)`
    :: expect JSON                   what that is
    :: keeps KEY KEY                 what it leaves in the storage of its site, which all pages share
    :: bundle FILE as FILE           a module with everything it imports, made by esbuild
    :: render FILE                   a module whose output, run by node, is put in the page for {SERVER}
    :: exported by next              a project that Next builds and exports; its page is put in for {SERVER}
    :: path PATH                     another path than the page's own is visited
    :: changed WHY                   bytes of it change, other than by what is put in

Filled in: `{V}` the path of the page's folder, `{O}` the origin of the site it is visited on, `{BIG}` a megabyte of
JSON, `{GIF}` a picture.
"""

import asyncio
import contextlib
import json
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import WSMsgType, web
from playwright.async_api import BrowserContext, ConsoleMessage, Page, Request
from playwright.async_api import Error as PlaywrightError

from tests.browser.evasion import BARE, PIXEL, SITES, Certified, both_policies, certified, one_visitor, refuse
from tests.browser.page_files import Filed, Part, read_pages

FOLDER: Final = Path(__file__).parent / "pages"
# Pages visited at once, each on three sites.
_AT_ONCE: Final = 3
# Milliseconds for what a page has to do.
_LONGEST: Final = 180_000
_OURS: Final = 'consentry-banner,script[src^="/.consent/"],link[href^="/.consent/"]'

# Everything there is of a document, shadow trees and what was typed too; without what the proxy put in.
_SEEN: Final = """async () => {
  const until = async (ready) => {
    for (const end = performance.now() + 90000; performance.now() < end; await new Promise((r) => setTimeout(r, 20))) {
      const found = await ready();
      if (found) return found;
    }
    throw new Error("did not come: " + ready);
  };
  const of = (type, key) => Object.getOwnPropertyDescriptor(type.prototype, key).get;
  // In pages in attributes, put there by the guard (with a doctype of its own) or before it.
  const GUARD = new RegExp(String.raw`^<!doctype html><script nonce="[^"]*">\\(function guard[^]*?</script>` +
    String.raw`|(?<=^(<!doctype html>)?)<script>\\(function guard[^]*?</script>` +
    String.raw`|<script src="/\\.consent/guard\\.js"></script>(<script>\\(function keeper[^]*?</script>)?` +
    "|(?<=^blob:).*");
  const PUT = /^\\(function\\(\\)\\{window.dataLayer=window.dataLayer/;
  const inside = of(Node, "childNodes"), attributes = of(Element, "attributes"), shadow = of(Element, "shadowRoot");
  const shown = (node) => {
    if (node instanceof Text) return node.data.trim().replace(/\\s+/g, " ");
    const below = () => [...inside.call(node)].map(shown).join("");
    if (!(node instanceof Element)) return below();
    if (Element.prototype.matches.call(node, OURS)) return "";
    if (PUT.test(node.text ?? "")) return "";
    const said = [...attributes.call(node)].map((a) => ` ${a.name}="${a.value.replace(GUARD, "")}"`).sort().join("");
    const value = node instanceof HTMLInputElement || node instanceof HTMLTextAreaElement ? `[${node.value}]` : "";
    const root = shadow.call(node);
    const deep = (root ? `#(${shown(root)})` : "") + (node instanceof HTMLTemplateElement ? shown(node.content) : "");
    return `<${node.nodeName}${said}>${value}${deep}${below()}`;
  };
  const seen = JSON.parse(JSON.stringify(await (async () => (SEE))() ?? null));
  const kept = {};
  try {
    for (const key of KEEPS ?? Object.keys(localStorage)) kept[key] = localStorage.getItem(key);
  } catch { /* a page without */ }
  return {
    seen, document: shown(document), title: document.title, charset: document.characterSet, mode: document.compatMode,
    type: document.contentType, kept,
  };
}"""


@dataclass(frozen=True)
class Awkward:
    """One page of the suite."""

    id: str
    parts: tuple[Part, ...]
    actions: tuple[str, ...]
    see: str
    expect: Any
    keeps: tuple[str, ...]
    bundles: tuple[str, ...]
    renders: tuple[str, ...]
    exported: bool
    path: str
    changed: bool

    @property
    def needs_packages(self) -> bool:
        return bool(self.bundles or self.renders or self.exported)


def read_awkward() -> tuple[Awkward, ...]:
    """Every page of the suite, in the order of files and pages."""
    return tuple(_awkward(page) for page in read_pages(FOLDER))


def _awkward(page: Filed) -> Awkward:
    ((see,), (expect,)) = (
        [text.replace("{V}", f"/p/{page.id}") for text in page.about(word)] for word in ("see", "expect")
    )
    return Awkward(
        id=page.id,
        parts=page.parts,
        actions=page.about("do"),
        see=see,
        expect=json.loads(expect),
        keeps=tuple(key for keys in page.about("keeps") for key in keys.split()),
        bundles=page.about("bundle"),
        renders=page.about("render"),
        exported=bool(page.about("exported")),
        path=next(iter(page.about("path")), ""),
        changed=bool(page.about("changed")),
    )


# ------------------------------------------------------------------------------------------------------- the site

_BIG: Final = json.dumps(
    [{"n": n, "url": f"https://www.google-analytics.com/analytics.js?n={n}", "text": "x" * 400} for n in range(2_000)]
)

# What is built, by the end of its path; a page's path may end otherwise.
_BUILT: Final = {"js": "text/javascript", "css": "text/css", "txt": "text/plain"}
Made = Mapping[tuple[str, str], str]


@dataclass
class Site:
    """Every page on any host. `made` holds, by page and path, what was built; {SERVER} of a page is under ""."""

    pages: dict[str, Awkward]
    made: Made
    port: int = 0
    tls_port: int = 0
    _rooms: dict[str, set[web.WebSocketResponse]] = field(default_factory=dict)

    def content(self, page: Awkward, part: Part, host: str) -> bytes:
        text = part.content.replace("{V}", f"/p/{page.id}").replace("{O}", f"https://{host}")
        text = text.replace("{SERVER}", self.made.get((page.id, ""), "")).replace("{BIG}", _BIG)
        return text.encode(part.charset, "surrogateescape").replace(b"{GIF}", PIXEL)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        host = request.host.partition(":")[0]
        id_, _, path = request.path.removeprefix("/p/").partition("/")
        page = self.pages.get(id_)
        if page is None:
            # The page on which visitors refuse, and what browsers ask for by themselves.
            return web.Response(body=b"<!doctype html><p>hello" if path == "" else b"", content_type="text/html")
        if path == "socket":
            return await self._talk(request, id_ + host)
        if path == "echo":
            data = await request.post()
            said = {
                key: f"{value.filename}:{value.file.read().decode()}" if isinstance(value, web.FileField) else value
                for key, value in data.items()
            }
            return web.json_response({"method": request.method, "query": dict(request.query), "data": said})
        if (built := self.made.get((id_, path))) is not None and path:
            return web.Response(text=built, content_type=_BUILT.get(path.rpartition(".")[2], "text/html"))
        part = next((part for part in page.parts if part.path == path), None)
        if part is None:
            return web.Response(status=404)
        return web.Response(
            body=self.content(page, part, host), headers=[*part.fields, ("Access-Control-Allow-Origin", "*")]
        )

    async def _talk(self, request: web.Request, room: str) -> web.StreamResponse:
        """A room for chatting: what one says, all others in it hear."""
        socket = web.WebSocketResponse(protocols=("chat",))
        await socket.prepare(request)
        there = self._rooms.setdefault(room, set())
        there.add(socket)
        async for message in socket:
            for other in there:
                if message.type is WSMsgType.TEXT:
                    await other.send_str(message.data)
                elif message.type is WSMsgType.BINARY:
                    await other.send_bytes(bytes(reversed(message.data)))
        there.discard(socket)
        return socket


@contextlib.contextmanager
def serving(handler: Any, certificate: Certified) -> Iterator[tuple[int, int]]:
    """An aiohttp handler for every path on loopback: the plain port, and the one with TLS."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def start() -> tuple[web.AppRunner, int, int]:
        app = web.Application(client_max_size=64_000_000)
        app.router.add_route("*", "/{path:.*}", handler)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        ports = []
        for context in (None, certificate.context):
            place = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
            await place.start()
            ports.append(runner.addresses[-1][1])
        return runner, ports[0], ports[1]

    runner, plain, tls = asyncio.run_coroutine_threadsafe(start(), loop).result(20)
    try:
        yield plain, tls
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


# --------------------------------------------------------------------------------------------------------- visiting


@dataclass
class World:
    """Both proxies in front of the site, and where all of it listens. `ports` by site."""

    folder: Path
    site: Site
    ports: dict[str, int]
    certificate: Certified

    def visit(self, pages: Sequence[Awkward]) -> dict[str, dict[str, Any]]:
        """What was seen, by page and site."""
        return asyncio.run(self._visit_all(pages))

    async def _visit_all(self, pages: Sequence[Awkward]) -> dict[str, dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        async with one_visitor(self.folder, self.ports, self.site.tls_port, self.certificate.digest) as visitor:
            for site in self.ports:
                if site != BARE:
                    await refuse(visitor, SITES[site])
            free = asyncio.Semaphore(_AT_ONCE)

            async def one(page: Awkward) -> None:
                async with free:
                    seen = await asyncio.gather(*(look(visitor, page, SITES[site]) for site in self.ports))
                    found[page.id] = dict(zip(self.ports, seen, strict=True))

            await asyncio.gather(*(one(page) for page in pages))
        return found


async def look(visitor: BrowserContext, page: Awkward, host: str) -> dict[str, Any]:
    """Everything to be seen of one page on one host, with the host's name taken out."""
    tab = await visitor.new_page()
    told: list[str] = []
    note(tab, told)
    noted: dict[str, Any] = {}
    try:
        await tab.goto(f"https://{host}/p/{page.id}/{page.path}", wait_until="load", timeout=_LONGEST)
        for action in page.actions:
            await act(tab, action)
        noted = await seen(tab, page.see, page.keeps)
    except (PlaywrightError, TimeoutError) as error:
        told.append(f"failed: {str(error).splitlines()[0] if str(error) else error!r}")
    await tab.close()
    # In which order they come is a matter of the network.
    return dict(json.loads(plain(json.dumps({**noted, "told": sorted(told)}), host)))


async def seen(tab: Page, see: str = "null", keeps: Sequence[str] | None = None) -> dict[str, Any]:
    """Everything there is of a page now, what the expression comes to, and what is stored (all, or some keys)."""
    script = _SEEN.replace("OURS", json.dumps(_OURS)).replace("KEEPS", json.dumps(keeps)).replace("SEE", see)
    found: dict[str, Any] = await asyncio.wait_for(tab.evaluate(script), _LONGEST / 1000)
    return found


def plain(text: str, host: str) -> str:
    return text.replace(host, "site.test")


def note(tab: Page, told: list[str]) -> None:
    """Keep in `told` what a page complains of."""

    def said(message: ConsoleMessage) -> None:
        # A tab's icon is asked for once for each site, by whichever of its pages is there long enough.
        if message.type in ("error", "warning") and not message.location["url"].endswith("/favicon.ico"):
            told.append(f"{message.type}: {message.text}")

    def failed(request: Request) -> None:
        # A page may break off what it asked for, or not, as it is quick.
        if "ERR_ABORTED" not in str(request.failure):
            told.append(f"no answer: {request.url} {request.failure}")

    tab.on("console", said)
    tab.on("pageerror", lambda error: told.append(f"exception: {error.message}"))
    tab.on("requestfailed", failed)


async def act(tab: Page, action: str) -> None:
    word, _, rest = action.partition(" ")
    selector, _, text = (side.strip() for side in rest.partition(" | "))
    place = tab.locator(selector)
    match word:
        case "click":
            await place.click()
        case "type":
            await place.press_sequentially(text)
        case "press":
            await place.press(text)
        case "choose":
            await place.set_input_files({"name": text, "mimeType": "text/plain", "buffer": b"of a file"})
        case _:
            raise ValueError(f"no such action: {action}")


@contextlib.contextmanager
def world(folder: Path, pages: Sequence[Awkward], made: Made) -> Iterator[World]:
    certificate = certified(folder)
    site = Site({page.id: page for page in pages}, made)
    with (
        serving(site.answer, certificate) as (site.port, site.tls_port),
        both_policies(folder, certificate, site.port) as ports,
    ):
        yield World(folder, site, {**ports, BARE: site.tls_port}, certificate)


# ----------------------------------------------------------------------------------------------------------- bytes


def put_in(before: bytes, after: bytes) -> list[bytes] | None:
    """What was put into `before`, at up to two places, to make `after` of it; None where anything else was done."""
    start = _common(before, after)
    rest, grown = before[start:], after[start:]
    end = _common(rest[::-1], grown[::-1])
    middle, grown = rest[: len(rest) - end], grown[: len(grown) - end]
    at = grown.find(middle)
    if at < 0:
        return None
    return [part for part in (grown[:at], grown[at + len(middle) :]) if part]


def _common(one: bytes, other: bytes) -> int:
    """How many bytes they begin alike with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        half = (low + high + 1) // 2
        low, high = (half, high) if one[:half] == other[:half] else (low, half - 1)
    return low


_OWN_MARKUP: Final = re.compile(rb"/\.consent/guard\.js|consentry")


def is_ours(parts: Sequence[bytes]) -> bool:
    """Whether what was put in is a guard and a banner, and no more; in UTF-16 too."""
    return 0 < len(parts) <= 2 and all(_OWN_MARKUP.search(part.replace(b"\0", b"")) for part in parts)
