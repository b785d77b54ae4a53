"""What Hello Customer promises, one test or more a promise; the name says which (`policies/hellocustomer.json`).

May go in here: promises HC-1 to HC-32. May not: rules taken out of the policy (`test_mutations.py`).
"""

from typing import Any

import pytest

from cmp.audit.finding import Level
from cmp.core.decision import EditKind, Reason
from tests.audit import hars
from tests.live import answer, reverse, running_proxy, running_upstream, send
from tests.promises.serving import Served
from tests.promises.world import DAY, DROPPED, MONTH, NOW, REGULAR, REVERSE, SESSION, YEAR, World, edits

BOTH = (REVERSE, REGULAR)
STATISTICS, RECORDER = "https://www.google-analytics.com/g/collect?v=2&tid=G-1", "https://static.hotjar.com/c/h.js"
ADVERTISER = "https://static.criteo.net/js/ld/ld.js"
LIKE_BUTTON = "https://www.facebook.com/plugins/like.php?href=x"
MAP = "https://maps.googleapis.com/maps/api/js"
CAPTCHA = "https://api.friendlycaptcha.eu/widget.js"
UNKNOWN = "https://cdn.somebody.test/a.js"
RESULTS = "https://results.example.test/add?score=4&uid=77&panel_no=12&client_ref=9a"
CLIENT = "https://hotels.example.test/checkin"
PLACE = "lat=51.0543422&lon=3.7174243"
ANN = "ann@visitor.test"
REVISED = 1_506_729_600.0  # 2017-09-30


@pytest.fixture
def world() -> World:
    return World.of("hellocustomer")


def survey_host(world: World, path: str = "/") -> str:
    return world.url(path, "opinions")


def test_hc_1_the_domain_with_every_sub_domain_is_the_site(world: World) -> None:
    for host in ("www", "opinions", "blog.community"):
        assert world.reaches(world.url("/app.js", host), choice="refuse"), host
        assert world.sends("hc_session", world.url("/", host), choice="refuse"), host
    assert not world.reaches("https://nothellocustomer.com/app.js", choice="refuse")


def test_hc_2_who_asks_says_as_whom_and_the_receipt_repeats_it(world: World) -> None:
    with world.served() as site:
        kinds = [one["id"] for one in site.get("rights", html=False).json["dataSubjects"]]
        assert kinds == ["client", "customer", "respondent"]
        asked = site.post("rights", {"kind": "access", "contact": ANN, "subject": "respondent"})
        assert asked.json["request"]["subjectTitle"] == "I answered a survey of Hello Customer itself"


def test_hc_3_an_audit_names_vendors_elsewhere_and_the_clauses_that_are_gone(world: World) -> None:
    found = world.audit(
        world.visit(cookie="hc_session=1"), hars.request("https://mc.yandex.ru/tag.js"), choice="accept"
    )
    assert [one.vendor for one in found if one.code == "decl.region"] == ["yandex-metrica"]
    obsolete = [one for one in found if one.code == "decl.transfer-obsolete"]
    assert [(one.evidence["basis"], one.level) for one in obsolete] == [("scc-2010", Level.VIOLATION)]


def test_hc_4_the_survey_host_gets_no_label_that_others_know_a_visitor_by(world: World) -> None:
    for name in ("_ga", "_ga_AB1", "_gid", "_gcl_au", "_fbp", "_fbc", "partner_uid"):
        assert not world.sends(name, survey_host(world), choice="accept"), name
    assert world.sends("_ga", world.url(), choice="accept")


def test_hc_5_results_go_on_with_people_and_clients_taken_out(world: World) -> None:
    decided = world.decide(RESULTS, cookie="hc_respondent_1=2", referrer=survey_host(world, "/survey/77"), kind="fetch")
    assert decided.ruling.reduced
    assert edits(decided) >= {
        (EditKind.STRIP_QUERY, "uid"),
        (EditKind.STRIP_QUERY, "panel_no"),
        (EditKind.STRIP_QUERY, "client_ref"),
        (EditKind.STRIP_COOKIE, "hc_respondent_1"),
        (EditKind.TRIM_REFERRER, "origin"),
    }
    assert (EditKind.STRIP_QUERY, "score") not in edits(decided)


def test_hc_5_where_nobody_can_take_that_out_results_do_not_go(world: World) -> None:
    assert not world.reaches(RESULTS, mode=REVERSE)
    assert world.reaches(RESULTS, mode=REGULAR)


