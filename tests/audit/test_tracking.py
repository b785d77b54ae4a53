"""Identifiers handed over, and cookies that come back: hits, and what comes close."""

import base64
import hashlib
from typing import Any

import pytest

from cmp.audit.finding import Finding, Level
from cmp.core.policy import Policy
from tests.audit.hars import POLICY, Json, document, findings, of, policy, request

SYNC, LEAK, BACK = "track.cookie-sync", "track.first-party-id-leak", "track.respawned-cookie"

ID = "7f3a9c21be44d0"
HASHED = hashlib.sha256(ID.encode()).hexdigest()
ENCODED = base64.b64encode(ID.encode()).decode()


def promising(code: str, **changes: Any) -> Policy:
    """The policy with a promise that the detector keeps."""
    promise = {"id": "PP-1", "title": {"en": "Kept"}, "shows": ["audited"], "keptBy": [f"detector:{code}"]}
    return policy(promises=[promise], **changes)


def told(code: str, *entries: Json, **more: Any) -> list[Finding]:
    return of(code, findings(document(), *entries, **{"choice": "accept", **more}))


# ------------------------------------------------------------------------------------------- cookie sync

SETS = request("https://ads.test/p", set_cookie=[f"uid={ID}; Max-Age=600"])
SENDS = request("https://ads.test/p", cookie=f"uid={ID}")
SYNCED = [
    pytest.param([SETS, request(f"https://bids.test/m?id={ID}")], "plain", id="set-then-handed-over"),
    pytest.param(
        [
            request("https://ads.test/p", set_cookie=[f"uid={ID}; Max-Age=30", f"uid={ID}"]),
            request(f"https://bids.test/m?id={ID}"),
        ],
        "plain",
        id="once-for-half-a-minute-once-for-longer",
    ),
    pytest.param([SENDS, request(f"https://bids.test/m?id={ID}")], "plain", id="sent-then-handed-over"),
    pytest.param([SETS, request(f"https://bids.test/m/{ID}.gif")], "plain", id="in-the-path"),
    pytest.param([SETS, request(f"https://bids.test/m?u=%26id%3D{ID}")], "plain", id="percent-encoded"),
    pytest.param([SETS, request(f"https://bids.test/m?id={ENCODED}")], "plain", id="base64"),
    pytest.param([SETS, request(f"https://bids.test/m?id={HASHED}")], "sha256", id="hashed"),
    pytest.param([SETS, request("https://bids.test/m", "empty", body=f'{{"id":"{ID}"}}')], "plain", id="in-the-body"),
    pytest.param(
        [SETS, request("https://bids.test/m", Referer=f"https://ads.test/frame?id={ID}")], "plain", id="in-the-referrer"
    ),
    pytest.param([request(f"https://bids.test/m?id={ID}"), SENDS], "plain", id="a-cookie-older-than-the-capture"),
    pytest.param([SETS, request(f"https://shop.example/api?ad={ID}", "empty")], "plain", id="to-the-site-itself"),
    pytest.param(
        [SETS, request(f"https://bids.test/m?id={ID}", set_cookie=[f"partner={ID}; Max-Age=600"])],
        "plain",
        id="who-keeps-it-in-a-cookie-of-its-own",
    ),
]


@pytest.mark.parametrize("entries,form", SYNCED)
def test_an_identifier_of_one_third_party_handed_to_another(entries: list[Json], form: str) -> None:
    (found,) = told(SYNC, *entries)
    assert (found.level, found.evidence["cookie"], found.evidence["site"]) == (Level.POTENTIAL, "uid", "ads.test")
    assert found.evidence["forms"] == [form]
    assert ID not in repr(found)


NOT_SYNCED = [
    pytest.param(
        [request("https://ads.test/p", set_cookie=[f"uid={ID}; Max-Age=30"]), request(f"https://bids.test/m?id={ID}")],
        id="a-cookie-of-half-a-minute",
    ),
    pytest.param([SETS, request(f"https://cdn.ads.test/m?id={ID}")], id="to-the-owner's-other-host"),
    pytest.param([request(f"https://bids.test/m?id={ID}"), SETS], id="known-before-it-was-set"),
    pytest.param(
        [SETS, request("https://bids.test/", set_cookie=[f"a={ID}"]), request(f"https://bids.test/m?id={ID}")],
        id="to-somebody-who-has-it-in-a-cookie",
    ),
    pytest.param([SETS, request(f"https://bids.test/m?id={ID}", cookie=f"a={ID}")], id="who-sends-it-as-a-cookie"),
    pytest.param([request("https://ads.test/", cookie="uid=1"), request("https://bids.test/?id=1")], id="short"),
    pytest.param(
        [request("https://ads.test/", cookie="s=disabled"), request("https://bids.test/?s=disabled")], id="word"
    ),
    pytest.param(
        [request("https://ads.test/", cookie="t=1753430022"), request("https://bids.test/?t=1753430022")], id="time"
    ),
    pytest.param(
        [request("https://ads.test/", cookie="l=zh-Hant-TW"), request("https://bids.test/?l=zh-Hant-TW")], id="language"
    ),
    pytest.param([SETS, request(f"https://bids.test/m?id=x{ID}")], id="part-of-a-longer-word"),
    pytest.param([SETS, document(f"https://shop.example/?ad={ID}")], id="in-the-page's-own-address"),
    pytest.param(
        [document(f"https://shop.example/?click={ID}"), SENDS, request(f"https://bids.test/?dl=click%3D{ID}")],
        id="everybody-on-the-page-knows-it",
    ),
    pytest.param([request("https://ads.test/p", set_cookie=[f"uid={ID}; Max-Age=0"])], id="deleted"),
]


