"""Acknowledged is durable: the server killed again and again under a stream of opt-outs and requests."""

import asyncio
import http.client
import json
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from cmp.desk import opt_outs, requests
from cmp.desk.desk import Desk
from cmp.desk.keying import link_secret
from cmp.desk.link import Link, make_token
from cmp.seal.keys import read_signing_keys
from tests.ledger.records import ROOT

SEED = 20261122
ROUNDS = 2
ALL_ROUNDS = 20
CLIENTS = 6
ONE_CLICK = b"List-Unsubscribe=One-Click"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json", "Sec-Fetch-Site": "same-origin"}


class People:
    """Clients that opt out and ask without end, and remember what they were told."""

    def __init__(self, port: int, secret: bytes, turn: int) -> None:
        self._port, self._secret, self._turn = port, secret, turn
        self.opted_out: list[str] = []
        self.references: list[str] = []
        self._threads = [threading.Thread(target=self._ask, args=(n,)) for n in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    @property
    def acknowledged(self) -> int:
        return len(self.opted_out) + len(self.references)

    def _ask(self, number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            for count in range(1_000_000):
                address = f"a{self._turn}-{number}-{count}@shop.test"
                if number:
                    token = make_token(self._secret, Link("surveys", "acme", address))
                    connection.request("POST", f"/.consent/opt-out/{token}", ONE_CLICK, FORM)
                else:
                    # As from ever new machines: one alone may not ask for so much.
                    fields = {**JSON, "X-Forwarded-For": f"198.51.{count >> 8 & 255}.{count & 255}"}
                    body = json.dumps({"kind": "access", "contact": address})
                    connection.request("POST", "/.consent/rights", body, fields)
                reply = connection.getresponse()
                told = json.loads(reply.read())
                # The whole answer has arrived: from here on it is a promise.
                if reply.status == 200 and number:
                    self.opted_out.append(address)
                elif reply.status == 200:
                    self.references.append(told["request"]["reference"])
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
        pytest.param(ROUNDS, id="some"),
        pytest.param(ALL_ROUNDS, id="all", marks=[pytest.mark.soak, pytest.mark.timeout(1800)]),
    ],
)
def test_no_acknowledged_opt_out_or_request_is_lost_when_the_server_is_killed(tmp_path: Path, rounds: int) -> None:
    chance = random.Random(SEED)
    opted_out: list[str] = []
    references: list[str] = []
    for turn in range(rounds):
        command = [sys.executable, "-m", "tests.desk.child", str(tmp_path)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            secret = link_secret(read_signing_keys(tmp_path / "keys.json").form_secret)
            people = People(port, secret, turn)
            people.wait_for(chance.randrange(1, 150))
            time.sleep(chance.uniform(0, 0.05))
            process.send_signal(signal.SIGKILL)
            people.end()
        assert people.acknowledged > 0
        opted_out += people.opted_out
        references += people.references
    keys = read_signing_keys(tmp_path / "keys.json")

    async def look(desk: Desk) -> tuple[list[str], list[str]]:
        lost = [one for one in opted_out if not await desk.do(opt_outs.holds, "surveys", "acme", one)]
        return lost, [one for one in references if await desk.do(requests.find, one) is None]

    with Desk(tmp_path / "desk.db", keys.form_secret) as desk:
        assert asyncio.run(look(desk)) == ([], [])
    assert len(opted_out) > rounds
    assert references != []
