"""Records are forgotten when they are older than the policy says, and not before."""

import asyncio
from pathlib import Path

import pytest

from cmp.desk.desk import Desk
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries
from cmp.ledger.verify import verify
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app
from cmp.server.desk_retention import forget_old
from tests.desk.offer import NOW, desk_policy
from tests.ledger.records import append_all, given
from tests.server.desk_site import desk_running
from tests.server.site import ORIGIN

DAY = 86_400
YEAR = 366 * DAY


def readable(file: Path) -> list[bool]:
    return [entry.payload is not None for entry in entries(file, Part.PERSONAL)]


@pytest.mark.parametrize(
    "consent, years, kept",
    [
        pytest.param({"keepRecords": "5 years"}, 4.99, [True, True], id="not yet"),
        pytest.param({"keepRecords": "5 years"}, 5.01, [False, True], id="the older one"),
        pytest.param({"keepRecords": "5 years"}, 7.01, [False, False], id="both"),
        pytest.param({"minimumAge": 16}, 100, [True, True], id="nothing said"),
    ],
)
def test_ss_7_records_older_than_the_policy_says_are_forgotten(
    tmp_path: Path, consent: dict[str, object], years: float, kept: list[bool]
) -> None:
    policy, keys = desk_policy(consent=consent), make_keys(tmp_path / "keys.json")
    if "keepRecords" not in consent and "keepRecords" in policy.document["consent"]:
        pytest.skip("the policy's preset says how long records are kept")

    async def run(ledger: Ledger) -> None:
        await append_all(ledger, [given(at=NOW), given(at=NOW + 2 * YEAR)])
        clock = lambda: NOW + years * YEAR  # noqa: E731 - the moved clock
        await forget_old(make_app(policy, ledger, keys, ConsentSite(ORIGIN), clock=clock))

    with Ledger(tmp_path / "l.db") as ledger:
        asyncio.run(run(ledger))
    assert readable(tmp_path / "l.db") == kept
    assert verify(tmp_path / "l.db") == []


def test_ss_7_a_server_that_starts_forgets_what_has_become_old(tmp_path: Path) -> None:
    with desk_running(tmp_path) as server:
        keys = server.keys
        answer = server.post_json("rights", {"kind": "access", "contact": "ann@shop.test"})
        reference = answer.json["request"]["reference"]
        moved = server.call("olga", "POST", f"/requests/{reference}", {"state": "declined", "reason": "never here"})
        assert moved.status == 200

    async def later(seconds: float) -> None:
        app = make_app(desk_policy(), ledger, keys, ConsentSite(ORIGIN), clock=lambda: NOW + seconds, desk=desk)
        await forget_old(app)

    with Ledger(tmp_path / "ledger.db") as ledger, Desk(tmp_path / "desk.db", keys.form_secret) as desk:
        asyncio.run(later(4 * YEAR))
    (tmp_path / "operators.json").unlink()
    with desk_running(tmp_path, keys=keys) as server:
        assert server.get(f"request/{reference}").status == 200
    with Ledger(tmp_path / "ledger.db") as ledger, Desk(tmp_path / "desk.db", keys.form_secret) as desk:
        asyncio.run(later(5.01 * YEAR))
    (tmp_path / "operators.json").unlink()
    with desk_running(tmp_path, keys=keys) as server:
        assert server.get(f"request/{reference}").status == 404


@pytest.mark.parametrize(
    "days, expired",
    [pytest.param(182, False, id="the last day"), pytest.param(184, True, id="the day after")],
)
def test_grants_that_have_run_out_are_noted_when_the_clock_has_moved(tmp_path: Path, days: int, expired: bool) -> None:
    with desk_running(tmp_path) as server:
        cookie = server.post_json("choice", {"choice": "accept"}).consent
        keys = server.keys
        server.now[0] = NOW + days * DAY
        granted = server.get("state", Cookie=cookie).json["granted"]
    (tmp_path / "operators.json").unlink()

    async def later(ledger: Ledger) -> None:
        await forget_old(make_app(desk_policy(), ledger, keys, ConsentSite(ORIGIN), clock=lambda: NOW + days * DAY))

    with Ledger(tmp_path / "ledger.db") as ledger:
        asyncio.run(later(ledger))
    kinds = [entry.kind for entry in entries(tmp_path / "ledger.db", Part.PERSONAL)]
    # The record and the cookie end at the same moment.
    assert (kinds == ["given", "expired"]) is expired is not bool(granted)
    assert verify(tmp_path / "ledger.db") == []
