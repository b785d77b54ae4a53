"""Which other names a host goes by (CNAME), asked of a name server: bounded in time, in number, and remembered.

May go in here: asking, waiting and remembering. May not: the bytes (`cmp.wire.dns`), which hosts are asked about
(`addons.aliases`), what an alias means (`cmp.core`).

mitmproxy brings a resolver of its own (`mitmproxy_rs.dns`), but in none of its versions does it tell aliases, only the
addresses at their end.
"""

import asyncio
import logging
import secrets
import socket
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

from cmp.core.urls import UrlError, is_ip, parse_host
from cmp.sites import registrable_domain
from cmp.wire.dns import Aliases, DnsError, dns_question, read_aliases

logger = logging.getLogger(__name__)

# A request waits so long for the first answer about its host (seconds); a resolver near by answers in a few
# milliseconds, and a page must not stand still for one that is down.
PATIENCE = 0.5
# So many hosts are remembered, and so many asked about at a time; about others nothing is known.
REMEMBERED = 4_096
ASKING = 64
# How long an answer holds, whatever it says itself (seconds); and one that did not come.
_SHORTEST, _LONGEST, _FAILED = 60, 3_600, 60


class AliasLookup:
    """Asks one name server. `clock` gives seconds that never go back."""

    def __init__(self, server: str, port: int = 53, clock: Callable[[], float] = time.monotonic) -> None:
        self._server, self._clock = (server, port), clock
        self._known: OrderedDict[str, tuple[tuple[str, ...], float]] = OrderedDict()
        self._asking: dict[str, asyncio.Task[tuple[str, ...]]] = {}
        self._failing = False

    def known(self, host: str) -> tuple[str, ...] | None:
        """What is remembered of a host; None where it has to be asked about."""
        found = self._known.get(host)
        if found is None or found[1] <= self._clock():
            return None
        self._known.move_to_end(host)
        return found[0]

    async def of(self, host: str) -> tuple[str, ...]:
        """The names on other sites that a host is an alias of, in order; () where there are none or nobody says."""
        found = self.known(host)
        if found is not None or is_ip(host) or "." not in host:
            return found or ()
        task = self._asking.get(host)
        if task is None:
            if len(self._asking) >= ASKING:
                return ()
            task = self._asking[host] = asyncio.get_running_loop().create_task(self._look_up(host))
        # Shielded: who gives up waiting does not take the answer from the others who wait.
        return await asyncio.shield(task)

    async def _look_up(self, host: str) -> tuple[str, ...]:
        names: tuple[str, ...] = ()
        seconds = _FAILED
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._ask(host)
        except (OSError, DnsError) as error:
            self._tell(failing=True, why=str(error) or type(error).__name__)
        else:
            self._tell(failing=False)
            site = registrable_domain(host)
            names = tuple(name for name in map(_as_host, answer.names) if name and registrable_domain(name) != site)
            seconds = min(max(answer.seconds, _SHORTEST), _LONGEST)
        finally:
            del self._asking[host]
        self._known[host] = (names, self._clock() + seconds)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return names

    async def _ask(self, host: str) -> Aliases:
        """One datagram there and one back. Connected, so that the system throws away what others send."""
        loop, number = asyncio.get_running_loop(), secrets.randbelow(65_536)
        answers: asyncio.Queue[bytes] = asyncio.Queue(8)
        family = socket.AF_INET6 if ":" in self._server[0] else socket.AF_INET
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Listening(answers), remote_addr=self._server, family=family
        )
        try:
            transport.sendto(dns_question(host, number))
            while True:
                data = await answers.get()
                # An answer to another question may be a late one, or a guess.
                with suppress(DnsError):
                    return read_aliases(data, host, number)
        finally:
            transport.close()

    def _tell(self, *, failing: bool, why: str = "") -> None:
        if failing and not self._failing:
            logger.warning("the name server %s:%s does not answer (%s): aliases stay unknown", *self._server, why)
        self._failing = failing


class _Listening(asyncio.DatagramProtocol):
    def __init__(self, answers: asyncio.Queue[bytes]) -> None:
        self._answers = answers

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002  # the signature of asyncio
        with suppress(asyncio.QueueFull):
            self._answers.put_nowait(data)


def _as_host(name: str) -> str:
    """The name as hosts are compared, "" for one that no URL can hold."""
    try:
        return parse_host(name)
    except UrlError:
        return ""