def test_hc_5_an_audit_finds_a_respondent_in_what_went_on(world: World) -> None:
    visit = world.visit("/survey/7", host="opinions", cookie="hc_session=1; hc_respondent_1=91c0ffee27aa44")
    found = world.audit(visit, hars.request("https://results.example.test/add?r=91c0ffee27aa44"), choice="accept")
    assert [one.level for one in found if one.code == "track.first-party-id-leak"] == [Level.VIOLATION]


def test_hc_6_a_card_number_goes_nowhere(world: World) -> None:
    form: dict[str, Any] = {"method": "POST", "kind": "fetch", "content_type": "application/x-www-form-urlencoded"}
    for url in (survey_host(world, "/answers"), "https://api.hotjar.com/v1", "https://api.stripe.com/v1"):
        decided = world.decide(url, choice="accept", body=b"card=4111111111111111", **form)
        assert decided.ruling.reason is Reason.SENSITIVE, url
        assert not world.decide(url, choice="accept", body=b"answer=4111111111111112", **form).blocked, url


def test_hc_6_a_social_security_number_goes_nowhere(world: World) -> None:
    form: dict[str, Any] = {"method": "POST", "kind": "fetch", "content_type": "application/x-www-form-urlencoded"}
    for url in (survey_host(world, "/answers"), "https://api.hotjar.com/v1"):
        decided = world.decide(url, choice="accept", body=b"ssn=219-09-9999", **form)
        assert decided.ruling.reason is Reason.SENSITIVE, url


def test_hc_6_an_audit_finds_a_card_number_in_a_beacon(world: World) -> None:
    beacon = hars.request("https://api.hotjar.com/v1?card=4111111111111111", "image")
    found = world.audit(world.visit(cookie="hc_session=1"), beacon, choice="accept")
    assert [one.level for one in found if one.code == "leak.sensitive-data"] == [Level.VIOLATION]


def test_hc_7_a_label_is_for_the_survey_there_and_for_comfort_on_the_website(world: World) -> None:
    survey, website = world.url("/survey/7"), world.url("/blog")
    for name, url, needs, other in (
        ("hc_respondent_1", survey_host(world), "survey", "personalisation"),
        ("hc_visitor", survey, "survey", "personalisation"),
        ("hc_visitor", website, "personalisation", "survey"),
    ):
        assert not world.sends(name, url), name
        assert world.sends(name, url, choice=needs), name
        assert not world.sends(name, url, choice=other), name
    assert not world.sends("hc_respondent_1", website, choice="accept")


def test_hc_7_one_vendor_has_two_purposes_by_host_and_path(world: World) -> None:
    in_survey, elsewhere = world.url("/survey/who.js", "id"), world.url("/who.js", "id")
    for url, needs, other in ((in_survey, "survey", "personalisation"), (elsewhere, "personalisation", "survey")):
        assert not world.reaches(url)
        assert world.reaches(url, choice=needs)
        assert not world.reaches(url, choice=other)


def test_hc_8_others_get_fewer_headers_and_no_whole_address(world: World) -> None:
    sent = {"X-Client-Data": "CIa2yQE=", "From": ANN, "X-Requested-With": "app", "X-Forwarded-For": "203.0.113.77"}
    assert edits(world.decide(RECORDER, choice="accept", headers=sent)) >= {
        (EditKind.STRIP_HEADER, "x-client-data"),
        (EditKind.STRIP_HEADER, "from"),
        (EditKind.STRIP_HEADER, "x-requested-with"),
        (EditKind.SHORTEN_ADDRESS, "x-forwarded-for"),
    }


def test_hc_8_our_own_files_hold_no_address(world: World) -> None:
    address: dict[str, Any] = {"X-Forwarded-For": "203.0.113.77"}
    with world.served() as site:
        assert site.get(**address).status == 200
        assert site.choose("accept", **address)
        assert b"203.0.113.77" not in site.stored


def test_hc_8_that_they_are_noted_and_how_long_is_told(world: World) -> None:
    with world.served() as site:
        purposes = {one["id"]: one["title"] for one in site.get("rights", html=False).json["purposes"]}
        assert "IP address, date and time, request headers" in purposes.get("technical-data", "")


