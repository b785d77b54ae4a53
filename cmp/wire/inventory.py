"""What a site has, as its pages show it to a first visitor: third parties, links to its own pages, languages, cookies.

May go in here: reading pages and Set-Cookie lines for a draft. May not: fetching them (`cmp.commands.visiting`),
proposing a category (`cmp.policy.drafting`).
"""

import contextlib
from collections.abc import Iterable, Iterator

import turbohtml

from cmp.core.classify import Party
from cmp.core.consent import NO_CHOICE
from cmp.core.cookies import SetCookie, read_set_cookie
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import Url, UrlError, parse_url
from cmp.policy.drafting import FoundCookie, FoundVendor, declarable, lifetime_text, site_host
from cmp.policy.recognising import recognising
from cmp.sites import registrable_domain
from cmp.wire.html import rewrite_page

# What is no page, by how its path ends.
_FILES = (".pdf", ".zip", ".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".mp4", ".xml", ".json", ".css", ".js")


def vendors_on(text: str, page: Url) -> Iterator[FoundVendor]:
    """The third parties that a page asks for by its markup, the page given as Latin-1 text."""
    policy = recognising()
    for stopped in rewrite_page(text, policy, NO_CHOICE, NO_SIGNALS, page, head="", body_start="").stopped:
        ruling = stopped.ruling
        if ruling.vendor is not None and ruling.category is not None:
            yield FoundVendor(ruling.vendor, policy.vendors[ruling.vendor].name, ruling.category)
        elif (host := _host(stopped.url)) and registrable_domain(host) != registrable_domain(page.host):
            with contextlib.suppress(ValueError):
                # What a policy cannot name stays undeclared.
                site = site_host(registrable_domain(host))
                yield FoundVendor(site, site, None)


def _host(text: str) -> str:
    try:
        return parse_url(text).host
    except UrlError:
        # Something no browser would load.
        return ""


def cookies_set(lines: Iterable[str], page: Url, at: float) -> Iterator[FoundCookie]:
    """The cookies that an answer of the site sets (Set-Cookie values); `at` is when it came, Unix seconds."""
    for line in lines:
        cookie = read_set_cookie(line)
        if declarable(cookie.name) and not cookie.deletes(at):
            yield _found(cookie, page, at)


def _found(cookie: SetCookie, page: Url, at: float) -> FoundCookie:
    policy = recognising()
    lifetime = cookie.lifetime(at)
    rule = policy.cookies.find(cookie.name, page.host, Party.FIRST)
    if rule is not None and rule.vendor is not None:
        return FoundCookie(
            rule.name.text, lifetime_text(lifetime), policy.vendors[rule.vendor].category, rule.vendor, rule.purpose
        )
    # What scripts cannot read and the browser forgets is hardly ever anything but a sign-in or a basket.
    session = cookie.http_only and lifetime is None
    return FoundCookie(cookie.name, lifetime_text(lifetime), "necessary" if session else None)


def languages_of(text: str) -> Iterator[str]:
    """The language a page says it is in, primary subtag alone."""
    root = turbohtml.parse(text).select_one("html[lang]")
    language = (root.attr("lang") or "" if root is not None else "").strip().partition("-")[0].lower()
    if language.isascii() and language.isalpha():
        yield language


def links_to_own_pages(text: str, page: Url) -> Iterator[Url]:
    """Where the links of a page lead on the same origin, the shortest paths first, each once."""
    found: dict[str, Url] = {}
    for link in turbohtml.parse(text).select("a[href]"):
        try:
            url = parse_url(link.attr("href") or "", page)
        except UrlError:
            continue
        if url.origin == page.origin and url.path != page.path and not url.path.lower().endswith(_FILES):
            found.setdefault(url.path, url)
    yield from sorted(found.values(), key=lambda url: (url.path.count("/"), len(url.path), url.path))
