"""Advice on policies that are usable: what an author should know, where, and how much it matters."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cmp import resources
from cmp.core.globs import Glob
from cmp.policy.compile import compile_policy
from cmp.policy.document import read_document
from cmp.policy.lints import LINTS, Advice, Level, Lint, advice_of, subject_of
from cmp.policy.lints.places import COUNTRIES
from cmp.policy.lints.reach import covers
from cmp.policy.load import find_faults
from tests.policy.quiet import categories, consent, cookies, quiet, vendor

NOW = datetime(2026, 11, 15, tzinfo=UTC).timestamp()


def region(**more: Any) -> dict[str, Any]:
    return {"source": {"header": "cf-ipcountry"}, "defined": [{"id": "r", "places": ["US-CA"], **more}]}


def advice(document: dict[str, Any], *, announced: bool = False) -> list[Advice]:
    assert find_faults(document) == [], "a lint is about a policy that is usable"
    return advice_of(subject_of(document, compile_policy(document), NOW, announced=announced))


def test_of_a_policy_that_is_in_order_nothing_is_said() -> None:
    assert advice(quiet()) == []


TEXT = {"en": "x" * 30}
GIVEN = [
    # Which rule is reached, and what nothing falls under.
    (
        "own-site-given-away",
        {"vendors": [vendor("stats", hosts=["shop.test"])]},
        "/vendors/0",
        "shop.test is the site itself",
    ),
    (
        "own-site-given-away",
        {"sites": ["www.shop.test"], "vendors": [vendor("stats", signatures=[{"host": "shop.test"}])]},
        "/vendors/0",
        "its own requests",
    ),
    (
        "shadowed-rule",
        {
            "vendors": [
                vendor("a", hosts=["x.test"]),
                vendor("b", category="advertising", signatures=[{"host": "x.test"}]),
            ]
        },
        "/vendors/1",
        '"vendor:a" covers it',
    ),
    (
        "shadowed-rule",
        {
            "vendors": [
                vendor("a", signatures=[{"host": "x.test", "path": "/collect/*"}]),
                vendor("b", category="advertising", signatures=[{"host": "x.test", "path": "/collect/*"}]),
            ]
        },
        "/vendors/1",
        "never reached on x.test",
    ),
    (
        "shadowed-rule",
        {
            "vendors": [
                vendor("a", signatures=[{"path": "*/gggg/collect"}]),
                vendor("b", category="advertising", signatures=[{"path": "/gggg/collect"}]),
            ]
        },
        "/vendors/1",
        "on the site",
    ),
    ("shadowed-cookie", {"cookies": cookies({"name": "_st"})}, "/vendors/0/cookies/0", '"cookie:_st" covers it'),
    (
        "shadowed-cookie",
        {"cookies": cookies({"name": "x", "hosts": ["a.test", "b.test"]}, {"name": "x", "hosts": ["a.test"]})},
        "/cookies/1",
        "an earlier",
    ),
    (
        "overlapping-vendors",
        {"vendors": [vendor("a", hosts=["x.test"]), vendor("b", category="advertising", hosts=["y.x.test"])]},
        "/vendors/1",
        "the longer host counts",
    ),
    ("unrecognisable-vendor", {"vendors": [vendor("a")]}, "/vendors/0", "no host, alias, signature or cookie"),
    ("never-seen", {"categories": categories(chat=consent("Chat"))}, "/categories/chat", "nothing ever falls under it"),
    ("unused-event", {"events": {"message": {"path": "/api/messages*"}}}, "/events/message", "no category waits"),
    # Known trackers.
    (
        "necessary-tracker",
        {"vendors": [vendor("hotjar", category="necessary", hosts=["h.test"])]},
        "/vendors/0",
        "known for analytics",
    ),
    (
        "necessary-tracker",
        {"vendors": [vendor("mine", category="necessary", hosts=["www.google-analytics.com"])]},
        "/vendors/0",
        '"mine", known for',
    ),
    (
        "necessary-tracker",
        {"vendors": [vendor("mine", category="necessary", hosts=["m.test"], techniques=["session-replay"])]},
        "/vendors/0",
        "uses session-replay",
    ),
    (
        "necessary-tracker",
        {
            "vendors": [
                vendor("mine", hosts=["www.google-analytics.com"], uses=[{"category": "necessary", "pages": ["/a"]}])
            ]
        },
        "/vendors/0",
        "is necessary",
    ),
    (
        "necessary-tracker",
        {"catalogue": {"adopt": ["hotjar"], "categories": {"analytics": "necessary"}}},
        "/catalogue",
        '"hotjar"',
    ),
    (
        "signal-gap",
        {"signals": {"dnt": {"denies": "all"}}, "catalogue": {"adopt": ["advertising"]}},
        "/signals",
        "does not deny",
    ),
    ("signal-gap", {"signals": None, "catalogue": {"adopt": ["criteo"]}}, "", "criteo"),
    ("no-catalogue", {"unknown": {"host": "report"}}, "/unknown/host", "trackers nobody declared"),
    (
        "unknown-open",
        {"unknown": {"host": "allow"}, "catalogue": {"adopt": ["hotjar"]}},
        "/unknown/host",
        "client guard alone",
    ),
    # Claims.
    (
        "claim-exceeded",
        {"categories": categories(necessary={"claimed": "consent"})},
        "/categories/necessary/basis",
        "asks for consent",
    ),
    (
        "claim-differs",
        {"categories": categories(analytics={"claimed": "necessary"})},
        "/categories/analytics/claimed",
        "calls it necessary",
    ),
    (
        "claim-differs",
        {"categories": categories(analytics={"claimed": "none"})},
        "/categories/analytics/claimed",
        "names no basis",
    ),
    (
        "contradiction",
        {
            "promises": [
                {"id": f"SH-{n}", "title": "Promise", "shows": ["declared"], "reason": "Off the wire"} for n in (1, 2)
            ],
            "contradictions": [{"between": ["SH-1", "SH-2"], "text": {"en": "One says yes, one no"}}],
        },
        "/contradictions/0",
        "SH-1 and SH-2 contradict each other: One says yes",
    ),
    (
        "obsolete-transfer",
        {"transfers": {"within": ["EEA"], "basis": "safe-harbor"}},
        "/transfers/basis",
        "6 October 2015 (CJEU C-362/14)",
    ),
    (
        "obsolete-transfer",
        {"vendors": [vendor("a", hosts=["a.test"], transferBasis="privacy-shield")]},
        "/vendors/0/transferBasis",
        "16 July 2020 (CJEU C-311/18)",
    ),
    (
        "obsolete-transfer",
        {"vendors": [vendor("a", hosts=["a.test"], transferBasis="scc-2010")]},
        "/vendors/0/transferBasis",
        "27 December 2022",
    ),
    (
        "anonymous-ip",
        {
            "categories": categories(
                analytics={"retention": {"en": "Kept for a year. Your IP address is anonymous to us."}}
            )
        },
        "/categories/analytics/retention/en",
        "calls an IP address anonymous",
    ),
    (
        "anonymous-ip",
        {
            "languages": ["en"],
            "categories": categories(
                analytics={"reason": {"en": "x", "de": "Die anonyme IP-Adresse wird gespeichert"}}
            ),
        },
        "/categories/analytics/reason/de",
        "anonymous",
    ),
    # Patterns.
    (
        "every-cookie-necessary",
        {"cookies": cookies({"name": "*", "category": "necessary"})},
        "/cookies/0/name",
        "no cookie is ever refused",
    ),
    ("excludes-everything", {"exclude": [{"paths": ["/api/*", "/*"]}]}, "/exclude/0/paths/1", "every host of the site"),
    ("unsafe-pattern", {"cookies": cookies({"name": "**"})}, "/cookies/0/name", "fits every cookie"),
    ("unsafe-pattern", {"cookies": cookies({"name": "a*b*c*d*e*f*g*h*i*"})}, "/cookies/0/name", "more than 8 stars"),
    (
        "unsafe-pattern",
        {"vendors": [vendor("a", signatures=[{"host": "a.test", "path": "/*"}])]},
        "/vendors/0/signatures/0/path",
        "fits every path",
    ),
    (
        "unsafe-pattern",
        {"vendors": [vendor("a", hosts=["a.test"], uses=[{"category": "advertising", "pages": ["/a", "/*"]}])]},
        "/vendors/0/uses/0/pages/1",
        "fits every path",
    ),
    ("unsafe-pattern", {"events": {"e": {"path": "/*a*b*c*d*e*f*g*h*"}}}, "/events/e/path", "more than 8 stars"),
    ("unsafe-pattern", {"identifiers": ["respondent*", "*"]}, "/identifiers/1", "all of them would be taken out"),
    (
        "path-never-fits",
        {"vendors": [vendor("a", signatures=[{"host": "a.test", "path": "/%74r"}])]},
        "/vendors/0/signatures/0/path",
        'compared as "/tr"',
    ),
    ("path-never-fits", {"rollout": {"paths": ["/büro/*"]}}, "/rollout/paths/0", "percent-encoded"),
    ("header-bytes", {"cookies": cookies({"name": 'a"b'})}, "/cookies/0/name", "no name of a cookie may hold"),
    (
        "header-bytes",
        {"vendors": [vendor("a", cookies=[{"name": "ü", "lifetime": "1 day"}])]},
        "/vendors/0/cookies/0/name",
        "no name of a cookie",
    ),
    (
        "cookie-without-lifetime",
        {"cookies": [{"name": "sid", "category": "necessary"}]},
        "/cookies/0",
        "as long as it likes",
    ),
    (
        "cookie-without-lifetime",
        {"vendors": [vendor("a", cookies=[{"name": "x"}])]},
        "/vendors/0/cookies/0",
        "as long as it likes",
    ),
    # Consent.
    (
        "allowed-before-consent",
        {"categories": categories(analytics={"default": "allow"})},
        "/categories/analytics/default",
        "before anybody agreed",
    ),
    (
        "allowed-before-consent",
        {"regions": region(places=["DE"], defaults={"analytics": "allow"})},
        "/regions/defined/0/defaults/analytics",
        "allowed in DE",
    ),
    ("asked-too-soon", {"consent": {"askAgain": "30 days"}}, "/consent/askAgain", "after 30 days"),
    (
        "asked-too-soon-california",
        {"regions": region(askAgain="6 months")},
        "/regions/defined/0/askAgain",
        "for 12 months",
    ),
    (
        "asked-too-soon-california",
        {"preset": "us", "consent": {"askAgain": "6 months"}},
        "/consent/askAgain",
        "for 12 months",
    ),
    ("asked-too-late", {"consent": {"askAgain": "3 years"}}, "/consent/askAgain", "a choice holds 1098 days"),
    ("records-too-short", {"consent": {"keepRecords": "1 month"}}, "/consent/keepRecords", "still holds"),
    ("age-below-13", {"consent": {"minimumAge": 12}}, "/consent/minimumAge", "children of 12"),
    ("age-below-16", {"consent": {"minimumAge": 13}}, "/consent/minimumAge", "13 suffices only"),
    ("signal-claim", {"signals": {"gpc": {"denies": [], "declare": True}}}, "/signals/gpc/declare", "denies nothing"),
    (
        "not-tracking-claim",
        {"signals": {"gpc": {"denies": "all"}, "dnt": {"denies": ["analytics"], "status": "N"}}},
        "/signals/dnt/status",
        'leaves "advertising" on',
    ),
    (
        "disregard-unexplained",
        {"signals": {"gpc": {"denies": "all"}, "dnt": {"denies": [], "status": "D"}}},
        "/signals/dnt",
        "without saying why",
    ),
    (
        "deadline-too-long",
        {"rights": {"offered": ["access"], "deadlineDays": 45}},
        "/rights/deadlineDays",
        "within 45 days",
    ),
    ("no-contact", {"controller": {"name": "Shop Ltd"}}, "/controller", "nobody is named"),
    ("no-contact", {"controller": None}, "", "nobody is named"),
    (
        "authorisation-unclear",
        {"authorisation": "listed", "vendors": [vendor("a", hosts=["a.test"])]},
        "/vendors/0",
        "never passes",
    ),
    (
        "authorisation-unclear",
        {"vendors": [vendor("a", hosts=["a.test"], authorised=True)]},
        "/vendors/0/authorised",
        "where every vendor is",
    ),
    (
        "exempt-too-long",
        {
            "categories": categories(
                counting={
                    "basis": "exempt",
                    "exemption": "audience-measurement",
                    "title": {"en": "Counting"},
                    "reason": {"en": "To count"},
                }
            ),
            "cookies": cookies({"name": "c", "category": "counting", "lifetime": "14 months"}),
        },
        "/cookies/0/lifetime",
        "without consent",
    ),
    (
        "longer-than-browsers",
        {"cookies": cookies({"name": "c", "lifetime": "2 years"})},
        "/cookies/0/lifetime",
        "400 days",
    ),
    ("partly-enforced", {"rollout": {"share": 0.25}}, "/rollout", "25% of the visitors"),
    ("partly-enforced", {"mode": "observe"}, "/mode", "nothing is stopped"),
    # Places.
    (
        "no-country",
        {"vendors": [vendor("a", hosts=["a.test"], country="UK")]},
        "/vendors/0/country",
        '"UK" is no country',
    ),
    ("no-country", {"transfers": {"within": ["EEA", "EL"]}}, "/transfers/within/1", '"EL" is no country'),
    ("no-country", {"regions": region(places=["US-CA", "QQ"])}, "/regions/defined/0/places/1", '"QQ" is no country'),
    (
        "regions-meet",
        {
            "regions": {
                "source": {"fixed": "IE"},
                "defined": [{"id": "a", "places": ["EEA"]}, {"id": "b", "places": ["DE"]}],
            }
        },
        "/regions/defined/1/places",
        'DE is in "a" already',
    ),
    (
        "country-missing",
        {
            "transfers": {"within": ["EEA"]},
            "vendors": [{"id": "a", "name": "A", "category": "analytics", "hosts": ["a.test"]}],
        },
        "/vendors/0",
        "is refused",
    ),
    (
        "transfer-without-basis",
        {"transfers": {"within": ["EEA"], "except": ["a"]}, "vendors": [vendor("a", hosts=["a.test"], country="US")]},
        "/transfers/except/0",
        "(US)",
    ),
    (
        "alias-elsewhere",
        {"vendors": [vendor("a", aliases=["metrics.shop.test", "metrics.other.test"])]},
        "/vendors/0/aliases/1",
        "no host of the site",
    ),
    # Dates.
    ("review-overdue", {"reviewed": "2025-10-01", "reviewEvery": "12 months"}, "/reviewed", "due on 2026-10-08"),
    ("never-reviewed", {"reviewEvery": "12 months"}, "/reviewEvery", "when the last review was"),
    ("effective-ahead", {"effective": "2027-01-01"}, "/effective", "holds from 2027-01-01"),
    (
        "security-expires",
        {"security": {"contact": ["mailto:s@shop.test"], "expires": "2026-01-01T00:00:00Z"}},
        "/security/expires",
        "has expired",
    ),
    (
        "security-expires",
        {"security": {"contact": ["mailto:s@shop.test"], "expires": "2028-01-01T00:00:00Z"}},
        "/security/expires",
        "more than a year",
    ),
    (
        "notice-unseen",
        {"notices": [{"id": "n", "kind": "other", "from": "2026-11-01", "until": "2026-11-01", "text": TEXT}]},
        "/notices/0/until",
        "nobody ever sees it",
    ),
    (
        "notice-ended",
        {"notices": [{"id": "n", "kind": "other", "from": "2026-01-01", "until": "2026-11-01", "text": TEXT}]},
        "/notices/0",
        "ended on 2026-11-01",
    ),
    (
        "changes-unordered",
        {
            "changes": [
                {"version": "2", "date": "2025-01-01", "text": TEXT},
                {"version": "1", "date": "2026-01-01", "text": TEXT},
            ]
        },
        "/changes/1",
        "newest first",
    ),
    (
        "changes-version",
        {"changes": [{"version": "1", "date": "2025-01-01", "text": TEXT}]},
        "/changes/0/version",
        'this is "2"',
    ),
    # Texts.
    (
        "same-title",
        {"categories": categories(advertising=consent("Analytics"))},
        "/categories/advertising/title",
        'as "analytics" is',
    ),
    (
        "no-reason",
        {"categories": {**categories(), "advertising": {"basis": "consent", "title": {"en": "Ads"}}}},
        "/categories/advertising",
        "told what for",
    ),
    (
        "untranslated",
        {
            "languages": ["en", "de"],
            "title": {"en": "P", "de": "P"},
            "categories": {
                "necessary": {
                    "basis": "necessary",
                    "title": {"en": "N", "de": "N"},
                    "reason": {"en": "Makes all of it work", "de": "Makes all of it work"},
                }
            },
            "vendors": [],
            "signals": None,
        },
        "/categories/necessary/reason",
        "says the same in en and de",
    ),
    (
        "example-client",
        {"parties": [{"id": "client", "role": "client", "name": "Client", "policy": "clients/example.json"}]},
        "/parties/0/policy",
        "no client's policy",
    ),
    (
        "undecided",
        {"vendors": [vendor("cnt", hosts=["cnt.test"], undecided={"requests": 3})]},
        "/vendors/0",
        '"analytics" for the time being',
    ),
    (
        "undecided",
        {
            "categories": categories(later=consent("Later", never=True)),
            "cookies": cookies({"name": "x", "category": "later", "undecided": {}}),
        },
        "/cookies/0",
        "stopped, whatever is chosen",
    ),
]
SILENT = [
    (
        "shadowed-rule",
        {
            "vendors": [
                vendor("a", signatures=[{"path": "*/g/collect"}]),
                vendor("b", category="advertising", signatures=[{"path": "/a/g/collect"}]),
            ]
        },
    ),
    ("shadowed-cookie", {"cookies": cookies({"name": "_st", "hosts": ["a.test"]})}),
    ("overlapping-vendors", {"vendors": [vendor("a", hosts=["x.test"]), vendor("b", hosts=["y.x.test"])]}),
    ("never-seen", {"categories": categories(chat=consent("Chat", never=True))}),
    (
        "unused-event",
        {"events": {"message": {"path": "/api/m*"}}, "categories": categories(analytics={"after": "message"})},
    ),
    ("claim-differs", {"categories": categories(analytics={"claimed": "consent"})}),
    ("obsolete-transfer", {"vendors": [vendor("a", hosts=["a.test"], transferBasis="scc-2021")]}),
    ("anonymous-ip", {"categories": categories(analytics={"reason": {"en": "Your IP address is not anonymous"}})}),
    (
        "anonymous-ip",
        {"categories": categories(analytics={"reason": {"en": "Anonymous counts. Your IP address is kept"}})},
    ),
    ("excludes-everything", {"exclude": [{"paths": ["/api/*"]}]}),
    ("allowed-before-consent", {"preset": "us", "signals": None}),
    ("allowed-before-consent", {"regions": region(defaults={"analytics": "allow"})}),
    ("asked-too-soon-california", {"regions": region(askAgain="12 months")}),
    ("age-below-16", {"consent": {"minimumAge": 16}}),
    ("deadline-too-long", {"preset": "us", "rights": {"offered": ["access"], "deadlineDays": 45}}),
    ("review-overdue", {"reviewed": "2026-10-01", "reviewEvery": "12 months"}),
]


def resolve(document: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        document = document[int(key)] if isinstance(document, list) else document[key]
    return document


def numbered(rows: list[Any]) -> Iterator[Any]:
    """One parameter set for each row, called after its code."""
    seen: dict[str, int] = {}
    for row in rows:
        seen[row[0]] = seen.get(row[0], 0) + 1
        yield pytest.param(*row, id=row[0] if seen[row[0]] == 1 else f"{row[0]}, {seen[row[0]]}")


@pytest.mark.parametrize("code, changes, pointer, what", [*numbered(GIVEN)])
def test_advice_names_the_place_and_what_to_do(code: str, changes: dict[str, Any], pointer: str, what: str) -> None:
    document = quiet(**changes)
    found = [one for one in advice(document) if one.code == code]
    assert [one.pointer for one in found] == [pointer]
    assert what in found[0].what
    assert found[0].remedy
    resolve(document, pointer)


@pytest.mark.parametrize("code, changes", [*numbered(SILENT)])
def test_what_is_meant_so_is_left_alone(code: str, changes: dict[str, Any]) -> None:
    assert [one for one in advice(quiet(**changes)) if one.code == code] == []


def test_every_lint_has_an_example_here() -> None:
    assert {lint.code for lint in LINTS} == {row[0] for row in GIVEN}


def test_no_two_lints_have_one_code_and_codes_are_words() -> None:
    codes = [lint.code for lint in LINTS]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch("[a-z0-9]+(-[a-z0-9]+)*", code) for code in codes)


def test_a_successor_that_is_announced_may_begin_in_the_future() -> None:
    document = quiet(effective="2027-01-01")
    assert [one.code for one in advice(document)] == ["effective-ahead"]
    assert advice(document, announced=True) == []


def test_the_worst_comes_first() -> None:
    document = quiet(
        consent={"minimumAge": 15},
        cookies=cookies({"name": "*", "category": "necessary"}),
        reviewEvery="12 months",
    )
    assert [one.level for one in advice(document)] == [Level.ERROR, Level.WARNING, Level.NOTE]


def test_a_lint_from_elsewhere_joins_in() -> None:
    document = quiet()
    lint = Lint("mine", Level.NOTE, lambda _: iter([(("sites", 0), "what", "remedy")]), "RFC 1")
    subject = subject_of(document, compile_policy(document), NOW)
    assert advice_of(subject, [lint]) == [Advice("mine", Level.NOTE, "/sites/0", "what", "remedy", "RFC 1")]


@pytest.mark.parametrize(
    "first, second, expected",
    [
        ("/a", "/a", True),
        ("/a*", "/a", True),
        ("/a*", "/a*", True),
        ("/a*", "/ab*", True),
        ("*", "/ab*c", True),
        ("/a*c", "/ab*c", True),
        ("/a", "/a*", False),
        ("/ab*", "/a*", False),
        ("/a*c", "/a*", False),
        ("/a*b", "/a*b*", False),
    ],
)
def test_one_pattern_covers_another_if_it_fits_all_the_other_fits(first: str, second: str, expected: bool) -> None:
    assert covers(Glob(first), Glob(second)) is expected


def test_there_are_as_many_countries_as_the_standard_assigns() -> None:
    assert len(COUNTRIES) == 249


@pytest.mark.parametrize("path", sorted(resources.policies().glob("*.json")), ids=lambda path: path.stem)
def test_a_shipped_policy_has_no_error_and_every_place_named_is_there(path: Any) -> None:
    document = read_document(path)
    found = advice(document)
    assert [one for one in found if one.level is Level.ERROR] == []
    for one in found:
        resolve(document, one.pointer)
