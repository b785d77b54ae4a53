"""A running consent server on loopback, and a client that sends exactly what a test says.

May go in here: starting, asking, stopping; a policy to serve. May not: assertions.
"""

import asyncio
import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from cmp.core.policy import Policy
from cmp.ledger.ledger import Ledger
from cmp.seal.keys import SigningKeys, make_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app
from cmp.server.context import Appends, InForceHolder
from cmp.server.listening import run_server, take_port
from tests.core.examples import SHOP, compiled

NOW = 1_791_376_496.789
ORIGIN = "https://www.shop.test"
OURS = {"Sec-Fetch-Site": "same-origin"}
OPTIONAL = ("comfort", "analytics", "advertising", "research")


def shop_policy(**changes: Any) -> Policy:
    """The shop of the core's tests, in two languages."""
    categories = {
        id_: {**category, "title": {**category["title"], "de": f"DE {id_}"}}
        for id_, category in SHOP["categories"].items()
    }
    title = {"en": "Privacy at the shop", "de": "Datenschutz im Laden"}
    return compiled(**{"languages": ["en", "de"], "title": title, "categories": categories, **changes})


@dataclass(frozen=True)
class Answer:
    status: int
    fields: Sequence[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def value(self, name: str) -> str:
        return (self.values(name) or [""])[0]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def set_cookies(self) -> list[str]:
        return self.values("Set-Cookie")

    @property
    def consent(self) -> str:
        """The consent cookie it sets, as a browser sends it back; "" for none."""
        return next((line.partition(";")[0] for line in self.set_cookies if "consent=" in line.partition(";")[0]), "")


@dataclass
class Running:
    port: int
    keys: SigningKeys
    site: ConsentSite
    policy: Policy
    ledger: Path
    policies: InForceHolder
    now: list[float] = field(default_factory=lambda: [NOW])

    def ask(
        self,
        method: str,
        target: str,
        fields: Mapping[str, str] | Sequence[tuple[str, str]] = (),
        body: bytes | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in dict(fields).items() if isinstance(fields, Mapping) else fields:
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        reply = connection.getresponse()
        answer = Answer(reply.status, reply.getheaders(), reply.read())
        connection.close()
        return answer

    def send(self, data: bytes) -> Answer:
        """These bytes, whether or not they are a request."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(data)
            reply = http.client.HTTPResponse(connection)
            reply.begin()
            return Answer(reply.status, reply.getheaders(), reply.read())

    def get(self, name: str = "", **fields: str) -> Answer:
        return self.ask("GET", f"{self.site.reserved}{name}", _named(fields))

    def post_json(self, name: str, document: Any, **fields: str) -> Answer:
        return self.post(name, json.dumps(document).encode(), "application/json", **fields)

    def post_form(self, name: str, values: Mapping[str, str | Sequence[str]], **fields: str) -> Answer:
        body = urlencode(values, doseq=True).encode()
        return self.post(name, body, "application/x-www-form-urlencoded", **fields)

    def post(self, name: str, body: bytes, media_type: str, **fields: str) -> Answer:
        """As a page of ours does it, unless `fields` (Sec_Fetch_Site="") say otherwise."""
        sent = {**OURS, "Content-Type": media_type, **_named(fields)}
        return self.ask(
            "POST", f"{self.site.reserved}{name}", {key: value for key, value in sent.items() if value}, body
        )


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in fields.items()}


@contextmanager
def running(
    folder: Path,
    *,
    policy: Policy | None = None,
    site: ConsentSite | None = None,
    keys: SigningKeys | None = None,
    ledger: Appends | None = None,
    trusted_proxies: Sequence[str] = ("127.0.0.1", "::1"),
) -> Iterator[Running]:
    """A server with a ledger of its own in `folder`, in a thread of its own."""
    file = folder / "ledger.db"
    keys = keys or make_keys(folder / "keys.json")
    own = Ledger(file, signer=keys) if ledger is None else None
    policy = policy or shop_policy()
    found = Running(
        port=0,
        keys=keys,
        site=site or ConsentSite(ORIGIN),
        policy=policy,
        ledger=file,
        policies=InForceHolder(policy),
    )
    appends: Appends | None = own or ledger
    assert appends is not None
    taken = take_port("127.0.0.1", 0)
    found.port = taken.getsockname()[1]
    stop, ready = asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        app = make_app(
            found.policies,
            appends,
            found.keys,
            found.site,
            clock=lambda: found.now[0],
            trusted_proxies=trusted_proxies,
        )
        ready.set()
        await run_server(app, taken, stop)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(60)
        yield found
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(60)
        loop.close()
        if own is not None:
            own.close()
