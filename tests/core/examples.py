"""One small policy and builders for exchanges, so that a test names only what it is about.

May go in here: values. May not: assertions, files, the shipped catalogue.
"""

import copy
from collections.abc import Iterable
from typing import Any

from cmp.core.cookies import read_cookie_header, read_set_cookie
from cmp.core.exchange import Exchange, Kind, Phase, Unseen
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from cmp.core.urls import parse_url
from cmp.policy.load import policy_of
from cmp.sites import registrable_domain

NOW = 1_800_000_000.0
YEAR = 366 * 86_400

SHOP: dict[str, Any] = {
    "consentry": 1,
    "id": "shop",
    "version": "1",
    "title": {"en": "Privacy at the shop"},
    "categories": {
        "comfort": {"basis": "consent", "title": {"en": "Comfort"}},
        "necessary": {"basis": "necessary", "title": {"en": "Necessary"}},
        "payment": {"basis": "necessary", "title": {"en": "Payment"}},
        "analytics": {"basis": "consent", "title": {"en": "Analytics"}},
        "advertising": {"basis": "consent", "title": {"en": "Advertising"}},
        "research": {"basis": "consent", "default": "allow", "title": {"en": "Research"}},
        "profiling": {"basis": "consent", "never": True, "title": {"en": "Profiling"}},
    },
    "vendors": [
        {"id": "pay", "name": "Pay", "category": "payment", "hosts": ["pay.test"]},
        {
            "id": "stats",
            "name": "Stats",
            "category": "analytics",
            "hosts": ["stats.test"],
            "signatures": [{"path": "/collect", "query": ["tid", "v"]}],
            "cookies": [{"name": "_st", "lifetime": "1 year"}, {"name": "_st_*", "lifetime": "30 minutes"}],
        },
        {
            "id": "ads",
            "name": "Ads",
            "category": "advertising",
            "hosts": ["ads.test"],
            "signatures": [{"host": "social.test", "path": "/tr*"}],
            "cookies": [{"name": "ad_id", "hosts": ["ads.test"], "lifetime": "13 months"}],
        },
        {"id": "panel", "name": "Panel", "category": "research", "hosts": ["panel.test"]},
        {"id": "profiler", "name": "Profiler", "category": "profiling", "hosts": ["profiler.test"]},
        {"id": "chat", "name": "Chat", "category": "comfort", "hosts": ["chat.test", "help.shop.test"]},
    ],
    "cookies": [
        {"name": "sid", "category": "necessary", "lifetime": "session"},
        {"name": "cart", "category": "necessary", "lifetime": "2 days"},
        {"name": "csrf_*", "category": "necessary"},
        {"name": "theme", "category": "comfort", "party": "first", "lifetime": "1 year"},
    ],
    "unknown": {"host": "deny", "cookie": "deny"},
    "signals": {
        "gpc": {"denies": ["advertising"], "grantOverrides": True},
        "dnt": {"denies": ["advertising", "analytics"]},
    },
}


def shop(**changes: Any) -> dict[str, Any]:
    """The shop's policy document; a change replaces a top-level key, None takes it out."""
    document = {**copy.deepcopy(SHOP), **changes}
    return {key: value for key, value in document.items() if value is not None}


def compiled(**changes: Any) -> Policy:
    return policy_of(shop(**changes), "shop.json")


def exchange(
    url: str,
    page: str | None = "https://www.shop.test/",
    *,
    kind: Kind = Kind.SCRIPT,
    cookie: str = "",
    set_cookies: Iterable[str] = (),
    gpc: bool = False,
    dnt: bool | None = None,
    unseen: Iterable[Unseen] = (),
) -> Exchange:
    """An exchange as the edges would read it; a document is its own page."""
    target = parse_url(url)
    from_page = target if kind is Kind.DOCUMENT else parse_url(page) if page is not None else None
    answers = tuple(read_set_cookie(line) for line in set_cookies)
    return Exchange(
        method="GET",
        url=target,
        host_site=registrable_domain(target.host),
        page=from_page,
        page_site=registrable_domain(from_page.host) if from_page is not None else "",
        kind=kind,
        phase=Phase.RESPONSE if answers else Phase.REQUEST,
        time=NOW,
        signals=Signals(gpc=gpc, dnt=dnt),
        cookies=read_cookie_header(cookie),
        set_cookies=answers,
        unseen=frozenset(unseen),
    )
