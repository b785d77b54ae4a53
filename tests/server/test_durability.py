"""Acknowledged over HTTP is durable: the server killed again and again under a stream of choices."""

import http.client
import json
import random
import signal
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from cmp.core.cookies import read_cookie_header
from cmp.ledger.leaves import Part
from cmp.ledger.reading import entries
from cmp.ledger.verify import verify
from cmp.policy.load import load_policy
from cmp.seal.cookie import read_cookie
from cmp.seal.keys import read_public_keys
from cmp.seal.site import ConsentSite
from tests.server.command import serving

SEED = 20261122
ROUNDS = 2
ALL_ROUNDS = 30
CLIENTS = 8
ORIGIN = "https://www.shop.test"
# Combinations told apart in the records: which of the categories are refused.
CATEGORIES = ("comfort", "analytics", "advertising", "research")


class Visitors:
    """Clients that choose without end, and remember what they were told."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.consents: list[str] = []
        self.refusals = 0
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._choose, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    @property
    def acknowledged(self) -> int:
        return len(self.consents) + self.refusals

    def _choose(self, seed: int) -> None:
        chance = random.Random(seed)
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            while True:
                granted = [id_ for id_ in CATEGORIES if chance.random() < 0.3]
                fields = {"Sec-Fetch-Site": "same-origin", "Content-Type": "application/json"}
                connection.request("POST", "/.consent/choice", json.dumps({"granted": granted}), fields)
                reply = connection.getresponse()
                cookie = (reply.getheader("Set-Cookie") or "").partition(";")[0]
                # The whole answer has arrived: from here on it is a promise.
                reply.read()
                assert reply.status == 200
                with self._lock:
                    if granted:
                        self.consents.append(cookie)
                    else:
                        self.refusals += 1
        except (OSError, http.client.HTTPException):
            connection.close()

    def wait_for(self, acknowledgements: int) -> None:
        while self.acknowledged < acknowledgements and any(thread.is_alive() for thread in self._threads):
            time.sleep(0.001)

    def end(self) -> None:
        for thread in self._threads:
            thread.join(60)


@pytest.mark.parametrize(
    "rounds",
    [
        pytest.param(ROUNDS, id="some", marks=pytest.mark.timeout(900)),
        pytest.param(ALL_ROUNDS, id="all", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)
def test_nothing_acknowledged_is_lost_when_the_server_is_killed(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(SEED)
    file = tmp_path / "ledger.db"
    consents: list[str] = []
    refusals = 0
    for turn in range(rounds):
        with serving(tmp_path, "--public-origin", ORIGIN) as (process, port):
            visitors = Visitors(port)
            visitors.wait_for(chance.randrange(1, 200))
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            visitors.end()
        assert visitors.acknowledged > 0
        consents += visitors.consents
        refusals += visitors.refusals
        assert verify(file) == [], f"after kill {turn + 1}"
    policy = load_policy(tmp_path / "shop.json")
    keys = read_public_keys(tmp_path / "keys.json.pub")
    stored = {entry.payload["person"]: entry.payload for entry in entries(file, Part.PERSONAL) if entry.payload}
    for cookie in consents:
        found = read_cookie(keys, ConsentSite(ORIGIN), read_cookie_header(cookie), time.time(), policy)
        assert stored[found.record]["granted"] == sorted(found.visitor.granted)
    kinds = Counter(entry.kind for entry in entries(file, Part.UNLINKABLE))
    assert refusals > rounds
    # What was stored but not acknowledged in time is at most what was under way.
    assert refusals <= kinds["refused"] <= refusals + rounds * CLIENTS
    assert len(consents) <= len(stored) <= len(consents) + rounds * CLIENTS
