"""What people typed, who they are, and sensitive numbers, found where they should not be."""

import hashlib
import json
from typing import Any
from urllib.parse import quote

import pytest

from cmp.audit.fields import log_data, plain_name, who
from cmp.audit.finding import Finding, Level
from cmp.core.consent import Visitor
from tests.audit.hars import POLICY, Json, document, findings, of, policy, request, under
from tests.audit.test_tracking import promising

FORMS, PERSON, DATA = "leak.form-values", "leak.person-with-log-data", "leak.sensitive-data"

MAIL = "jane.doe@example.test"
DIGEST = hashlib.sha256(MAIL.encode()).hexdigest()


def told(code: str, *entries: Json, **more: Any) -> list[Finding]:
    return of(code, findings(document(), *entries, **{"choice": "accept", **more}))


# ------------------------------------------------------------------------------------------- forms

FIELDS = f"email={quote(MAIL)}&name=Jane+Doe&company=Initech&phone=%2B353+1+555+0100&topic=demo12345"
POSTED = document("https://shop.example/demo", body=FIELDS)
TYPED = [
    pytest.param(request(f"https://cdn.test/?e={quote(MAIL)}"), "email", "plain", id="mail"),
    pytest.param(request(f"https://cdn.test/?e={quote(MAIL.upper())}"), "email", "plain", id="mail-in-capitals"),
    pytest.param(request(f"https://cdn.test/?e={DIGEST}"), "email", "sha256", id="mail-hashed"),
    pytest.param(request(f"https://cdn.test/?dl={quote('/a?b=' + MAIL, safe='')}"), "email", "plain", id="in-a-value"),
    pytest.param(
        request("https://cdn.test/", "empty", body=json.dumps({"user": {"mail": MAIL}}), body_type="application/json"),
        "email",
        "plain",
        id="in-json",
    ),
    pytest.param(
        request("https://cdn.test/", Referer=f"https://shop.example/?email={MAIL}"), "email", "plain", id="referrer"
    ),
    pytest.param(request("https://cdn.test/?n=jane+doe"), "name", "plain", id="name"),
    pytest.param(request("https://cdn.test/?co=Initech"), "company", "plain", id="company-as-a-whole-value"),
    pytest.param(request("https://cdn.test/?p=%2B353%201%20555%200100"), "phone", "plain", id="telephone"),
    pytest.param(
        request(f"https://cdn.test/?p={hashlib.sha256(b'35315550100').hexdigest()}"),
        "phone",
        "sha256",
        id="telephone-hashed-as-digits",
    ),
    pytest.param(request(f"https://stats.test/?e={quote(MAIL)}"), "email", "plain", id="to-a-vendor-agreed-to"),
]


@pytest.mark.parametrize("entry,field,form", TYPED)
def test_what_a_person_typed_reaches_a_third_party(entry: Json, field: str, form: str) -> None:
    (found,) = told(FORMS, POSTED, entry)
    assert (found.level, found.evidence["field"], found.evidence["forms"]) == (Level.POTENTIAL, field, [form])
    assert found.evidence["site"] == "shop.example"
    assert MAIL not in repr(found).lower()
    assert [f.level for f in told(FORMS, POSTED, entry, under=promising(FORMS))] == [Level.VIOLATION]


ELSEWHERE = [
    pytest.param(document(f"https://shop.example/thanks?email={quote(MAIL)}"), id="in-a-query-of-the-site"),
    pytest.param(document("https://shop.example/d", body=f"user%5Bemail%5D={quote(MAIL)}"), id="nested-name"),
    pytest.param(
        request(
            "https://api.shop.example/d",
            "empty",
            body=json.dumps({"lead": {"workEmail": MAIL}}),
            body_type="application/json",
        ),
        id="as-json",
    ),
    pytest.param(
        document(
            "https://shop.example/d",
            body=f'--X\r\nContent-Disposition: form-data; name="e-mail"\r\n\r\n{MAIL}\r\n--X--',
            body_type="multipart/form-data; boundary=X",
        ),
        id="as-multipart",
    ),
]


@pytest.mark.parametrize("entry", ELSEWHERE)
def test_forms_come_in_several_ways(entry: Json) -> None:
    assert len(told(FORMS, entry, request(f"https://cdn.test/?e={quote(MAIL)}"))) == 1


NOT_TYPED = [
    pytest.param([POSTED, request(f"https://api.shop.example/?e={quote(MAIL)}")], id="to-the-site-itself"),
    pytest.param([POSTED, request("https://cdn.test/?e=john%40example.test")], id="somebody-else"),
    pytest.param([POSTED, request("https://cdn.test/?t=the+initech+company")], id="a-word-among-others"),
    pytest.param([POSTED, request("https://cdn.test/?t=demo12345")], id="a-field-about-nobody"),
    pytest.param([document(body="name=metrics"), request("https://cdn.test/?n=metrics")], id="a-name-of-something"),
    pytest.param([document(body="email=a%40bc"), request("https://cdn.test/?e=a%40bc")], id="four-characters"),
    pytest.param([document(body="phone=555-123"), request("https://cdn.test/?t=x+555-123")], id="six-digits-in-a-text"),
    pytest.param(
        [document("https://shop.example/?company=Initech"), request("https://cdn.test/?c=Initech")],
        id="a-company-in-a-query",
    ),
    pytest.param([request("https://cdn.test/a", body=FIELDS), request("https://ads.test/?t=1")], id="no-form-of-ours"),
]