@pytest.mark.parametrize("entries", NOT_SYNCED)
def test_no_identifier_was_handed_over(entries: list[Json]) -> None:
    assert told(SYNC, *entries) == []


def test_one_company_is_one_party() -> None:
    second = {"id": "bids", "name": "B", "company": "Big Ads", "category": "advertising", "hosts": ["bids.test"]}
    under = policy(vendors=[*POLICY["vendors"], second])
    assert told(SYNC, SETS, request(f"https://bids.test/m?id={ID}"), under=under) == []


def test_one_finding_for_each_cookie_and_recipient() -> None:
    again = [request(f"https://{host}/m?id={ID}&n={n}") for n in range(3) for host in ("bids.test", "x.bids.test")]
    first, second = told(SYNC, SETS, *again, request(f"https://other.test/?id={ID}"))
    assert (first.evidence["count"], first.evidence["hosts"]) == (6, ["bids.test", "x.bids.test"])
    assert (first.entry, first.evidence["recipient"], first.evidence["where"]) == (2, "bids.test", ["url"])
    assert second.evidence["recipient"] == "other.test"


@pytest.mark.parametrize("baseline,level", [(False, Level.VIOLATION), (True, Level.POTENTIAL)])
def test_a_promise_that_names_the_detector_makes_it_a_violation(baseline: bool, level: Level) -> None:
    synced = [SETS, request(f"https://bids.test/m?id={ID}")]
    assert [f.level for f in told(SYNC, *synced, under=promising(SYNC), baseline=baseline)] == [level]
    assert [f.level for f in told(SYNC, *synced, under=promising(LEAK))] == [Level.POTENTIAL]


def test_a_promise_may_be_kept_in_one_mode_only() -> None:
    kept_by = {"reverse": ["unknown.host"], "regular": [f"detector:{SYNC}"]}
    promise = {"id": "PP-1", "title": {"en": "Kept"}, "shows": ["audited"], "keptBy": kept_by}
    found = told(SYNC, SETS, request(f"https://bids.test/m?id={ID}"), under=policy(promises=[promise]))
    assert [f.level for f in found] == [Level.VIOLATION]


# ------------------------------------------------------------------------------------------- first-party identifiers

VISITED = document(cookie=f"session={ID}")
LEAKS = [
    pytest.param(request(f"https://cdn.test/?s={ID}"), id="in-the-address"),
    pytest.param(request(f"https://cdn.test/?s={HASHED}"), id="hashed"),
    pytest.param(request("https://cdn.test/", "empty", body=f"s={ID}"), id="in-the-body"),
    pytest.param(request("https://cdn.test/", Referer=f"https://shop.example/a?s={ID}"), id="in-the-referrer"),
    pytest.param(request(f"https://stats.test/?s={ID}"), id="to-a-vendor-agreed-to"),
]


@pytest.mark.parametrize("entry", LEAKS)
def test_an_identifier_of_the_site_in_a_request_to_a_third_party(entry: Json) -> None:
    (found,) = told(LEAK, VISITED, entry)
    assert (found.level, found.evidence["cookie"], found.evidence["site"]) == (
        Level.VIOLATION,
        "session",
        "shop.example",
    )


def test_a_cookie_that_the_policy_does_not_declare_is_potential_unless_promised() -> None:
    leak = [document(cookie=f"visitor={ID}"), request(f"https://cdn.test/?s={ID}")]
    assert [f.level for f in told(LEAK, *leak)] == [Level.POTENTIAL]
    assert [f.level for f in told(LEAK, *leak, under=promising(LEAK))] == [Level.VIOLATION]


CLIENT = "1031955057.1453646506"
COUNTED = [document(cookie=f"_st=GA1.2.{CLIENT}"), request(f"https://stats.test/hit?cid={CLIENT}")]


def test_a_vendor_may_get_its_own_cookie_once_it_may_be_contacted() -> None:
    assert told(LEAK, *COUNTED, choice="accept") == []
    assert len(told(LEAK, *COUNTED, choice="refuse")) == 1
    assert len(told(LEAK, COUNTED[0], request(f"https://ads.test/hit?cid={CLIENT}"), choice="accept")) == 1


