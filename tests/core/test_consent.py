"""What a visitor's choice and the browser's signals permit, in order of precedence."""

import dataclasses

import pytest

from cmp.core.consent import NO_CHOICE, PRECEDENCE, Permission, Visitor, permit, supposed_visitor
from cmp.core.decision import Reason
from cmp.core.signals import NO_SIGNALS, Signals
from tests.core.examples import compiled

POLICY = compiled()
GPC, DNT, BOTH = Signals(gpc=True), Signals(dnt=True), Signals(gpc=True, dnt=True)


def visitor(granted: str = "", refused: str = "", shown: Signals = NO_SIGNALS) -> Visitor:
    return Visitor(frozenset(granted.split()), frozenset(refused.split()), shown_with=shown)


def test_the_order_of_precedence() -> None:
    assert [name for name, _ in PRECEDENCE] == [
        "never, whatever is chosen",
        "strictly necessary",
        "explicit refusal",
        "grant made while the signal was shown",
        "service the visitor asked for",
        "privacy signal",
        "grant",
        "silence beside a refusal",
        "regional default",
        "policy default",
    ]


@pytest.mark.parametrize(
    "category, who, signals, allowed, reason",
    [
        # never > the rest
        pytest.param("profiling", visitor(), NO_SIGNALS, False, Reason.NEVER, id="never"),
        pytest.param("profiling", visitor("profiling"), NO_SIGNALS, False, Reason.NEVER, id="never > grant"),
        pytest.param(
            "profiling", visitor("vendor:v"), NO_SIGNALS, False, Reason.NEVER, id="never > grant of the vendor"
        ),
        pytest.param("profiling", visitor("", "profiling"), NO_SIGNALS, False, Reason.NEVER, id="never > refusal"),
        # necessary > refusal
        pytest.param("necessary", visitor(), NO_SIGNALS, True, Reason.NECESSARY, id="necessary"),
        pytest.param("necessary", visitor("", "necessary"), BOTH, True, Reason.NECESSARY, id="necessary > refusal"),
        pytest.param("payment", visitor("", "vendor:v"), GPC, True, Reason.NECESSARY, id="necessary > vendor refused"),
        # refusal > grant under signal
        pytest.param("analytics", visitor("", "analytics"), NO_SIGNALS, False, Reason.REFUSED, id="refusal"),
        pytest.param(
            "advertising", visitor("advertising", "advertising", GPC), GPC, False, Reason.REFUSED, id="refusal > grant"
        ),
        pytest.param("research", visitor("", "research"), NO_SIGNALS, False, Reason.REFUSED, id="refusal > default"),
        pytest.param("advertising", visitor("", "advertising"), GPC, False, Reason.REFUSED, id="refusal > signal"),
        # grant under signal > signal
        pytest.param(
            "advertising",
            visitor("advertising", shown=GPC),
            GPC,
            True,
            Reason.GRANTED_OVER_SIGNAL,
            id="grant under signal",
        ),
        pytest.param(
            "advertising",
            visitor("advertising", shown=BOTH),
            GPC,
            True,
            Reason.GRANTED_OVER_SIGNAL,
            id="one signal less",
        ),
        pytest.param(
            "advertising",
            visitor("vendor:v", shown=GPC),
            GPC,
            True,
            Reason.GRANTED_OVER_SIGNAL,
            id="grant of the vendor under signal",
        ),
        pytest.param(
            "analytics",
            visitor("analytics", shown=DNT),
            DNT,
            False,
            Reason.DNT,
            id="not where the policy says no override",
        ),
        pytest.param(
            "advertising",
            visitor("advertising", shown=BOTH),
            BOTH,
            False,
            Reason.GPC,
            id="not where one of two says no",
        ),
        # signal > older grant
        pytest.param("advertising", visitor("advertising"), GPC, False, Reason.GPC, id="signal > older grant"),
        pytest.param(
            "advertising", visitor("vendor:v"), GPC, False, Reason.GPC, id="signal > older grant of the vendor"
        ),
        pytest.param(
            "advertising", visitor("advertising", shown=DNT), GPC, False, Reason.GPC, id="another signal was shown then"
        ),
        pytest.param("analytics", visitor("analytics"), DNT, False, Reason.DNT, id="DNT > older grant"),
        pytest.param("advertising", visitor(), BOTH, False, Reason.GPC, id="of two signals the first is named"),
        # grant > default
        pytest.param("analytics", visitor("analytics"), NO_SIGNALS, True, Reason.GRANTED, id="grant > default"),
        pytest.param(
            "analytics", visitor("analytics"), GPC, True, Reason.GRANTED, id="a signal not about the category"
        ),
        pytest.param("research", visitor("research"), BOTH, True, Reason.GRANTED, id="grant of what is allowed anyway"),
        # default
        pytest.param("analytics", visitor(), NO_SIGNALS, False, Reason.DEFAULT_DENIED, id="default deny"),
        pytest.param("research", visitor(), NO_SIGNALS, True, Reason.DEFAULT_ALLOWED, id="default allow"),
        pytest.param(
            "analytics", visitor("comfort"), NO_SIGNALS, False, Reason.DEFAULT_DENIED, id="another was granted"
        ),
        pytest.param(
            "research", visitor("", "comfort"), NO_SIGNALS, False, Reason.REFUSED, id="silence beside a refusal"
        ),
        # a DNT of nought
        pytest.param(
            "analytics", visitor(), Signals(dnt=False), False, Reason.DEFAULT_DENIED, id="DNT: 0 grants nothing"
        ),
        pytest.param(
            "analytics",
            visitor("", "analytics"),
            Signals(dnt=False),
            False,
            Reason.REFUSED,
            id="DNT: 0 outweighs no refusal",
        ),
        # one vendor
        pytest.param("analytics", visitor("vendor:v"), NO_SIGNALS, True, Reason.GRANTED, id="the vendor alone granted"),
        pytest.param(
            "analytics",
            visitor("analytics", "vendor:v"),
            NO_SIGNALS,
            False,
            Reason.REFUSED,
            id="the vendor alone refused",
        ),
        pytest.param(
            "analytics",
            visitor("vendor:v", "analytics"),
            NO_SIGNALS,
            True,
            Reason.GRANTED,
            id="granted in a refused category",
        ),
        pytest.param(
            "analytics",
            visitor("vendor:v", "vendor:v"),
            NO_SIGNALS,
            False,
            Reason.REFUSED,
            id="both at once is a refusal",
        ),
        pytest.param(
            "analytics", visitor("vendor:other"), NO_SIGNALS, False, Reason.DEFAULT_DENIED, id="another vendor granted"
        ),
        pytest.param(
            "analytics",
            visitor("analytics", "vendor:other"),
            NO_SIGNALS,
            True,
            Reason.GRANTED,
            id="another vendor refused",
        ),
    ],
)
def test_precedence(category: str, who: Visitor, signals: Signals, allowed: bool, reason: Reason) -> None:
    assert permit(POLICY, who, signals, category, "v") == Permission(allowed, reason)


