"""A visitor without a browser: loads a page, then what a browser would load for it, and notes what became of it.

May go in here: which request follows from which, and what the browser keeps. May not: headers by kind (`manners.py`),
what a page asks for (`markup.py`), what a script does (`effects.py`), any opinion on what should have been stopped.

Scripts are not run: their declared effects are carried out instead. A script that was stopped declares nothing, so
nothing follows from it. What is not imitated: Content-Security-Policy, HTTP caching beyond one page, SameSite (cookies
of third parties are taken and sent, as the laxest browser does), and frames within frames.
"""

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from types import TracebackType
from typing import Self
from urllib.parse import urlencode, urljoin, urlsplit

import aiohttp
from yarl import URL

from demo.effects import COOKIE, DOES, read_effects
from demo.manners import fetch_metadata, ping_headers, request_headers
from demo.markup import Form, Link, Page, Resource, read_page, read_style
from demo.obedience import Obedience
from demo.routes import RouteResolver, Routes

BLOCKED_HEADER = "X-Consentry"
# The script that the proxy puts first into a page.
GUARD = "/.consent/guard.js"
USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) consentry-demo-visitor/1"

_REDIRECTS = 5


@dataclass(frozen=True, slots=True)
class Seen:
    """One request and what came of it. `status` is 0 where the connection ended without an answer."""

    method: str
    url: str
    kind: str
    status: int
    blocked: bool = False

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def reached(self) -> bool:
        """Whether somebody other than our proxy answered."""
        return self.status != 0 and not self.blocked


@dataclass(slots=True)
class Visit:
    """A page view: where it ended after redirects, its HTML, its forms and links, and every request in order."""

    url: str
    status: int = 0
    text: str = ""
    forms: list[Form] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    requests: list[Seen] = field(default_factory=list)

    def hosts(self) -> tuple[str, ...]:
        """The hosts that were asked, stopped or not."""
        return tuple(sorted({seen.host for seen in self.requests}))

    def reached(self) -> tuple[str, ...]:
        return tuple(sorted({seen.host for seen in self.requests if seen.reached}))

    def blocked(self) -> tuple[str, ...]:
        return tuple(sorted({seen.host for seen in self.requests if seen.blocked}))

    def form(self, action: str) -> Form:
        """The form whose action ends like this. Raises KeyError."""
        for form in self.forms:
            if form.action.partition("?")[0].endswith(action):
                return form
        raise KeyError(f"no form to {action} on {self.url}")


@dataclass(frozen=True, slots=True)
class Got:
    """An answer: `url` is where it came from after redirects; `policies` its Content-Security-Policy fields."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    blocked: bool
    policies: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def media_type(self) -> str:
        return self.headers.get("Content-Type", "").partition(";")[0].strip().lower()


@dataclass(slots=True)
class _Frame:
    """A document while it loads: what it has loaded so far, as a browser's memory cache keeps it."""

    url: str
    visit: Visit
    rules: Obedience
    nested: bool = False
    loaded: dict[str, Got] = field(default_factory=dict)


