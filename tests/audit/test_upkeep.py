"""How carefully a site keeps its cookies and its list of them: hits, and what comes close."""

from typing import Any

import pytest

from cmp.audit.finding import Level
from tests.audit.hars import POLICY, Json, document, findings, of, policy, request

ID = "91c0ffee27aa"
YEAR = 366 * 86_400

# ------------------------------------------------------------------------------------------- attributes

HYGIENE = "hygiene.cookie-attributes"


@pytest.mark.parametrize(
    "line, how",
    [
        pytest.param("a=1; SameSite=None", ["SameSite=None without Secure"], id="none-without-secure"),
        pytest.param("a=1; SameSite=None; Secure", [], id="none-with-secure"),
        pytest.param("a=1; SameSite=Lax", [], id="lax"),
        pytest.param("a=1; Partitioned", ["Partitioned without Secure"], id="partitioned"),
        pytest.param("__Secure-a=1", ["__Secure- without Secure"], id="secure-prefix"),
        pytest.param("__Host-a=1; Secure; Path=/", [], id="host-prefix"),
        pytest.param(
            "__Host-a=1; Secure; Path=/x",
            ["__Host- without Secure and Path=/, or with a Domain"],
            id="host-prefix-path",
        ),
        pytest.param(
            "a=1; Domain=other.example", ["a Domain that the host is not part of"], id="somebody-else's-domain"
        ),
        pytest.param("a=1; Domain=.shop.example", [], id="its-own-domain"),
        pytest.param(f"PHPSESSID={ID}", ["session or sign-in readable by scripts"], id="session-without-httponly"),
        pytest.param(f"auth_token={ID}", ["session or sign-in readable by scripts"], id="sign-in-without-httponly"),
        pytest.param(f"PHPSESSID={ID}; HttpOnly", [], id="session-with-httponly"),
        pytest.param("sid=1", [], id="a-session-that-tells-nobody-apart"),
        pytest.param(f"csrf_token={ID}", [], id="a-token-that-scripts-must-read"),
        pytest.param(f"visitor={ID}", [], id="no-session"),
    ],
)
def test_attributes_of_the_sites_cookies(line: str, how: list[str]) -> None:
    found = of(HYGIENE, findings(document(set_cookie=[line], secure=False), choice="accept"))
    assert [(f.evidence["how"], f.level) for f in found] == [(one, Level.NOTE) for one in how]


def test_cookies_of_others_are_their_matter() -> None:
    entry = request("https://ads.test/p", set_cookie=[f"sid={ID}; SameSite=None"], secure=False)
    assert of(HYGIENE, findings(document(), entry, choice="accept")) == []


# ------------------------------------------------------------------------------------------- never seen

NEVER = "decl.never-seen"
PAGES = [document(f"https://shop.example/{n}", page=f"p{n}") for n in range(3)]


def never(*entries: Json, **more: Any) -> list[tuple[list[str], list[str]]]:
    found = of(NEVER, findings(*entries, **{"choice": "accept", **more}))
    return [(f.evidence["cookies"], f.evidence["vendors"]) for f in found]


def test_what_is_declared_and_never_seen_is_one_finding() -> None:
    stats = request("https://stats.test/s.js", cookie="_st=1")
    assert never(*PAGES, stats) == [(["choice*", "language", "uid"], ["ads", "platform"])]


@pytest.mark.parametrize(
    "entries, more",
    [
        pytest.param(PAGES[:2], {}, id="two-pages-are-not-thorough"),
        pytest.param(PAGES, {"choice": "refuse"}, id="nothing-was-agreed-to"),
        pytest.param(PAGES, {"baseline": True}, id="nobody-declared-anything"),
    ],
)
def test_a_capture_that_proves_nothing_about_what_it_lacks(entries: list[Json], more: dict[str, Any]) -> None:
    assert never(*entries, **more) == []


