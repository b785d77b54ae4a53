"""What is stated under /.well-known/ is what the operator's document declares, word for word, and nothing else."""

import json

import pytest

from cmp.core.policy import Policy
from cmp.policy.compose import compose
from cmp.wire.well_known import gpc_support, security_txt, stated, status_depends_on_dnt, tracking_status
from tests.core.examples import compiled
from tests.wire.full import full_policy

FULL = full_policy()
SECURITY = {"contact": ["mailto:a@shop.test", "https://shop.test/report"], "expires": "2027-06-01T00:00:00Z"}


@pytest.mark.parametrize(
    "policy, names",
    [
        pytest.param(FULL, {"gpc.json", "dnt/", "security.txt"}, id="all declared"),
        pytest.param(compiled(), set(), id="signals alone declare nothing"),
        pytest.param(compiled(signals={"gpc": {"denies": [], "declare": False}}), set(), id="declared not to"),
        pytest.param(compose([compiled(), FULL]), set(), id="what a client declares is the client's"),
    ],
)
def test_only_what_is_declared_is_stated(policy: Policy, names: set[str]) -> None:
    assert stated(policy) == names


@pytest.mark.parametrize(
    "changed, last_update",
    [
        ({}, {"lastUpdate": "2026-04-01"}),
        ({"effective": None}, {"lastUpdate": "2026-10-01"}),
        ({"effective": None, "changes": None}, {"lastUpdate": "2026-05-02"}),
        ({"effective": None, "changes": None, "reviewed": None}, {}),
    ],
)
def test_gpc_support_says_since_when(changed: dict[str, None], last_update: dict[str, str]) -> None:
    assert json.loads(gpc_support(full_policy(**changed))) == {"gpc": True, **last_update}


def test_the_tracking_status_leads_to_policy_and_choices() -> None:
    assert json.loads(tracking_status(FULL, "/.consent/")) == {
        "tracking": "D",
        "policy": "/.consent/",
        "config": "/.consent/",
    }


def test_a_status_that_differs_by_signal_says_so_to_caches() -> None:
    assert not status_depends_on_dnt(FULL)
    assert status_depends_on_dnt(full_policy(signals={"dnt": {"denies": ["advertising"], "status": "C"}}))


def test_security_txt_has_every_field_once_and_its_contacts_in_order() -> None:
    policy = full_policy(security={**SECURITY, "policy": "https://shop.test/rules"})
    assert security_txt(policy, "https://www.shop.test") == (
        "Contact: mailto:a@shop.test\r\n"
        "Contact: https://shop.test/report\r\n"
        "Expires: 2027-06-01T00:00:00Z\r\n"
        "Preferred-Languages: en, de\r\n"
        "Canonical: https://www.shop.test/.well-known/security.txt\r\n"
        "Policy: https://shop.test/rules\r\n"
    )


def test_only_an_https_address_is_canonical() -> None:
    assert "Canonical" not in security_txt(full_policy(security=SECURITY), "http://shop.test")
