"""track.respawned-cookie

What it finds
    A cookie with an identifier that the browser no longer had, deleted by an answer or gone between two pages, and that
    comes back with the same identifier.
Why it matters
    A person who removes a cookie wants to be forgotten. Whoever brings it back kept a copy elsewhere: in another
    storage, in a cache entry, in a fingerprint.
Example
    The page is asked for with `Cookie: uid=91c0ffee27aa`, later without, and then `uid=91c0ffee27aa` is set again.
Does not see
    A new cookie under another name; what was removed before the capture begins. A site that recognises a person who
    signed in again may rightly set the same value, and a file may hold several runs with a fresh profile each: a person
    has to look. Cookies are held to be gone only where a request to the same host, in the same part of the site,
    carries none of that name while it should.
Sources
    Ayenson et al. 2011; Acar et al. 2014 ("evercookies"); Fouad et al. 2022.

Level: potential; a violation where a promise of the policy names this detector.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from cmp.audit.evidence import Evidence, Sighting, deletes
from cmp.audit.finding import Finding
from cmp.audit.gather import cookies_found
from cmp.audit.known import Parts
from cmp.core.exchange import Exchange, Kind, Unseen

CODE = "track.respawned-cookie"
MEANING = "cookies that came back with the identifier they had"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES})

# Host, site of the page (browsers keep cookies of frames apart by it), and name.
_Key = tuple[str, str, str]


@dataclass(slots=True)
class _Carried:
    """A cookie as it was last sent: on which page of the capture, where, and whether it is known to be gone since."""

    parts: frozenset[str]
    visit: int
    exchange: Exchange
    deleted: bool = False
    gone: bool = False


def find(evidence: Evidence) -> Iterator[Finding]:
    back = {id(seen) for seen in _respawned(evidence)}
    cookies = (seen for seen in evidence.cookies if id(seen) in back)
    return cookies_found(evidence, CODE, cookies, evidence.promised(CODE))


def _respawned(evidence: Evidence) -> Iterator[Sighting]:
    carried: dict[_Key, _Carried] = {}
    hosts: dict[tuple[str, str], set[_Key]] = {}
    cookies: dict[int, list[Sighting]] = {}
    for seen in evidence.cookies:
        cookies.setdefault(seen.step.entry.index, []).append(seen)
    parts, visit = evidence.once(Parts), 0
    for request in evidence.delivered:
        exchange, here = request.exchange, (request.exchange.url.host, request.exchange.page_site)
        visit += exchange.kind is Kind.DOCUMENT
        sent = {pair.name for pair in exchange.cookies}
        for key in hosts.get(here, ()):
            one = carried[key]
            if key[2] not in sent and (one.deleted or one.visit < visit) and _should_carry(one, exchange, sent):
                one.gone = True
        for seen in cookies.get(request.step.entry.index, ()):
            key = (*here, seen.name or "")
            before = carried.get(key)
            found = frozenset(parts.of(seen))
            if before is not None and before.gone and before.parts & found:
                yield seen
            if seen.set_cookie is None and found:
                carried[key] = _Carried(found, visit, exchange)
                hosts.setdefault(here, set()).add(key)
        for cookie in exchange.set_cookies:
            if deletes(cookie, exchange) and (*here, cookie.name) in carried:
                carried[*here, cookie.name].deleted = True


def _should_carry(one: _Carried, exchange: Exchange, sent: set[str]) -> bool:
    """Whether this request would carry the cookie if the browser had it."""
    folder = one.exchange.url.path.rpartition("/")[0] + "/"
    return (
        Unseen.COOKIES not in exchange.unseen
        and exchange.url.scheme == one.exchange.url.scheme
        and exchange.url.path.startswith(folder)
        # Scripts may ask without any cookie; a page is always asked for with all.
        and (exchange.kind is Kind.DOCUMENT or bool(sent))
    )
