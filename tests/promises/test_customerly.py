"""What Customerly promises, one test or more a promise; the name says which (`policies/customerly.json`).

May go in here: promises CU-1 to CU-26. May not: rules taken out of the policy (`test_mutations.py`).
"""

from typing import Any

import pytest

from cmp.audit.finding import Level
from cmp.core.decision import EditKind, Reason
from tests.audit import hars
from tests.promises.world import DAY, DROPPED, MINUTE, MONTH, REGULAR, REVERSE, YEAR, World, codes, edits

BOTH = (REVERSE, REGULAR)
MESSENGER = "https://messenger.customerly.io/session"
# A necessary vendor on each side of the border, and vendors of other purposes inside the Union.
AMERICAN, EUROPEAN = "https://www.recaptcha.net/recaptcha/api.js", "https://api.friendlycaptcha.eu/widget.js"
ADVERTISER, STATISTICS = "https://s2.adform.net/banners/scripts/st/trackpoint.js", "https://code.etracker.com/code/e.js"
UNKNOWN = "https://cdn.somebody.test/a.js"
OPENED, WROTE = ("chat-opened",), ("chat-opened", "chat-message")
CHAT_COOKIE = "customerly_jwt"
SET_FOR_YEARS = f"{CHAT_COOKIE}=a81f22d09c4e7b; Max-Age={2 * YEAR}; Secure"
CHANGED = 1_623_369_600.0  # 2021-06-11
CARD = "number=4111111111111111&cvc=123"


@pytest.fixture
def world() -> World:
    return World.of("customerly")


def test_cu_1_only_vendors_in_the_european_economic_area_are_reached_whatever_their_purpose(world: World) -> None:
    for mode in BOTH:
        assert world.reaches(EUROPEAN, mode=mode)
        assert not world.reaches(AMERICAN, mode=mode, choice="accept")
    assert world.decide(AMERICAN).ruling.reason is Reason.OUTSIDE_REGION


def test_cu_1_a_host_that_nobody_can_place_is_not_reached(world: World) -> None:
    for mode in BOTH:
        assert not world.reaches(UNKNOWN, mode=mode, choice="accept")


def test_cu_1_an_audit_finds_data_that_left(world: World) -> None:
    found = world.audit(world.visit(cookie="app_session=1"), hars.request(AMERICAN))
    assert [(one.vendor, one.level) for one in found if one.code == "decl.region"] == [("recaptcha", Level.VIOLATION)]


def test_cu_2_before_anybody_was_told_a_purpose_nothing_but_the_necessary_happens(world: World) -> None:
    assert world.reaches(world.url("/pricing"), kind="document")
    assert world.sends("app_session", world.url())
    for mode in BOTH:
        assert not world.reaches(MESSENGER, mode=mode)
        assert not world.reaches(UNKNOWN, mode=mode)
    assert not world.sends("visitor_hint", world.url())
    assert world.keeps("visitor_hint=1", world.url()) == DROPPED


def test_cu_3_a_purpose_that_was_not_declared_is_refused_even_after_accepting_everything(world: World) -> None:
    for mode in BOTH:
        assert not world.reaches(STATISTICS, mode=mode, choice="accept")
        assert not world.reaches(UNKNOWN, mode=mode, choice="accept")
    assert not world.sends("visitor_hint", world.url(), choice="accept")


def test_cu_4_the_chat_learns_no_identifier_of_others(world: World) -> None:
    # Two of companies elsewhere, two of companies in the Union, one that nobody knows.
    for name in ("_ga", "_fbp", "TCPID", "cto_bundle", "partner_uid"):
        assert not world.sends(name, MESSENGER, choice="accept", events=OPENED), name
    assert world.sends(CHAT_COOKIE, MESSENGER, choice="accept", events=OPENED)


def test_cu_4_the_chat_learns_a_network_and_no_address(world: World) -> None:
    decided = world.decide(MESSENGER, events=OPENED, headers={"X-Forwarded-For": "203.0.113.77"})
    assert (EditKind.SHORTEN_ADDRESS, "x-forwarded-for") in edits(decided)


