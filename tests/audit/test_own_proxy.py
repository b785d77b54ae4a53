"""What a recording of our own proxy shows against it: leaks, what was stopped too much."""

from dataclasses import replace
from typing import Any

import pytest

from cmp.audit.audit import find_all
from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.audit.replay import replay
from cmp.capture.capture import Recorded
from cmp.core.consent import Visitor
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from cmp.core.policy import Policy
from tests.audit.hars import Json, captured, document, of, policy, request

REFUSED = Visitor(refused=frozenset({"analytics", "advertising"}))
LEAK, OVER = "proxy.leak", "proxy.overblock"


def recorded(entry: Json, *, by: Policy, forwarded: bool, enforced: bool = True, **changes: Any) -> list[Finding]:
    """What is found where our proxy recorded its decision on the entry, and forwarded it as it came, or not at all."""
    capture = captured(document(), entry)
    page, one = capture.entries
    decision = {**decision_form(decide(by, REFUSED, one.asked)), **changes}
    mark = Recorded(by.fingerprint, decision, enforced=enforced)
    one = replace(one, visitor=REFUSED, recorded=mark, delivered=one.asked if forwarded else None)
    return find_all(Evidence(replay(policy(), replace(capture, entries=(page, one))), False))


# ------------------------------------------------------------------------------------------- leaks

COOKIES = document(cookie="session=1; _st=2", set_cookie=["_st=3; Max-Age=60"])


def test_what_was_decided_and_not_done() -> None:
    found = of(LEAK, recorded(COOKIES, by=policy(), forwarded=True))
    assert [(f.evidence["what"], f.evidence["member"], f.level) for f in found] == [
        ("strip-cookie", "_st", Level.VIOLATION),
        ("strip-set-cookie", "_st", Level.VIOLATION),
    ]


@pytest.mark.parametrize(
    "entry, enforced",
    [
        pytest.param(COOKIES, False, id="only-observed"),
        pytest.param(document(cookie="session=1"), True, id="nothing-to-take-away"),
    ],
)
def test_no_leak(entry: Json, enforced: bool) -> None:
    assert of(LEAK, recorded(entry, by=policy(), forwarded=True, enforced=enforced)) == []


# ------------------------------------------------------------------------------------------- too much

# An older policy: what the page needs was not in it.
OLDER = policy(vendors=[], cookies=[])
NEEDED = request("https://consent.test/c.js", cookie="choice-1=x")


def test_what_is_necessary_and_was_stopped() -> None:
    (found,) = of(OVER, recorded(NEEDED, by=OLDER, forwarded=False))
    assert (found.host, found.vendor, found.level) == ("consent.test", "platform", Level.VIOLATION)
    (cookie,) = of(OVER, recorded(document(cookie="language=de"), by=OLDER, forwarded=True))
    assert (cookie.evidence["cookie"], cookie.category) == ("language", "necessary")


@pytest.mark.parametrize(
    "entry, by, forwarded, enforced",
    [
        pytest.param(request("https://ads.test/p"), policy(), False, True, id="rightly-stopped"),
        pytest.param(NEEDED, policy(), True, True, id="rightly-passed"),
        pytest.param(NEEDED, OLDER, True, False, id="only-observed"),
        pytest.param(request("https://cdn.test/p"), OLDER, False, True, id="nothing-that-is-known"),
    ],
)
def test_not_too_much(entry: Json, by: Policy, forwarded: bool, enforced: bool) -> None:
    assert of(OVER, recorded(entry, by=by, forwarded=forwarded, enforced=enforced)) == []
