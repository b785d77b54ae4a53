"""Decisions in words."""

import pytest

from cmp.core.consent import NO_CHOICE
from cmp.core.considered import Asking, Considered, Outcome, considered
from cmp.core.decision import Decision, Edit, EditKind, Reason, Ruling
from cmp.policy.compose import compose
from cmp.policy.explain import EDITS, WHY, considered_lines, lines
from tests.core.examples import compiled, exchange


def test_every_reason_has_words_of_its_own() -> None:
    assert set(WHY) == set(Reason)
    assert len(set(WHY.values())) == len(Reason)


def test_every_edit_has_words() -> None:
    assert set(EDITS) == set(EditKind)


@pytest.mark.parametrize("kind", EditKind)
@pytest.mark.parametrize("name", ["x-thing", "{name}", ""])
def test_an_edit_names_what_it_changes(kind: EditKind, name: str) -> None:
    edit = Edit(kind, name, Ruling(True, Reason.OUTGOING, "outgoing.drop"), index=0, max_age=3600)
    text = list(lines(compiled(), Decision(Ruling(True, Reason.NAVIGATION, "navigation"), (edit,))))[2]
    assert (name or "(no name)") in text
    assert WHY[Reason.OUTGOING] in text


@pytest.mark.parametrize("reason", Reason)
def test_a_decision_says_why(reason: Reason) -> None:
    first, place = lines(compiled(), Decision(Ruling(False, reason, "some.rule")))
    assert first == f"block: the request is stopped: {WHY[reason]}"
    assert place == "  rule some.rule"


def test_what_was_considered_stands_below_what_it_was_asked_of() -> None:
    policy = compiled()
    asked = exchange("https://pay.test/", cookie="x=1")
    text = list(considered_lines(policy, considered(policy, NO_CHOICE, asked)))
    assert text[0] == "asked of shop for the request"
    assert "      rule vendor:pay: fits" in text
    assert "      strictly necessary: passes: strictly necessary, so no choice switches it off" in text
    assert "asked of shop for the cookie x that is sent" in text


def test_what_did_not_fit_is_named() -> None:
    one = Considered("shop", "request", Asking.RULE, "vendor:a", Outcome.UNFIT, ("path", "query"))
    assert list(considered_lines(compiled(), [one]))[1] == "      rule vendor:a: does not fit (path, query)"


def test_of_several_policies_it_says_whose_answer_counts() -> None:
    policy = compose([compiled(), compiled(id="client", vendors=[])])
    text = list(considered_lines(policy, considered(policy, NO_CHOICE, exchange("https://ads.test/"))))
    assert [line for line in text if line.startswith("asked of")] == [
        "asked of shop for the request",
        "asked of client for the request",
    ]
    assert text[-1].startswith("  of several policies shop: the strictest: stopped: ")


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_words(outcome: Outcome) -> None:
    one = Considered("shop", "request", Asking.RULE, "vendor:a", outcome)
    assert list(considered_lines(compiled(), [one]))[1].startswith("      rule vendor:a: ")


def test_a_cookie_without_a_name_is_said_to_have_none() -> None:
    policy = compiled()
    asked = exchange("https://www.shop.test/", cookie="=1", set_cookies=["=2"])
    text = "\n".join(considered_lines(policy, considered(policy, NO_CHOICE, asked)))
    assert "for the cookie (no name) that is sent" in text
    assert "for the cookie (no name) that is set" in text