def test_hc_9_a_page_may_not_ask_the_browser_where_somebody_is(world: World) -> None:
    html = answer(b"<!doctype html><title>Hotel</title>", ("Content-Type", "text/html"))
    with running_upstream(lambda _: html) as upstream, running_proxy(world.policy, reverse(upstream)) as proxy:
        page = send(proxy.port, "/", ("Host", "opinions.hellocustomer.com"), ("Sec-Fetch-Dest", "document"))
    assert page.values("Permissions-Policy") == ["geolocation=()"]


def test_hc_9_a_place_is_sent_only_by_who_agreed(world: World) -> None:
    for choice, sent in (("none", False), ("refuse", False), ("analytics", False), ("location", True)):
        assert world.reaches(survey_host(world, f"/near?{PLACE}"), kind="fetch", choice=choice) is sent, choice
        assert world.reaches(f"{CLIENT}?{PLACE}", kind="fetch", choice=choice) is sent, choice
    assert world.policy.location_category == "location"


def test_hc_10_analytics_of_other_companies_waits_for_consent(world: World) -> None:
    for url in (STATISTICS, RECORDER):
        for mode in BOTH:
            assert not world.reaches(url, mode=mode)
            assert world.reaches(url, mode=mode, choice="analytics")
    assert world.keeps("_ga=1.2; Max-Age=999", world.url()) == DROPPED
    assert world.keeps("_ga=1.2; Max-Age=999", world.url(), choice="analytics") == 999


def test_hc_11_others_learn_the_site_and_not_the_page(world: World) -> None:
    told = world.decide(RECORDER, choice="accept", referrer=world.url("/pricing?from=mail"))
    assert (EditKind.TRIM_REFERRER, "origin") in edits(told)


def test_hc_11_the_link_somebody_leaves_by_is_told_with_consent_only(world: World) -> None:
    ping = {"kind": "ping", "method": "POST"}
    assert not world.reaches(world.url("/left?to=x"), **ping)
    assert world.reaches(world.url("/left?to=x"), choice="analytics", **ping)


def test_hc_12_each_of_the_four_techniques_waits_for_consent(world: World) -> None:
    for category, kind, url in (
        ("analytics", "beacon", "https://b.scorecardresearch.com/b?c1=2"),
        ("analytics", "script", "https://www.googletagmanager.com/gtm.js?id=GTM-1"),
        ("marketing", "image", "https://www.facebook.com/tr?id=1&ev=PageView"),
        ("marketing", "script", ADVERTISER),
    ):
        for mode in BOTH:
            assert not world.reaches(url, mode=mode, kind=kind), url
        assert world.reaches(url, kind=kind, choice=category), url
    assert world.keeps("_ga=1.2; Max-Age=999", world.url()) == DROPPED
    assert world.keeps("_fbp=fb.1; Max-Age=999", world.url()) == DROPPED


def test_hc_13_who_declines_can_use_the_site(world: World) -> None:
    assert world.reaches(world.url("/pricing"), kind="document", choice="refuse")
    assert world.reaches(world.url("/demo"), kind="fetch", method="POST", choice="refuse")
    assert world.sends("hc_session", survey_host(world), choice="refuse")
    assert world.keeps("hc_session=1", survey_host(world), choice="refuse") == SESSION
    for mode in BOTH:
        assert world.reaches(CAPTCHA, mode=mode, choice="refuse")


def test_hc_14_an_opt_out_signal_ends_what_was_agreed_to_before(world: World) -> None:
    for mode in BOTH:
        assert world.reaches(ADVERTISER, mode=mode, choice="accept")
        assert not world.reaches(ADVERTISER, mode=mode, choice="accept", gpc=True, older=True)
    assert world.reaches(RECORDER, choice="accept", gpc=True, older=True)


def test_hc_14_that_the_signal_is_honoured_is_stated(world: World) -> None:
    with world.served() as site:
        stated = site.get("well-known/gpc.json", html=False)
        assert stated.status == 200
        assert stated.json["gpc"] is True


def out_of(site: Served, list_: str, client: str) -> list[dict[str, Any]]:
    """Who is off a list now, as the operator exports it."""
    answer = site.operator("GET", f"opt-outs/{list_}?client={client}")
    return list(answer.json["optOuts"]) if answer.status == 200 else []


def test_hc_15_an_opt_out_holds_at_once_and_is_due_at_the_client_in_ten_business_days(world: World) -> None:
    with world.served() as site:
        link = f"opt-out/{site.opt_out_link('surveys', ANN, 'example-hotels')}"
        assert site.post(link, {"choice": "opt-out"}).status == 200
        # Wednesday 7 October 2026, and ten business days on.
        assert [(one["address"], one["due"]) for one in out_of(site, "surveys", "example-hotels")] == [
            (ANN, "2026-10-21")
        ]
        assert out_of(site, "surveys", "example-spas") == []


