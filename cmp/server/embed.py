"""GET embed/VENDOR: what stands in a page where a vendor's content would be. POST of the same: that content, this once.

May go in here: the pages' inputs and their own CSPs. May not: their markup (`cmp.wire.banner`).

Loading once stores nothing and sets no cookie: the frame holds the content until the page is left. What would not be
permitted with the vendor's consent (a category that is never granted, a signal that cannot be outweighed) is not
offered.
"""

from dataclasses import replace
from urllib.parse import parse_qsl

from aiohttp import web

from cmp.core.exchange import Exchange, Kind
from cmp.core.on_requests import rule_on_request
from cmp.core.policy import Policy
from cmp.core.urls import Url, UrlError, parse_url
from cmp.ledger.record import Source
from cmp.seal.form_token import token_holds
from cmp.server.answers import FORM, failure, page
from cmp.server.bodies import read_body
from cmp.server.caller import Caller, caller_of, fields, language_of, policy_of
from cmp.server.choices import choose
from cmp.server.context import LEDGER, SIGNING_KEYS, SITE
from cmp.server.endpoints import ENDPOINTS, REST
from cmp.server.paths import path_back, path_of_referrer
from cmp.server.posting import Posting
from cmp.server.preferences import form_token
from cmp.server.problems import BAD_REQUEST, CROSS_SITE, NOT_FOUND, UNPROVEN, Failure
from cmp.server.same_origin import Sender, sender_of
from cmp.sites import registrable_domain
from cmp.wire.banner import embed_html, once_html

# It holds a text, a style sheet and a form, and nothing that could call anybody.
_CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'self'"
)
# The vendor's own hosts and nobody else's.
_ONCE_CSP = "default-src 'none'; style-src 'self'; frame-src {hosts}; base-uri 'none'; frame-ancestors 'self'"


def setup(app: web.Application) -> None:
    app[ENDPOINTS].add("GET", "embed/", _show)
    app[ENDPOINTS].add("POST", "embed/", _load_once)


async def _show(request: web.Request) -> web.Response:
    app, vendor = request.app, request[REST]
    if vendor not in policy_of(request).vendors:
        return failure(request, NOT_FOUND)
    caller = caller_of(request)
    app[LEDGER].count("embed.shown", caller.now)
    # The frame is opened by the page itself, which need not know where it is.
    back = path_back(request.query.get("back", ""), app[SITE].origin)
    back = back or path_of_referrer(fields(request, "Referer"), app[SITE].origin)
    content = _permitted_once(caller, vendor, request.query.get("of", ""), app[SITE].origin)
    html = embed_html(
        caller.policy,
        vendor,
        caller.language,
        reserved=app[SITE].reserved,
        token=form_token(app),
        back=back,
        once=str(content) if content is not None else "",
    )
    response = page(html)
    response.headers["Content-Security-Policy"] = _CSP
    return response


async def _load_once(request: web.Request) -> web.Response:
    app, vendor = request.app, request[REST]
    if vendor not in policy_of(request).vendors:
        return failure(request, NOT_FOUND)
    sender = sender_of(
        {name: fields(request, name) for name in ("sec-fetch-site", "origin", "referer")}, app[SITE].origin
    )
    if sender is Sender.FOREIGN:
        return failure(request, CROSS_SITE)
    body = await read_body(request, {FORM})
    if isinstance(body, Failure):
        return failure(request, body)
    try:
        sent = dict(parse_qsl(body.decode("utf-8", "replace"), max_num_fields=20))
    except ValueError:
        return failure(request, Failure(BAD_REQUEST, "the body is no form"))
    caller = caller_of(request)
    caller = caller._replace(language=language_of(request, sent.get("lang", "")))
    proven = token_holds(app[SIGNING_KEYS].form_secret, app[SITE].audience, sent.get("token", ""), caller.now)
    if not proven:
        return failure(request, UNPROVEN)
    content = _permitted_once(caller, vendor, sent.get("of", ""), app[SITE].origin)
    if content is None:
        return failure(request, Failure(BAD_REQUEST, "this is not what that company would show here"))
    app[LEDGER].count("embed.once", caller.now)
    response = page(once_html(caller.policy, vendor, caller.language, reserved=app[SITE].reserved, url=str(content)))
    response.headers["Content-Security-Policy"] = _ONCE_CSP.format(hosts=_hosts_of(caller.policy, vendor))
    return response


def _permitted_once(caller: Caller, vendor: str, address: str, origin: str) -> Url | None:
    """The address, if it is the vendor's and would be permitted with a consent to the vendor given now."""
    try:
        url, home = parse_url(address), parse_url(f"{origin}/")
    except UrlError:
        return None
    if not url.is_network or (home.scheme == "https" and url.scheme != "https"):
        return None
    granted = choose(caller.policy, Posting(source=Source.FORM, vendors=(vendor,)), caller.visitor, caller.signals)
    if isinstance(granted, Failure):
        return None
    visitor = replace(
        caller.visitor,
        granted=granted.granted,
        refused=granted.refused,
        shown_with=granted.shown_with,
        decided_at=caller.now,
    )
    asked = Exchange(
        method="GET",
        url=url,
        host_site=registrable_domain(url.host),
        page=home,
        page_site=registrable_domain(home.host),
        kind=Kind.FRAME,
        signals=caller.signals,
    )
    ruling = rule_on_request(caller.policy, visitor, asked)
    return url if ruling.direct and ruling.vendor == vendor else None


def _hosts_of(policy: Policy, vendor: str) -> str:
    hosts = {
        host for host, rules in policy.requests.by_host.items() if any(rule.vendor == vendor for rule in rules) and host
    }
    return " ".join(f"{host}:* *.{host}:*" for host in sorted(hosts))
