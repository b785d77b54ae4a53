"""How many choices one client may make: enough for a school behind one address, too few to fill a disk by script."""

from collections.abc import Iterator

import pytest

from cmp.ledger.statistics import statistics_of
from cmp.server.choice_limit import EACH
from tests.server.site import Running, running


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server after as many choices from one address as it takes in a minute."""
    with running(tmp_path_factory.mktemp("flooded")) as server:
        for _ in range(EACH):
            assert server.post_json("choice", {"choice": "refuse"}, X_Forwarded_For="203.0.113.1").status == 200
        yield server


@pytest.mark.parametrize("name", ["choice", "withdraw", "do-not-sell", "receipt", "record", "export", "erase"])
def test_one_choice_too_many_is_refused_and_not_stored(flooded: Running, name: str) -> None:
    before = statistics_of(flooded.ledger).choices
    document = {"choice": "refuse"} if name == "choice" else {}
    answer = flooded.post_json(name, document, X_Forwarded_For="203.0.113.1")
    assert (answer.status, answer.code) == (429, "too-many")
    assert answer.set_cookies == []
    assert answer.value("Retry-After") == "60"
    assert statistics_of(flooded.ledger).choices == before


def test_others_are_not_kept_from_choosing(flooded: Running) -> None:
    assert flooded.post_json("choice", {"choice": "refuse"}, X_Forwarded_For="203.0.113.2").status == 200


def test_reading_and_the_page_stay_open(flooded: Running) -> None:
    assert flooded.get("state", X_Forwarded_For="203.0.113.1").status == 200
    assert flooded.get("", X_Forwarded_For="203.0.113.1").status == 200


def test_the_next_minute_is_a_new_one(flooded: Running) -> None:
    flooded.now[0] += 60
    assert flooded.post_json("choice", {"choice": "refuse"}, X_Forwarded_For="203.0.113.1").status == 200