def test_hc_15_who_opted_out_is_not_invited_from_that_moment_on(world: World) -> None:
    asked = {"addresses": [ANN], "list": "surveys", "client": "example-hotels"}
    with world.served() as site:

        def invited() -> bool:
            answered = site.operator("POST", "invitations", asked)
            return answered.status == 200 and bool(answered.json["invitations"][0]["invite"])

        site.operator("POST", "addresses", {"addresses": [ANN], "source": "client", "client": "example-hotels"})
        assert invited()
        link = f"opt-out/{site.opt_out_link('surveys', ANN, 'example-hotels')}"
        assert site.post(link, {"choice": "opt-out"}).status == 200
        assert not invited()


def test_hc_16_having_opted_out_can_be_undone(world: World) -> None:
    with world.served() as site:
        token = site.opt_out_link("surveys", ANN, "example-hotels")
        assert site.post(f"opt-out/{token}", {"choice": "opt-out"}).status == 200
        assert site.post(f"opt-in/{token}", {"choice": "opt-in"}).status == 200
        assert out_of(site, "surveys", "example-hotels") == []
        told = site.operator("POST", "opt-out-history/surveys", {"address": ANN, "client": "example-hotels"})
        assert told.status == 200
        assert [entry["change"] for entry in told.json["history"]] == ["out", "in"]


def test_hc_17_who_asks_is_identified_and_answered_within_thirty_days(world: World) -> None:
    with world.served() as site:
        asked = site.post("rights", {"kind": "access", "contact": ANN}).json["request"]
        assert (asked["state"], asked["due"]) == ("identity-check", "2026-11-06")
        way = f"requests/{asked['reference']}"
        assert site.operator("POST", way, {"state": "open"}).code == "not-identified"
        assert site.operator("POST", way, {"state": "open", "identified": True}).status == 200
        assert site.operator("POST", way, {"state": "answered"}).status == 200


def test_hc_17_what_the_client_has_to_answer_is_passed_on_and_the_person_is_told(world: World) -> None:
    with world.served() as site:
        asked = site.post("rights", {"kind": "correct", "contact": ANN}).json["request"]
        passed = {"state": "referred", "referTo": "example-hotels"}
        assert site.operator("POST", f"requests/{asked['reference']}", passed).status == 200
        told = site.get(f"request/{asked['reference']}", html=False).json["request"]
        assert (told["state"], told["clientName"]) == ("referred", "Example Hotels")


def test_hc_18_how_long_is_told(world: World) -> None:
    with world.served() as site:
        purposes = {one["id"]: one["retention"] for one in site.get("rights", html=False).json["purposes"]}
        assert "While the service needs it" in purposes.get("surveys", "")


def test_hc_18_records_are_forgotten_when_their_time_is_over(world: World) -> None:
    with world.served() as site:
        reference = site.post("rights", {"kind": "object", "contact": ANN}).json["request"]["reference"]
        assert site.operator("POST", f"requests/{reference}", {"state": "answered"}).status == 200
        for years, status in ((4, 200), (5, 404)):
            at = NOW + years * YEAR + DAY
            with world.served(at=at, folder=site.copied(str(years))) as later:
                assert later.get().status == 200
                assert later.comes_to(f"request/{reference}", status), years


def test_hc_19_a_client_sees_its_own_and_no_other_clients_data(world: World) -> None:
    with world.served() as site:
        for client in ("example-hotels", "example-spas"):
            asked = site.post("rights", {"kind": "object", "contact": f"a@{client}.test", "client": client})
            assert asked.status == 200, client
        seen = site.operator("GET", "requests", who="viewer:example-hotels")
        assert [one["contact"] for one in seen.json["requests"]] == ["a@example-hotels.test"]
        foreign = site.operator("GET", "requests?client=example-spas", who="viewer:example-hotels")
        assert (foreign.status, foreign.code) == (403, "other-client")


def test_hc_19_roles_bound_what_one_may_do_and_it_is_watched(world: World) -> None:
    with world.served() as site:
        assert site.operator("POST", "opt-outs/surveys", {"addresses": [ANN]}, who="viewer").status == 403
        log = site.operator("GET", "access-log", who="auditor")
        assert log.status == 200
        assert ("viewer", "POST opt-outs") in {(one["role"], one["what"]) for one in log.json["accesses"]}


