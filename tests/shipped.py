"""The policies that come with the product, each loaded once in a process and not before a test wants it.

May go in here: loading them. May not: what is tested with them.

Every process collects all tests, so what a test module loads while it is imported is loaded in each of them.
"""

from functools import cache

from cmp import resources
from cmp.core.policy import Policy
from cmp.policy.load import load_policy

SHIPPED = tuple(sorted(path.stem for path in resources.policies().glob("*.json")))


@cache
def shipped_policy(name: str) -> Policy:
    """The policy of `policies/NAME.json`."""
    return load_policy(resources.policies() / f"{name}.json")
