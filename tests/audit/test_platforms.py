"""What other platforms' cookies say of the choice, and requests that claim more than was chosen."""

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

from cmp.audit import report_html, report_text
from cmp.audit.audit import audit
from cmp.audit.platforms import stored_choice
from cmp.core.cookies import RequestCookie
from tests.audit.hars import Json, captured, document, policy, request
from tests.audit.test_strings import NOTHING, tc_string

ALL = {"functional", "analytics", "social", "advertising"}
TOKEN = base64.b64encode(
    json.dumps(
        {"purposes": {"enabled": ["measure_ad_performance"], "disabled": ["select_basic_ads", "cookies"]}}
    ).encode()
).decode()

COOKIES = [
    pytest.param(
        {"OptanonConsent": "groups=C0001:1,C0002:0,C0004:1", "OptanonAlertBoxClosed": "2025-06-01"},
        "OneTrust",
        {"advertising"},
        {"analytics"},
        id="OneTrust",
    ),
    pytest.param({"OptanonConsent": "groups=C0001:1,C0002:1"}, None, set(), set(), id="OneTrust, not answered"),
    pytest.param(
        {"CookieConsent": quote("{stamp:'x',necessary:true,preferences:false,statistics:true,marketing:false,ver:1}")},
        "Cookiebot",
        {"analytics"},
        {"functional", "advertising"},
        id="Cookiebot",
    ),
    pytest.param({"CookieConsent": "-1"}, None, set(), set(), id="Cookiebot, not asked"),
    pytest.param(
        {"cookieyes-consent": "consent:no,action:yes,necessary:yes,functional:no,analytics:no,advertisement:no"},
        "CookieYes",
        set(),
        {"functional", "analytics", "advertising"},
        id="CookieYes",
    ),
    pytest.param(
        {"cookieyes-consent": "consentid:a,consent:no,action:,analytics:no"}, None, set(), set(), id="not yet"
    ),
    pytest.param({"didomi_token": TOKEN}, "Didomi", set(), {"advertising", "functional"}, id="Didomi"),
    pytest.param(
        {"cc_cookie": quote('{"categories":["necessary","analytics"],"revision":0}')},
        "vanilla-cookieconsent",
        {"analytics"},
        ALL - {"analytics"},
        id="vanilla-cookieconsent",
    ),
    pytest.param({"klaro": quote('{"matomo":false,"x":false}')}, "klaro", set(), ALL, id="klaro, nothing"),
    pytest.param({"klaro": quote('{"matomo":true,"x":false}')}, None, set(), set(), id="klaro, some: nobody can tell"),
    pytest.param({"euconsent-v2": NOTHING}, "TCF", set(), {"functional", "analytics", "advertising"}, id="a TC string"),
    pytest.param({"usprivacy": "1YYN"}, "US Privacy", set(), {"advertising"}, id="opted out of sale"),
    pytest.param({"usprivacy": "1YNN"}, None, set(), set(), id="not opting out is no consent"),
    pytest.param({"CookieConsent": "damaged", "euconsent-v2": "x"}, None, set(), set(), id="damaged"),
    pytest.param({"session": "1"}, None, set(), set(), id="none"),
]


@pytest.mark.parametrize("cookies, platform, granted, refused", COOKIES)
def test_a_platforms_cookie(
    cookies: dict[str, str], platform: str | None, granted: set[str], refused: set[str]
) -> None:
    stored = stored_choice(RequestCookie(name, value) for name, value in cookies.items())
    if platform is None:
        assert stored is None
    else:
        assert stored is not None
        assert (stored.platform, set(stored.granted), set(stored.refused)) == (platform, granted, refused)


REFUSED = "CookieConsent=" + quote("{necessary:true,preferences:false,statistics:false,marketing:false}")
AGREED = "CookieConsent=" + quote("{necessary:true,preferences:true,statistics:true,marketing:true}")


