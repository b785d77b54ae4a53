"""The consent server of a world, running on loopback: what a visitor reaches, and what the operator does.

May go in here: starting, asking, stopping. May not: assertions.
"""

import asyncio
import http.client
import json
import shutil
import sqlite3
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from cmp.desk.desk import Desk
from cmp.desk.link import Link
from cmp.ledger.ledger import Ledger
from cmp.policy.in_force import InForce, in_force
from cmp.seal.keys import make_keys, read_signing_keys
from cmp.seal.site import ConsentSite
from cmp.server.app import make_app
from cmp.server.context import InForceHolder
from cmp.server.listening import serving as listening
from cmp.server.listening import take_port
from cmp.server.operator.app import make_operator_app
from cmp.server.operator.tokens import TokenFile, make_token
from tests.server.site import Answer

if TYPE_CHECKING:
    from tests.promises.world import World

_FORM = "application/x-www-form-urlencoded"
_JSON = "application/json"
ROLES = ("viewer", "operator", "auditor")


@dataclass
class Served:
    """A running server: `get` and `post` as a visitor's browser, `operator` as one of the operator's people."""

    world: "World"
    folder: Path
    token_file: Path
    site: ConsentSite
    policies: InForceHolder
    in_force: InForce
    desk: Desk
    now: list[float]
    ports: dict[str, int] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def ask(self, method: str, target: str, fields: Mapping[str, str], body: bytes | None, port: int) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        try:
            connection.request(method, target, body, {**fields})
            reply = connection.getresponse()
            return Answer(reply.status, reply.getheaders(), reply.read())
        finally:
            connection.close()

    def get(self, path: str = "", *, lang: str = "", html: bool = True, **fields: str) -> Answer:
        """Below the reserved path, as a page unless `html` is false. `lang` is what the browser prefers."""
        sent = {"Accept": "text/html" if html else _JSON, **_named(fields)}
        if lang:
            sent["Accept-Language"] = lang
        return self.ask("GET", f"{self.site.reserved}{path}", sent, None, self.ports["visitors"])

    def comes_to(self, path: str, status: int) -> bool:
        """Whether a page answers with a status, now or within a minute: what is done on the side takes its time."""
        end = time.monotonic() + 60
        while (found := self.get(path).status) != status and time.monotonic() < end:
            time.sleep(0.05)
        return found == status

    def post(
        self, path: str, values: Mapping[str, Any], *, form: bool = False, ours: bool = True, **fields: str
    ) -> Answer:
        """As a page of ours does it (`ours` false: as a program without a page), in JSON unless `form` is true."""
        body = urlencode(values, doseq=True) if form else json.dumps(values)
        sent = {"Content-Type": _FORM if form else _JSON, **_named(fields)}
        if ours:
            sent["Sec-Fetch-Site"] = "same-origin"
        return self.ask("POST", f"{self.site.reserved}{path}", sent, body.encode(), self.ports["visitors"])

    def operator(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, *, who: str = "operator"
    ) -> Answer:
        """A call of the operator listener by somebody with the role `who` ("" for nobody), or "role:client"."""
        sent = {"Content-Type": _JSON}
        if who:
            sent["Authorization"] = f"Bearer {self._token(who)}"
        data = json.dumps(body or {}).encode() if method == "POST" else None
        return self.ask(method, f"/{path}", sent, data, self.ports["operator"])

    def choose(self, choice: str, **fields: Any) -> str:
        """The consent cookie of a visitor who answers the banner, as the browser sends it back."""
        return self.post("choice", {"choice": choice, "surface": "banner"}, **fields).consent

    def becomes(self, world: "World", at: float) -> None:
        """The operator puts another version in place at a moment (Unix seconds)."""
        self.now[0] = at
        self.in_force = self.in_force.replaced_by(world.policy, at)
        self.policies.swap(self.in_force)

    def goes_on(self, at: float) -> None:
        """Time passes until `at` (Unix seconds): what was announced for then begins."""
        self.now[0] = at
        self.in_force = self.in_force.moved_to(at)
        self.policies.swap(self.in_force)

    def opt_out_link(self, list_: str, address: str, client: str = "") -> str:
        """The token of the link that a mail to `address` carries."""
        return self.desk.token(Link(list_, client, address))

    def copied(self, name: str = "later") -> Path:
        """A folder with what a server that is started next would find: ledger, desk and keys as they are now."""
        folder = self.folder / name
        folder.mkdir()
        for file in ("ledger.db", "desk.db"):
            with closing(sqlite3.connect(self.folder / file)) as old, closing(sqlite3.connect(folder / file)) as new:
                old.backup(new)
        shutil.copy(self.folder / "keys.json", folder)
        return folder

    @property
    def stored(self) -> bytes:
        """Every byte that the server wrote to its folder, keys apart."""
        return b"".join(
            file.read_bytes() for file in sorted(self.folder.rglob("*")) if file.is_file() and "keys" not in file.name
        )

    def _token(self, who: str) -> str:
        if who not in self.tokens:
            self.tokens[who] = make_token(self.token_file, f"{who.replace(':', '-')}:{who}")
        return self.tokens[who]


def _named(fields: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in fields.items()}


@contextmanager
def serving(world: "World", folder: Path, at: float) -> Iterator[Served]:
    """Both listeners in a thread of their own, with a ledger and a desk in `folder`."""
    keys_file = folder / "keys.json"
    keys = read_signing_keys(keys_file) if keys_file.exists() else make_keys(keys_file)
    now = [at]
    policies = InForceHolder(world.policy)
    holds = in_force(world.policy, at)
    policies.swap(holds)
    site = ConsentSite(world.url("").removesuffix("/"))
    tokens = folder / f"tokens-{at:.0f}.json"
    make_token(tokens, "first:viewer")
    taken, taken_operator = take_port("127.0.0.1", 0), take_port("127.0.0.1", 0)
    ports = {"visitors": taken.getsockname()[1], "operator": taken_operator.getsockname()[1]}
    stop, ready = asyncio.Event(), threading.Event()
    loop = asyncio.new_event_loop()
    with Ledger(folder / "ledger.db") as ledger, Desk(folder / "desk.db", keys.form_secret) as desk:
        found = Served(world, folder, tokens, site, policies, holds, desk, now, ports)

        async def serve() -> None:
            app = make_app(policies, ledger, keys, site, clock=lambda: now[0], desk=desk)
            operator = make_operator_app(app, TokenFile(tokens), "127.0.0.1", ports["operator"])
            async with listening(app, taken), listening(operator, taken_operator):
                ready.set()
                await stop.wait()

        thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
        thread.start()
        try:
            assert ready.wait(60), "the server did not start"
            yield found
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join(20)
            loop.close()