def test_hc_20_what_an_authority_was_told_is_entered_and_can_be_looked_up(world: World) -> None:
    entry = {"authority": "Court of Ghent", "ground": "order 12", "what": "survey answers", "on": "2026-10-01"}
    with world.served() as site:
        assert site.operator("POST", "disclosures", entry).status == 200
        told = site.operator("GET", "disclosures", who="auditor").json["disclosures"]
        assert [(one["authority"], one["on"]) for one in told] == [("Court of Ghent", "2026-10-01")]


def test_hc_21_a_new_owner_is_announced_where_everybody_looks(world: World) -> None:
    merger = {"id": "m", "kind": "merger", "from": "2026-10-01", "until": "2026-12-01", "text": {"en": "Sold to X"}}
    with world.plus("notices", merger).served() as site:
        page = site.get().text
        assert "Change of ownership" in page
        assert "Sold to X" in page
        assert page.index("Sold to X") < page.index("<form")
        kinds = [one["kind"] for one in site.get("notices?kind=merger", html=False).json["notices"]]
        assert kinds == ["merger"]
        site.goes_on(NOW + 60 * DAY)
        assert "Sold to X" not in site.get().text


def test_hc_21_a_notice_is_shown_from_its_first_day_to_its_last(world: World) -> None:
    revised = {"kind": "other", "from": "2017-09-30", "until": "2017-10-30", "text": {"en": "Revised in September"}}
    told = world.plus("notices", {"id": "revised", **revised})
    for at, shown in ((REVISED - DAY, False), (REVISED, True), (REVISED + 29 * DAY, True), (REVISED + 30 * DAY, False)):
        with told.served(at=at) as site:
            assert ("Revised in September" in site.get().text) is shown, at


def test_hc_21_there_is_a_place_for_notices(world: World) -> None:
    with world.served() as site:
        answer = site.get("notices", html=False)
        assert answer.status == 200
        assert answer.json["notices"] == []


def test_hc_22_a_site_that_a_link_leads_to_does_not_learn_the_page(world: World) -> None:
    left = world.decide("https://www.partner.test/", kind="document", referrer=world.url("/customers/ann"))
    assert not left.blocked
    assert (EditKind.TRIM_REFERRER, "origin") in edits(left)


def test_hc_23_a_social_button_waits_for_a_click_whoever_hosts_it(world: World) -> None:
    for url in (LIKE_BUTTON, world.url("/widgets/share.js")):
        for mode in BOTH:
            assert not world.reaches(url, mode=mode, kind="frame"), url
        assert world.reaches(url, kind="frame", choice="social"), url
    assert world.reaches(LIKE_BUTTON, kind="frame", choice="vendor:facebook-widgets")
    page = world.page(f'<iframe src="{LIKE_BUTTON}"></iframe>').html
    assert "/.consent/embed/facebook-widgets" in page


def test_hc_23_an_audit_finds_one_that_was_loaded_before(world: World) -> None:
    foreign, own = hars.request(LIKE_BUTTON, "iframe"), hars.request(world.url("/widgets/share.js"))
    found = world.audit(world.visit(cookie="hc_session=1"), foreign, own)
    early = {one.vendor for one in found if one.code == "widget.before-click" and one.level is Level.VIOLATION}
    assert early == {"facebook-widgets", "share-buttons"}


def test_hc_24_praise_is_published_by_consent_and_comes_down_on_demand(world: World) -> None:
    with world.served() as site:

        def permitted() -> bool | None:
            answer = site.operator("POST", "permission/testimonials", {"contact": ANN})
            return answer.json["permitted"] if answer.status == 200 else None

        assert permitted() is False
        yes = {"contact": ANN, "given": True, "source": "signed form"}
        assert site.operator("POST", "consents/testimonials", yes).status == 200
        assert permitted() is True
        asked = site.post("rights", {"kind": "withdraw", "contact": ANN, "purpose": "testimonials"})
        assert asked.json["request"]["purposeTitle"] == "Publishing your praise with your name"
        assert site.operator("POST", "consents/testimonials", {**yes, "given": False}).status == 200
        assert permitted() is False


def test_hc_25_removing_a_post_can_be_asked_for(world: World) -> None:
    with world.served() as site:
        asked = site.post("rights", {"kind": "erase", "contact": ANN, "purpose": "posts", "text": "blog, 3 May"})
        assert asked.status == 200
        assert asked.json["request"]["purposeTitle"] == "What you write in the blog and the forum"


