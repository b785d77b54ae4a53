"""Whether the Content-Security-Policy of somebody who accepted everything has room for all that is then permitted.

May go in here: the one lint that needs the wire's own measure. May not: writing such policies (`cmp.wire.csp`), lints
that need nothing from above (`cmp.policy.lints`).
"""

from collections.abc import Iterator

from cmp.core.classify import host_suffixes
from cmp.core.consent import Visitor, supposed_visitor
from cmp.core.exchange import Exchange, Kind
from cmp.core.on_requests import rule_on_request
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS
from cmp.core.urls import Url, is_ip
from cmp.policy.lints import Found, Level, Lint, Subject
from cmp.sites import registrable_domain
from cmp.wire.csp import CSP_LIMIT, strict_csp


def csp_size(policy: Policy) -> Lint:
    """The lint for a compiled policy; one composed of several is measured as a whole."""

    def find(subject: Subject) -> Iterator[Found]:
        permitted, admitted = measure(policy)
        if admitted < permitted:
            what = (
                f'after "accept all" {permitted} hosts are permitted, and the Content-Security-Policy has room for '
                f"{admitted} ({CSP_LIMIT} bytes): the others load on pages that name them only"
            )
            where = ("catalogue",) if "catalogue" in subject.document else ("vendors",)
            yield where, what, "adopt or declare the vendors that the site uses, and no others"

    return Lint("csp-size", Level.WARNING, find)


def measure(policy: Policy) -> tuple[int, int]:
    """How many declared hosts a visitor who accepted everything may ask, and how many of them the header admits.

    Both are 0 where there is no such header.
    """
    visitor = supposed_visitor(policy, "accept")
    page = Url("https", min(policy.sites, default="www.site.test"), 443, "/", "")
    csp = strict_csp(policy, visitor, NO_SIGNALS, page, (), reserved="/.consent/")
    if csp is None:
        return 0, 0
    sources = frozenset(csp.partition(";")[0].split())
    # No such policy can name an IPv6 address.
    hosts = [
        host for host in policy.requests.by_host if not host.startswith("[") and _asked(policy, visitor, page, host)
    ]
    return len(hosts), sum(_admitted(host, sources) for host in hosts)


def _asked(policy: Policy, visitor: Visitor, page: Url, host: str) -> bool:
    exchange = Exchange(
        method="GET",
        url=Url("https", host, 443, "/", ""),
        host_site=registrable_domain(host),
        page=page,
        page_site=registrable_domain(page.host),
        kind=Kind.SCRIPT,
    )
    return rule_on_request(policy, visitor, exchange).direct


def _admitted(host: str, sources: frozenset[str]) -> bool:
    if f"{host}:*" in sources:
        return True
    return not is_ip(host) and any(f"*.{suffix}:*" in sources for suffix in list(host_suffixes(host))[1:])
