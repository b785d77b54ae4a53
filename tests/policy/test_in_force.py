"""Which policy holds when."""

from dataclasses import replace

import pytest

from cmp.core.policy import Policy
from cmp.policy.in_force import Announced, InForce, in_force
from tests.core.examples import compiled

NOW = 1_800_000_000.0
DAY = 86_400.0
PLAIN = compiled()


def policy(version: str, effective: float | None = None, successor: Policy | None = None) -> Policy:
    return replace(PLAIN, version=version, fingerprint=version * 64, effective=effective, successor=successor)


def told(state: InForce) -> list[tuple[str, float]]:
    """The current version and those to come, each with the days until then."""
    upcoming = [(announced.policy.version, (announced.since - NOW) / DAY) for announced in state.upcoming]
    return [(state.current.version, 0.0), *upcoming]


def test_a_policy_alone_holds() -> None:
    state = in_force(policy("1"), NOW)
    assert (told(state), state.announced) == ([("1", 0)], None)


@pytest.mark.parametrize("days", [pytest.param(-1, id="begun"), pytest.param(1, id="still to come")])
def test_where_there_is_no_other_it_holds_whatever_its_date(days: int) -> None:
    assert told(in_force(policy("1", NOW + days * DAY), NOW)) == [("1", 0)]


@pytest.mark.parametrize(
    "effective, held",
    [
        pytest.param(None, [("2", 0)], id="without a date: at once"),
        pytest.param(NOW - DAY, [("2", 0)], id="begun: at once"),
        pytest.param(NOW, [("2", 0)], id="this moment"),
        pytest.param(NOW + DAY, [("1", 0), ("2", 1)], id="to come: announced"),
    ],
)
def test_a_new_policy_replaces_the_old_from_its_date(effective: float | None, held: list[tuple[str, float]]) -> None:
    assert told(in_force(policy("1"), NOW).replaced_by(policy("2", effective), NOW)) == held


@pytest.mark.parametrize(
    "seconds, version",
    [
        pytest.param(DAY - 0.001, "1", id="just before"),
        pytest.param(DAY, "2", id="on time"),
        pytest.param(3 * DAY, "2", id="later"),
    ],
)
def test_what_is_announced_holds_from_its_moment(seconds: float, version: str) -> None:
    state = in_force(policy("1", successor=policy("2", NOW + DAY)), NOW)
    assert state.at(NOW + seconds).version == version


def test_a_successor_that_has_begun_holds_at_once() -> None:
    assert told(in_force(policy("1", successor=policy("2", NOW - DAY)), NOW)) == [("2", 0)]


def test_successors_follow_each_other() -> None:
    third = policy("3", NOW + 2 * DAY)
    state = in_force(policy("1", successor=policy("2", NOW + DAY, third)), NOW)
    assert told(state) == [("1", 0), ("2", 1), ("3", 2)]
    assert told(state.moved_to(NOW + DAY)) == [("2", 0), ("3", 2)]
    assert told(state.moved_to(NOW + 2 * DAY)) == [("3", 0)]


def test_a_successor_does_not_begin_before_the_policy_it_follows() -> None:
    early = policy("3", NOW + DAY)
    state = in_force(policy("1", successor=policy("2", NOW + 2 * DAY, early)), NOW)
    assert told(state) == [("1", 0), ("2", 2), ("3", 2)]
    assert state.at(NOW + 2 * DAY).version == "3"


def test_a_new_file_takes_back_what_the_old_one_announced() -> None:
    state = in_force(policy("1", successor=policy("2", NOW + DAY)), NOW)
    assert told(state.replaced_by(policy("1"), NOW)) == [("1", 0)]
    assert told(state.replaced_by(policy("4", NOW + 2 * DAY), NOW)) == [("1", 0), ("4", 2)]


def test_what_began_meanwhile_stays_when_another_is_announced() -> None:
    state = in_force(policy("1", successor=policy("2", NOW + DAY)), NOW)
    assert state.replaced_by(policy("3", NOW + 3 * DAY), NOW + 2 * DAY).current.version == "2"


def test_what_is_announced_brings_its_own_successor() -> None:
    state = in_force(policy("1"), NOW).replaced_by(policy("2", NOW + DAY, policy("3", NOW + 2 * DAY)), NOW)
    assert told(state) == [("1", 0), ("2", 1), ("3", 2)]


def test_nothing_changes_between_two_dates() -> None:
    state = in_force(policy("1", successor=policy("2", NOW + DAY)), NOW)
    assert state.moved_to(NOW + DAY / 2) is state
    assert state.policies == (state.current, Announced(state.upcoming[0].policy, NOW + DAY).policy)
