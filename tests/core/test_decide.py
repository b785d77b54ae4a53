"""The one decision, case by case: what is done with an exchange, by which rule, and why."""

from collections.abc import Sequence
from typing import Any

import pytest

from cmp.core.consent import NO_CHOICE, Visitor, supposed_visitor
from cmp.core.decide import decide
from cmp.core.exchange import Exchange, Kind, Unseen
from cmp.core.policy import Policy
from cmp.core.signals import Signals
from tests.core.examples import YEAR, compiled, exchange, shop

# Without "sites": each page's own site is the first party, as for an organisation's proxy or an auditor.
OPEN = compiled()
# The operator's own policy.
SCOPED = compiled(sites=["shop.test"])
REPORT = compiled(unknown={"host": "report", "cookie": "report"})
ALLOW = compiled(unknown={"host": "allow", "cookie": "allow"})
PRESUME = compiled(unknown={"host": "report", "cookie": "report"}, presume=["http-only-session"])

PAGE = "https://www.shop.test/"
PAST = "Expires=Thu, 01 Jan 1970 00:00:00 GMT"
# Fri, 15 Jan 2027 08:00:00 is the moment of every exchange here.
IN_TEN_YEARS = "Expires=Thu, 15 Jan 2037 08:00:00 GMT"
IN_A_MINUTE = "Expires=Fri, 15 Jan 2027 08:01:00 GMT"

Case = tuple[Policy, str, Exchange, str, str, str, Sequence[str]]