def test_all_that_is_declared_was_seen() -> None:
    seen = [
        request("https://stats.test/s.js", cookie="_st=1"),
        request("https://ads.test/p", cookie="uid=2"),
        request("https://consent.test/c", set_cookie=["choice-1=x"]),
    ]
    assert never(*PAGES, *seen, document(cookie="language=de; session=1")) == []


# ------------------------------------------------------------------------------------------- prolonged

SLIDING = "decl.sliding-lifetime"
FIXED = policy(
    cookies=[
        *POLICY["cookies"],
        {"name": "once", "category": "necessary", "party": "first", "lifetime": "30 days", "renewal": "fixed"},
    ]
)
AUDIENCE = {
    "basis": "exempt",
    "exemption": "audience-measurement",
    "title": {"en": "Audience"},
}
EXEMPT = policy(
    categories={**POLICY["categories"], "audience": AUDIENCE},
    cookies=[{"name": "_am", "category": "audience", "party": "first", "lifetime": "24 months"}, *POLICY["cookies"]],
)
STATISTICS = policy(
    categories={**POLICY["categories"], "audience": {**AUDIENCE, "exemption": "uk-statistics"}},
    cookies=[{"name": "_am", "category": "audience", "party": "first", "lifetime": "24 months"}, *POLICY["cookies"]],
)


@pytest.mark.parametrize(
    "entry, under, how",
    [
        pytest.param(
            document(cookie="once=1", set_cookie=["once=1; Max-Age=600"]),
            FIXED,
            ["set again with the same value"],
            id="fixed-and-set-again",
        ),
        pytest.param(document(cookie="once=1", set_cookie=["once=2; Max-Age=600"]), FIXED, [], id="another-value"),
        pytest.param(document(cookie="once=1", set_cookie=["once=1"]), FIXED, [], id="ends-with-the-session"),
        pytest.param(document(set_cookie=["once=1; Max-Age=600"]), FIXED, [], id="set-for-the-first-time"),
        pytest.param(
            document(cookie="language=de", set_cookie=["language=de; Max-Age=600"]), FIXED, [], id="may-slide"
        ),
        pytest.param(
            document(cookie="_am=1", set_cookie=["_am=1; Max-Age=600"]),
            EXEMPT,
            ["set again with the same value"],
            id="exempt-and-set-again",
        ),
        pytest.param(
            document(set_cookie=[f"_am=1; Max-Age={2 * YEAR}"]), EXEMPT, ["longer than 13 months"], id="exempt-and-long"
        ),
        pytest.param(document(set_cookie=[f"_am=1; Max-Age={YEAR}"]), EXEMPT, [], id="exempt-for-a-year"),
        pytest.param(
            document(set_cookie=[f"_am=1; Max-Age={2 * YEAR}"]),
            STATISTICS,
            [],
            id="another-exemption-knows-no-13-months",
        ),
    ],
)
def test_lives_that_begin_anew(entry: Json, under: Any, how: list[str]) -> None:
    assert [f.evidence["how"] for f in of(SLIDING, findings(entry, choice="accept", under=under))] == how


# ------------------------------------------------------------------------------------------- another side

MISMATCH = "decl.party-mismatch"
THIRD = policy(cookies=[*POLICY["cookies"], {"name": "partner", "category": "advertising", "party": "third"}])


@pytest.mark.parametrize(
    "entries, declared",
    [
        pytest.param([document(), request("https://cdn.test/", cookie="language=de")], ["first"], id="first-on-third"),
        pytest.param([document(cookie="partner=1")], ["third"], id="third-on-first"),
        pytest.param([document(cookie="language=de")], [], id="where-it-belongs"),
        pytest.param([document(cookie="theme=1")], [], id="declared-nowhere"),
        pytest.param([document(), request("https://ads.test/", cookie="uid=1")], [], id="declared-for-that-host"),
    ],
)
def test_cookies_on_another_side(entries: list[Json], declared: list[str]) -> None:
    found = of(MISMATCH, findings(*entries, choice="accept", under=THIRD))
    assert [(f.evidence["declared"], f.level) for f in found] == [(side, Level.POTENTIAL) for side in declared]
