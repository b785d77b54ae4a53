"""A capture written in the layout of the EDPS website evidence collector, its `inspection.json`.

May go in here: what of a replayed capture stands where in that layout. May not: reading it (`cmp.capture.inspection`).

The layout takes every list for complete. What a capture cannot show is an empty list or null all the same, so that the
tools around the layout work, and is named in a member of our own, `_not_assessable`. Values of cookies and addresses
stand in it whole: it is evidence, as the capture is, and no report.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from cmp import __version__
from cmp.audit.evidence import Evidence, Sighting
from cmp.audit.replay import Replay
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.urls import Url

# Members of which no capture says anything: what a page holds, and tests made beside the visit.
_NEVER = (
    *("localStorage", "links", "unsafeForms", "testSSL", "secure_connection.https_error", "websocketLog.messages"),
    *("hosts.localStorage", "hosts.links"),
)


class NoPageError(ValueError):
    """A capture in which no page was visited: the layout is about one. `str()` is one line."""


def inspection_text(done: Replay) -> str:
    """The `inspection.json` of a capture. Same capture and policy, same text. Raises NoPageError.

    Beacons are the requests to vendors of categories that need consent, with the rule of the policy in the place of the
    list's filter: the collector takes those that EasyPrivacy names.
    """
    evidence = Evidence(done, baseline=False)
    exchanges = _delivered(done)
    pages = [one for one in exchanges if one.kind is Kind.DOCUMENT]
    if not pages:
        raise NoPageError(f"{done.capture.file}: no page in this capture, and the layout is about one")
    first = _Visit(pages, exchanges, _redirects(done))
    beacons = [seen for seen in evidence.requests if _is_beacon(done, seen)]
    cookies = list(_jar(first, exchanges))
    return json.dumps(_form(done, first, beacons, cookies), indent=2) + "\n"


class _Visit:
    """Which page was meant: the first, after what led on from it at once."""

    def __init__(self, pages: Sequence[Exchange], exchanges: Sequence[Exchange], led: frozenset[str]) -> None:
        at = 0
        while at + 1 < len(pages) and str(pages[at].url) in led:
            at += 1
        self.asked, self.redirects, self.page = pages[0].url, [str(one.url) for one in pages[:at]], pages[at]
        self.history = list(dict.fromkeys(str(one.url) for one in pages[at:]))
        timed = [one.time for one in exchanges if Unseen.TIME not in one.unseen]
        self.start, self.end = min(timed, default=None), max(timed, default=None)

    def is_own(self, exchange: Exchange) -> bool:
        return exchange.host_site == self.page.host_site


def _delivered(done: Replay) -> list[Exchange]:
    return [step.entry.delivered for step in done.steps if step.entry.delivered is not None]


def _redirects(done: Replay) -> frozenset[str]:
    return frozenset(
        str(step.entry.delivered.url)
        for step in done.steps
        if step.entry.delivered is not None and step.entry.answer is not None and step.entry.answer.location
    )


def _is_beacon(done: Replay, seen: Sighting) -> bool:
    category = seen.ruling.category
    return seen.ruling.vendor is not None and category is not None and not done.policy.categories[category].necessary


def _form(
    done: Replay, visit: _Visit, beacons: Sequence[Sighting], cookies: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    exchanges = _delivered(done)
    sockets = [one for one in exchanges if one.kind is Kind.WEBSOCKET]
    https = [one.url.scheme == "https" for one in exchanges if one.kind is Kind.DOCUMENT]
    nothing: dict[str, list[Any]] = {"firstParty": [], "thirdParty": []}
    unseen = [*_NEVER, *(["cookies", "hosts.cookies"] if Unseen.SET_COOKIES in done.capture.unseen else [])]
    return {
        "title": "Website Evidence Collection",
        "task_description": None,
        "uri_ins": str(visit.asked),
        "uri_refs": [str(visit.page.url)],
        "uri_dest": str(visit.page.url),
        "uri_redirects": visit.redirects,
        "secure_connection": {
            "https_redirect": bool(visit.redirects) and not https[0] and https[len(visit.redirects)],
            "redirects": [],
            "https_support": True if any(https) else None,
            "https_error": None,
            "http_error": None,
        },
        **dict.fromkeys(("testSSLError", "testSSLErrorOutput", "testSSLErrorCode", "testSSL")),
        "host": visit.page.url.host,
        "script": {
            "host": None,
            "version": {"npm": None, "commit": None, "consentry": __version__},
            "config": {},
            "cmd_args": "",
            "environment": {},
            "node_version": None,
        },
        "localStorage": {},
        "cookies": cookies,
        "beacons": list(_beacons(done, visit, beacons)),
        "links": {**nothing, "social": [], "keywords": []},
        "unsafeForms": [],
        "browser": {
            "name": None,
            "version": None,
            "user_agent": None,
            "platform": {"name": None, "version": None},
            "extra_headers": {"dnt": 1} if any(one.signals.dnt for one in exchanges) else {},
            "preset_cookies": {},
        },
        "browsing_history": visit.history,
        "hosts": {
            "requests": _hosts((one.url.host, visit.is_own(one)) for one in exchanges),
            "beacons": _hosts((seen.exchange.url.host, visit.is_own(seen.exchange)) for seen in beacons),
            "cookies": _hosts((one["domain"], one["firstPartyStorage"]) for one in cookies),
            "localStorage": nothing,
            "links": nothing,
        },
        "websockets": {},
        "start_time": _moment(visit.start),
        "end_time": _moment(visit.end),
        "websocketLog": {
            str(n): {"timestamp": _when(one), "url": str(one.url), "messages": []} for n, one in enumerate(sockets)
        },
        "_not_assessable": unseen,
    }


def _hosts(named: Iterable[tuple[str, bool]]) -> dict[str, list[str]]:
    first: dict[str, None] = {}
    third: dict[str, None] = {}
    for host, own in named:
        (first if own else third)[host] = None
    return {"firstParty": list(first), "thirdParty": list(third)}


def _beacons(done: Replay, visit: _Visit, beacons: Sequence[Sighting]) -> Iterator[dict[str, Any]]:
    """One for each host and path, the first of them, with their number."""
    groups: dict[tuple[str, str], list[Sighting]] = {}
    for seen in beacons:
        url = seen.exchange.url
        groups.setdefault((url.host, url.path.removesuffix("/")), []).append(seen)
    for group in groups.values():
        first = group[0].exchange
        page = first.page or visit.page.url
        rule = group[0].ruling.rule
        yield {
            "filter": rule,
            "listName": f"policy {done.policy.id}",
            "query": dict(parse_qsl(first.url.query or "", keep_blank_values=True)) or None,
            "url": str(first.url),
            "log": {
                "stack": [{"fileName": str(page), "source": f"requested from {page} and matched with rule {rule}"}],
                "timestamp": _when(first),
            },
            # The layout's own spelling.
            "occurrances": len(group),
        }


def _jar(visit: _Visit, exchanges: Sequence[Exchange]) -> Iterator[dict[str, Any]]:
    """The cookies of a browser after the visit: those that were set, the last of each, and those that were sent and
    that no answer set, of which nothing but name, value and host is known."""
    jar: dict[tuple[str, str, str], dict[str, Any]] = {}
    names: dict[str, set[str]] = {}
    for exchange in exchanges:
        host, at = exchange.url.host, None if Unseen.TIME in exchange.unseen else exchange.time
        for sent in exchange.cookies:
            if not any(_covers(domain, host) for domain in names.get(sent.name, ())):
                names.setdefault(sent.name, set()).add(host)
                found = {"name": sent.name, "value": sent.value, "domain": host, "path": "/"}
                jar[sent.name, host, "/"] = {**found, "firstPartyStorage": visit.is_own(exchange)}
        for cookie in exchange.set_cookies:
            domain, path = cookie.domain or host, cookie.path if cookie.path.startswith("/") else _folder(exchange.url)
            key = (cookie.name, domain, path)
            lifetime = cookie.lifetime(at or 0.0)
            names.setdefault(cookie.name, set()).add(domain)
            jar.pop(key, None)
            if lifetime is not None and lifetime <= 0:
                continue
            jar[key] = {
                "name": cookie.name,
                "value": cookie.value,
                "domain": domain,
                "path": path,
                **_expiry(lifetime, None if lifetime is None else (at or 0.0) + lifetime),
                "size": len(cookie.name) + len(cookie.value),
                "httpOnly": cookie.http_only,
                "secure": cookie.secure,
                **({"sameSite": cookie.same_site.capitalize()} if cookie.same_site else {}),
                **({"partitionKey": str(visit.page.host_site)} if cookie.partitioned else {}),
                "log": {
                    "stack": [
                        {
                            "fileName": str(exchange.url),
                            "source": f"set in Set-Cookie HTTP response header for {exchange.url}",
                        }
                    ],
                    "type": "Cookie.HTTP",
                    "timestamp": _moment(at),
                    "location": str(exchange.page or visit.page.url),
                },
                "firstPartyStorage": visit.is_own(exchange),
            }
    yield from jar.values()


def _covers(domain: str, host: str) -> bool:
    return host == domain or host.endswith(f".{domain}")


def _folder(url: Url) -> str:
    """Where a cookie without a path belongs (RFC 6265, section 5.1.4)."""
    return url.path.rpartition("/")[0] or "/"


def _expiry(lifetime: float | None, moment: float | None) -> dict[str, Any]:
    if lifetime is None or moment is None:
        return {"expires": -1, "session": True}
    found: dict[str, Any] = {"expires": moment, "session": False}
    try:
        found["expiresUTC"] = _moment(moment)
    except (OverflowError, ValueError, OSError):
        # Beyond the year 9999; the number stands.
        return found
    return {**found, "expiresDays": round(lifetime / 86_400, 2)}


def _when(exchange: Exchange) -> str | None:
    return _moment(None if Unseen.TIME in exchange.unseen else exchange.time)


def _moment(time: float | None) -> str | None:
    """As JavaScript writes it."""
    if time is None:
        return None
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
