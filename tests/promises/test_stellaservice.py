"""What StellaService promises, and Stella Connect in German; the name of a test says which promise it shows.

May go in here: promises SS-1 to SS-13, for both policies. May not: what Stella Connect adds (`test_stella_connect.py`),
rules taken out of a policy (`test_mutations.py`).
"""

import hashlib
from html import unescape
from typing import Any

import pytest

from cmp.audit.finding import Level
from cmp.core.decision import EditKind, Reason
from tests.audit import hars
from tests.promises.world import DAY, DROPPED, NOW, REGULAR, REVERSE, SESSION, YEAR, World, edits

BOTH = (REVERSE, REGULAR)
RECORDER = "https://static.hotjar.com/c/hotjar-1.js"
STATISTICS = "https://www.google-analytics.com/g/collect?v=2&tid=G-1"
ADVERTISER = "https://static.criteo.net/js/ld/ld.js"
VIDEO = "https://www.youtube.com/embed/x"
ABUSE_CHECK = "https://www.recaptcha.net/recaptcha/api.js"
UNKNOWN = "https://cdn.somebody.test/a.js"
# Kind of request and address of a real vendor for each technique that the document names.
TECHNIQUES = {
    "beacon": ("beacon", "https://px.moatads.com/pixel.gif?e=1"),
    "pixel": ("image", "https://track.adform.net/Serving/TrackPoint/?pm=1"),
    "ad-tag": ("script", "https://securepubads.g.doubleclick.net/tag/js/gpt.js"),
    "cookie": ("script", ADVERTISER),
    "mobile-id": ("fetch", "https://app.adjust.com/session?idfa=6D92078A-8246-4BA4-AE5B-76104861E7DC"),
    "custom-audience": ("image", "https://www.facebook.com/tr?id=1&ev=PageView"),
}
# The first days of the two documents here: 2018-10-04 and 2026-11-22.
WRITTEN = {"stellaservice": 1_538_611_200.0, "stella-connect": 1_795_305_600.0}


@pytest.fixture(params=["stellaservice", "stella-connect"])
def world(request: pytest.FixtureRequest) -> World:
    return World.of(str(request.param))


def trends(world: World) -> str:
    """Where feedback goes to be compared, with everything in the address that could point to somebody."""
    return f"https://trends.{world.home}/add?score=4&uid=77&invitation_no=12&feedback_ref=9a"


def test_ss_1_what_the_client_forbids_does_not_happen_whatever_else_would_allow_it(world: World) -> None:
    for mode in BOTH:
        assert not world.reaches(RECORDER, mode=mode, choice="accept")
    assert world.decide(RECORDER, choice="accept").ruling.reason is Reason.NEVER
    told = world.decide(STATISTICS, choice="accept", referrer=world.url("/feedback/77"))
    assert (EditKind.TRIM_REFERRER, "origin") in edits(told)


# What is looked for, by the language of the policy.
ROLES = {"en": ("Controller", "Processor"), "de": ("Verantwortlicher", "Auftragsverarbeiter")}
PURPOSES = {
    "en": {"feedback-requests": "contract", "trends": "of use", "platform-use": "fraud"},
    "de": {"feedback-requests": "Vertrag", "trends": "nütz", "platform-use": "Betrug"},
}
AUTHORITY = {"en": "authority", "de": "Datenschutzbehörde"}


def test_ss_1_the_visitor_sees_both_parties_and_what_each_is(world: World) -> None:
    with world.served() as site:
        page = site.get(lang="en").text
        controller, processor = ROLES[world.document["languages"][0]]
        assert f"{controller}: Example Hotels" in page
        assert f"{processor}: Stella" in page


def test_ss_2_feedback_arrives_for_comparison_with_nothing_that_points_to_anybody(world: World) -> None:
    asked: dict[str, Any] = {"cookie": "stella_session=1", "referrer": world.url("/feedback/77"), "kind": "fetch"}
    decided = world.decide(trends(world), **asked)
    assert decided.ruling.reduced
    assert edits(decided) >= {
        (EditKind.STRIP_QUERY, "uid"),
        (EditKind.STRIP_QUERY, "invitation_no"),
        (EditKind.STRIP_QUERY, "feedback_ref"),
        (EditKind.STRIP_COOKIE, "stella_session"),
        (EditKind.TRIM_REFERRER, "origin"),
    }
    assert (EditKind.STRIP_QUERY, "score") not in edits(decided)


def test_ss_2_where_nobody_can_take_that_out_it_does_not_go(world: World) -> None:
    page = world.page(f'<script src="{trends(world).replace("&", "&amp;")}"></script>')
    assert page.rewritten.stopped
    assert not page.admits(trends(world))


