"""Bytes of the vectors, mutated by chance: the proxy lives on, and what gets through holds to the refusal.

`make test` runs a seeded sample, `make soak` the whole.
"""

import logging
import random
import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from cmp.live.enforcement import Mode
from cmp.seal.keys import PublicKeys, make_keys
from tests.live import send as ask
from tests.wire_vectors.reading import Request, read_vectors
from tests.wire_vectors.running import SITE, Servers, converse, running, running_servers

# Messages for each of the two kinds of proxy.
COUNTS = [
    pytest.param(150, id="sample"),
    pytest.param(5_000, id="full", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
]
# Vectors of one megabyte would be most of the time.
_LONGEST = 20_000
_ODD = (b"\r\n", b"..", *(bytes([one]) for one in b"\n\r\0\t\x0b\xff :;=,%0/#"))
_COLLECTS = re.compile(r"/g/collect\?(?:.*&)?tid=")
KEPT = {"session", "basket"}


def mutated(data: bytes, others: Sequence[bytes], dice: random.Random) -> bytes:
    """The bytes changed at one to four places."""
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(data) + 1)
        to = min(len(data), at + dice.randint(0, 12))
        match dice.randrange(6):
            case 0:
                data = data[:at] + dice.choice(_ODD) + data[at:]
            case 1:
                data = data[:at] + data[to:]
            case 2:
                data = data[:to] + data[at:to] + data[to:]
            case 3:
                data = data[:at] + bytes([dice.randrange(256)]) + data[at + 1 :]
            case 4:
                other = dice.choice(others)
                lines, theirs = data.split(b"\r\n"), other.split(b"\r\n")
                lines.insert(dice.randrange(len(lines) + 1), dice.choice(theirs))
                data = b"\r\n".join(lines)
            case _:
                data = data[:at] + data[at:to].swapcase() + data[to:]
    return data


def leaked(request: Request) -> bool:
    """Whether a request that reached a server holds a cookie that was refused, or is collection for the tracker."""
    names = [
        pair.partition(b"=")[0].strip(b" \t").decode("latin-1") if b"=" in pair else ""
        for line in request.values("cookie")
        for pair in line.split(b";")
        if pair.strip(b" \t")
    ]
    on_the_site = request.values("host") == [SITE.encode()]
    return not set(names) <= KEPT or (on_the_site and _COLLECTS.match(request.target) is not None)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> PublicKeys:
    return make_keys(tmp_path_factory.mktemp("keys") / "keys.json").public


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with running_servers() as found:
        yield found


@pytest.mark.parametrize("between", [False, True], ids=["in-front", "between"])
@pytest.mark.parametrize("count", COUNTS)
def test_no_message_ends_the_proxy_or_gets_past_it(
    servers: Servers, keys: PublicKeys, count: int, between: bool, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(20_261_122 + between)
    servers.clear()
    with caplog.at_level(logging.ERROR), running(servers, keys, Mode.ENFORCE, between=between) as proxy:
        ports = servers.ports(proxy.port)
        whole = [vector.request(ports) for vector in read_vectors() if vector.between is between]
        seeds = [data for data in whole if len(data) < _LONGEST]
        messages = [mutated(dice.choice(seeds), seeds, dice) for _ in range(count)]

        def one(message: bytes) -> int:
            # What is told does not matter here: many of these are never ended by whoever sends them.
            converse(proxy.port, message or b"\r\n", 1, seconds=0.1)
            return ask(proxy.port, f"http://{SITE}/alive", ("Host", SITE)).status

        with ThreadPoolExecutor(4) as pool:
            alive = list(pool.map(one, messages))
    assert set(alive) == {200}
    assert [record.getMessage() for record in caplog.records if "crashed" in record.getMessage()] == []
    assert [request for request in servers.by_name["origin"].requests() if leaked(request)] == []
    inside = [name for name in Servers.inside if between and servers.by_name[name].connections]
    assert inside == []
    assert [request for request in servers.by_name["measure"].requests() if leaked(request)] == []
    assert servers.by_name["tracker"].connections == []