def test_cu_5_how_long_is_told_and_a_correction_can_be_asked_for(world: World) -> None:
    with world.served() as site:
        page = site.get("rights")
        assert "deletes the messages" in page.text
        asked = site.post("rights", {"kind": "correct", "contact": "ann@visitor.test"})
        assert (asked.status, asked.json["request"]["kind"]) == (200, "correct")


def test_cu_5_contradicts_cu_15_and_the_policy_says_so(world: World) -> None:
    assert [one["between"] for one in world.document["contradictions"]] == [["CU-5", "CU-15"]]


def test_cu_7_everybody_can_read_the_rules_and_whom_to_ask(world: World) -> None:
    with world.served() as site:
        page = site.get()
        assert page.status == 200
        assert "Customerly Limited" in page.text
        rights = site.get("rights", html=False)
        assert rights.status == 200
        assert rights.json["contact"] == "legal@customerly.io"


def test_cu_8_consent_cannot_switch_a_campaign_on(world: World) -> None:
    pixel = "https://www.facebook.com/tr?id=1&ev=PageView"
    for choice in ("none", "accept", "campaigns", "vendor:adform"):
        for mode in BOTH:
            assert not world.reaches(ADVERTISER, mode=mode, choice=choice)
            assert not world.reaches(pixel, mode=mode, choice=choice, kind="image")
        assert not world.sends("_fbp", world.url(), choice=choice)
        assert world.keeps("_fbp=fb.1.2; Max-Age=999", world.url(), choice=choice) == DROPPED
    assert world.decide(ADVERTISER, choice="accept").ruling.reason is Reason.NEVER


def test_cu_9_every_right_of_the_regulation_can_be_used_and_the_authority_is_named(world: World) -> None:
    with world.served() as site:
        told = site.get("rights", html=False)
        assert told.status == 200
        kinds = {right["id"] for right in told.json["rights"]}
        assert kinds >= {"access", "correct", "erase", "restrict", "object", "port", "withdraw", "complain"}
        assert "Data Protection Commission" in told.json["authority"]


def test_cu_10_the_chat_cookie_waits_until_the_visitor_opens_the_chat(world: World) -> None:
    assert not world.reaches(MESSENGER)
    assert world.keeps(SET_FOR_YEARS, world.url()) == DROPPED
    assert world.reaches(MESSENGER, events=OPENED)
    assert world.sends(CHAT_COOKIE, MESSENGER, events=OPENED)
    assert world.keeps(SET_FOR_YEARS, world.url(), events=OPENED) != DROPPED


def test_cu_10_opening_the_chat_is_observed_and_remembered(world: World) -> None:
    opening: dict[str, Any] = {"method": "POST", "kind": "fetch"}
    decided = world.decide(world.url("/chat/open"), set_cookies=["x=1"], **opening)
    assert decided.events == OPENED
    assert (EditKind.MARK_EVENT, "chat-opened") in edits(decided)


def test_cu_10_who_refused_the_chat_is_not_overruled_by_opening_it(world: World) -> None:
    assert not world.reaches(MESSENGER, choice="refuse", events=OPENED)


def test_cu_11_it_lives_twelve_months_and_anew_with_each_visit(world: World) -> None:
    assert world.keeps(SET_FOR_YEARS, world.url(), events=WROTE) == 12 * MONTH
    again = world.keeps(SET_FOR_YEARS, world.url(), events=WROTE, cookie=SET_FOR_YEARS.partition(";")[0])
    assert again == 12 * MONTH


def test_cu_12_half_an_hour_until_a_message_is_seen_and_twelve_months_from_then_on(world: World) -> None:
    assert world.keeps(SET_FOR_YEARS, world.url(), events=OPENED) == 30 * MINUTE
    writing: dict[str, Any] = {"method": "POST", "kind": "fetch"}
    assert world.keeps(SET_FOR_YEARS, world.url("/chat/messages"), events=OPENED, **writing) == 12 * MONTH
    assert world.keeps(SET_FOR_YEARS, world.url(), events=WROTE) == 12 * MONTH


