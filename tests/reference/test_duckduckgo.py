"""DuckDuckGo's reference tests, as far as they are about what a proxy does (docs/reference-tests.md).

The vectors are read from the folder of shared data and nothing of them is copied here. How many pass and how many are
left out is pinned: a vector that is new must be looked at.
"""

import json
from functools import cache
from typing import Any

from cmp.capture.observe import with_answer
from cmp.core.consent import NO_CHOICE
from cmp.core.decide import decide
from cmp.core.decision import EditKind
from cmp.core.policy import Policy
from cmp.lists.content import Filing
from cmp.lists.duckduckgo import DuckDuckGoSource, read_ddg
from cmp.wire.stubs import stub_for
from tests.lists.world import CATEGORIES, DIGEST, policy_with, request, usual, visitor
from tests.shared import needs_shared, shared

pytestmark = needs_shared

ROOT = "reference-tests/duckduckgo"
MATCHING = f"{ROOT}/tracker-radar-tests/TR-domain-matching"
COOKIES = f"{ROOT}/block-third-party-tracking-cookies"
GPC = f"{ROOT}/global-privacy-control"
CLICK = f"{ROOT}/click-to-load"

# Sites that DuckDuckGo's configuration excepts from a feature. A policy is one site's: a site that wants no list names
# none, so there is nothing to look up.
EXCEPTED_SITES = frozenset(
    {
        "https://exception.local.site/path?query=value",
        "https://exception.global.site/path?query=value",
        "https://allowed.example",
        "https://www.washingtonpost.com/",
        "https://globalprivacycontrol.org/",
    }
)


def data(path: str) -> Any:
    return json.loads(shared(path).read_bytes())


def vectors(folder: str, *suites: str) -> list[dict[str, Any]]:
    document = data(f"{folder}/{'domain_matching_tests' if folder == MATCHING else 'tests'}.json")
    return [test for suite in suites or document for test in document[suite]["tests"]]


@cache
def source(path: str, categories: tuple[tuple[str, str], ...] = ()) -> DuckDuckGoSource:
    content = read_ddg(shared(path).read_bytes())
    return DuckDuckGoSource(content, Filing("ddg", DIGEST, categories=usual(content, dict(categories))))


def stopped(policy: Policy, test: dict[str, Any], page: str, url: str, *granted: str) -> bool:
    return decide(
        policy, visitor(policy, *granted), request(test[url], test[page], test.get("requestType", "script"))
    ).blocked


def test_requests_are_stopped_where_trackers_are_matched() -> None:
    policy = policy_with(source(f"{MATCHING}/tracker_radar_reference.json"))
    tests = vectors(MATCHING, "domainTests", "surrogateTests")
    wrong = [
        test["name"]
        for test in tests
        if stopped(policy, test, "siteURL", "requestURL") != (test["expectAction"] in ("block", "redirect"))
    ]
    assert wrong == []
    assert len(tests) == 134
    # Where DuckDuckGo puts a script of its own in place of the tracker's, a stub of ours comes.
    replaced = [test for test in tests if test["expectAction"] == "redirect"]
    assert {stub_for(request(test["requestURL"], word=test["requestType"]).kind).media_type for test in replaced} == {
        "text/javascript; charset=utf-8"
    }
    assert len(replaced) == 6


def test_what_a_site_allows_passes_before_any_list() -> None:
    allowed = data(f"{MATCHING}/tracker_allowlist_reference.json")
    rules = [(rule["rule"], rule["domains"]) for entry in allowed.values() for rule in entry["rules"]]
    signatures, hosts = [], []
    for rule, _ in rules:
        host, slash, path = rule.partition("/")
        if slash:
            signatures.append({"host": host, "path": f"/{path}*"})
        else:
            hosts.append(host)
    vendor = {"id": "allowed", "name": "Allowed", "category": "necessary", "hosts": hosts, "signatures": signatures}
    policy = policy_with(source(f"{MATCHING}/tracker_allowlist_tds_reference.json"), vendors=[vendor])
    tests = data(f"{MATCHING}/tracker_allowlist_matching_tests.json")
    # Which sites an entry is for is not for a policy to say: it is one site's.
    about_sites = [test for test in tests if "hosttest.js" in test["request"] or "testsite2" in test["site"]]
    about_sites += [test for test in tests if "anothertestsite" in test["site"]]
    kept = [test for test in tests if test not in about_sites]
    wrong = [test["description"] for test in kept if stopped(policy, test, "site", "request") == test["isAllowlisted"]]
    assert wrong == []
    assert (len(kept), len(about_sites)) == (12, 13)


