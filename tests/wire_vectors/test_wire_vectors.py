"""Under refusal nothing that identifies passes, whatever the bytes look like, and every client is told something.

May go in here: what should come of the vectors. May not: the vectors (`*.txt`, README.md), how they are sent.
"""

from collections import Counter
from collections.abc import Iterator

import pytest

from cmp.live.enforcement import Mode
from cmp.policy.faults import PolicyError
from cmp.seal.keys import PublicKeys, make_keys
from tests.addons.test_enforce import shop_policy
from tests.wire_vectors.reading import Vector, read_strictly, read_vectors
from tests.wire_vectors.running import Outcome, Servers, running, running_servers, send

VECTORS = read_vectors()
STOPPED = [vector for vector in VECTORS if not vector.limit]
LIMITS = [vector for vector in VECTORS if vector.limit]
Outcomes = dict[tuple[str, Mode], Outcome]


def ids(vectors: list[Vector]) -> list[object]:
    return [pytest.param(vector, id=f"{vector.family}-{vector.id}") for vector in vectors]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> PublicKeys:
    return make_keys(tmp_path_factory.mktemp("keys") / "keys.json").public


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with running_servers() as found:
        yield found


@pytest.fixture(scope="module")
def outcomes(servers: Servers, keys: PublicKeys) -> Outcomes:
    """Every vector enforced, and observed: one proxy after the other, since mitmproxy knows one at a time."""
    found: Outcomes = {}
    for between in (False, True):
        for mode in Mode:
            with running(servers, keys, mode, between=between) as proxy:
                for vector in VECTORS:
                    if vector.between is between:
                        found[vector.id, mode] = send(vector, servers, proxy.port)
    return found


@pytest.mark.parametrize("vector", ids(STOPPED))
def test_nobody_learns_who_it_is_under_refusal(outcomes: Outcomes, vector: Vector) -> None:
    outcome = outcomes[vector.id, Mode.ENFORCE]
    assert outcome.knows == frozenset()
    assert tuple(server for server, _ in outcome.arrived) == vector.arrives
    if vector.between:
        assert "tracker" not in outcome.connected
        assert not set(Servers.inside) & set(outcome.connected)


@pytest.mark.parametrize("vector", ids(list(VECTORS)))
def test_the_client_is_told_something(outcomes: Outcomes, vector: Vector) -> None:
    assert outcomes[vector.id, Mode.ENFORCE].told == vector.answers


@pytest.mark.parametrize("vector", ids(list(VECTORS)))
def test_it_would_reach_somebody_where_nothing_is_enforced(outcomes: Outcomes, vector: Vector) -> None:
    assert outcomes[vector.id, Mode.OBSERVE].knows == vector.observed


@pytest.mark.parametrize("vector", ids(LIMITS))
def test_what_the_docs_call_a_limit_is_one(outcomes: Outcomes, vector: Vector) -> None:
    assert outcomes[vector.id, Mode.ENFORCE].knows == vector.observed


def test_so_many_vectors_show_something(outcomes: Outcomes) -> None:
    observed = Counter(
        "seen" if outcomes[vector.id, Mode.OBSERVE].knows else "refused or harmless" for vector in VECTORS
    )
    assert observed == {"seen": 102, "refused or harmless": 77}
    assert len(LIMITS) == 1


def test_our_own_server_is_asked_for_our_own_paths_alone(outcomes: Outcomes) -> None:
    in_front = {vector.id for vector in VECTORS if not vector.between}
    asked = {
        target
        for (name, _), outcome in outcomes.items()
        for server, target in outcome.arrived
        if name in in_front and server == "consent"
    }
    assert asked == {"/.consent/state", "/.consent/..;/operator", "/.consent//..;//x"}


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"categories": {"a\r\nSet-Cookie: x=1": {"basis": "necessary", "title": {"en": "A"}}}}, id="id"),
        pytest.param({"outgoing": {"drop": ["X-A\r\nX-Injected: 1"]}}, id="header-name"),
        pytest.param({"cookies": [{"name": "a\r\nX: 1", "category": "necessary"}]}, id="cookie-name"),
        pytest.param({"sites": ["shop.test\r\nX: 1"]}, id="site"),
    ],
)
def test_no_header_is_injected_by_a_policy(changes: dict[str, object]) -> None:
    with pytest.raises(PolicyError):
        shop_policy(**changes)


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;a\r\n\r\n",
    ],
)
def test_the_reader_forgives_nothing(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"b'|\["):
        read_strictly(data)
