"""Which policy is served stands in the ledger, once for each time it changes."""

import asyncio
import json
from pathlib import Path

from cmp.core.policy import Policy
from cmp.ledger.leaves import Part
from cmp.ledger.ledger import Ledger
from cmp.ledger.reading import entries
from cmp.ledger.verify import verify
from cmp.policy.in_force import InForce
from cmp.seal.keys import make_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app
from cmp.server.context import POLICIES, InForceHolder
from cmp.server.serving_policy import note_policy
from tests.server.site import ORIGIN, shop_policy


def noted(file: Path) -> list[str]:
    return [json.loads(entry.leaf)["policy"] for entry in entries(file, Part.PUBLIC)]


def test_a_policy_is_noted_at_the_start_and_again_when_another_one_holds(tmp_path: Path) -> None:
    keys, first, second = make_keys(tmp_path / "keys.json"), shop_policy(), shop_policy(version="2")
    file = tmp_path / "l.db"

    async def serve(ledger: Ledger, *policies: Policy) -> None:
        app = make_app(InForceHolder(policies[0]), ledger, keys, ConsentSite(ORIGIN))
        for policy in policies:
            app[POLICIES].swap(InForce(policy))
            assert await note_policy(app) == policy.fingerprint

    for policies in ((first,), (first, first), (first, second, first)):
        with Ledger(file, signer=keys) as ledger:
            asyncio.run(serve(ledger, *policies))
    assert noted(file) == [first.fingerprint, second.fingerprint, first.fingerprint]
    assert verify(file) == []