def test_ss_3_spotting_misuse_always_works_and_improving_the_site_waits_for_consent(world: World) -> None:
    for mode in BOTH:
        assert world.reaches(ABUSE_CHECK, mode=mode)
        assert world.reaches(ABUSE_CHECK, mode=mode, choice="refuse")
        assert not world.reaches(STATISTICS, mode=mode)
        assert world.reaches(STATISTICS, mode=mode, choice="analytics")
    assert not world.sends("_ga", world.url())
    assert world.sends("_ga", world.url(), choice="analytics")


def test_ss_4_each_of_the_six_techniques_waits_for_consent(world: World) -> None:
    for technique, (kind, url) in TECHNIQUES.items():
        vendor = world.decide(url, kind=kind).ruling.vendor
        assert vendor is not None, technique
        assert technique in world.policy.vendors[vendor].techniques, vendor
        for mode in BOTH:
            assert not world.reaches(url, mode=mode, kind=kind), technique
            assert not world.reaches(url, mode=mode, kind=kind, choice="refuse"), technique
        assert world.reaches(url, kind=kind, choice="advertising"), technique
    assert world.keeps("cto_bundle=9f21; Max-Age=999", world.url()) == DROPPED


def test_ss_4_an_audit_names_each_technique_that_was_used_without(world: World) -> None:
    requests = [hars.request(url, kind) for kind, url in TECHNIQUES.values()]
    for choice, code in (("none", "consent.request-before"), ("refuse", "consent.request-after-reject")):
        found = [one for one in world.audit(world.visit(cookie="x=1"), *requests, choice=choice) if one.code == code]
        assert {technique for one in found for technique in one.evidence["techniques"]} >= set(TECHNIQUES), choice


def test_ss_5_the_demo_form_reaches_the_site(world: World) -> None:
    form: dict[str, Any] = {"method": "POST", "kind": "fetch", "body": b"email=ann%40firm.test&company=Firm"}
    assert world.reaches(world.url("/demo"), choice="refuse", **form)


def test_ss_5_an_audit_finds_what_was_typed_with_somebody_else(world: World) -> None:
    sent = hars.request(world.url("/demo"), "fetch", body="email=ann%40firm.test&company=Firm")
    hashed = hashlib.sha256(b"ann@firm.test").hexdigest()
    leaked = hars.request(f"https://www.facebook.com/tr?id=1&ud[em]={hashed}", "image")
    found = world.audit(world.visit(cookie="x=1"), sent, leaked, choice="accept")
    assert [one.level for one in found if one.code == "leak.form-values"] == [Level.VIOLATION]


def test_ss_6_what_is_kept_of_clients_staff_is_told(world: World) -> None:
    with world.served() as site:
        purposes = {one["id"] for one in site.get("rights", html=False).json["purposes"]}
        assert purposes >= {"client-staff", "platform-use"}


def test_ss_7_how_long_stands_beside_each_purpose(world: World) -> None:
    with world.served() as site:
        page = unescape(site.get(lang="en").text)
        language = world.document["languages"][0]
        for category in world.policy.categories.values():
            # A category of the client's alone has its text in the client's language.
            told = category.retention.get(language, category.retention.get("en", ""))
            assert category.never or told in page, category.id
        purposes = {one["id"]: one["retention"] for one in site.get("rights", lang="en", html=False).json["purposes"]}
        for purpose, word in PURPOSES[language].items():
            assert word in purposes.get(purpose, ""), purpose


def test_ss_7_records_are_forgotten_when_their_time_is_over(world: World) -> None:
    with world.served() as site:
        asked = site.post("rights", {"kind": "complain", "contact": "ann@visitor.test"})
        reference = asked.json["request"]["reference"]
        assert site.operator("POST", f"requests/{reference}", {"state": "answered"}).status == 200
        kept = site.stored
        with world.served(at=NOW + 3 * YEAR + DAY, folder=site.copied()) as later:
            assert later.get().status == 200
            assert later.comes_to(f"request/{reference}", 404)
    assert b"ann@visitor.test" in kept


def test_ss_8_everything_can_be_refused_and_the_site_stays_usable(world: World) -> None:
    for choice in ("none", "refuse"):
        for mode in BOTH:
            for url in (STATISTICS, ADVERTISER, VIDEO):
                assert not world.reaches(url, mode=mode, choice=choice), url
        for name in ("_ga", "_fbp", "something"):
            assert not world.sends(name, world.url(), choice=choice), name
            assert world.keeps(f"{name}=1; Max-Age=99", world.url(), choice=choice) == DROPPED, name
        assert world.reaches(world.url("/feedback"), kind="document", choice=choice)
        assert world.sends("stella_session", world.url("/feedback"), choice=choice)
        assert world.keeps("stella_session=1", world.url("/feedback"), choice=choice) == SESSION


