"""What is done about a choice as a visit goes on: withdrawn, too old, told otherwise, not told; what comes close."""

from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from cmp.audit.audit import find_all
from cmp.audit.choices import Event
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Level
from cmp.audit.replay import replay
from cmp.core.consent import Visitor
from tests.audit.hars import START, Json, captured, document, findings, of, policy, request, under
from tests.audit.test_platforms import TOKEN
from tests.audit.test_strings import tc_string

GRANTED = Visitor(granted=frozenset({"analytics", "advertising"}))
REFUSED = Visitor(refused=frozenset({"analytics", "advertising"}))
STATS = request("https://stats.test/s.js", cookie="_st=1", set_cookie=["_st=1; Max-Age=60"])
DAY = 86_400


def cookiebot(answer: str, given: float | None = None) -> str:
    utc = f",utc:{int(given * 1000)}" if given else ""
    text = f"{{stamp:'x',preferences:{answer},statistics:{answer},marketing:{answer}{utc}}}"
    return f"session=1; CookieConsent={quote(text)}"


# ------------------------------------------------------------------------------------------- withdrawal

AGREES, WITHDRAWS = document(cookie=cookiebot("true")), document(cookie=cookiebot("false"))
AFTER = "consent.after-withdrawal"


def test_what_goes_on_after_consent_was_withdrawn() -> None:
    found = findings(AGREES, request("https://stats.test/s.js"), WITHDRAWS, STATS)
    assert [(f.code, f.evidence["what"], f.entry) for f in found if f.vendor == "stats"] == [
        (AFTER, "request", 3),
        (AFTER, "set and read", 3),
    ]
    assert {f.level for f in of(AFTER, found)} == {Level.VIOLATION}


NOT_WITHDRAWN = [
    pytest.param([WITHDRAWS, STATS], id="refused-from-the-start"),
    pytest.param([AGREES, STATS, AGREES, STATS], id="still-agreed"),
    pytest.param([WITHDRAWS, AGREES, STATS], id="agreed-later"),
    pytest.param([AGREES, WITHDRAWS, request("https://consent.test/c.js")], id="necessary-goes-on"),
    pytest.param([AGREES, WITHDRAWS, request("https://stats.test/", set_cookie=["_st=; Max-Age=0"])], id="taken-away"),
]


@pytest.mark.parametrize("entries", NOT_WITHDRAWN)
def test_no_consent_was_withdrawn(entries: list[Json]) -> None:
    cookies = [f for f in of(AFTER, findings(*entries)) if "cookie" in f.evidence]
    requests = [f for f in of(AFTER, findings(*entries)) if f.vendor != "stats"]
    assert (cookies, requests) == ([], [])


def test_a_choice_that_our_proxy_recorded_may_be_withdrawn_too() -> None:
    visitors = {0: GRANTED, 1: GRANTED, 2: REFUSED, 3: REFUSED}
    found = under(policy(), document(), STATS, document(), STATS, visitors=visitors)
    assert {f.code for f in found} == {AFTER}


# ------------------------------------------------------------------------------------------- too old

STALE = "consent.stale"


@pytest.mark.parametrize(
    "days, baseline, expected",
    [
        pytest.param(181, False, [], id="within-the-policy's-time"),
        pytest.param(183, False, ["Cookiebot"], id="older-than-the-policy-says"),
        pytest.param(300, True, [], id="no-policy-and-under-13-months"),
        pytest.param(410, True, ["Cookiebot"], id="no-policy-and-over-13-months"),
    ],
)
def test_how_old_a_consent_may_be(days: int, baseline: bool, expected: list[str]) -> None:
    found = of(STALE, findings(document(cookie=cookiebot("true", START - days * DAY)), baseline=baseline))
    assert [f.evidence["signal"] for f in found] == expected
    assert all(f.level is Level.POTENTIAL for f in found)


OLD = datetime.fromtimestamp(START - 800 * DAY, UTC).isoformat()
DATED = [
    pytest.param(f"OptanonConsent=groups=C0002:1; OptanonAlertBoxClosed={OLD}", 1, id="OneTrust"),
    pytest.param(f"OptanonConsent=groups=C0002:0; OptanonAlertBoxClosed={OLD}", 0, id="an-old-refusal"),
    pytest.param(f"OptanonConsent=groups=C0002:1; OptanonAlertBoxClosed={'9' * 30}", 0, id="no-date"),
    pytest.param(f'cc_cookie={quote(f"""{{"categories":["ads"],"lastConsentTimestamp":"{OLD}"}}""")}', 1, id="vanilla"),
    pytest.param(f"didomi_token={TOKEN}", 0, id="a-token-without-a-date"),
    pytest.param(
        f"cookieyes-consent=action:yes,analytics:yes,lastRenewedDate:{int((START - 800 * DAY) * 1000)}",
        1,
        id="CookieYes",
    ),
    pytest.param("CookieConsent=-1", 0, id="not-asked"),
]


