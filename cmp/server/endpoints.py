"""From a request to the endpoint that answers it.

May go in here: the table of endpoints and the look-up. May not: what an endpoint does; each registers itself in its
`setup`. Nothing outside of the reserved path is answered.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from cmp.server.answers import failure
from cmp.server.context import SITE
from cmp.server.expectations import only_continue
from cmp.server.paths import endpoint_of
from cmp.server.problems import EXPECTATION, METHOD, NOT_FOUND

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Endpoints:
    """Handlers by name below the reserved path, then by method. A name that ends in a slash takes what follows."""

    def __init__(self) -> None:
        self._handlers: defaultdict[str, dict[str, Handler]] = defaultdict(dict)

    def add(self, method: str, name: str, handler: Handler) -> None:
        self._handlers[name][method] = handler

    def names(self) -> Iterator[tuple[str, str]]:
        """Every endpoint there is: method and name."""
        for name, methods in self._handlers.items():
            for method in methods:
                yield method, name

    def find(self, name: str) -> tuple[dict[str, Handler], str] | None:
        """The methods of an endpoint, and what follows its name."""
        head, slash, rest = name.partition("/")
        key, rest = (head + slash, rest) if slash else (name, "")
        return (self._handlers[key], rest) if key in self._handlers and bool(rest) == bool(slash) else None


ENDPOINTS = web.AppKey("ENDPOINTS", Endpoints)
# What follows the name of an endpoint that takes more.
REST = web.RequestKey("REST", str)


def setup(app: web.Application) -> None:
    app[ENDPOINTS] = Endpoints()
    # aiohttp's own router would compare paths in its own way.
    # Line feeds too: a path of any characters gets an answer of ours.
    app.router.add_route("*", "/{path:(?s:.*)}", _dispatch, expect_handler=only_continue(_not_expected))


def _not_expected(request: web.Request) -> web.Response:
    return failure(request, EXPECTATION)


async def _dispatch(request: web.Request) -> web.StreamResponse:
    name = endpoint_of(request.raw_path, request.app[SITE].reserved)
    found = None if name is None else request.app[ENDPOINTS].find(name)
    if found is None:
        return failure(request, NOT_FOUND)
    methods, request[REST] = found
    handler = methods.get("GET" if request.method == "HEAD" else request.method)
    if handler is None:
        answer = failure(request, METHOD)
        answer.headers["Allow"] = ", ".join([*methods, *(["HEAD"] if "GET" in methods else [])])
        return answer
    return await handler(request)
