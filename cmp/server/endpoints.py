"""From a request to the endpoint that answers it.

May go in here: the table of endpoints and the look-up. May not: what an endpoint does; each registers itself in its
`setup`. Nothing outside of the reserved path is answered.
"""

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

    def __init__(self, route: Callable[[str], None]) -> None:
        self._route = route
        self._handlers: dict[str, dict[str, Handler]] = {}

    def add(self, method: str, name: str, handler: Handler) -> None:
        if name not in self._handlers:
            self._handlers[name] = {}
            self._route(name)
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
    expected = only_continue(_not_expected)

    def route(path: str) -> None:
        app.router.add_route("*", path, _dispatch, expect_handler=expected)

    # aiohttp's own router would compare paths in its own way: `_dispatch` is asked in any case, and finds by itself.
    # Line feeds too: a path of any characters gets an answer of ours.
    route("/{path:(?s:.*)}")
    # What is written as we write it is found without a look at every character.
    app[ENDPOINTS] = Endpoints(lambda name: route(app[SITE].reserved + name))


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