REQUESTS: dict[str, Case] = {
    "own page": (OPEN, "none", exchange(PAGE, kind=Kind.DOCUMENT), "allow", "navigation", "navigation", []),
    "own script": (OPEN, "none", exchange("https://www.shop.test/a.js"), "allow", "first-party", "first-party", []),
    "sister host": (OPEN, "none", exchange("https://cdn.shop.test/a.js"), "allow", "first-party", "first-party", []),
    "known, no choice": (OPEN, "none", exchange("https://stats.test/"), "block", "default-denied", "vendor:stats", []),
    "known, refused": (OPEN, "refuse", exchange("https://stats.test/"), "block", "refused", "vendor:stats", []),
    "known, accepted": (OPEN, "accept", exchange("https://stats.test/"), "allow", "granted", "vendor:stats", []),
    "known, another category accepted": (
        *(OPEN, "comfort", exchange("https://stats.test/")),
        *("block", "refused", "vendor:stats", []),
    ),
    "known, by sub-domain": (
        OPEN,
        "none",
        exchange("https://a.b.stats.test/"),
        "block",
        "default-denied",
        "vendor:stats",
        [],
    ),
    "known, allowed by default": (
        *(OPEN, "none", exchange("https://panel.test/")),
        *("allow", "default-allowed", "vendor:panel", []),
    ),
    "known, never": (OPEN, "accept", exchange("https://profiler.test/"), "block", "never", "vendor:profiler", []),
    "known, necessary": (OPEN, "refuse", exchange("https://pay.test/"), "allow", "necessary", "vendor:pay", []),
    "GPC, no choice": (OPEN, "none", exchange("https://ads.test/", gpc=True), "block", "gpc", "vendor:ads", []),
    "GPC, accepted while shown": (
        *(OPEN, "accept", exchange("https://ads.test/", gpc=True)),
        *("allow", "granted-over-signal", "vendor:ads", []),
    ),
    "DNT: 1, accepted while shown, no override": (
        *(OPEN, "accept", exchange("https://stats.test/", dnt=True)),
        *("block", "dnt", "vendor:stats", []),
    ),
    "DNT: 0": (OPEN, "none", exchange("https://stats.test/", dnt=False), "block", "default-denied", "vendor:stats", []),
    "signature on a shared host": (
        *(OPEN, "none", exchange("https://www.social.test/tr?id=1", kind=Kind.IMAGE)),
        *("block", "default-denied", "vendor:ads#social.test/tr*", []),
    ),
    "shared host without the signature": (
        *(OPEN, "none", exchange("https://www.social.test/post")),
        *("block", "unknown-denied", "unknown.host", []),
    ),
    "endpoint on the site itself": (
        *(OPEN, "none", exchange("https://www.shop.test/collect?tid=1&v=2", kind=Kind.BEACON)),
        *("block", "default-denied", "vendor:stats#/collect?tid&v", []),
    ),
    "endpoint on the site itself, accepted": (
        *(OPEN, "accept", exchange("https://www.shop.test/collect?tid=1&v=2", kind=Kind.BEACON)),
        *("allow", "granted", "vendor:stats#/collect?tid&v", []),
    ),
    "endpoint on an unknown host": (
        *(ALLOW, "none", exchange("https://collector.test/collect?tid=1&v=2")),
        *("block", "default-denied", "vendor:stats#/collect?tid&v", []),
    ),
    "unknown, denied": (OPEN, "accept", exchange("https://who.test/"), "block", "unknown-denied", "unknown.host", []),
    "unknown, reported": (
        REPORT,
        "none",
        exchange("https://who.test/"),
        "allow",
        "unknown-reported",
        "unknown.host",
        [],
    ),
    "unknown, allowed": (ALLOW, "none", exchange("https://who.test/"), "allow", "unknown-allowed", "unknown.host", []),
    "known is not let pass as unknown": (
        *(ALLOW, "none", exchange("https://stats.test/")),
        *("block", "default-denied", "vendor:stats", []),
    ),
    "without a page nobody is first": (
        *(OPEN, "none", exchange("https://www.shop.test/a.js", None, unseen=[Unseen.PAGE])),
        *("block", "unknown-denied", "unknown.host", []),
    ),
    "frame of the site": (
        *(OPEN, "none", exchange("https://www.shop.test/f", kind=Kind.FRAME)),
        *("allow", "first-party", "first-party", []),
    ),
    "frame of a vendor": (
        *(OPEN, "none", exchange("https://ads.test/f", kind=Kind.FRAME)),
        *("block", "default-denied", "vendor:ads", []),
    ),
    "going to a vendor's page": (
        *(OPEN, "refuse", exchange("https://ads.test/", kind=Kind.DOCUMENT)),
        *("allow", "navigation", "navigation", []),
    ),
    "going to an endpoint's address": (
        *(OPEN, "none", exchange("https://www.shop.test/collect?tid=1&v=2", kind=Kind.DOCUMENT)),
        *("allow", "navigation", "navigation", []),
    ),
    "guessed page of a vendor": (
        *(OPEN, "none", exchange("http://ads.test/", kind=Kind.DOCUMENT, unseen=[Unseen.KIND])),
        *("block", "default-denied", "vendor:ads", []),
    ),
    "guessed page of a vendor, accepted": (
        *(OPEN, "accept", exchange("http://ads.test/", kind=Kind.DOCUMENT, unseen=[Unseen.KIND])),
        *("allow", "granted", "vendor:ads", []),
    ),
    "guessed page of somebody": (
        *(OPEN, "none", exchange("http://who.test/", kind=Kind.DOCUMENT, unseen=[Unseen.KIND])),
        *("allow", "navigation", "navigation", []),
    ),
    "on a vendor's own pages it is first": (
        *(OPEN, "none", exchange("https://cdn.ads.test/a.js", "https://www.ads.test/")),
        *("allow", "first-party", "first-party", []),
    ),
    "scoped: own site": (
        *(SCOPED, "none", exchange("https://www.shop.test/a.js")),
        *("allow", "first-party", "first-party", []),
    ),
    "scoped: own site without a page": (
        *(SCOPED, "none", exchange("https://www.shop.test/a.js", None)),
        *("allow", "first-party", "first-party", []),
    ),
    "scoped: a vendor on a host of the site": (
        *(SCOPED, "none", exchange("https://help.shop.test/w.js")),
        *("block", "default-denied", "vendor:chat", []),
    ),
    "scoped: a vendor's own pages are still third": (
        *(SCOPED, "none", exchange("https://cdn.ads.test/a.js", "https://www.ads.test/")),
        *("block", "default-denied", "vendor:ads", []),
    ),
    "scoped: another site on its own pages is unknown": (
        *(SCOPED, "none", exchange("https://www.who.test/a.js", "https://www.who.test/")),
        *("block", "unknown-denied", "unknown.host", []),
    ),
    "scoped: going elsewhere": (
        *(SCOPED, "none", exchange("https://www.who.test/", kind=Kind.DOCUMENT)),
        *("allow", "navigation", "navigation", []),
    ),
    "websocket to a vendor": (
        *(OPEN, "none", exchange("wss://chat.test/live", kind=Kind.WEBSOCKET)),
        *("block", "default-denied", "vendor:chat", []),
    ),
    "our own endpoint": (
        *(SCOPED, "refuse", exchange("https://www.shop.test/.consent/", kind=Kind.CONSENT, cookie="x=1; _st=2")),
        *("allow", "necessary", "consent-endpoint", []),
    ),
    "address": (OPEN, "none", exchange("https://192.0.2.7/p.gif"), "block", "unknown-denied", "unknown.host", []),
    "address of the page itself": (
        *(OPEN, "none", exchange("http://192.0.2.7:8080/a.js", "http://192.0.2.7/")),
        *("allow", "first-party", "first-party", []),
    ),
    "another customer of the same public suffix": (
        *(OPEN, "none", exchange("https://evil.github.io/a.js", "https://shop.github.io/")),
        *("block", "unknown-denied", "unknown.host", []),
    ),
}

