"""A choice made to last: stored in the ledger first, then signed into a cookie.

May go in here: the one place of the server that appends to the ledger. May not: what was chosen (`choices.py`), HTTP.

Order matters: a cookie exists only for a record that is on disk. When storing fails the visitor keeps the cookie they
had, and is told so.
"""

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from functools import partial

from aiohttp import web

from cmp.core.consent import NO_CHOICE, Visitor
from cmp.core.policy import Policy
from cmp.core.signals import NO_SIGNALS
from cmp.ledger.errors import LedgerError
from cmp.ledger.record import Kind, Record, Source, Surface
from cmp.ledger.store import Acknowledgement
from cmp.seal.cookie import LIMIT, write_cookie
from cmp.seal.holding import granted_until, left_seconds, terms_of
from cmp.server.caller import Caller
from cmp.server.choices import Choice
from cmp.server.context import LEDGER, POLICIES, SIGNING_KEYS, SITE, Appends
from cmp.server.per_policy import PerPolicy
from cmp.server.problems import NOT_SAVED, NOT_WITHDRAWN, Failure
from cmp.wire.banner import banner_html, buttons_of

# Seconds a visitor waits for the disk. What is stored after that was not acknowledged.
PATIENCE = 10.0

_log = logging.getLogger("consentry.server")


@dataclass(frozen=True, slots=True)
class Stored:
    """The visitor as of now, the cookie's value that says so, and the seconds it is of use.

    `person` is the number under which the record can be found again, "" where nothing leads to it.
    """

    visitor: Visitor
    cookie: str
    seconds: int
    person: str = ""


@dataclass(frozen=True, slots=True)
class How:
    """In which way a choice came: where the person was asked, how the answer was sent, which buttons stood there.

    With `receipt` a refusal gets a number, because the person asked for something to show.
    """

    surface: Surface
    source: Source
    buttons: tuple[str, ...] = ()
    receipt: bool = False


class Recorder:
    """Appends to the ledger, and tells the operator once when that begins to fail and once when it works again."""

    def __init__(self, ledger: Appends) -> None:
        self._ledger = ledger
        self._failing = False

    @property
    def failing(self) -> bool:
        """Whether the last choice could not be stored."""
        return self._failing

    async def append(self, record: Record) -> Acknowledgement | None:
        """The acknowledgement; None when it is not known to be on disk."""
        try:
            async with asyncio.timeout(PATIENCE):
                stored = await self._ledger.append(record)
        except LedgerError as error:
            self._failed(str(error))
            return None
        except TimeoutError:
            self._failed(f"the ledger did not answer within {PATIENCE:.0f} seconds; look at the disk")
            return None
        if self._failing:
            self._failing = False
            _log.warning("choices are stored again")
        return stored

    def _failed(self, why: str) -> None:
        if not self._failing:
            self._failing = True
            _log.error("choices are not stored, visitors are told so: %s", why)


RECORDER = web.AppKey("RECORDER", Recorder)
NOTICE: web.AppKey[PerPolicy[str]] = web.AppKey("NOTICE")


def setup(app: web.Application) -> None:
    app[RECORDER] = Recorder(app[LEDGER])
    app[NOTICE] = PerPolicy(partial(notice_of, reserved=app[SITE].reserved))
    app[POLICIES].require(partial(_check_policy, app))


def notice_of(policy: Policy, reserved: str) -> str:
    """A short name for the texts a visitor was shown, the same in every language: a hash over all of them."""
    shown = (banner_html(policy, NO_CHOICE, NO_SIGNALS, language, reserved=reserved) for language in policy.languages)
    return hashlib.sha256("\0".join(shown).encode()).hexdigest()[:16]


async def store(
    app: web.Application, caller: Caller, choice: Choice, how: How, *, withdrawal: bool
) -> Stored | Failure:
    """Stores a choice. One that leaves nothing granted is kept without a trace of who made it.

    Unless there is a consent it takes back: then it belongs to that consent's record, as its withdrawal.
    """
    policy = caller.policy
    takes_back = withdrawal or bool(caller.record) or bool(caller.visitor.granted)
    kind = Kind.GIVEN if choice.granted else Kind.WITHDRAWN if takes_back else Kind.REFUSED
    # Only one day fits into a cookie: what was granted before must not live longer by what is granted now.
    since = caller.visitor.decided_at if choice.carried else None
    decided_at = caller.now if since is None else min(since, caller.now)
    record = Record(
        kind=kind,
        at=caller.now,
        policy=policy.fingerprint,
        policy_version=policy.version,
        notice=app[NOTICE].of(policy),
        surface=how.surface,
        source=how.source,
        language=caller.language,
        granted=choice.granted,
        refused=choice.refused,
        signals=caller.signals,
        person="" if kind is Kind.REFUSED else caller.record,
        buttons=how.buttons or buttons_of(how.surface),
        receipt=how.receipt,
        until=granted_until(policy, caller.visitor.place, decided_at) if choice.granted else 0,
    )
    stored = await app[RECORDER].append(record)
    if stored is None:
        return Failure(NOT_WITHDRAWN if caller.visitor.granted else NOT_SAVED)
    visitor = Visitor(
        granted=choice.granted,
        refused=choice.refused,
        decided_at=decided_at,
        policy=policy.fingerprint,
        # Only a grant has to know them; a refusal's cookie is to be like everybody's.
        shown_with=choice.shown_with if choice.granted else NO_SIGNALS,
        place=caller.visitor.place,
        events=caller.visitor.events,
        tell_me=caller.visitor.tell_me,
    )
    terms = terms_of(policy, visitor.granted)
    if caller.written is not None:
        stored_terms = caller.written.terms
        terms |= {name: stored_terms[name] for name in choice.carried if name in stored_terms}
    cookie = write_cookie(app[SIGNING_KEYS], app[SITE], visitor, stored.person or "", terms)
    return Stored(visitor, cookie, left_seconds(policy, visitor, caller.now), stored.person or "")


def _check_policy(app: web.Application, policy: Policy) -> None:
    """Raises ValueError for a policy that no choice could be kept under: when starting, not at the first choice."""
    optional = frozenset(policy.optional_categories)
    if not optional:
        return
    Record(
        kind=Kind.REFUSED,
        at=0,
        policy=policy.fingerprint,
        policy_version=policy.version,
        notice=app[NOTICE].of(policy),
        surface=Surface.BANNER,
        source=Source.JSON,
        refused=optional,
        buttons=buttons_of(Surface.BANNER),
    )
    everything = Visitor(granted=optional, decided_at=2**36, policy=policy.fingerprint, tell_me=True)
    cookie = write_cookie(app[SIGNING_KEYS], app[SITE], everything, "0" * 32, terms_of(policy, optional))
    if len(cookie) > LIMIT:
        raise ValueError(
            f"a choice on all {len(optional)} categories takes {len(cookie)} bytes, and a cookie holds {LIMIT}: "
            "give categories shorter ids, or join some"
        )