def test_ss_8_one_button_refuses_everything(world: World) -> None:
    with world.served() as site:
        consent = site.choose("refuse")
        state = site.get("state", html=False, Cookie=consent).json
        assert state["granted"] == []
        assert {one["id"] for one in state["categories"] if one["allowed"]} == {"necessary", "security"}


def test_ss_8_a_visitor_can_be_told_of_each_cookie(world: World) -> None:
    with world.served() as site:
        assert 'name="tell" value="on"' in site.get().text
        told = site.post("tell-me", {"tell": "on"}, form=True)
        assert 'name="tell" value="off"' in site.get(Cookie=told.consent).text


def test_ss_9_others_set_and_read_no_cookie_without_consent(world: World) -> None:
    for url, name in ((STATISTICS, "_ga"), (ADVERTISER, "uid"), (VIDEO, "YSC"), (UNKNOWN, "uid")):
        assert not world.sends(name, url)
        assert world.keeps(f"{name}=7f3a9c21be; Max-Age=99", url) == DROPPED, url
    assert not world.sends("partner_uid", world.url())


def test_ss_9_an_audit_finds_an_identifier_handed_on(world: World) -> None:
    owner = hars.request("https://gum.criteo.com/sid", "image", cookie="uid=7f3a9c21be4402")
    handed = hars.request("https://cm.g.doubleclick.net/pixel?id=7f3a9c21be4402", "image")
    found = world.audit(world.visit(cookie="x=1"), owner, handed, choice="accept")
    assert [one.level for one in found if one.code == "track.cookie-sync"] == [Level.VIOLATION]


def test_ss_10_an_audit_names_vendors_elsewhere_and_the_clauses_that_are_gone(world: World) -> None:
    elsewhere = hars.request("https://mc.yandex.ru/metrika/tag.js")
    found = world.audit(world.visit(cookie="x=1"), elsewhere, choice="accept")
    assert [one.vendor for one in found if one.code == "decl.region"] == ["yandex-metrica"]
    obsolete = [one for one in found if one.code == "decl.transfer-obsolete"]
    assert [(one.evidence["basis"], one.level) for one in obsolete] == [("scc-2010", Level.VIOLATION)]


def test_ss_11_each_right_can_be_used_or_names_somebody_to_ask(world: World) -> None:
    rights = {"inform", "access", "correct", "erase", "restrict", "stop-marketing", "port", "complain"}
    with world.served() as site:
        told = site.get("rights", lang="en", html=False)
        assert told.status == 200
        assert {right["id"] for right in told.json["rights"]} >= rights
        assert AUTHORITY[world.document["languages"][0]] in told.json["authority"]
        if world.name == "stellaservice":
            assert told.json["contact"] == "privacy@stellaservice.com"
        for right in sorted(rights):
            asked = site.post("rights", {"kind": right, "contact": f"{right}@visitor.test"})
            assert asked.status == 200, right


def test_ss_12_strangers_reach_nothing_roles_bound_staff_and_each_access_is_noted(world: World) -> None:
    with world.served() as site:
        assert site.operator("GET", "requests", who="").status == 401
        assert site.operator("GET", "requests", who="viewer").status == 200
        assert site.operator("POST", "requests/x", {"state": "answered"}, who="viewer").status == 403
        log = site.operator("GET", "access-log", who="auditor")
        assert log.status == 200
        outcomes = [(entry["role"], entry["outcome"]) for entry in log.json["accesses"]]
        assert ("viewer", "allowed") in outcomes
        assert ("", "unauthenticated") in outcomes
        assert site.operator("GET", "access-log", who="operator").status == 403


def test_ss_13_who_chose_before_a_change_is_told_what_changed(world: World) -> None:
    before = {"version": "0", "date": "2018-01-01", "text": dict.fromkeys(world.document["languages"], "Before")}
    with world.with_(version="0", changes=[before]).served(at=WRITTEN[world.name] - 9 * DAY) as site:
        consent = site.choose("accept")
        site.becomes(world, WRITTEN[world.name] + DAY)
        changes = world.document.get("changes", [])
        told = unescape(site.get(lang="en", Cookie=consent).text)
        assert [change["text"][world.document["languages"][0]] in told for change in changes] == [True]


def test_ss_13_a_material_change_asks_again(world: World) -> None:
    with world.served() as site:
        consent = site.choose("accept")
        assert site.get("state", html=False, Cookie=consent).json["decided"] is True
        another = {"id": "new", "name": "New Tracker", "country": "US", "category": "analytics", "hosts": ["new.test"]}
        site.becomes(world.plus("vendors", another).with_(version="next"), NOW + DAY)
        state = site.get("state", html=False, Cookie=consent).json
        assert state["decided"] is False
        assert "analytics" not in state["granted"]
        assert "advertising" in state["granted"]
        assert "New Tracker" in site.get(lang="en", Cookie=consent).text