OWN = "https://www.shop.test/"
COOKIES: dict[str, Case] = {
    "necessary cookies stay": (
        *(OPEN, "refuse", exchange(OWN, cookie="sid=1; cart=2; csrf_a=3")),
        *("allow", "first-party", "first-party", []),
    ),
    "a cookie refused": (
        *(OPEN, "refuse", exchange(OWN, cookie="sid=1; _st=2")),
        *("edit", "first-party", "first-party", ["strip-cookie _st refused cookie:stats/_st"]),
    ),
    "a cookie granted": (
        *(OPEN, "analytics", exchange(OWN, cookie="_st=2; _st_9=1")),
        *("allow", "first-party", "first-party", []),
    ),
    "a cookie on a page": (
        *(OPEN, "none", exchange(OWN, cookie="_st=2", kind=Kind.DOCUMENT)),
        *("edit", "navigation", "navigation", ["strip-cookie _st default-denied cookie:stats/_st"]),
    ),
    "an unknown cookie": (
        *(OPEN, "accept", exchange(OWN, cookie="x=1")),
        *("edit", "first-party", "first-party", ["strip-cookie x unknown-denied unknown.cookie"]),
    ),
    "an unknown cookie, reported": (
        *(REPORT, "none", exchange(OWN, cookie="x=1")),
        *("allow", "first-party", "first-party", []),
    ),
    "a nameless cookie": (
        *(OPEN, "accept", exchange(OWN, cookie="lonely")),
        *("edit", "first-party", "first-party", ["strip-cookie  unknown-denied unknown.cookie"]),
    ),
    "duplicates are one edit": (
        *(OPEN, "none", exchange(OWN, cookie="_st=1; sid=1; _st=2; _st_1=3")),
        *("edit", "first-party", "first-party"),
        ["strip-cookie _st default-denied cookie:stats/_st", "strip-cookie _st_1 default-denied cookie:stats/_st_*"],
    ),
    "cookies of a blocked request are not looked at": (
        *(OPEN, "none", exchange("https://ads.test/", cookie="ad_id=1")),
        *("block", "default-denied", "vendor:ads", []),
    ),
    "a vendor's undeclared cookie is the vendor's": (
        *(OPEN, "advertising", exchange("https://ads.test/", cookie="ad_id=1; other=2")),
        *("allow", "granted", "vendor:ads", []),
    ),
    "a cookie by name on another vendor's host": (
        *(OPEN, "advertising", exchange("https://ads.test/", cookie="_st=1")),
        *("edit", "granted", "vendor:ads", ["strip-cookie _st refused cookie:stats/_st"]),
    ),
    "a cookie limited to a host, elsewhere": (
        *(OPEN, "accept", exchange(OWN, cookie="ad_id=1")),
        *("edit", "first-party", "first-party", ["strip-cookie ad_id unknown-denied unknown.cookie"]),
    ),
    "a first-party cookie on a third host": (
        *(OPEN, "accept", exchange("https://ads.test/", cookie="theme=1")),
        *("allow", "granted", "vendor:ads", []),
    ),
    "GPC takes a cookie granted before": (
        *(compiled(signals={"gpc": {"denies": "all"}}), "accept", exchange(OWN, cookie="_st=1", gpc=True)),
        *("edit", "first-party", "first-party", ["strip-cookie _st gpc cookie:stats/_st"]),
    ),
    "set: necessary": (
        *(OPEN, "none", exchange(OWN, set_cookies=["sid=1; HttpOnly"])),
        *("allow", "first-party", "first-party", []),
    ),
    "set: refused": (
        *(OPEN, "refuse", exchange(OWN, set_cookies=["sid=1", "_st=1; Max-Age=60"])),
        *("edit", "first-party", "first-party", ["strip-set-cookie _st refused cookie:stats/_st 1"]),
    ),
    "set: nameless, read back as one": (
        *(OPEN, "refuse", exchange(OWN, set_cookies=["=_st=1", "_st", "== _st=1", "=sid=1"])),
        *("edit", "first-party", "first-party"),
        [f"strip-set-cookie  refused cookie:stats/_st {index}" for index in range(3)],
    ),
    "set: unknown": (
        *(OPEN, "accept", exchange(OWN, set_cookies=["x=1"])),
        *("edit", "first-party", "first-party", ["strip-set-cookie x unknown-denied unknown.cookie 0"]),
    ),
    "set: too long": (
        *(OPEN, "accept", exchange(OWN, set_cookies=["_st=1; Max-Age=63072000"])),
        *("edit", "first-party", "first-party", [f"cap-set-cookie _st lifetime cookie:stats/_st 0 {YEAR}"]),
    ),
    "set: too long by its date": (
        *(OPEN, "accept", exchange(OWN, set_cookies=[f"_st=1; {IN_TEN_YEARS}"])),
        *("edit", "first-party", "first-party", [f"cap-set-cookie _st lifetime cookie:stats/_st 0 {YEAR}"]),
    ),
    "set: exactly as long as declared": (
        *(OPEN, "accept", exchange(OWN, set_cookies=[f"_st=1; Max-Age={YEAR}"])),
        *("allow", "first-party", "first-party", []),
    ),
    "set: a second longer than declared": (
        *(OPEN, "accept", exchange(OWN, set_cookies=[f"_st=1; Max-Age={YEAR + 1}"])),
        *("edit", "first-party", "first-party", [f"cap-set-cookie _st lifetime cookie:stats/_st 0 {YEAR}"]),
    ),
    "set: Max-Age counts, not the date": (
        *(OPEN, "accept", exchange(OWN, set_cookies=[f"_st=1; Max-Age=60; {IN_TEN_YEARS}"])),
        *("allow", "first-party", "first-party", []),
    ),
    "set: declared to end with the session": (
        *(OPEN, "none", exchange(OWN, set_cookies=[f"sid=1; {IN_A_MINUTE}"])),
        *("edit", "first-party", "first-party", ["session-set-cookie sid lifetime cookie:sid 0"]),
    ),
    "set: session though more was declared": (
        *(OPEN, "none", exchange(OWN, set_cookies=["cart=1"])),
        *("allow", "first-party", "first-party", []),
    ),
    "set: no lifetime declared": (
        *(OPEN, "none", exchange(OWN, set_cookies=["csrf_x=1; Max-Age=999999999"])),
        *("allow", "first-party", "first-party", []),
    ),
    "set: taken away": (
        *(OPEN, "refuse", exchange(OWN, set_cookies=[f"_st=; {PAST}", "x=; Max-Age=0", f"sid=; {PAST}"])),
        *("allow", "first-party", "first-party", []),
    ),
    "set: not taken away, whatever its date": (
        *(OPEN, "refuse", exchange(OWN, set_cookies=[f"_st=1; {PAST}; Max-Age=60"])),
        *("edit", "first-party", "first-party", ["strip-set-cookie _st refused cookie:stats/_st 0"]),
    ),
    "set: twice the same name": (
        *(OPEN, "refuse", exchange(OWN, set_cookies=["_st=1", f"_st=; {PAST}", "_st=2; Domain=shop.test"])),
        *("edit", "first-party", "first-party"),
        ["strip-set-cookie _st refused cookie:stats/_st 0", "strip-set-cookie _st refused cookie:stats/_st 2"],
    ),
    "set: HttpOnly is no excuse where nothing is presumed": (
        *(OPEN, "none", exchange(OWN, set_cookies=["x=1; HttpOnly"])),
        *("edit", "first-party", "first-party", ["strip-set-cookie x unknown-denied unknown.cookie 0"]),
    ),
    "set: going to a vendor's page, its cookies are unknown": (
        *(OPEN, "none", exchange("https://who.test/", kind=Kind.DOCUMENT, set_cookies=["x=1"])),
        *("edit", "navigation", "navigation", ["strip-set-cookie x unknown-denied unknown.cookie 0"]),
    ),
    "request edits come before answer edits": (
        *(OPEN, "refuse", exchange(OWN, cookie="_st=1", set_cookies=["_st=1"])),
        *("edit", "first-party", "first-party"),
        ["strip-cookie _st refused cookie:stats/_st", "strip-set-cookie _st refused cookie:stats/_st 0"],
    ),
}


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in {**REQUESTS, **COOKIES}.items()])
def test_decision(case: Case) -> None:
    policy, choice, asked, action, reason, rule, edits = case
    decision = decide(policy, supposed_visitor(policy, choice, asked.signals), asked)
    assert (decision.action, decision.ruling.reason, decision.ruling.rule) == (action, reason, rule)
    found = [
        " ".join(
            str(part)
            for part in (edit.kind, edit.name, edit.ruling.reason, edit.ruling.rule, edit.index, edit.max_age)
            if part is not None
        )
        for edit in decision.edits
    ]
    assert found == list(edits)


