"""Opening the desk and the operator listener beside the consent server.

May go in here: whether a desk is needed, where it lies, serving the listener. May not: arguments of commands.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from socket import socket

from aiohttp import web

from cmp.core.policy import Policy
from cmp.desk.desk import Desk
from cmp.desk.errors import DeskError, Reason
from cmp.desk.offer import offer_of
from cmp.seal.keys import SigningKeys
from cmp.server.listening import serving, take_port
from cmp.server.operator.app import make_operator_app
from cmp.server.operator.tokens import TokenFile


@dataclass(frozen=True, slots=True)
class DeskSettings:
    """`address` is where the desk lies, "" for beside the ledger; without `tokens` there is no operator listener."""

    address: str = ""
    tokens: Path | None = None
    host: str = "127.0.0.1"
    port: int = 0


@dataclass(frozen=True, slots=True)
class OperatorPort:
    """A port that is taken for the operator listener, and who may use it."""

    taken: socket
    tokens: TokenFile
    host: str

    @property
    def address(self) -> str:
        port = self.taken.getsockname()[1]
        return f"http://[{self.host}]:{port}/" if ":" in self.host else f"http://{self.host}:{port}/"


def open_desk(settings: DeskSettings, policy: Policy, keys: SigningKeys, ledger: Path | None) -> Desk | None:
    """The desk, where the policy offers anything at it or somebody asked for one. Raises DeskError.

    `ledger` is the ledger's file, which it lies beside unless the settings say otherwise.

    A policy that begins to offer something while the server runs needs the server started again.
    """
    if not (settings.address or settings.tokens or offer_of(policy.document).anything):
        return None
    if settings.address:
        return Desk(settings.address, keys.form_secret)
    if ledger is None:
        what = "nothing says where it lies, and a ledger on a database server has no folder to put it beside"
        raise DeskError(Reason.ADDRESS, "the desk", what, "name a file with --desk")
    return Desk(ledger.with_name(f"{ledger.stem}-desk.db"), keys.form_secret)


def take_operator_port(settings: DeskSettings) -> OperatorPort | None:
    """The listener's port, taken before anything else is made. Raises OSError, TokensError."""
    if settings.tokens is None:
        return None
    tokens = TokenFile(settings.tokens)
    return OperatorPort(take_port(settings.host, settings.port), tokens, settings.host)


@asynccontextmanager
async def operator_listener(main: web.Application, port: OperatorPort | None) -> AsyncIterator[None]:
    """Serves operators while inside, where a port was taken."""
    if port is None:
        yield
        return
    app = make_operator_app(main, port.tokens, port.host, port.taken.getsockname()[1])
    async with serving(app, port.taken):
        yield
