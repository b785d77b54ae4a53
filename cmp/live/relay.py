"""The first-party relay: `RELAY/VENDOR/HOST/PATH?QUERY` on the operator's site, to a vendor, without what identifies.

May go in here: what may go through it, what is left of request and answer. May not: whether the visitor's choice lets
it (`cmp.core`), which members of a query or body identify (`cmp.core.identifiers`).

In front of a site the proxy sees nothing of what a browser sends to others; what goes through here it does. Nothing but
hosts that the policy declares for the named vendor is reached, by HTTPS, and only where the category's treatment is
"reduce". Of the headers a short list passes in both directions, because the answer comes to stand on the site's own
origin: nothing in it may set a cookie, run as a page, lead elsewhere or clear what the site stored.
"""

import re

from mitmproxy import http

from cmp.capture.flow_exchange import RELAY, Relayed, flow_url, header_list, relayed
from cmp.capture.observe import content_type, field_lines, page_of
from cmp.core.decision import Decision
from cmp.core.exchange import Exchange, Kind
from cmp.core.policy import Policy, Treatment
from cmp.core.urls import Url, UrlError, parse_url, plain_path
from cmp.live.originals import keep_request

# What a vendor needs to answer at all, and the signals.
_TO_VENDOR = frozenset(
    {
        *(b"accept", b"accept-language", b"accept-encoding", b"user-agent", b"sec-gpc", b"dnt"),
        *(b"content-type", b"content-length", b"content-encoding", b"transfer-encoding"),
    }
)
_FROM_VENDOR = frozenset(
    {
        *(b"content-type", b"content-length", b"content-encoding", b"transfer-encoding", b"content-language", b"date"),
        *(b"content-disposition", b"connection", b"retry-after"),
    }
)
# Whatever a browser makes of the answer, it runs as nobody's page and reaches nothing (CSP 3, section 6.3.2).
_LOCKED = b"default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"
_ADDED = (
    (b"Content-Security-Policy", _LOCKED),
    (b"X-Content-Type-Options", b"nosniff"),
    # Kept by a browser, an answer of its own for each visitor would be an identifier.
    (b"Cache-Control", b"no-store"),
)
# Pages and workers of a vendor on the site's own origin: the relay is for what a page sends and shows.
_NOT_FOR = frozenset({Kind.DOCUMENT, Kind.WORKER, Kind.WEBSOCKET, Kind.OBJECT})
# Types that no browser runs, with nosniff, whatever asked for them (Fetch standard, sections 2.9 and 2.10).
_SHOWN = re.compile(r"(?:image|audio|video|font)/.+|(?:application|text)/(?:.+\+)?json|text/(?:css|plain)")
_NO_SITE_OF_OURS = frozenset({"cross-site", "none"})


def relay_path(reserved: str) -> str:
    """The path below which the relay lies."""
    return f"{reserved}relay/"


def is_relay(reserved: str, url: Url) -> bool:
    """Whether a URL of the operator's site is for the relay."""
    return plain_path(url.path).startswith(relay_path(reserved))


def opened(flow: http.HTTPFlow, policy: Policy, reserved: str) -> Relayed | None:
    """What the request stands for, noted on the flow; None for what the relay does not carry."""
    flow.metadata[RELAY] = relay_path(reserved)
    try:
        found = relayed(flow)
    except UrlError:
        found = None
    if found is None or not _declared(policy, found) or plain_path(found.url.path).startswith(relay_path(reserved)):
        del flow.metadata[RELAY]
        return None
    return found


def carries(flow: http.HTTPFlow, exchange: Exchange) -> bool:
    """Whether the relay is for a request like this: a part of a page of the site."""
    if exchange.kind in _NOT_FOR or "service-worker" in exchange.header_names:
        return False
    headers = header_list(flow.request.headers)
    stated = field_lines(headers, "sec-fetch-site")
    if stated:
        return not any(line.strip().lower() in _NO_SITE_OF_OURS for line in stated)
    page = page_of(headers)
    return page is None or page.host == flow_url(flow, reverse=True).host


def shows(exchange: Exchange, decision: Decision) -> bool:
    """Whether the answer is something to be shown or read.

    A script of the vendor would run as the site's own and could send in any form what was taken out of the request: it
    needs the visitor's permission like any other.
    """
    return exchange.kind is not Kind.SCRIPT or not decision.ruling.reduced


def _declared(policy: Policy, found: Relayed) -> bool:
    """Whether the host is one that the policy declares for the vendor, and what it is for may pass reduced."""
    url = found.url
    if url.scheme != "https" or url.port != 443:
        return False
    knowing = [part for part in policy.each if found.vendor in part.vendors]
    for part in knowing:
        if not any(rule.vendor == found.vendor for rule in part.requests.by_host.get(url.host, ())):
            return False
        rule = part.requests.find(url)
        if rule is None or rule.vendor != found.vendor:
            return False
        if part.categories[rule.category].treatment is not Treatment.REDUCE:
            return False
    return bool(knowing)


def send(flow: http.HTTPFlow, found: Relayed) -> None:
    """Send the request to the vendor, with nothing of the site's in it."""
    request, url = flow.request, found.url
    keep_request(flow)
    fields = request.headers.fields
    request.headers.fields = tuple((name, value) for name, value in fields if name.lower() in _TO_VENDOR)
    if any(name.lower() == b"connection" and value.strip().lower() == b"close" for name, value in fields):
        # mitmproxy ends the client's connection by what the request says when it has gone out.
        request.headers["Connection"] = "close"
    request.scheme, request.host, request.port = "https", url.host, 443
    request.authority = url.host if request.is_http2 else ""
    request.headers["Host"] = url.host
    request.path = url.path + (f"?{url.query}" if url.query else "")


def clean_answer(answer: http.Response, policy: Policy, found: Relayed, reserved: str, *, reduced: bool) -> None:
    """Leave of a vendor's answer what may stand on the site's own origin.

    `reduced`: the visitor has not permitted the vendor. Then nothing goes out as a script: older browsers do not say
    what they ask for.
    """
    leads_to = field_lines(header_list(answer.headers), "location")
    kept = [(name, value) for name, value in answer.headers.fields if name.lower() in _FROM_VENDOR]
    answer.headers.fields = (*kept, *_ADDED)
    if reduced and not _SHOWN.fullmatch(content_type(header_list(answer.headers))):
        answer.headers["Content-Type"] = "text/plain"
    if leads_to and (target := _through_relay(leads_to[0], policy, found, reserved)) is not None:
        answer.headers["Location"] = target
    # Trailers come behind everything that was decided on.
    answer.trailers = None


def _through_relay(text: str, policy: Policy, found: Relayed, reserved: str) -> str | None:
    """Where a redirect leads, by way of the relay; None where that is no place the relay reaches."""
    try:
        url = parse_url(text, found.url)
    except UrlError:
        return None
    if not _declared(policy, Relayed(found.vendor, url)):
        return None
    return f"{relay_path(reserved)}{found.vendor}/{url.host}{url.path}" + (f"?{url.query}" if url.query else "")