def test_cookies_of_trackers_stay_behind() -> None:
    # Domains excepted by DuckDuckGo are what a policy declares as necessary.
    excepted = data(f"{COOKIES}/config_reference.json")["features"]["trackingCookies3p"]["settings"][
        "excludedCookieDomains"
    ]
    hosts = [entry["domain"] for entry in excepted]
    vendor = {
        "id": "excepted",
        "name": "Excepted",
        "category": "necessary",
        "hosts": hosts,
        "cookies": [{"name": "*", "purpose": "Needed", "hosts": hosts}],
    }
    policy = policy_with(source(f"{COOKIES}/tracker_radar_reference.json"), vendors=[vendor])
    tests = vectors(COOKIES, "cookieHeader", "setCookieHeader")
    kept = [test for test in tests if test["siteURL"] not in EXCEPTED_SITES]
    assert [test["name"] for test in kept if not _as_expected(policy, test)] == []
    assert (len(kept), len(tests) - len(kept), len(vectors(COOKIES, "cookieAPI"))) == (16, 4, 8)


def _as_expected(policy: Policy, test: dict[str, Any]) -> bool:
    sent = [(header["name"], header["value"]) for header in test.get("requestHeaders", [])]
    exchange = request(test["requestURL"], test["siteURL"], "image", sent)
    if "responseHeaders" in test:
        exchange = with_answer(exchange, [(header["name"], header["value"]) for header in test["responseHeaders"]])
    decision = decide(policy, visitor(policy), exchange)
    gone = [edit for edit in decision.edits if edit.kind in (EditKind.STRIP_COOKIE, EditKind.STRIP_SET_COOKIE)]
    carried = len({cookie.name for cookie in exchange.cookies}) + len(exchange.set_cookies)
    removed = test.get("expectCookieHeadersRemoved", test.get("expectSetCookieHeadersRemoved"))
    if removed:
        return decision.blocked or len(gone) == carried
    return not decision.blocked and not gone


def test_gpc_goes_on_as_the_visitor_sent_it() -> None:
    # A proxy neither takes the signal away nor invents it (Global Privacy Control, section 3.4): the visitor's setting
    # is what the browser sent, and tests that expect it gone on some sites are not ours.
    policy = policy_with()
    tests = vectors(GPC, "gpcHeader")
    kept = [test for test in tests if test["expectGPCHeader"] == test["gpcUserSettingOn"]]
    for test in kept:
        sent = [("Sec-GPC", "1")] if test["gpcUserSettingOn"] else []
        exchange = request(test["requestURL"], test["siteURL"], test["requestType"], sent)
        decision = decide(policy, NO_CHOICE, exchange)
        assert ("sec-gpc" in exchange.header_names) == test["expectGPCHeader"], test["name"]
        assert exchange.signals.gpc == test["expectGPCHeader"], test["name"]
        assert not [edit for edit in decision.edits if edit.name.lower() == "sec-gpc"], test["name"]
    assert (len(kept), len(tests) - len(kept), len(vectors(GPC, "gpcJavaScriptAPI"))) == (4, 5, 6)


def test_click_to_load_is_consent_to_a_category() -> None:
    # What DuckDuckGo calls an action is a category here, and asking for the content is granting it.
    settings = data(f"{CLICK}/config_reference.json")["features"]["clickToLoad"]["settings"]
    actions = [
        action for entity in settings.values() if entity["state"] == "enabled" for action in entity["ruleActions"]
    ]
    filed = tuple((action, action) for action in actions)
    unfiled = (("block-ctl-unknown", ""), ("block-ctl-second", ""))
    policy = policy_with(source(f"{CLICK}/tds_reference.json", filed + unfiled), categories=(*CATEGORIES, *actions))
    tests = vectors(CLICK)
    kept = [test for test in tests if test["siteUrl"] not in EXCEPTED_SITES]
    wrong = [
        test["name"]
        for test in kept
        if stopped(policy, test, "siteUrl", "requestUrl", *test["userUnblockedRuleActions"])
        != (test["expectedOutcome"] != "ignore")
    ]
    assert wrong == []
    assert (len(kept), len(tests) - len(kept)) == (16, 1)
