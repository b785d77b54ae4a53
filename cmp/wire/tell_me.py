"""Which cookies a page sets and gets, as lines for a visitor who asked to be told of each.

May go in here: putting into lines what was delivered, refused, sent and withheld. May not: deciding any of it (that has
been done when a page is answered), HTML (`banner.py`).

A script can set cookies without an answer of the site; the browser sends those with its next request, so that they are
told of then.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from cmp.core.cookies import read_set_cookie
from cmp.core.exchange import Exchange
from cmp.core.on_cookies import declared_cookie
from cmp.core.policy import Policy
from cmp.wire.policy_words import delivered_text, policy_word, title_of

_OWN = frozenset({"consent", "consent-events"})


class Fate(StrEnum):
    """What became of a cookie. The first three are about an answer, the others about the request."""

    SET = "set"
    DELETED = "deleted"
    REFUSED = "refused"
    SENT = "sent"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class CookieLine:
    """One cookie to tell of. `purpose` is in the visitor's language as far as the policy has it, "" where it says none;
    `seconds` is how long one that was set lives, None for until the browser closes."""

    name: str
    fate: Fate
    purpose: str = ""
    seconds: float | None = None

    def text(self, language: str) -> str:
        """What became of it, as words after its name."""
        told = policy_word(language, f"told-{self.fate}").format(time=delivered_text(language, self.seconds))
        return f"{told}. {self.purpose}" if self.purpose else told


def cookie_lines(
    policy: Policy,
    exchange: Exchange,
    language: str,
    *,
    delivered: Sequence[str] = (),
    refused: Iterable[str] = (),
    withheld: Iterable[str] = (),
) -> tuple[CookieLine, ...]:
    """The lines of one page, set ones first, each name once for each fate.

    `delivered` are the Set-Cookie field values as the visitor gets them, `refused` names that the site tried to set.
    `exchange` is the page's request: the cookies in it count as sent, unless `withheld` names them.
    """
    kept_back = frozenset(withheld)
    found: dict[tuple[Fate, str], CookieLine] = {}
    for fate, name, seconds in [
        *_of_answer(delivered, exchange.time),
        *((Fate.REFUSED, name, None) for name in refused),
        *((Fate.SENT, cookie.name, None) for cookie in exchange.cookies if cookie.name not in kept_back),
        *((Fate.WITHHELD, name, None) for name in sorted(kept_back)),
    ]:
        found[fate, name] = CookieLine(name, fate, _purpose(policy, exchange, name, language), seconds)
    return tuple(found.values())


def _of_answer(delivered: Sequence[str], at: float) -> Iterator[tuple[Fate, str, float | None]]:
    for line in delivered:
        cookie = read_set_cookie(line)
        fate = Fate.DELETED if cookie.deletes(at) else Fate.SET
        yield fate, cookie.name, cookie.lifetime(at)


def _purpose(policy: Policy, exchange: Exchange, name: str, language: str) -> str:
    if name.removeprefix("__Host-").removeprefix("__Secure-") in _OWN:
        return policy_word(language, "own-cookie")
    rule = declared_cookie(policy, exchange, name)
    if rule is None:
        return ""
    return rule.purpose or title_of(policy.categories.get(rule.category), language)
