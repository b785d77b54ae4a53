"""Which cookies have to go once a choice is made.

May go in here: asking the one decision about each cookie the request carried. May not: how a cookie is expired
(`cmp.wire.expiry`).
"""

from collections.abc import Iterable, Sequence

from cmp.core.consent import Visitor
from cmp.core.cookies import RequestCookie
from cmp.core.decide import rule_on_cookie
from cmp.core.exchange import Exchange, Kind
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import UrlError, parse_url
from cmp.seal.site import ConsentSite
from cmp.sites import registrable_domain
from cmp.wire.expiry import expiring_set_cookies


def expiring_lines(
    policy: Policy,
    site: ConsentSite,
    visitor: Visitor,
    *,
    signals: Signals,
    cookies: Iterable[RequestCookie],
    page: str,
) -> Sequence[str]:
    """Set-Cookie values that expire each first-party cookie the visitor now denies. `page` is a path on the site."""
    cookies = [cookie for cookie in cookies if cookie.name != site.cookie_name]
    if not cookies:
        return ()
    home = parse_url(f"{site.origin}/")
    try:
        url = parse_url(page, home)
    except UrlError:
        url = home
    if url.origin != home.origin:
        url = home
    site_name = registrable_domain(home.host)
    exchange = Exchange(
        method="GET",
        url=url,
        host_site=site_name,
        page=url,
        page_site=site_name,
        kind=Kind.DOCUMENT,
        signals=signals,
        cookies=tuple(cookies),
    )
    denied = denied_names(policy, visitor, exchange, keep=site.cookie_name)
    return expiring_set_cookies(denied, home.host, url.path, secure=site.secure)


def denied_names(policy: Policy, visitor: Visitor, exchange: Exchange, *, keep: str) -> Sequence[str]:
    """Names of the exchange's cookies that may not be there, in order, each once."""
    names = dict.fromkeys(cookie.name for cookie in exchange.cookies if cookie.name != keep)
    return [name for name in names if not rule_on_cookie(policy, visitor, exchange, name).allowed]