def test_a_decision_names_category_and_vendor() -> None:
    ruling = decide(OPEN, NO_CHOICE, exchange("https://stats.test/")).ruling
    assert (ruling.category, ruling.vendor) == ("analytics", "stats")


@pytest.mark.parametrize(
    "asked, policy, category",
    [
        pytest.param(exchange(OWN), OPEN, "necessary", id="the site's own: the category called necessary"),
        pytest.param(exchange("https://who.test/", kind=Kind.DOCUMENT), SCOPED, None, id="somebody else's page: none"),
        pytest.param(exchange("https://who.test/"), REPORT, None, id="unknown: none"),
    ],
)
def test_the_category_of_what_is_no_vendors(asked: Exchange, policy: Policy, category: str | None) -> None:
    ruling = decide(policy, NO_CHOICE, asked).ruling
    assert (ruling.category, ruling.vendor) == (category, None)


def test_the_sites_own_category_does_not_depend_on_the_order_of_keys() -> None:
    categories = shop()["categories"]
    turned = compiled(categories=dict(reversed(categories.items())))
    assert turned.fingerprint == OPEN.fingerprint
    assert decide(turned, NO_CHOICE, exchange(OWN)) == decide(OPEN, NO_CHOICE, exchange(OWN))


def test_an_older_grant_gives_way_to_a_signal_that_is_new() -> None:
    granted_before = Visitor(granted=frozenset({"advertising"}), shown_with=Signals())
    assert decide(OPEN, granted_before, exchange("https://ads.test/")).ruling.reason == "granted"
    assert decide(OPEN, granted_before, exchange("https://ads.test/", gpc=True)).ruling.reason == "gpc"