@pytest.mark.parametrize("entries", NOT_TYPED)
def test_nothing_that_a_person_typed_is_found(entries: list[Json]) -> None:
    assert told(FORMS, *entries) == []


SHORTEST = [
    pytest.param("zip=D02P5", "z=d02p5", id="five-characters"),
    pytest.param("phone=555-1234", "t=call+555-1234", id="seven-digits"),
    pytest.param("phone=555-1234", f"t={hashlib.md5(b'5551234', usedforsecurity=False).hexdigest()}", id="hashed"),
]


@pytest.mark.parametrize("body,query", SHORTEST)
def test_the_shortest_that_is_found(body: str, query: str) -> None:
    assert len(told(FORMS, document(body=body), request(f"https://cdn.test/?{query}"))) == 1


def test_a_person_is_one_finding_for_each_field_and_recipient() -> None:
    hits = [request(f"https://cdn.test/{n}?e={quote(MAIL)}&h={DIGEST}") for n in range(3)]
    (found,) = told(FORMS, POSTED, *hits)
    assert (found.evidence["count"], found.evidence["recipient"]) == (3, "cdn.test")


# ------------------------------------------------------------------------------------------- a person beside log data

PAGE = quote("https://shop.example/cart", safe="")
BESIDE = [
    pytest.param(f"user_email={MAIL}&dl={PAGE}", "mail address", "page", Level.POTENTIAL, id="mail-and-page"),
    pytest.param(f"em={DIGEST}&dr={PAGE}", "mail address", "referrer", Level.POTENTIAL, id="hashed-mail-and-referrer"),
    pytest.param(f"x={MAIL}&sr=1920x1080", "mail address", "screen", Level.POTENTIAL, id="mail-under-any-name"),
    pytest.param("userId=4711&tz=Europe%2FDublin", "user", "time zone", Level.NOTE, id="user-and-time-zone"),
    pytest.param(f"first_name=Jane&url={PAGE}", "name", "page", Level.NOTE, id="name-and-page"),
    pytest.param(
        f"dl={quote('https://shop.example/?email=' + MAIL, safe='')}",
        "mail address",
        "page",
        Level.POTENTIAL,
        id="in-the-page's-address",
    ),
]


@pytest.mark.parametrize("query,person,data,level", BESIDE)
def test_a_person_named_beside_log_data(query: str, person: str, data: str, level: Level) -> None:
    hit = request(f"https://stats.test/hit?{query}")
    (found,) = told(PERSON, hit)
    assert (found.level, found.evidence["person"], found.evidence["log_data"]) == (level, [person], [data])
    assert found.vendor == "stats"
    assert MAIL not in repr(found)
    assert [f.level for f in told(PERSON, hit, under=promising(PERSON))] == [Level.VIOLATION]


@pytest.mark.parametrize(
    "url",
    [
        pytest.param(f"https://stats.test/hit?dl={PAGE}&sr=1920x1080", id="log-data-alone"),
        pytest.param(f"https://stats.test/hit?user_email={MAIL}", id="a-person-alone"),
        pytest.param(f"https://shop.example/hit?user_email={MAIL}&dl={PAGE}", id="to-the-site-itself"),
        pytest.param(f"https://stats.test/hit?user_email=none&dl={PAGE}", id="no-address"),
        pytest.param(f"https://stats.test/hit?user_id=null&dl={PAGE}", id="no-user"),
        pytest.param(
            f"https://stats.test/hit?user_id=18c0ffee27aa31-0a1b2c3d4e5f67-1a2b3c4d-1fa400-18c0ffee27ab42&dl={PAGE}",
            id="a-number-that-a-script-drew",
        ),
        pytest.param(f"https://stats.test/hit?account_id=4711&dl={PAGE}", id="the-site's-own-account"),
        pytest.param("https://stats.test/hit?userId=4711&u=5&ref=home&sr=big", id="no-log-data-by-its-form"),
    ],
)
def test_one_alone_is_none(url: str) -> None:
    assert told(PERSON, request(url)) == []


def test_names_are_compared_by_their_last_part() -> None:
    assert [plain_name(name) for name in ("user[first_name]", "user.firstName", "First-Name", "[]", "")] == [
        "firstname",
        "firstname",
        "firstname",
        "",
        "",
    ]


def test_unknown_members_tell_nothing() -> None:
    assert (who("color", "red"), log_data("color", "/red"), log_data("u", "red")) == ("", "", "")


