"""A running consent server with a desk, its operator listener, and clients for both.

May go in here: starting, asking, stopping. May not: assertions.
"""

import asyncio
import http.client
import json
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cmp.core.policy import Policy
from cmp.desk.desk import Desk
from cmp.desk.link import Link
from cmp.ledger.ledger import Ledger
from cmp.seal.keys import SigningKeys, make_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app
from cmp.server.context import InForceHolder
from cmp.server.desk_opening import OperatorPort, operator_listener
from cmp.server.listening import run_server, take_port
from cmp.server.operator.tokens import TokenFile, make_token
from tests.desk.offer import NOW, desk_policy
from tests.server.site import ORIGIN, Answer, Running

# Each of these has a token: NAME:ROLE[:CLIENT].
STAFF = (
    "vera:viewer",
    "olga:operator",
    "otto:auditor",
    "anna:operator:acme",
    "arno:auditor:acme",
    "avi:viewer:acme",
    "bea:operator:bolt",
)


@dataclass
class DeskRunning(Running):
    """Beside what `Running` has: the desk, the operators' port and everybody's token."""

    desk: Desk = field(kw_only=True)
    open_ledger: Ledger = field(kw_only=True)
    operator_port: int = field(kw_only=True)
    tokens: Mapping[str, str] = field(kw_only=True)
    token_file: Path = field(kw_only=True)

    def call(
        self,
        who: str,
        method: str,
        path: str,
        body: Any = None,
        fields: Sequence[tuple[str, str]] = (),
        *,
        host: str = "",
    ) -> Answer:
        """A call of the operator listener with that person's token ("" for none)."""
        connection = http.client.HTTPConnection("127.0.0.1", self.operator_port, timeout=60)
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or f"127.0.0.1:{self.operator_port}")
        if who:
            connection.putheader("Authorization", f"Bearer {self.tokens.get(who, who)}")
        for name, value in fields:
            connection.putheader(name, value)
        sent = None if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        if sent is not None:
            connection.putheader("Content-Type", "application/json")
            connection.putheader("Content-Length", str(len(sent)))
        connection.endheaders(sent)
        reply = connection.getresponse()
        answer = Answer(reply.status, reply.getheaders(), reply.read())
        connection.close()
        return answer

    def link(self, list_: str = "surveys", client: str = "acme", address: str = "ann@shop.test") -> str:
        """The path of an opt-out link below the reserved path."""
        return f"opt-out/{self.desk.token(Link(list_, client, address))}"

    def invited(self, address: str, *, client: str = "acme", list_: str = "surveys") -> Any:
        """What an operator is told who asks whether this address may be invited."""
        body = {"client": client, "list": list_, "addresses": [address]}
        return self.call("olga", "POST", "/invitations", body).json["invitations"][0]

    def register(self, *addresses: str, client: str = "acme") -> None:
        body = {"client": client, "addresses": list(addresses), "source": "client"}
        answer = self.call("olga", "POST", "/addresses", body)
        if answer.status != 200:
            raise RuntimeError(answer.text)


@contextmanager
def desk_running(
    folder: Path, *, policy: Policy | None = None, keys: SigningKeys | None = None
) -> Iterator[DeskRunning]:
    """A server with a ledger, a desk and an operator listener of its own in `folder`, in a thread of its own."""
    policy = policy or desk_policy()
    keys = keys or make_keys(folder / "keys.json")
    token_file = folder / "operators.json"
    tokens = {told.partition(":")[0]: make_token(token_file, told) for told in STAFF}
    taken, taken_by_operators = take_port("127.0.0.1", 0), take_port("127.0.0.1", 0)
    stop, ready = asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    with Ledger(folder / "ledger.db") as ledger, Desk(folder / "desk.db", keys.form_secret) as desk:
        found = DeskRunning(
            port=taken.getsockname()[1],
            keys=keys,
            site=ConsentSite(ORIGIN),
            policy=policy,
            policies=InForceHolder(policy),
            ledger=folder / "ledger.db",
            now=[float(NOW)],
            desk=desk,
            open_ledger=ledger,
            operator_port=taken_by_operators.getsockname()[1],
            tokens=tokens,
            token_file=token_file,
        )

        async def serve() -> None:
            app = make_app(found.policies, ledger, keys, found.site, clock=lambda: found.now[0], desk=desk)
            operators = OperatorPort(taken_by_operators, TokenFile(token_file), "127.0.0.1")
            async with operator_listener(app, operators):
                ready.set()
                await run_server(app, taken, stop)

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        try:
            if not ready.wait(60):
                raise RuntimeError("the server did not start")
            yield found
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(60)
            loop.close()