class Visitor:
    """A browser profile. `proxy` is the URL of an HTTP proxy; without one, `routes` says where a host's connections go.

    `routes` maps "host:port", "host" or "*:port" or "*" to an address; a host that none fits cannot be reached, so
    nothing ever leaves the machine. With `scripts` off it is a browser without JavaScript. `fetch_metadata` off leaves
    out Sec-Fetch-*, as browsers do on plain HTTP.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        routes: Routes | None = None,
        ssl_context: ssl.SSLContext | None = None,
        gpc: bool = False,
        dnt: bool = False,
        scripts: bool = True,
        fetch_metadata: bool = True,
        language: str = "en",
    ) -> None:
        if (proxy is None) == (routes is None):
            raise ValueError("a visitor needs a proxy or routes, and not both")
        self.gpc = gpc
        self.dnt = dnt
        self.scripts = scripts
        self.fetch_metadata = fetch_metadata
        self.language = language
        self._proxy = proxy
        self._routes = routes
        self._ssl = ssl_context
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        resolver = RouteResolver(self._routes) if self._routes is not None else None
        self._http = aiohttp.ClientSession(
            # No quoting: a browser sends a cookie's value back as it got it.
            cookie_jar=aiohttp.CookieJar(unsafe=True, quote_cookie=False),
            connector=aiohttp.TCPConnector(resolver=resolver, limit_per_host=6),
            timeout=aiohttp.ClientTimeout(total=180),
            skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
        )
        return self

    async def __aexit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    @contextmanager
    def behind(self, proxy: str) -> Iterator[None]:
        """Until the block ends, requests go through another proxy; what the browser keeps stays."""
        usual, self._proxy = self._proxy, proxy
        try:
            yield
        finally:
            self._proxy = usual

    # -- what a person does

    async def visit(self, url: str, *, referrer: str = "") -> Visit:
        """Go to a page and load everything on it."""
        return await self._navigate("GET", url, referrer)

    async def submit(self, page: Visit, form: Form, fields: Mapping[str, str] | None = None) -> Visit:
        """Send a form of a page, with what was filled in, and load the page that answers."""
        data = urlencode({**form.fields, **(fields or {})})
        target = urljoin(page.url, form.action or page.url)
        if form.method == "POST":
            return await self._navigate("POST", target, page.url, data.encode())
        return await self._navigate("GET", f"{target.partition('?')[0]}?{data}", page.url)

    async def click(self, page: Visit, link: Link) -> Visit:
        """Follow a link; its pings go out first and are among the requests of the page it leads to."""
        target = urljoin(page.url, link.href)
        told = Visit(page.url)
        for ping in link.pings:
            address = urljoin(page.url, ping)
            extra = ping_headers(page.url, target, address)
            await self._load(told, "POST", "ping", address, page=page.url, body=b"PING", extra=extra)
        found = await self._navigate("GET", target, page.url)
        found.requests[:0] = told.requests
        return found

    async def send(
        self,
        page: Visit,
        method: str,
        url: str,
        *,
        kind: str = "fetch",
        body: bytes = b"",
        content_type: str = "application/json",
    ) -> Got:
        """One request of a page's script, such as the banner's; noted among the page's requests."""
        extra = {"Content-Type": content_type} if body else {}
        return await self._load(page, method, kind, urljoin(page.url, url), page=page.url, body=body, extra=extra)

    # -- what the browser keeps

    def cookies(self, url: str) -> dict[str, str]:
        """The cookies the jar would send to an address."""
        return {name: morsel.value for name, morsel in self._session().cookie_jar.filter_cookies(URL(url)).items()}

    def jar(self) -> dict[str, tuple[str, ...]]:
        """The names of all cookies that live, by the host or domain they are kept for."""
        found: dict[str, set[str]] = {}
        for morsel in self._session().cookie_jar:
            found.setdefault(morsel["domain"], set()).add(morsel.key)
        return {host: tuple(sorted(names)) for host, names in sorted(found.items())}

    # -- how it does so

    async def _navigate(self, method: str, url: str, referrer: str, body: bytes = b"") -> Visit:
        visit = Visit(url)
        got = await self._load(visit, method, "document", url, page=referrer, body=body)
        visit.url, visit.status = got.url, got.status
        if got.media_type == "text/html":
            visit.text = got.text
            page = read_page(got.text, scripts=self.scripts)
            visit.forms, visit.links = page.forms, page.links
            rules = Obedience(got.url)
            rules.take_policies(got.policies)
            await self._fill(_Frame(got.url, visit, rules), page)
        return visit

    async def _fill(self, frame: _Frame, page: Page) -> None:
        for resource in page.resources:
            # "One level deep": frames within frames are left alone.
            if not (frame.nested and resource.kind == "iframe"):
                await self._use(frame, resource)

    async def _use(self, frame: _Frame, resource: Resource, style: str = "") -> None:
        """Load a resource of a frame and whatever follows from it. `style` is the style sheet that named it."""
        address = urljoin(style or frame.url, resource.url)
        if urlsplit(address).scheme not in ("http", "https") or not frame.rules.admits(address):
            return
        got = frame.loaded.get(address)
        if got is None:
            got = await self._load(
                frame.visit,
                resource.method,
                resource.kind,
                address,
                page=frame.url,
                referrer=style,
                body=resource.body.encode(),
            )
            if resource.kind in ("script", "style", "image", "font"):
                frame.loaded[address] = got
        if resource.preload or got.blocked or got.status != 200:
            return
        match resource.kind:
            case "script":
                await self._run(frame, got)
            case "style":
                for named in read_style(got.text):
                    await self._use(frame, named, got.url)
            case "iframe" if got.media_type == "text/html":
                inner = _Frame(got.url, frame.visit, Obedience(got.url), nested=True)
                await self._fill(inner, read_page(got.text, scripts=self.scripts))

    async def _run(self, frame: _Frame, script: Got) -> None:
        """Carry out what a script declares. Without JavaScript no page names a script in the first place."""
        if script.url.endswith(GUARD) and not frame.nested:
            frame.rules.take_guard(script.text)
        if declared := script.headers.get(COOKIE):
            self._write_cookie(frame, declared)
        caused = Page()
        for effect in read_effects(script.headers.get(DOES, "")):
            address = effect.address(self.cookies(frame.url), urlsplit(frame.url).path)
            caused.resources.append(Resource(effect.kind, address, effect.method, effect.body))
        await self._fill(frame, caused)

    def _write_cookie(self, frame: _Frame, declared: str) -> None:
        """What `document.cookie = ...` does; a script here writes its cookie only where there is none."""
        written: SimpleCookie = SimpleCookie(declared)
        url, there = frame.url, self.cookies(frame.url)
        for name in list(written):
            if name in there or not frame.rules.may_write(name):
                del written[name]
        for morsel in written.values():
            morsel["path"] = "/"
        self._session().cookie_jar.update_cookies(written, URL(url))

    async def _load(
        self,
        visit: Visit,
        method: str,
        kind: str,
        url: str,
        *,
        page: str,
        referrer: str = "",
        body: bytes = b"",
        extra: Mapping[str, str] | None = None,
    ) -> Got:
        """Send a request and follow its redirects; each step is noted."""
        for _step in range(_REDIRECTS):
            headers = self._headers(kind, method, url, page=page, referrer=referrer or page) | dict(extra or {})
            got = await self._exchange(method, url, headers, body if method == "POST" else b"")
            visit.requests.append(Seen(method, url, kind, got.status, got.blocked))
            location = got.headers.get("Location")
            if got.status not in (301, 302, 303, 307, 308) or not location:
                break
            url = urljoin(url, location)
            if got.status not in (307, 308):
                method, extra = "GET", None
        return got

    async def _exchange(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> Got:
        try:
            async with self._session().request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body or None,
                proxy=self._proxy,
                ssl=self._ssl if self._ssl is not None else True,
                allow_redirects=False,
            ) as answer:
                content = await answer.read()
                blocked = answer.headers.get(BLOCKED_HEADER, "").strip().lower() == "blocked"
                policies = tuple(answer.headers.getall("Content-Security-Policy", ()))
                return Got(url, answer.status, answer.headers.copy(), content, blocked, policies)
        except (aiohttp.ClientError, ConnectionError, TimeoutError):
            # A proxy that ends the connection, a host that is not there: to a page both are an error event.
            return Got(url, 0, {}, b"", blocked=False)

    def _headers(self, kind: str, method: str, url: str, *, page: str, referrer: str) -> dict[str, str]:
        headers = {"User-Agent": USER_AGENT, "Accept-Language": self.language}
        headers |= request_headers(kind, method, url, page=page, referrer=referrer)
        if self.gpc:
            headers["Sec-GPC"] = "1"
        if self.dnt:
            headers["DNT"] = "1"
        if self.fetch_metadata:
            headers |= fetch_metadata(kind, url, page=page)
        return headers

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("a visitor is used as `async with Visitor(...) as visitor`")
        return self._http
