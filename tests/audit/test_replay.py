"""Replay: whose choice counts, and whether live decisions are confirmed."""

from dataclasses import replace

import pytest

from cmp.audit.audit import audit, find_all
from cmp.audit.evidence import Evidence
from cmp.audit.replay import Live, replay
from cmp.capture.capture import Capture, Recorded
from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.decide import decide
from cmp.core.forms import decision_form
from tests.audit.hars import POLICY as DOCUMENT
from tests.audit.hars import captured, document, policy, request

POLICY = policy()
CATEGORIES = DOCUMENT["categories"]
REFUSED = Visitor(refused=frozenset({"analytics", "advertising"}), decided_at=1.0, policy=POLICY.fingerprint)
AGREED = Visitor(granted=frozenset({"analytics", "advertising"}), decided_at=1.0, policy=POLICY.fingerprint)


def recorded(visitor: Visitor, *, fingerprint: str = POLICY.fingerprint, action: str = "") -> Capture:
    """A capture as our proxy writes it: blocked requests were not delivered, decisions stand in the entries."""
    capture = captured(document(), request("https://stats.test/s.js"))
    entries = []
    for entry in capture.entries:
        decision = decide(POLICY, visitor, entry.asked)
        form = decision_form(decision)
        entries.append(
            replace(
                entry,
                visitor=visitor,
                delivered=None if decision.blocked else entry.asked,
                recorded=Recorded(fingerprint, {**form, "action": action} if action else form),
            )
        )
    return replace(capture, entries=tuple(entries))


CHOICES = [
    pytest.param(AGREED, None, "granted", id="as-recorded"),
    pytest.param(REFUSED, None, "refused", id="as-recorded-refused"),
    pytest.param(AGREED, "refuse", "refused", id="supposed-outweighs-recorded"),
    pytest.param(AGREED, "none", "default-denied", id="none-given-outweighs-recorded"),
]


@pytest.mark.parametrize("visitor,choice,reason", CHOICES)
def test_whose_choice_counts(visitor: Visitor, choice: str | None, reason: str) -> None:
    done = replay(POLICY, recorded(visitor), choice)
    assert done.steps[1].decision.ruling.reason == reason


def test_without_a_recorded_visitor_nobody_has_chosen() -> None:
    done = replay(POLICY, captured(document(), request("https://stats.test/s.js")))
    assert [step.visitor for step in done.steps] == [NO_CHOICE, NO_CHOICE]
    assert done.actions == {"allow": 1, "edit": 0, "block": 1}


def test_same_input_same_output() -> None:
    assert replay(POLICY, recorded(REFUSED)) == replay(POLICY, recorded(REFUSED))


def test_a_choice_the_policy_does_not_offer_is_refused_even_without_entries() -> None:
    with pytest.raises(ValueError, match="necessary"):
        replay(POLICY, captured(), "necessary")


LIVE = [
    pytest.param(recorded(REFUSED), None, Live(2, 0, None), id="confirmed"),
    pytest.param(recorded(REFUSED, action="edit"), None, Live(2, 2, 0), id="differs"),
    pytest.param(recorded(REFUSED, fingerprint="other", action="edit"), None, Live(), id="other-policy"),
    pytest.param(recorded(REFUSED, action="edit"), "accept", Live(), id="other-visitor-supposed"),
    pytest.param(captured(document()), None, Live(), id="nothing-recorded"),
]


@pytest.mark.parametrize("capture,choice,expected", LIVE)
def test_live_decisions_are_compared(capture: Capture, choice: str | None, expected: Live) -> None:
    done = replay(POLICY, capture, choice)
    assert done.live == expected
    assert ["live-differs"] * bool(expected.differ) == [note.code for note in done.notes]


def test_what_was_not_delivered_is_no_finding() -> None:
    assert find_all(Evidence(replay(POLICY, recorded(REFUSED)), baseline=False)) == []
    asked_only = replay(POLICY, captured(document(), request("https://stats.test/s.js")), "refuse")
    assert [f.code for f in find_all(Evidence(asked_only, baseline=False))] == ["consent.request-after-reject"]


def test_pages_of_other_sites_are_noted() -> None:
    capture = captured(document(), document("https://other.test/", page="page_2"))
    assert [note.code for note in replay(policy(sites=["shop.example"]), capture).notes] == ["other-site"]
    assert replay(POLICY, capture).notes == ()


def test_an_audit_sums_its_captures() -> None:
    both = audit(POLICY, [recorded(REFUSED), captured(document())], baseline=False)
    assert both.actions == {"allow": 2, "edit": 0, "block": 1}


# ------------------------------------------------------------------------------------------- what depends on before

CHAT = policy(
    events={"opened": {"path": "/chat/open"}},
    categories={**CATEGORIES, "analytics": {**CATEGORIES["analytics"], "after": "opened"}},
)
SCRIPT, OPENED = request("https://stats.test/s.js"), request("https://shop.example/chat/open", "empty")


@pytest.mark.parametrize(
    "choice,expected",
    [
        pytest.param(None, ["default-denied", "first-party", "asked-for"], id="asked-for-from-then-on"),
        pytest.param("none", ["default-denied", "first-party", "asked-for"], id="supposed-not-to-have-chosen"),
        pytest.param("refuse", ["refused", "first-party", "refused"], id="refusal-outweighs-it"),
    ],
)
def test_events_of_the_capture_count_for_what_follows(choice: str | None, expected: list[str]) -> None:
    done = replay(CHAT, captured(document(), SCRIPT, OPENED, SCRIPT), choice)
    assert [step.decision.ruling.reason for step in done.steps[1:]] == expected


def test_a_supposed_choice_changes_neither_place_nor_events() -> None:
    capture = captured(SCRIPT)
    visitor = Visitor(place="US-CA", events=frozenset({"opened"}))
    seen = replace(capture, entries=(replace(capture.entries[0], visitor=visitor),))
    (step,) = replay(CHAT, seen, "none").steps
    assert (step.visitor.place, step.decision.ruling.reason) == ("US-CA", "asked-for")


def test_what_a_request_carries_is_decided_on() -> None:
    limited = policy(sensitive=[{"data": "card-number", "to": ["consent.test"]}])
    card = "card=4111+1111+1111+1111"
    bodies = [request(f"https://{host}/", "empty", body=card) for host in ("consent.test", "stats.test")]
    done = replay(limited, captured(*bodies), "accept")
    assert [step.decision.ruling.reason for step in done.steps] == ["necessary", "sensitive-data"]


def test_what_was_delivered_carries_what_was_left_of_it() -> None:
    limited = policy(sensitive=[{"data": "card-number", "to": ["consent.test"]}])
    capture = captured(request("https://stats.test/?card=4111+1111+1111+1111"))
    asked = capture.entries[0].asked
    (without,) = captured(request("https://stats.test/")).entries
    reduced = replace(capture, entries=(replace(capture.entries[0], delivered=without.delivered),))
    (step,) = replay(limited, reduced).steps
    assert step.entry.asked == replace(asked, carries=frozenset({"card-number"}))
    assert step.entry.delivered == without.delivered
    stopped = replace(capture, entries=(replace(capture.entries[0], delivered=None),))
    assert replay(limited, stopped).steps[0].entry.delivered is None
    (step,) = replay(limited, capture).steps
    assert step.entry.delivered is step.entry.asked
