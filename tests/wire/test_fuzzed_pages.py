"""Any document is prepared: without a crash, always the same, in time and memory that its length accounts for.

`make test` makes some, `make soak` ten thousand.
"""

import contextlib
import gzip
import http.client
import json
import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from cmp.policy.load import load_policy
from cmp.resources import policies
from tests.live import ROOT, Arrived, answer, reverse, running_proxy, running_upstream
from tests.wire.fuzzed_pages import pages

COUNTS = [
    pytest.param(300, id="some"),
    pytest.param(10_000, id="all", marks=[pytest.mark.soak, pytest.mark.timeout(1_800)]),
]
SEED = 20_261_122
# Microseconds of processor time for each byte (of at least 4,000). Pages of nothing but tags to neutralise take a tenth
# of it; what is quadratic takes more than all of it.
LONGEST = 30.0
# Bytes that a process may grow by while it makes page after page.
GROWTH = 40_000_000
ASKED = {"Host": "www.shop.example", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


@dataclass(frozen=True)
class Measured:
    """As `fuzzed_pages` prints it."""

    digest: str
    of_a_third: str
    slowest: float
    at: int
    grown: int


@pytest.fixture(scope="module", params=COUNTS)
def runs(request: pytest.FixtureRequest) -> tuple[Measured, Measured]:
    """All pages in one process, and a third of them in another that orders its sets differently. One that crashes has
    no measure."""

    def run(count: int, order: str) -> Measured:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": order}
        command = [sys.executable, "-m", "tests.wire.fuzzed_pages", str(SEED), str(count)]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-2_000:]
        return Measured(**json.loads(done.stdout))

    with ThreadPoolExecutor(2) as pool:
        every, third = pool.map(run, [request.param, request.param // 3], ["1", "2"])
    return every, third


def test_the_same_page_is_prepared_the_same_in_every_process(runs: tuple[Measured, Measured]) -> None:
    every, third = runs
    assert every.of_a_third == third.digest


def test_no_page_takes_longer_than_its_length_accounts_for(runs: tuple[Measured, Measured]) -> None:
    every, _ = runs
    assert every.slowest < LONGEST, f"page {every.at} of seed {SEED}"


def test_page_after_page_leaves_nothing_in_memory(runs: tuple[Measured, Measured]) -> None:
    every, _ = runs
    assert every.grown < GROWTH


@pytest.mark.parametrize("count", [pytest.param(40), pytest.param(1_000, marks=[pytest.mark.soak])])
def test_it_does_not_matter_in_which_pieces_a_page_arrives(count: int) -> None:
    policy = load_policy(policies() / "strict.json")
    bodies = list(pages(SEED, count))

    def answering(request: Arrived) -> bytes:
        _, number, how = request.target.split("/")
        body, dice = bodies[int(number)], random.Random(number)
        type_ = ("Content-Type", "text/html")
        if how == "whole":
            return answer(body, type_)
        body = gzip.compress(body, 1) if how == "packed" else body
        ends = sorted(dice.randrange(len(body) + 1) for _ in range(dice.randint(1, 8)))
        parts = [body[at:to] for at, to in zip([0, *ends], [*ends, len(body)], strict=True) if to > at]
        coded = "Content-Encoding: gzip\r\n" if how == "packed" else ""
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n{coded}Transfer-Encoding: chunked\r\n\r\n"
        return b"".join([head.encode(), *(b"%x\r\n%b\r\n" % (len(part), part) for part in parts), b"0\r\n\r\n"])

    with running_upstream(answering) as upstream, running_proxy(policy, reverse(upstream)) as proxy:

        def got(number: int, how: str) -> bytes:
            connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=60)
            with contextlib.closing(connection):
                connection.request("GET", f"/{number}/{how}", headers=ASKED)
                found = connection.getresponse()
                assert found.status == 200
                body = found.read()
                # What cannot be read goes on as it came.
                return gzip.decompress(body) if found.getheader("Content-Encoding") == "gzip" else body

        different = [
            number
            for number in range(count)
            if not (got(number, "whole") == got(number, "pieces") == got(number, "packed"))
        ]
    assert different == []
