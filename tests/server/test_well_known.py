"""What the operator states under /.well-known/, and that nothing is stated in their name without them."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from cmp.policy.in_force import InForce
from tests.server.site import Running, running, shop_policy
from tests.wire.full import full_policy

NAMES = ("gpc.json", "dnt/", "security.txt")


@pytest.fixture
def full(tmp_path: Path) -> Iterator[Running]:
    with running(tmp_path, policy=full_policy()) as found:
        yield found


@pytest.mark.parametrize("name", [*NAMES, "dnt", "dnt/x", "", "other", "gpc.json/"])
def test_what_is_not_declared_is_not_there(server: Running, name: str) -> None:
    assert server.get(f"well-known/{name}").status == 404


@pytest.mark.parametrize("name", ["dnt", "dnt/x", "", "other", "gpc.json/", "GPC.json"])
def test_only_the_exact_names_are_there(full: Running, name: str) -> None:
    assert full.get(f"well-known/{name}").status == 404


@pytest.mark.parametrize(
    "name, media_type, part",
    [
        ("gpc.json", "application/json", '{"gpc": true, "lastUpdate": "2026-04-01"}'),
        (
            "dnt/",
            "application/tracking-status+json",
            '{"tracking": "D", "policy": "/.consent/", "config": "/.consent/"}',
        ),
        ("security.txt", "text/plain; charset=utf-8", "Contact: mailto:security@shop.test\r\n"),
    ],
)
def test_what_is_declared_is_answered(full: Running, name: str, media_type: str, part: str) -> None:
    answer = full.get(f"well-known/{name}", Cookie="consent=x", DNT="1")
    assert answer.status == 200
    assert answer.value("Content-Type") == media_type
    assert part in answer.text
    # The Tracking Preference Expression has browsers take a cookie here for an error (section 6.5.2).
    assert answer.set_cookies == []
    assert answer.value("Cache-Control") == "public, max-age=86400"
    assert full.ask("HEAD", f"/.consent/well-known/{name}").status == 200
    assert full.post_json(f"well-known/{name}", {}).status == 405


@pytest.mark.parametrize("denies, vary", [([], []), (["advertising"], ["DNT"])])
def test_a_status_that_differs_by_signal_is_kept_apart_by_caches(
    tmp_path: Path, denies: list[str], vary: list[str]
) -> None:
    policy = full_policy(signals={"dnt": {"denies": denies, "status": "T"}})
    with running(tmp_path, policy=policy) as server:
        assert server.get("well-known/dnt/").values("Vary") == vary


def test_an_expired_security_txt_is_not_served_and_the_operator_is_told_once(
    full: Running, caplog: pytest.LogCaptureFixture
) -> None:
    full.now[0] = 1_811_808_000.0  # 1 June 2027, 00:00 UTC
    with caplog.at_level(logging.WARNING):
        assert [full.get("well-known/security.txt").status for _ in range(2)] == [404, 404]
    assert [r.getMessage() for r in caplog.records if "security.txt" in r.getMessage()] == [
        'security.txt is not served: it expired on 2027-06-01T00:00:00Z; renew "security" in the policy'
    ]
    full.now[0] -= 1
    assert full.get("well-known/security.txt").status == 200


def test_a_choice_says_that_the_tracking_status_may_have_changed(full: Running) -> None:
    assert full.post_json("choice", {"choice": "accept"}).value("Tk") == "U"
    assert full.post_form("withdraw", {}).value("Tk") == "U"
    assert full.get("state").values("Tk") == []
    assert full.post_json("choice", {"granted": ["nonsense"]}).values("Tk") == []


def test_without_a_status_nothing_is_said_of_one(server: Running) -> None:
    assert server.post_json("choice", {"choice": "accept"}).values("Tk") == []


def test_a_statement_taken_back_is_gone_at_once(full: Running) -> None:
    full.policies.swap(InForce(shop_policy()))
    assert {full.get(f"well-known/{name}").status for name in NAMES} == {404}