def reported(policy: Policy, asked: Exchange) -> list[tuple[Any, str]]:
    return [(ruling.reason, ruling.rule) for ruling in decide(policy, NO_CHOICE, asked).reported]


@pytest.mark.parametrize(
    "policy, asked, expected",
    [
        pytest.param(
            REPORT, exchange("https://who.test/"), [("unknown-reported", "unknown.host")], id="an unknown host"
        ),
        pytest.param(
            REPORT,
            exchange(OWN, cookie="x=1; y=2"),
            [("unknown-reported", "unknown.cookie")],
            id="unknown cookies, once",
        ),
        pytest.param(
            REPORT,
            exchange(OWN, set_cookies=["x=1"]),
            [("unknown-reported", "unknown.cookie")],
            id="an unknown Set-Cookie",
        ),
        pytest.param(
            REPORT,
            exchange("https://who.test/", cookie="x=1"),
            [("unknown-reported", "unknown.host"), ("unknown-reported", "unknown.cookie")],
            id="host and cookie",
        ),
        pytest.param(REPORT, exchange(OWN, set_cookies=["x=; Max-Age=0"]), [], id="not one taken away"),
        pytest.param(REPORT, exchange(OWN, cookie="sid=1"), [], id="not a declared one"),
        pytest.param(REPORT, exchange("https://stats.test/"), [], id="nothing of what is blocked"),
        pytest.param(ALLOW, exchange("https://who.test/", cookie="x=1"), [], id="nothing where unknown is allowed"),
        pytest.param(OPEN, exchange("https://who.test/"), [], id="nor where it is denied"),
        pytest.param(
            PRESUME,
            exchange(OWN, set_cookies=["PHPSESSID=1; HttpOnly"]),
            [("presumed-necessary", "presume.http-only-session")],
            id="a presumption",
        ),
        pytest.param(
            PRESUME,
            exchange(OWN, set_cookies=["x=1"]),
            [("unknown-reported", "unknown.cookie")],
            id="no presumption for one that scripts can read",
        ),
        pytest.param(
            PRESUME,
            exchange(OWN, set_cookies=["x=1; HttpOnly; Max-Age=60"]),
            [("unknown-reported", "unknown.cookie")],
            id="nor for one that stays",
        ),
        pytest.param(
            PRESUME,
            exchange("https://who.test/a", set_cookies=["x=1; HttpOnly"]),
            [("unknown-reported", "unknown.host"), ("unknown-reported", "unknown.cookie")],
            id="nor for a third party",
        ),
        pytest.param(
            PRESUME, exchange(OWN, set_cookies=["sid=1; HttpOnly"]), [], id="nor for one that is declared anyway"
        ),
    ],
)
def test_what_passes_undeclared_is_reported(policy: Policy, asked: Exchange, expected: list[tuple[str, str]]) -> None:
    assert reported(policy, asked) == expected


def test_a_presumption_never_saves_a_refused_cookie() -> None:
    asked = exchange(OWN, set_cookies=["_st=1; HttpOnly"])
    decision = decide(PRESUME, supposed_visitor(PRESUME, "refuse"), asked)
    assert [(edit.kind, edit.ruling.reason) for edit in decision.edits] == [("strip-set-cookie", "refused")]