# ------------------------------------------------------------------------------------------- sensitive data

CARD = "4111 1111 1111 1111"
PAYMENT = {"id": "pay", "name": "Pay", "category": "necessary", "hosts": ["pay.test"]}
SENT = [
    pytest.param(request(f"https://cdn.test/?card={quote(CARD)}"), "card-number", id="card-in-the-address"),
    pytest.param(request("https://cdn.test/", "empty", body=f"n={quote(CARD)}"), "card-number", id="card-in-the-body"),
    pytest.param(
        request("https://cdn.test/", Referer=f"https://shop.example/pay?card={quote(CARD)}"),
        "card-number",
        id="card-in-the-referrer",
    ),
    pytest.param(request("https://cdn.test/?ssn=219-09-9999"), "social-security-number", id="social-security-number"),
]


@pytest.mark.parametrize("entry,data", SENT)
def test_numbers_that_no_third_party_gets_by_the_way(entry: Json, data: str) -> None:
    (found,) = told(DATA, entry)
    assert (found.level, found.evidence["data"]) == (Level.POTENTIAL, data)
    assert "1111" not in repr(found)
    assert "9999" not in repr(found)
    assert [f.level for f in told(DATA, entry, under=promising(DATA))] == [Level.VIOLATION]


NOT_SENT = [
    pytest.param(request(f"https://shop.example/?card={quote(CARD)}"), id="to-the-site-without-a-rule"),
    pytest.param(request("https://cdn.test/?card=4111+1111+1111+1112"), id="wrong-check-digit"),
    pytest.param(request("https://cdn.test/?visitor_id=4111111111111111"), id="an-identifier"),
    pytest.param(request("https://cdn.test/?lat=53.35&lng=-6.26&mail=jane%40example.test"), id="data-without-a-rule"),
]


@pytest.mark.parametrize("entry", NOT_SENT)
def test_what_comes_close_is_no_sensitive_data(entry: Json) -> None:
    assert told(DATA, entry) == []


RULED = policy(
    vendors=[*POLICY["vendors"], PAYMENT],
    categories={**POLICY["categories"], "location": {"basis": "consent", "title": {"en": "Location"}}},
    sensitive=[{"data": "card-number", "to": ["vendor:pay"]}, {"data": "email-address", "to": ["own", "crm.test"]}],
    location={"category": "location", "to": ["own"]},
)
PLACE = "lat=53.3498&lng=-6.2603"
DESTINATIONS = [
    pytest.param(f"https://pay.test/?card={quote(CARD)}", "accept", [], id="card-to-the-payment-provider"),
    pytest.param(f"https://stats.test/?card={quote(CARD)}", "accept", ["card-number"], id="card-to-another-vendor"),
    pytest.param(f"https://shop.example/?card={quote(CARD)}", "accept", ["card-number"], id="card-to-the-site-itself"),
    pytest.param(f"https://shop.example/?e={MAIL}", "accept", [], id="mail-to-the-site"),
    pytest.param(f"https://x.crm.test/?e={MAIL}", "accept", [], id="mail-to-a-host-named"),
    pytest.param(f"https://stats.test/?e={MAIL}", "accept", ["email-address"], id="mail-to-others"),
    pytest.param(f"https://shop.example/?{PLACE}", "location", [], id="place-to-the-site-as-agreed"),
    pytest.param(f"https://shop.example/?{PLACE}", "refuse", ["coordinates"], id="place-to-the-site-without-consent"),
    pytest.param(f"https://stats.test/?{PLACE}", "accept", ["coordinates"], id="place-to-others"),
]


@pytest.mark.parametrize("url,choice,data", DESTINATIONS)
def test_data_goes_where_the_policy_says(url: str, choice: str, data: list[str]) -> None:
    found = told(DATA, request(url, "empty"), choice=choice, under=RULED)
    assert [f.evidence["data"] for f in found] == data
    assert all(f.level is Level.VIOLATION for f in found)


def test_whose_consent_counts_is_the_visitor_s_of_that_request() -> None:
    place = request(f"https://shop.example/?{PLACE}", "empty")
    agreed = Visitor(granted=frozenset({"location"}))
    found = of(DATA, under(RULED, document(), place, place, visitors={1: agreed}))
    assert [(f.entry, f.evidence["count"]) for f in found] == [(2, 1)]


def test_a_request_with_sensitive_data_may_break_a_refusal_too() -> None:
    found = findings(
        document(), request(f"https://stats.test/?card={quote(CARD)}", "empty"), choice="refuse", under=RULED
    )
    assert [f.code for f in found] == ["consent.request-after-reject", DATA]


def test_without_bodies_the_leaks_are_not_assessable() -> None:
    (found,) = told("cap.incomplete", request("https://cdn.test/", "empty", method="POST"))
    assert found.evidence == {"missing": "bodies", "not_assessed": [FORMS, DATA]}
