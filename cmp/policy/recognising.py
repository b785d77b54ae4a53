"""The whole catalogue as a policy that permits nothing: who somebody is, asked the way decisions are made.

May go in here: that policy. May not: what is done with what is recognised (`drafting.py`, `cmp.wire.inventory`,
`cmp.audit.learning`).
"""

from collections.abc import Iterable
from functools import cache

from cmp.core.policy import Policy
from cmp.policy.catalogue import catalogue_categories
from cmp.policy.load import policy_of


def recognising(sites: Iterable[str] = ()) -> Policy:
    """Every vendor under its category of the catalogue, each of them denied. `sites` are the hosts of the own site."""
    return _recognising(tuple(sorted(sites)))


@cache
def _recognising(sites: tuple[str, ...]) -> Policy:
    consent = {id_: {"basis": "consent", "title": {"en": id_}} for id_ in sorted(catalogue_categories())}
    document = {
        "consentry": 1,
        "id": "recognising",
        "version": "1",
        "title": {"en": "Everything"},
        "categories": {"own": {"basis": "necessary", "title": {"en": "Own"}}, **consent},
        "catalogue": {"adopt": ["*"]},
        **({"sites": list(sites)} if sites else {}),
    }
    return policy_of(document, "recognising")
