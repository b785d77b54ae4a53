"""One call of the operator listener: who makes it, about which client, with which members; and the table of all calls.

May go in here: the table, reading members of a body. May not: what a call does; each topic registers its own in its
`setup`.
"""

from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from cmp.desk.offer import OWN, Offer
from cmp.server.desk_context import Clerk
from cmp.server.operator.tokens import Holder, Role
from cmp.server.problems import BAD_REQUEST, Failure

READERS = frozenset({Role.VIEWER, Role.OPERATOR})
EVERYBODY = frozenset(Role)
CHANGERS = frozenset({Role.OPERATOR})
AUDITORS = frozenset({Role.AUDITOR})

LONGEST = 4_000
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Call:
    """`main` is the visitors' application. `client` is the client it is about: None for all, "" the operator itself.

    `rest` is what follows the call's name in the path, `body` the members sent, `now` Unix seconds.
    """

    main: web.Application
    holder: Holder
    client: str | None
    rest: str
    body: Mapping[str, Any]
    query: Mapping[str, str]
    offer: Offer
    clerk: Clerk
    now: float

    @property
    def one_client(self) -> str:
        """The client a change is about: the operator's own where none is named."""
        return OWN if self.client is None else self.client

    def text(self, name: str, *, longest: int = LONGEST, required: bool = True) -> str | Failure:
        """A member that is a text."""
        value = self.body.get(name)
        if value is None and not required:
            return ""
        if not isinstance(value, str) or (required and not value.strip()) or len(value) > longest:
            return Failure(BAD_REQUEST, f"{name} is a text of at most {longest} characters")
        return value.strip()

    def texts(self, name: str) -> list[str] | Failure:
        """A member that is a list of texts."""
        value = self.body.get(name)
        if not isinstance(value, list) or not 0 < len(value) <= MOST or not all(isinstance(one, str) for one in value):
            return Failure(BAD_REQUEST, f"{name} is a list of 1 to {MOST} texts")
        return value

    def one_of(self, name: str, known: Collection[str], default: str = "") -> str | Failure:
        """A member that is one of these texts."""
        value = self.body.get(name, default)
        if isinstance(value, str) and value in known:
            return value
        return Failure(BAD_REQUEST, f"{name} is one of {', '.join(known)}")

    def flag(self, name: str, *, default: bool | None = None) -> bool | Failure:
        """A member that is true or false."""
        value = self.body.get(name, default)
        return value if isinstance(value, bool) else Failure(BAD_REQUEST, f"{name} is true or false")


Handler = Callable[[Call], Awaitable[web.Response | Mapping[str, Any] | Failure]]


@dataclass(frozen=True, slots=True)
class Entry:
    """A call: who may make it, and the members its body may have besides `client`.

    Every call is entered into the access log, but for one that programs make every few seconds (`entered`).
    """

    handler: Handler
    roles: frozenset[Role]
    members: frozenset[str]
    entered: bool = True


class Calls:
    """Calls by name, then by method. A name that ends in a slash takes what follows."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Entry]] = {}

    def add(
        self,
        method: str,
        name: str,
        handler: Handler,
        roles: frozenset[Role],
        members: Collection[str] = (),
        *,
        entered: bool = True,
    ) -> None:
        self._entries.setdefault(name, {})[method] = Entry(handler, roles, frozenset(members), entered)

    def all(self) -> Iterator[tuple[str, str, Entry]]:
        """Every call there is: method, name and entry."""
        for name, methods in self._entries.items():
            for method, entry in methods.items():
                yield method, name, entry

    def find(self, path: str) -> tuple[str, Mapping[str, Entry], str] | None:
        """The name, its methods, and what follows the name."""
        head, slash, rest = path.removeprefix("/").partition("/")
        name = head + slash
        if name not in self._entries or bool(rest) != bool(slash):
            return None
        return name, self._entries[name], rest


CALLS = web.AppKey("CALLS", Calls)