def test_where_requests_are_to_be_reduced_no_identifier_may_be_in_them() -> None:
    reduced = {**POLICY["categories"]["analytics"], "treatment": "reduce"}
    under = policy(categories={**POLICY["categories"], "analytics": reduced})
    (found,) = told(LEAK, *COUNTED, choice="refuse", under=under)
    assert (found.level, found.evidence["recipient"]) == (Level.VIOLATION, "Acme Statistics")


@pytest.mark.parametrize("company,found", [("Shop", 0), ("shop", 0), ("Shopping", 1), ("Big Shop", 1)], ids=str)
def test_a_company_that_the_site_is_called_after_is_the_site_itself(company: str, found: int) -> None:
    own = {"id": "own", "name": "O", "company": company, "category": "analytics", "hosts": ["collector.test"]}
    under = policy(vendors=[*POLICY["vendors"], own])
    hit = request(f"https://collector.test/hit?s={ID}")
    assert len(told(LEAK, VISITED, hit, choice="refuse", under=under)) == found


NOT_LEAKED = [
    pytest.param([request(f"https://api.shop.example/?s={ID}")], id="to-the-site's-own-host"),
    pytest.param([request("https://cdn.test/?s=7f3a9c21be44d1")], id="another-value"),
    pytest.param([document("https://cdn.test/page?s=1", page="page_2")], id="a-visit"),
]


@pytest.mark.parametrize("entries", NOT_LEAKED)
def test_the_site_s_identifier_stays_where_it_is(entries: list[Json]) -> None:
    assert told(LEAK, VISITED, *entries) == []


def test_a_number_that_several_cookies_begin_with_is_the_site_s() -> None:
    shared = document(cookie="__utma=134968609.934057233.1440877631; __utmz=134968609.1440877631.1.1; __utmc=134968609")
    hit = request("https://cdn.test/?c=__utmz%3D134968609.1440877631.1")
    assert told(LEAK, shared, hit) == []
    assert [f.evidence["cookie"] for f in told(LEAK, shared, request("https://cdn.test/?c=934057233.1440877631"))] == [
        "__utma"
    ]


# ------------------------------------------------------------------------------------------- respawned cookies

HAS = document(cookie=f"session=1; v={ID}")
HAS_NOT = document(cookie="session=1")
DELETES = document(cookie=f"session=1; v={ID}", set_cookie=["v=; Max-Age=0"])
SETS_AGAIN = document(set_cookie=[f"v={ID}; Max-Age=600"])
COMES_BACK = [
    pytest.param([HAS, HAS_NOT, HAS], 3, id="vanished-and-sent-again"),
    pytest.param([HAS, SETS_AGAIN], 2, id="vanished-and-set-again"),
    pytest.param([DELETES, SETS_AGAIN], 2, id="deleted-and-set-again"),
    pytest.param([DELETES, request("https://shop.example/a", cookie="session=1"), HAS], 3, id="deleted"),
    pytest.param([HAS, HAS_NOT, document(cookie=f"session=1; v=prefix.{ID}")], 3, id="the-same-part-of-the-value"),
]


@pytest.mark.parametrize("entries,entry", COMES_BACK)
def test_a_cookie_came_back(entries: list[Json], entry: int) -> None:
    (found,) = told(BACK, *entries)
    assert (found.level, found.evidence["cookie"], found.entry) == (Level.POTENTIAL, "v", entry)
    (promised,) = told(BACK, *entries, under=promising(BACK))
    assert promised.level is Level.VIOLATION


STAYS = [
    pytest.param([HAS, HAS], id="never-gone"),
    pytest.param([HAS, HAS_NOT], id="never-back"),
    pytest.param([HAS, HAS_NOT, document(cookie="session=1; v=91c0ffee27aa")], id="another-value"),
    pytest.param([DELETES, HAS], id="deleted-in-vain"),
    pytest.param([HAS, document("https://shop.example/", cookie=""), HAS_NOT], id="only-gone"),
    pytest.param([HAS, request("https://shop.example/a", cookie="session=1"), HAS], id="not-sent-within-one-page"),
    pytest.param([HAS, document("http://shop.example/", cookie="session=1"), HAS], id="not-sent-over-plain-http"),
    pytest.param(
        [document("https://shop.example/a/", cookie=f"v={ID}"), document("https://shop.example/b/"), HAS],
        id="not-sent-to-another-part-of-the-site",
    ),
    pytest.param([HAS, document("https://www.shop.example/", cookie="session=1"), HAS], id="not-sent-to-another-host"),
    pytest.param(
        [document(cookie="session=1; ab=variant12"), HAS_NOT, document(cookie="session=1; ab=variant12")],
        id="not-an-identifier",
    ),
]


@pytest.mark.parametrize("entries", STAYS)
def test_a_cookie_that_did_not_come_back(entries: list[Json]) -> None:
    assert told(BACK, *entries) == []