def codes(*entries: Json, choice: str | None = None, **changes: Any) -> list[str]:
    done = audit(policy(**changes), [captured(*entries)], choice, baseline=False)
    return [finding.code for finding in done.findings if finding.code.startswith("consent.")]


@pytest.mark.parametrize(
    "cookie, choice, code",
    [
        pytest.param("", None, "consent.request-before", id="no cookie: nothing was chosen"),
        pytest.param(REFUSED, None, "consent.request-after-reject", id="a refusal"),
        pytest.param(AGREED, None, None, id="an agreement"),
        pytest.param(AGREED, "refuse", "consent.request-after-reject", id="what the auditor says counts more"),
    ],
)
def test_the_stored_choice_is_the_visitors(cookie: str, choice: str | None, code: str | None) -> None:
    found = codes(document(cookie=f"session=1; {cookie}"), request("https://stats.test/s.js"), choice=choice)
    assert found == ([code] if code else [])


def test_the_reports_say_where_the_choice_was_read() -> None:
    done = audit(policy(), [captured(document(cookie=REFUSED))], None, baseline=False)
    assert "Cookiebot" in report_text.report(done)
    assert "Cookiebot" in report_html.report(done)


# ------------------------------------------------------------------------------------------- claims

YES, NO = tc_string(0b1111 << 20), NOTHING
CLAIMS = [
    pytest.param("gcs=G111", "refuse", True, id="consent mode grants, refused"),
    pytest.param("gcs=G100", "refuse", False, id="consent mode denies, refused"),
    pytest.param("gcs=G111", "accept", False, id="consent mode grants, agreed"),
    pytest.param("gcs=G111", "analytics", True, id="advertising was not agreed to"),
    pytest.param("gcs=G101", "analytics", False, id="analytics was"),
    pytest.param("gcs=G111", "none", True, id="before any choice"),
    pytest.param("gcd=11t1t1t1t5", "refuse", True, id="the longer form grants"),
    pytest.param("gcd=13l3l3l3l1", "refuse", False, id="never set claims nothing"),
    pytest.param(f"gdpr=1&gdpr_consent={YES}", "refuse", True, id="a TC string with consent"),
    pytest.param(f"gdpr=1&gdpr_consent={NO}", "refuse", False, id="a TC string without"),
    pytest.param(f"gdpr_consent={YES}", "accept", False, id="a TC string with consent, agreed"),
    pytest.param("gdpr_consent=%24%7BGDPR_CONSENT_755%7D", "refuse", False, id="a macro nobody filled in"),
    pytest.param("us_privacy=1YNN", "refuse", True, id="not opted out, but refused"),
    pytest.param("us_privacy=1YNN", "none", False, id="not opted out, and nothing chosen"),
    pytest.param("us_privacy=1YYN", "refuse", False, id="opted out"),
    pytest.param("gpp=DBABLA~BVQqAAAAAgA.QA", "refuse", True, id="a GPP string without an opt-out"),
]


@pytest.mark.parametrize("query, choice, found", CLAIMS)
def test_a_request_that_claims_more_than_was_chosen(query: str, choice: str, found: bool) -> None:
    entries = (document(), request(f"https://platform.consent.test/collect?{query}"))
    assert ("consent.signal-overclaim" in codes(*entries, choice=choice)) is found


def test_the_claim_stands_in_the_evidence_and_the_string_does_not() -> None:
    entries = (document(), request(f"https://ads.test/p?gdpr_consent={YES}"), request("https://ads.test/p?gcs=G110"))
    done = audit(policy(), [captured(*entries)], "refuse", baseline=False)
    found = {one.evidence["signal"]: one for one in done.findings if one.code == "consent.signal-overclaim"}
    assert found["gcs"].evidence["claims"] == ["ad_storage"]
    assert found["gdpr_consent"].evidence["claims"] == ["purpose 2", "purpose 3", "purpose 4"]
    assert YES not in str(done.findings)


def test_a_string_in_a_request_to_the_site_itself_tells_nobody() -> None:
    assert codes(document(), request("https://shop.example/x?gcs=G111"), choice="refuse") == []
