"""The operator listener's application: every topic set up once.

May go in here: the order of setting up, and which names the listener answers to. May not: listening
(`cmp.server.listening`).
"""

import ipaddress
from typing import Any

from aiohttp import web

from cmp.server import headers, unexpected
from cmp.server.operator import (
    access,
    answers_to_requests,
    consents,
    invitations,
    lists,
    monitoring,
    openapi,
    oversight,
    purging,
)
from cmp.server.operator.tokens import TokenFile

_CONNECTION: dict[str, Any] = {
    "access_log": None,
    "logger": unexpected.HTTP_LOG,
    "lingering_time": 2.0,
    "auto_decompress": False,
}


def make_operator_app(main: web.Application, tokens: TokenFile, host: str, port: int) -> web.Application:
    """The listener's application, beside the visitors' application `main` that was made with a desk.

    `host` and `port` are where it listens: it answers to that address alone, and to the names of loopback where it is
    one, so that no name in anybody's DNS leads a browser here.
    """
    app = web.Application(handler_args=_CONNECTION)
    headers.setup(app)
    access.setup(app, main, tokens, hosts_of(host, port))
    for topic in (lists, invitations, answers_to_requests, consents, oversight, purging):
        topic.setup(app)
    monitoring.setup(app, main)
    openapi.setup(app)
    return app


def hosts_of(host: str, port: int) -> frozenset[str]:
    """The Host fields to be answered."""
    names = {host}
    try:
        if ipaddress.ip_address(host).is_loopback:
            names |= {"127.0.0.1", "::1", "localhost"}
    except ValueError:
        if host == "localhost":
            names |= {"127.0.0.1", "::1"}
    bracketed = {f"[{name}]" if ":" in name else name.lower() for name in names}
    return frozenset({f"{name}:{port}" for name in bracketed} | (bracketed if port == 80 else set()))
