"""What changes on the wire if one policy replaces another."""

from typing import Any

import pytest

from cmp.audit.comparing import SUBJECTS, Comparison, compare
from cmp.core.decision import EditKind
from tests.audit.hars import POLICY, Json, captured, document, policy, request

STATS = request("https://stats.test/hit?id=1", "empty")
VENDORS: list[dict[str, Any]] = POLICY["vendors"]
REDUCED = {**POLICY["categories"]["analytics"], "treatment": "reduce"}
NECESSARY = [{**VENDORS[0], "category": "necessary"}, *VENDORS[1:]]


def compared(*entries: Json, choice: str | None = "refuse", **changes: Any) -> Comparison:
    return compare(policy(), policy(**changes), [captured(document(), *entries)], choice)


def told(found: Comparison) -> list[tuple[str, ...]]:
    return [
        (one.party, one.category, f"{one.subject} {one.name}".strip(), one.old, one.new) for one, _ in found.changes
    ]


CASES = [
    pytest.param(
        [STATS],
        {"vendors": NECESSARY},
        [("Acme Statistics", "necessary", "request", "stopped", "passes")],
        id="a-request-passes",
    ),
    pytest.param(
        [STATS],
        {
            "categories": {
                **POLICY["categories"],
                "analytics": {**POLICY["categories"]["analytics"], "treatment": "reduce"},
            }
        },
        [("Acme Statistics", "analytics", "request", "stopped", "passes without identifiers")],
        id="a-request-is-reduced",
    ),
    pytest.param(
        [request("https://new.test/a.js")],
        {"unknown": {"host": "report", "cookie": "deny"}},
        [("new.test", "", "request", "stopped", "passes")],
        id="an-unknown-host",
    ),
    pytest.param(
        [document(cookie="session=1; theme=dark")],
        {"unknown": {"host": "deny", "cookie": "report"}},
        [("shop.example", "necessary", "cookie sent theme", "taken out", "kept")],
        id="a-cookie-is-sent",
    ),
    pytest.param(
        [document(set_cookie=["theme=dark"])],
        {"unknown": {"host": "deny", "cookie": "report"}},
        [("shop.example", "necessary", "cookie set theme", "dropped", "kept")],
        id="a-cookie-is-set",
    ),
    pytest.param(
        [document(set_cookie=["language=en; Max-Age=2592000"])],
        {"cookies": [{**one, "lifetime": "1 day"} for one in POLICY["cookies"]]},
        [("shop.example", "necessary", "cookie set language", "kept", "lives at most 1 day")],
        id="a-cookie-is-cut",
    ),
    pytest.param(
        [document(set_cookie=["session=1"], secure=False)],
        {"transport": {"secureCookies": True}},
        [("shop.example", "necessary", "cookie over HTTPS only session", "kept", "Secure added")],
        id="a-cookie-is-kept-to-https",
    ),
    pytest.param(
        [request("https://consent.test/a.js", Referer="https://shop.example/private")],
        {"outgoing": {"referrer": "origin"}},
        [("Consent platform", "necessary", "header referer", "kept", "Referer cut (origin)")],
        id="a-header-of-the-request",
    ),
]


Told = list[tuple[str, ...]]


@pytest.mark.parametrize("entries, changes, expected", CASES)
def test_a_difference_on_the_wire(entries: list[Json], changes: dict[str, Any], expected: Told) -> None:
    found = compared(*entries, **changes)
    assert told(found) == expected
    assert found.changed == 1


@pytest.mark.parametrize("entries, changes, expected", CASES)
def test_the_way_back_is_the_same_difference_turned_round(
    entries: list[Json], changes: dict[str, Any], expected: Told
) -> None:
    back = compare(policy(**changes), policy(), [captured(document(), *entries)], "refuse")
    assert [one[2:] for one in told(back)] == [(subject, new, old) for _, _, subject, old, new in expected]


SAME = [
    pytest.param([STATS], {}, id="the-same-policy"),
    pytest.param([STATS], {"title": {"en": "Another"}, "version": "2"}, id="another-title"),
    pytest.param(
        [STATS], {"vendors": [{**VENDORS[0], "category": "advertising"}, *VENDORS[1:]]}, id="stopped-for-another-reason"
    ),
    pytest.param([document()], {"vendors": NECESSARY}, id="nobody-it-is-about"),
]


@pytest.mark.parametrize("entries, changes", SAME)
def test_what_nobody_would_notice_is_no_difference(entries: list[Json], changes: dict[str, Any]) -> None:
    found = compared(*entries, **changes)
    assert (told(found), found.changed, found.requests) == ([], 0, 1 + len(entries))


def test_what_a_stopped_request_would_carry_is_none_of_its_own() -> None:
    found = compared(request("https://stats.test/hit", cookie="_st=1", set_cookie=["_st=2"]), vendors=NECESSARY)
    assert [change[2] for change in told(found)] == ["request"]


def test_the_choice_counts() -> None:
    assert told(compared(STATS, choice="accept", vendors=NECESSARY)) == []
    assert len(told(compared(STATS, choice=None, vendors=NECESSARY))) == 1


def test_each_difference_is_counted_with_a_few_addresses_without_values() -> None:
    entries = [request(f"https://stats.test/{n}?id=secret{n}", "empty") for n in (1, 2, 3, 4, 4)]
    ((_, seen),) = compared(*entries, vendors=NECESSARY).changes
    assert seen.count == 5
    assert seen.examples == [f"https://stats.test/{n}?id" for n in (1, 2, 3)]


def test_requests_come_first_and_the_commonest_before_others() -> None:
    entries = [STATS, request("https://new.test/a.js"), request("https://new.test/b.js"), document(cookie="theme=1")]
    found = compared(*entries, vendors=NECESSARY, unknown={"host": "report", "cookie": "report"})
    assert [(change[0], change[2]) for change in told(found)] == [
        ("new.test", "request"),
        ("Acme Statistics", "request"),
        ("shop.example", "cookie sent theme"),
    ]
    assert [counted["block"] for counted in found.actions] == [3, 0]


def test_a_choice_that_one_of_them_does_not_offer_is_refused() -> None:
    with pytest.raises(ValueError, match="social"):
        compared(STATS, choice="social")


def test_every_edit_of_the_traffic_is_compared() -> None:
    assert set(EditKind) - set(SUBJECTS) == {EditKind.MARK_EVENT}