def test_a_choice_about_a_vendor_says_nothing_of_the_sites_own() -> None:
    assert permit(POLICY, visitor("vendor:v"), NO_SIGNALS, "analytics", None) == Permission(
        False, Reason.DEFAULT_DENIED
    )


def test_a_signal_the_policy_does_not_name_denies_nothing() -> None:
    policy = dataclasses.replace(POLICY, signals={})
    assert permit(policy, visitor("advertising"), BOTH, "advertising", None) == Permission(True, Reason.GRANTED)


OPTIONAL = frozenset({"comfort", "analytics", "advertising", "research"})


@pytest.mark.parametrize(
    "choice, granted",
    [
        ("accept", OPTIONAL),
        ("refuse", frozenset()),
        ("analytics", frozenset({"analytics"})),
        pytest.param(" analytics , comfort,", frozenset({"analytics", "comfort"}), id="spaces and a last comma"),
    ],
)
def test_a_supposed_choice_settles_every_category(choice: str, granted: frozenset[str]) -> None:
    supposed = supposed_visitor(POLICY, choice, GPC)
    assert (supposed.granted, supposed.refused) == (granted, OPTIONAL - granted)
    assert (supposed.policy, supposed.shown_with, supposed.decided) == (POLICY.fingerprint, GPC, True)


def test_none_is_no_choice() -> None:
    assert supposed_visitor(POLICY, "none", GPC) == NO_CHOICE
    assert not NO_CHOICE.decided


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param("", id="empty"),
        pytest.param(",", id="only a comma"),
        pytest.param("marketing", id="not declared"),
        pytest.param("analytics,marketing", id="one of two not declared"),
        pytest.param("necessary", id="necessary cannot be chosen"),
        pytest.param("profiling", id="never cannot be chosen"),
        pytest.param("Accept", id="words are in lower case"),
        pytest.param("analytics;comfort", id="wrong separator"),
        pytest.param("vendor:stats", id="a vendor"),
    ],
)
def test_a_supposed_choice_the_policy_does_not_offer_is_refused(choice: str) -> None:
    with pytest.raises(ValueError, match="write none, refuse, accept or of advertising, analytics, comfort, research"):
        supposed_visitor(POLICY, choice)