@pytest.mark.parametrize("cookie, count", DATED)
def test_platforms_say_when_a_consent_was_given(cookie: str, count: int) -> None:
    assert len(of(STALE, findings(document(cookie=cookie)))) == count


# ------------------------------------------------------------------------------------------- told otherwise

MISMATCH = "consent.state-mismatch"


@pytest.mark.parametrize(
    "cookie, visitor, claims",
    [
        pytest.param(cookiebot("true"), REFUSED, ["advertising", "analytics"], id="all-though-refused"),
        pytest.param(
            cookiebot("true"),
            Visitor(granted=frozenset({"analytics"}), refused=frozenset({"advertising"})),
            ["advertising"],
            id="more-than-granted",
        ),
        pytest.param(cookiebot("false"), REFUSED, None, id="what-was-refused"),
        pytest.param(cookiebot("false"), GRANTED, None, id="too-little"),
    ],
)
def test_a_platforms_cookie_against_the_choice(cookie: str, visitor: Visitor, claims: list[str] | None) -> None:
    found = of(MISMATCH, under(policy(), document(cookie=cookie), visitors={0: visitor}))
    assert [f.evidence["claims"] for f in found] == ([claims] if claims else [])


def test_what_the_auditor_says_happened_is_a_choice_too() -> None:
    capture = captured(document(), document(cookie=cookiebot("true")))
    told = replay(policy(), capture, events=(Event(0.5, "refuse"),))
    assert [f.entry for f in of(MISMATCH, find_all(Evidence(told, False)))] == [1]


@pytest.mark.parametrize("choice", ["refuse", None, "none"])
def test_a_supposed_choice_proves_no_cookie_wrong(choice: str | None) -> None:
    assert of(MISMATCH, findings(document(cookie=cookiebot("true")), choice=choice)) == []


# ------------------------------------------------------------------------------------------- not told

MISSING = "consent.signal-missing"
TOLD = request(f"https://ads.test/p?gdpr=1&gdpr_consent={tc_string(0xC00000)}", "image")


@pytest.mark.parametrize(
    "entries, expected",
    [
        pytest.param([TOLD, request("https://stats.test/p", "image")], ["stats"], id="one-of-two-is-told"),
        pytest.param([request("https://stats.test/p", "image")], [], id="nobody-is-told"),
        pytest.param([TOLD, request("https://stats.test/s.js")], [], id="a-script-asks-itself"),
        pytest.param([TOLD, request("https://ads.test/q", "image")], [], id="told-once"),
        pytest.param([TOLD, request("https://consent.test/p", "image")], [], id="necessary"),
        pytest.param([TOLD, request("https://cdn.test/p", "image")], [], id="nobody-that-is-known"),
    ],
)
def test_who_is_told_nothing(entries: list[Json], expected: list[str]) -> None:
    found = of(MISSING, findings(document(), *entries, choice="accept"))
    assert [(f.vendor, f.level) for f in found] == [(vendor, Level.NOTE) for vendor in expected]


# ------------------------------------------------------------------------------------------- more than before

MORE = "consent.intensified"
ASKED, SAID_NO = document(), document(cookie=cookiebot("false"))
NEW = [request("https://a-one.test/p"), request("https://b-two.test/p")]


@pytest.mark.parametrize(
    "entries, count",
    [
        pytest.param([ASKED, STATS, SAID_NO, STATS, *NEW], 1, id="two-more-after-the-refusal"),
        pytest.param([ASKED, SAID_NO, *NEW], 1, id="nobody-before"),
        pytest.param([ASKED, STATS, SAID_NO, STATS, NEW[0]], 0, id="one-more"),
        pytest.param([ASKED, *NEW, SAID_NO, *NEW], 0, id="the-same"),
        pytest.param([SAID_NO, *NEW], 0, id="never-loaded-before-the-refusal"),
        pytest.param([ASKED, STATS, request("https://ads.test/p"), SAID_NO, *NEW], 0, id="others-and-not-more"),
        pytest.param([ASKED, document(cookie=cookiebot("true")), *NEW], 0, id="after-agreeing"),
    ],
)
def test_more_companies_after_the_refusal(entries: list[Json], count: int) -> None:
    pages = [{**entry, "pageref": "p"} for entry in entries]
    assert len(of(MORE, findings(*pages))) == count
