"""The server's policy, swapped while it runs."""

from dataclasses import replace

import pytest

from cmp.core.policy import Policy
from cmp.policy.in_force import Announced, InForce
from cmp.server.context import InForceHolder
from tests.core.examples import compiled

PLAIN = compiled()


def policy(version: str) -> Policy:
    return replace(PLAIN, version=version, fingerprint=version * 64)


def short(found: Policy) -> None:
    if len(found.version) > 1:
        raise ValueError(f"version {found.version} is too long")


def test_it_holds_what_it_was_given_until_it_is_swapped() -> None:
    holder, first = InForceHolder(policy("1")), policy("1")
    assert (holder.now.version, holder.announced) == (first.version, None)
    coming = Announced(policy("3"), 1.0)
    holder.swap(InForce(policy("2"), (coming,)))
    assert (holder.now.version, holder.announced) == ("2", coming)


@pytest.mark.parametrize(
    "state",
    [
        pytest.param(InForce(policy("22")), id="at once"),
        pytest.param(InForce(policy("2"), (Announced(policy("33"), 1.0),)), id="later"),
    ],
)
def test_what_the_server_cannot_work_with_changes_nothing(state: InForce) -> None:
    holder = InForceHolder(policy("1"))
    holder.require(short)
    with pytest.raises(ValueError, match="is too long"):
        holder.swap(state)
    assert (holder.now.version, holder.announced) == ("1", None)


def test_a_server_does_not_start_with_it_either() -> None:
    with pytest.raises(ValueError, match="is too long"):
        InForceHolder(policy("11")).require(short)


def test_the_latest_policies_that_held_are_remembered() -> None:
    holder = InForceHolder(policy("0"))
    for n in range(1, 10):
        holder.swap(InForce(policy(str(n))))
    known = [n for n in range(10) if holder.known(str(n) * 64) is not None]
    assert known == list(range(2, 10))
    assert holder.known("f" * 64) is None
