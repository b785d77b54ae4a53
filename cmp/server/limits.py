"""How often something may happen in a minute.

May go in here: counting by the minute, in memory, with a bound on the memory; holding a request to it. May not: names
that outlive the minute, how much is allowed of what.
"""

import hashlib
import secrets
from collections import Counter

from aiohttp import web

from cmp.server.caller import fields
from cmp.server.client import client_of
from cmp.server.context import CLOCK, TRUSTED

_MINUTE = 60


class Limit:
    """So many in a minute for each client, and for all together.

    Clients are kept as keyed hashes under a key that ends with the minute: what is in memory names nobody.
    """

    def __init__(self, each: int, together: int) -> None:
        self._each, self._together = each, together
        self._minute = -1
        self._key = b""
        self._counts: Counter[bytes] = Counter()
        self._all = 0

    def admits(self, client: str, now: float) -> bool:
        """Whether one more is within both limits; if so it is counted. A client "" is nobody known: only the second."""
        minute = int(now // _MINUTE)
        if minute != self._minute:
            self._minute, self._key, self._all = minute, secrets.token_bytes(16), 0
            self._counts.clear()
        name = hashlib.blake2b(client.encode(), key=self._key, digest_size=16).digest()
        # `together` bounds the table too: nothing is added beyond it.
        if self._all >= self._together or (client and self._counts[name] >= self._each):
            return False
        self._counts[name] += 1
        self._all += 1
        return True


def within(request: web.Request, limit: web.AppKey[Limit]) -> bool:
    """Whether a request is within the limit its application has under this key; if so it is counted."""
    app, trusted = request.app, request.app[TRUSTED]
    client = client_of(request.remote, fields(request, "X-Forwarded-For"), trusted)
    return app[limit].admits(client, app[CLOCK]())
