"""Google Consent Mode: every signal is set before the first tag, and says what the visitor's choice says."""

import json
import re
from collections.abc import Sequence

import pytest

from cmp.core.consent import supposed_visitor
from cmp.core.signals import NO_SIGNALS, Signals
from cmp.core.urls import parse_url
from cmp.wire.consent_mode import consent_mode, granted_signals
from cmp.wire.page import page_for
from tests.core.examples import compiled
from tests.shipped import shipped_policy

PAGE = parse_url("https://www.shop.test/")
TAG = '<!doctype html><head><script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>'


def granted(choice: str, signals: Signals = NO_SIGNALS) -> set[str]:
    strict = shipped_policy("strict")
    visitor = supposed_visitor(strict, choice)
    return {name for name, value in granted_signals(strict, visitor, signals, PAGE) if value}


def said_to(page: str, choice: str) -> str:
    strict = shipped_policy("strict")
    return consent_mode(page, strict, supposed_visitor(strict, choice), NO_SIGNALS, PAGE)


def page_of(choice: str, csp: Sequence[str] = ()) -> str:
    strict = shipped_policy("strict")
    visitor = supposed_visitor(strict, choice)
    return page_for(TAG, strict, visitor, NO_SIGNALS, PAGE, language="en", reserved="/.consent/", csp=csp).text


ADVERTISING = {"ad_storage", "ad_user_data", "ad_personalization"}
EVERYTHING = {
    *ADVERTISING,
    *("analytics_storage", "functionality_storage", "personalization_storage", "security_storage"),
}


@pytest.mark.parametrize(
    "choice, gpc, expected",
    [
        pytest.param("none", False, {"security_storage"}, id="nobody asked yet"),
        pytest.param("refuse", False, {"security_storage"}, id="refused"),
        pytest.param("analytics", False, {"security_storage", "analytics_storage"}, id="analytics alone"),
        pytest.param("advertising", False, {"security_storage", *ADVERTISING}, id="advertising alone"),
        pytest.param("accept", False, EVERYTHING, id="everything"),
    ],
)
def test_a_signal_is_granted_where_its_request_is_permitted(choice: str, gpc: bool, expected: set[str]) -> None:
    assert granted(choice, Signals(gpc=gpc)) == expected


def test_a_browser_that_objects_counts_as_for_any_request() -> None:
    assert granted("accept", Signals(gpc=True)) == {"security_storage", "analytics_storage"}


def test_every_signal_is_set() -> None:
    text = said_to(TAG, "refuse")
    said = json.loads(re.findall(r'say\("consent", "default", (\{.*?\})\)', text)[0])
    assert set(said) == EVERYTHING
    assert set(said.values()) == {"granted", "denied"}
    assert '"set", "ads_data_redaction", true' in text


@pytest.mark.parametrize("text", ["", "<p>a", "<script>let a = 1</script>"])
def test_a_page_without_a_tag_of_google_says_nothing(text: str) -> None:
    assert said_to(text, "refuse") == ""


def test_it_stands_before_the_first_tag() -> None:
    done = page_of("analytics")
    assert done.index("guard.js") < done.index("analytics_storage") < done.index("googletagmanager")


def test_it_carries_the_nonce_of_the_page() -> None:
    done = page_of("analytics", ["script-src 'nonce-abc' 'strict-dynamic'"])
    assert '<script nonce="abc">(function(){window.dataLayer' in done


def test_a_policy_that_knows_no_google_denies_it_like_anybody_unknown() -> None:
    policy = compiled()
    found = granted_signals(policy, supposed_visitor(policy, "accept"), NO_SIGNALS, PAGE)
    assert not dict(found)["ad_storage"]