def test_hc_26_a_material_change_is_told_before_it_counts_and_begins_on_its_day(world: World) -> None:
    change = {"version": "3", "date": "2026-11-01", "material": True, "text": {"en": "A new analytics company"}}
    vendor = {"id": "new", "name": "New Analytics", "category": "analytics", "hosts": ["new.test"]}
    following = world.plus("vendors", vendor).with_(
        version="3", effective="2026-11-01", changes=[change, *world.document.get("changes", [])]
    )
    with world.served() as site:
        consent = site.choose("accept")
        site.becomes(following, NOW + DAY)
        before = site.get(Cookie=consent).text
        assert "What changes on 1 November 2026" in before
        assert "A new analytics company" in before
        assert site.get("state", html=False, Cookie=consent).json["decided"] is True
        site.goes_on(NOW + MONTH)
        assert site.get("state", html=False, Cookie=consent).json["decided"] is False
        assert "A new analytics company" in site.get(Cookie=consent).text


def test_hc_26_who_chose_before_a_change_is_told_of_it(world: World) -> None:
    before = {"version": "1", "date": "2016-01-15", "text": {"en": "Before"}}
    with world.with_(version="1", effective="2016-01-15", changes=[before]).served(at=REVISED - 9 * DAY) as site:
        consent = site.choose("accept")
        site.becomes(world, REVISED + DAY)
        assert "looked through and brought up to date" in site.get(Cookie=consent).text


def test_hc_27_an_audit_finds_a_person_beside_what_logs_hold(world: World) -> None:
    joined = "https://api.hotjar.com/v1?dl=https%3A%2F%2Fwww.hellocustomer.com%2Fdemo&user_email=ann%40firm.test"
    found = world.audit(world.visit(cookie="hc_session=1"), hars.request(joined), choice="accept")
    assert [one.level for one in found if one.code == "leak.person-with-log-data"] == [Level.VIOLATION]


def test_hc_28_a_place_goes_to_the_client_in_question_and_to_nobody_else(world: World) -> None:
    assert world.reaches(f"{CLIENT}?{PLACE}", kind="fetch", choice="accept")
    for url in (f"{MAP}?{PLACE}", f"{RECORDER}?{PLACE}"):
        assert world.reaches(url.partition("?")[0], kind="fetch", choice="accept"), url
        assert not world.reaches(url, kind="fetch", choice="accept"), url


def test_hc_29_own_marketing_has_a_list_of_its_own(world: World) -> None:
    with world.served() as site:
        link = f"opt-out/{site.opt_out_link('marketing', ANN)}"
        assert site.post(link, {"choice": "opt-out"}).status == 200
        history = site.operator("POST", "opt-out-history/marketing", {"address": ANN})
        assert history.status == 200
        assert [(one["change"], one["due"]) for one in history.json["history"]] == [("out", "2026-10-21")]
        assert out_of(site, "surveys", "example-hotels") == []


def test_hc_30_a_client_gets_its_list_as_a_file(world: World) -> None:
    with world.served() as site:
        link = f"opt-out/{site.opt_out_link('surveys', ANN, 'example-hotels')}"
        assert site.post(link, {"choice": "opt-out"}).status == 200
        file = site.operator("GET", "opt-outs/surveys?format=csv&client=example-hotels")
        assert file.status == 200
        assert ANN in file.text
        assert ANN in site.operator("GET", "opt-outs/surveys?format=csv", who="viewer:example-hotels").text
        assert ANN not in site.operator("GET", "opt-outs/surveys?format=csv", who="viewer:example-spas").text


def test_hc_31_filled_forms_and_related_content_are_a_purpose_of_their_own(world: World) -> None:
    assert not world.sends("hc_visitor", world.url("/demo"))
    assert not world.sends("hc_visitor", world.url("/demo"), choice="analytics,marketing,social")
    assert world.sends("hc_visitor", world.url("/demo"), choice="personalisation")
    assert world.keeps(f"hc_visitor=1; Max-Age={2 * YEAR}", world.url(), choice="personalisation") == 12 * MONTH


def test_hc_32_the_date_of_the_last_revision_is_shown(world: World) -> None:
    older = {"version": "1", "date": "2016-01-15", "text": {"en": "First version"}}
    with world.with_(changes=[older]).served() as site:
        assert "Last revised: 30 September 2017" in site.get().text