def test_cu_12_an_audit_finds_a_year_for_somebody_who_never_wrote(world: World) -> None:
    a_year = f"{CHAT_COOKIE}=a81f22d09c4e7b; Max-Age={300 * DAY}; Secure"
    silent = world.audit(world.visit(cookie="app_session=1", set_cookie=[a_year]), choice="accept")
    assert "decl.conditional-lifetime" in codes(silent)
    message = hars.request(world.url("/chat/messages"), "fetch", method="POST")
    wrote = world.audit(world.visit(cookie="app_session=1"), message, world.visit(set_cookie=[a_year]), choice="accept")
    assert "decl.conditional-lifetime" not in codes(wrote)


def test_cu_13_the_cookie_and_its_value_stay_with_the_chat(world: World) -> None:
    met = world.exchange(world.url(), cookie=f"{CHAT_COOKIE}=a81f22d09c4e7b")
    carried = world.decide(f"{EUROPEAN}?v=a81f22d09c4e7b", events=WROTE, seen=[met])
    assert carried.ruling.reason is Reason.CONFINED
    assert not world.decide(f"{EUROPEAN}?v=1", events=WROTE, seen=[met]).blocked
    assert not world.sends(CHAT_COOKIE, EUROPEAN, choice="accept", events=WROTE)


def test_cu_13_an_audit_finds_its_value_with_somebody_else(world: World) -> None:
    visit = world.visit(cookie=f"app_session=1; {CHAT_COOKIE}=a81f22d09c4e7b")
    found = world.audit(visit, hars.request(f"{EUROPEAN}?v=a81f22d09c4e7b"), choice="accept")
    assert "decl.confined-cookie" in codes(found)


def test_cu_14_who_leaves_without_writing_keeps_the_cookie_for_the_visit_alone(world: World) -> None:
    assert world.keeps(SET_FOR_YEARS, world.url(), events=OPENED) == 30 * MINUTE


def test_cu_14_the_address_of_who_did_nothing_is_nowhere(world: World) -> None:
    address: dict[str, Any] = {"X-Forwarded-For": "203.0.113.77"}
    with world.served() as site:
        assert site.get(**address).status == 200
        assert site.get("state", **address).status == 200
        assert site.post("choice", {"choice": "refuse", "surface": "banner"}, **address).status == 200
        assert b"203.0.113.77" not in site.stored


def test_cu_15_that_an_address_is_kept_without_end_is_told_as_it_is(world: World) -> None:
    with world.served() as site:
        purposes = {one["id"]: one for one in site.get("rights", html=False).json["purposes"]}
        told = purposes.get("chat-abuse", {})
        assert (told.get("canStop"), told.get("retention")) == (False, "Without end, once a chat was begun")


def test_cu_16_the_payment_provider_is_reached_where_one_pays_and_nowhere_else(world: World) -> None:
    for mode in BOTH:
        for path in ("/billing", "/checkout/2"):
            assert world.reaches("https://js.stripe.com/v3/", mode=mode, page=world.url(path)), path
        assert not world.reaches("https://js.stripe.com/v3/", mode=mode, choice="accept")


def test_cu_16_a_card_number_goes_to_the_payment_provider_alone(world: World) -> None:
    def pays(url: str) -> bool:
        form: dict[str, Any] = {
            "method": "POST",
            "body": CARD.encode(),
            "content_type": "application/x-www-form-urlencoded",
        }
        return not world.decide(url, page=world.url("/checkout"), kind="fetch", **form).blocked

    assert pays("https://api.stripe.com/v1/tokens")
    assert not pays(world.url("/checkout"))
    assert not pays("https://api.friendlycaptcha.eu/x")


def test_cu_17_promotion_can_be_stopped_and_mail_about_the_service_cannot(world: World) -> None:
    with world.served() as site:
        purposes = {one["id"]: one["canStop"] for one in site.get("rights", html=False).json["purposes"]}
        assert (purposes.get("newsletter"), purposes.get("service-mail")) == (True, False)
        stop = {"kind": "withdraw", "contact": "ann@visitor.test"}
        assert site.post("rights", {**stop, "purpose": "newsletter"}).status == 200
        refused = site.post("rights", {**stop, "purpose": "service-mail"})
        assert (refused.status, refused.code) == (409, "cannot-stop")


