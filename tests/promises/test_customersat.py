"""What CustomerSat promises, one test or more a promise; the name says which (`policies/customersat.json`).

May go in here: promises CS-1 to CS-14. May not: rules taken out of the policy (`test_mutations.py`).
"""

from typing import Any

import pytest

from cmp.audit.finding import Level
from cmp.core.decision import EditKind, Reason
from tests.audit import hars
from tests.promises.world import DAY, DROPPED, REGULAR, REVERSE, SESSION, YEAR, World, codes, edits

BOTH = (REVERSE, REGULAR)
PANEL, UNKNOWN = "https://panel.example.test/match.js", "https://cdn.somebody.test/a.js"
RECORDER = "https://static.hotjar.com/c/hotjar-1.js"
STATISTICS = "https://www.google-analytics.com/g/collect?v=2&tid=G-1"
SURVEY = "/survey/7/page/2"
DONE = ("survey-done",)
SEEN = f"survey_seen=1; Max-Age={2 * YEAR}; Secure"


@pytest.fixture
def world() -> World:
    return World.of("customersat")


def test_cs_1_the_shorter_lifetime_of_the_two_policies_counts(world: World) -> None:
    assert world.keeps(SEEN, world.url(), events=DONE) == 90 * DAY


def test_cs_1_necessary_is_what_both_policies_call_so(world: World) -> None:
    client = world.policy.parts[1:]
    assert [part.id for part in client] == ["example-hotels"]
    assert world.keeps(SEEN, world.url()) == DROPPED


def test_cs_1_what_the_client_forbids_stays_forbidden_when_its_processor_is_told_to_use_it(world: World) -> None:
    recorder = {"id": "hotjar", "catalogue": "hotjar", "category": "analytics", "authorised": True}
    assert world.plus("vendors", recorder).decide(RECORDER, choice="accept").ruling.reason is Reason.NEVER


def test_cs_2_a_survey_can_be_opened_answered_and_left_whatever_was_chosen(world: World) -> None:
    for choice in ("none", "refuse"):
        assert world.reaches(world.url(SURVEY), kind="document", choice=choice)
        assert world.reaches(world.url(SURVEY), kind="fetch", method="POST", choice=choice)
        assert world.sends("survey_session_7", world.url(SURVEY), choice=choice)
        assert world.keeps("survey_session_7=1", world.url(SURVEY), choice=choice) == SESSION


def test_cs_2_an_audit_finds_a_wall(world: World) -> None:
    wall = world.visit(SURVEY, cookie="survey_session_7=1", status=302, answers=[("Location", "/cookie-wall")])
    found = world.audit(wall, choice="refuse")
    assert [one.level for one in found if one.code == "consent.cookie-wall"] == [Level.VIOLATION]


def test_cs_3_whom_the_client_did_not_authorise_gets_nothing_whatever_the_visitor_accepts(world: World) -> None:
    for mode in BOTH:
        assert world.reaches(PANEL, mode=mode, choice="accept")
        for url in (STATISTICS, "https://static.criteo.net/js/ld/ld.js", UNKNOWN):
            assert not world.reaches(url, mode=mode, choice="accept"), url
    assert world.decide(STATISTICS, choice="accept").ruling.reason is Reason.UNAUTHORISED


def test_cs_5_no_number_is_told_about_few_people(world: World) -> None:
    with world.served() as site:
        for n in range(12):
            site.post("opt-out", {"list": "invitations", "address": f"a{n}@visitor.test"})
        told = site.operator("GET", "statistics")
        assert told.status == 200
        assert told.json["smallestGroup"] == 10
        assert told.json["tables"]["optOutsByList"]["groups"] == {"invitations": 12}
        site.post("choice", {"choice": "refuse", "surface": "banner"})
        few = site.operator("GET", "statistics").json["tables"]["choicesByKind"]
        assert (few["total"], set(few["groups"].values())) == (None, {None})


def test_cs_6_an_address_of_unknown_origin_is_not_invited(world: World) -> None:
    with world.served() as site:
        known = {"addresses": ["ann@visitor.test"], "source": "panel"}
        assert site.operator("POST", "addresses", known).status == 200
        asked = {"addresses": ["ann@visitor.test", "bob@visitor.test"], "list": "invitations"}
        told = site.operator("POST", "invitations", asked).json["invitations"]
        assert [(one["invite"], one.get("source"), one.get("reason")) for one in told] == [
            (True, "panel", None),
            (False, None, "unknown-address"),
        ]


def test_cs_7_the_link_in_a_mail_ends_invitations_and_looking_at_it_ends_nothing(world: World) -> None:
    with world.served() as site:
        site.operator("POST", "addresses", {"addresses": ["ann@visitor.test"], "source": "client"})

        def invited() -> bool:
            asked = {"addresses": ["ann@visitor.test"], "list": "invitations"}
            answer = site.operator("POST", "invitations", asked)
            return answer.status == 200 and bool(answer.json["invitations"][0]["invite"])

        link = f"opt-out/{site.opt_out_link('invitations', 'ann@visitor.test')}"
        assert site.get(link).status == 200
        assert invited()
        # RFC 8058: a mail service's one click comes without a page of ours.
        assert site.post(link, {"List-Unsubscribe": "One-Click"}, form=True, ours=False).status == 200
        assert not invited()


