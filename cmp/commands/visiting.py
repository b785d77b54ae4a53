"""A short visit to the operator's site: its start page and a few pages that it links to, as a first visitor gets them.

May go in here: fetching, with bounds on number, size and time. May not: what the pages say (`cmp.wire.inventory`).
"""

import asyncio
import ssl
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from cmp.core.urls import Url, UrlError, parse_url
from cmp.sites import registrable_domain
from cmp.wire.inventory import links_to_own_pages

_PAGES = 5
_REDIRECTS = 5
# Bytes of a page that are read; what a page loads stands near its start or its end, and few are larger.
_SIZE = 4 * 1024 * 1024
# Seconds for one answer, and for everything.
_EACH, _TOGETHER = 10.0, 30.0
_AGENT = "consentry-init (looks at this site for a draft of its privacy policy)"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer of the site: its URL as visitors have it, its HTML as Latin-1 text ("" for others), its Set-Cookies."""

    url: Url
    html: str
    set_cookies: tuple[str, ...]


@dataclass
class Visit:
    """What came of it. `problem` says in a phrase why the site could not be looked at, or not to the end."""

    pages: list[Page] = field(default_factory=list)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Way:
    """How the site is reached: `upstream` is asked in the name of `public`."""

    session: aiohttp.ClientSession
    upstream: Url
    public: Url


async def visit(upstream: Url, public: Url, ca: Path | None = None) -> Visit:
    """Look at the site behind `upstream` as visitors of `public` would. Raises ValueError for an unreadable `ca`."""
    found = Visit()
    try:
        trust = ssl.create_default_context()
        if ca is not None:
            trust.load_verify_locations(ca)
    except (OSError, ssl.SSLError) as error:
        raise ValueError(f"{ca}: {getattr(error, 'strerror', None) or error}") from error
    try:
        async with (
            asyncio.timeout(_TOGETHER),
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=trust),
                # Each page as somebody gets it who is not signed in: no link that is followed can change anything.
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=_EACH),
                headers={"User-Agent": _AGENT, "Accept": "text/html,*/*;q=0.1", "Accept-Encoding": "gzip"},
            ) as session,
        ):
            await _walk(_Way(session, upstream, public), found)
    except TimeoutError:
        found.problem = "it answered too slowly"
    except (aiohttp.ClientError, OSError, UrlError, ValueError) as error:
        found.problem = str(error) or type(error).__name__
    return found


async def _walk(way: _Way, found: Visit) -> None:
    waiting = [way.public]
    seen: set[str] = set()
    while waiting and len(seen) < _PAGES:
        url = waiting.pop(0)
        if url.path in seen:
            continue
        seen.add(url.path)
        first = not found.pages
        answered = await _get(way, url, found)
        if first and answered is not None:
            waiting.extend(links_to_own_pages(answered.html, answered.url))


async def _get(way: _Way, url: Url, found: Visit) -> Page | None:
    """The page, redirects followed on the same site. Every answer on the way is kept for its cookies."""
    for _ in range(_REDIRECTS):
        own = url.host in (way.public.host, way.upstream.host)
        target = (way.upstream.origin if own else url.origin) + url.path + (f"?{url.query}" if url.query else "")
        headers = {"Host": way.public.origin.partition("://")[2]} if own else {}
        async with way.session.get(target, headers=headers, allow_redirects=False) as answer:
            moved = answer.headers.get("Location", "") if 300 <= answer.status < 400 else ""
            html = "" if moved or answer.content_type != "text/html" else await _text(answer)
            page = Page(url, html, tuple(answer.headers.getall("Set-Cookie", [])))
            found.pages.append(page)
            if not moved:
                if answer.status >= 400 and len(found.pages) == 1:
                    found.problem = f"it answered {answer.status}"
                return page
        url = parse_url(moved, url)
        if not url.is_network or registrable_domain(url.host) != registrable_domain(way.public.host):
            found.problem = f"it leads to {url.origin}, another site"
            return None
    found.problem = "it redirects without end"
    return None


async def _text(answer: aiohttp.ClientResponse) -> str:
    read = bytearray()
    async for part in answer.content.iter_chunked(65_536):
        read += part
        if len(read) > _SIZE:
            break
    return bytes(read[:_SIZE]).decode("latin-1")