def test_cu_18_beside_the_choice_stands_what_does_not_work_without(world: World) -> None:
    with world.served() as site:
        assert "without it the chat does not work" in site.get().text
        chat = next(one for one in site.get("state", html=False).json["categories"] if one["id"] == "chat")
        assert chat["allowed"] is False


def test_cu_19_the_signal_changes_nothing_unless_the_operator_wants_it_to(world: World) -> None:
    assert world.reaches(MESSENGER, choice="chat", dnt=True, older=True)
    honouring = world.with_(signals={**world.document["signals"], "dnt": {"denies": ["chat"]}})
    assert not honouring.reaches(MESSENGER, choice="chat", dnt=True, older=True)


def test_cu_19_it_is_stated_as_disregarded_where_browsers_and_people_look(world: World) -> None:
    with world.served() as site:
        resource = site.get("well-known/dnt/", html=False)
        assert (resource.status, resource.json["tracking"] if resource.status == 200 else "") == (200, "D")
        assert "do not answer Do Not Track" in site.get().text


def test_cu_19_an_audit_finds_a_site_that_answers_otherwise(world: World) -> None:
    for answered, claimed_otherwise in (("N", True), ("D", False)):
        found = world.audit(world.visit(cookie="app_session=1", answers=[("Tk", answered)]))
        assert ("signal.dnt-claim" in codes(found)) is claimed_otherwise


def test_cu_20_it_costs_nothing_and_more_than_is_reasonable_is_turned_down_with_a_reason(world: World) -> None:
    with world.served() as site:
        assert site.get("rights", html=False).json["free"] is True
        answers = [site.post("rights", {"kind": "access", "contact": "ann@visitor.test"}) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429]
        assert "may be turned down" in answers[-1].text


def test_cu_22_the_age_is_stated(world: World) -> None:
    with world.served() as site:
        assert "under 16" in site.get("rights").text


def test_cu_22_what_was_collected_from_a_child_is_deleted_in_one_call(world: World) -> None:
    with world.served() as site:
        asked = site.post("rights", {"kind": "erase", "contact": "kid@visitor.test", "text": "she is eleven"})
        assert asked.status == 200
        assert b"kid@visitor.test" in site.stored
        purged = site.operator("POST", "purge", {"contact": "kid@visitor.test"})
        assert purged.status == 200
        assert b"kid@visitor.test" not in site.stored


def test_cu_23_nothing_goes_back_to_plain_http_and_cookies_stay_off_it(world: World) -> None:
    decided = world.decide(world.url(), kind="document", set_cookies=["app_session=1"])
    assert (EditKind.SECURE_SET_COOKIE, "app_session") in edits(decided)
    assert not world.reaches(world.url("/a.js").replace("https:", "http:"))
    assert world.reaches(world.url("/a.js"))


def test_cu_23_an_audit_finds_a_cookie_without_secure(world: World) -> None:
    found = world.audit(world.visit(cookie="app_session=1", set_cookie=["app_session=1"], secure=False))
    assert [one.level for one in found if one.code == "transport.insecure"] == [Level.VIOLATION]


def test_cu_25_who_chose_before_the_change_is_told_of_it(world: World) -> None:
    older = world.with_(version="2020", changes=[{"version": "2020", "date": "2020-01-01", "text": {"en": "Before"}}])
    with older.served(at=CHANGED - 9 * DAY) as site:
        consent = site.choose("accept")
        site.becomes(world, CHANGED + DAY)
        assert "The version of June 2021" in site.get(Cookie=consent).text


def test_cu_25_what_matters_is_announced_as_a_notice(world: World) -> None:
    notice = {"id": "n", "kind": "material-change", "from": "2026-10-01", "text": {"en": "Chats are kept shorter"}}
    with world.plus("notices", notice).served() as site:
        assert "Chats are kept shorter" in site.get().text


def test_cu_26_no_vendor_of_another_purpose_is_there_while_somebody_chats(world: World) -> None:
    for url in (STATISTICS, ADVERTISER, UNKNOWN):
        for mode in BOTH:
            assert not world.reaches(url, mode=mode, choice="accept", events=WROTE), url
    assert world.reaches(MESSENGER, events=WROTE)