def test_cs_7_a_link_that_somebody_made_up_does_nothing(world: World) -> None:
    with world.served() as site:
        link = site.opt_out_link("invitations", "ann@visitor.test")
        assert site.get(f"opt-out/{link}").status == 200
        assert site.get(f"opt-out/{link[:-3]}abc").status == 404


def test_cs_8_the_cookie_of_a_running_survey_ends_with_the_browser(world: World) -> None:
    assert world.keeps(f"survey_session_7=1; Max-Age={YEAR}", world.url(SURVEY)) == SESSION
    assert world.keeps("survey_session_7=1; Expires=Fri, 01 Jan 2100 00:00:00 GMT", world.url(SURVEY)) == SESSION


def test_cs_8_an_audit_finds_one_that_stays(world: World) -> None:
    lasting = world.visit(SURVEY, cookie="survey_session_7=1", set_cookie=[f"survey_session_7=1; Max-Age={YEAR}"])
    assert "decl.session-persistent" in codes(world.audit(lasting))


def test_cs_9_one_named_cookie_may_stay_once_somebody_answered_or_closed_the_survey(world: World) -> None:
    assert world.keeps(SEEN, world.url()) == DROPPED
    assert world.keeps(SEEN, world.url(), events=DONE) == 90 * DAY
    assert world.keeps(SEEN, world.url(), events=DONE, choice="refuse") == DROPPED
    assert world.keeps(f"another=1; Max-Age={YEAR}", world.url(), choice="accept", events=DONE) == DROPPED


def test_cs_9_answering_and_closing_are_observed(world: World) -> None:
    closing: dict[str, Any] = {"method": "POST", "kind": "fetch", "set_cookies": ["x=1"]}
    decided = world.decide(world.url("/survey/7/done"), **closing)
    assert decided.events == DONE
    assert (EditKind.MARK_EVENT, "survey-done") in edits(decided)


def test_cs_10_a_visit_is_counted_with_nothing_that_tells_who_came(world: World) -> None:
    url = "https://stats.customersat.com/hit?page=2&uid=77&case_no=12"
    decided = world.decide(url, cookie="survey_session_7=1; _id=2", referrer=world.url("/about"), kind="image")
    assert decided.ruling.reduced
    assert edits(decided) >= {
        (EditKind.STRIP_QUERY, "uid"),
        (EditKind.STRIP_QUERY, "case_no"),
        (EditKind.STRIP_COOKIE, "survey_session_7"),
        (EditKind.STRIP_COOKIE, "_id"),
        (EditKind.TRIM_REFERRER, "origin"),
    }
    assert (EditKind.STRIP_QUERY, "page") not in edits(decided)


def test_cs_10_where_nobody_can_take_that_out_the_page_does_not_count(world: World) -> None:
    url = "https://stats.customersat.com/hit?uid=77"
    page = world.page(f'<img src="{url}">')
    assert page.rewritten.stopped
    assert not page.admits(url)


def test_cs_11_what_a_form_asks_reaches_the_site_and_nobody_else(world: World) -> None:
    form: dict[str, Any] = {"method": "POST", "kind": "fetch", "body": b"email=ann%40firm.test"}
    assert world.reaches(world.url("/white-paper"), choice="refuse", **form)
    assert not world.reaches("https://forms.hubspot.com/submit", choice="accept", **form)


def test_cs_11_an_audit_finds_what_was_typed_with_somebody_else(world: World) -> None:
    sent = hars.request(world.url("/white-paper"), "fetch", body="email=ann%40firm.test")
    leaked = hars.request(f"{PANEL}?lead=ann%40firm.test")
    found = world.audit(world.visit(cookie="survey_session_7=1"), sent, leaked, choice="accept")
    assert [one.level for one in found if one.code == "leak.form-values"] == [Level.VIOLATION]


def test_cs_12_cookies_and_requests_stay_on_encrypted_connections(world: World) -> None:
    decided = world.decide(world.url(SURVEY), kind="document", set_cookies=["survey_session_7=1"])
    assert (EditKind.SECURE_SET_COOKIE, "survey_session_7") in edits(decided)
    plain = world.url(SURVEY).replace("https:", "http:")
    assert not world.reaches(plain, kind="fetch")
    assert not world.reaches(plain, kind="document", method="POST")


def test_cs_12_an_audit_finds_a_cookie_without_secure(world: World) -> None:
    bare = world.visit(cookie="survey_session_7=1", set_cookie=["survey_session_7=1"], secure=False)
    found = world.audit(bare)
    assert [one.level for one in found if one.code == "transport.insecure"] == [Level.VIOLATION]


def test_cs_13_an_audit_finds_that_the_review_is_overdue(world: World) -> None:
    found = [one for one in world.audit(world.visit(cookie="survey_session_7=1")) if one.code == "decl.review-overdue"]
    assert [one.evidence["reviewed"] for one in found] == ["2007-01-31"]


def test_cs_14_an_audit_finds_that_safe_harbor_is_void(world: World) -> None:
    found = world.audit(world.visit(cookie="survey_session_7=1"), hars.request(PANEL), choice="accept")
    obsolete = [one for one in found if one.code == "decl.transfer-obsolete"]
    assert {one.evidence["basis"] for one in obsolete} == {"safe-harbor"}
    assert {one.evidence["what"] for one in obsolete} == {"policy", "request"}
    assert {one.level for one in obsolete} == {Level.VIOLATION}
