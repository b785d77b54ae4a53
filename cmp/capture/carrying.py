"""What a request carries in its URL and body: data that the policy limits, and values of other hosts' cookies.

May go in here: one reading for live traffic and for replay, and the memory of confined cookies it needs. May not:
judging what is carried (`cmp.core.decide`), buffering bodies (`cmp.live.bodies`).

Of a cookie's value nothing is kept but a keyed digest, its length and the hosts it belongs to. The key is made anew for
each `Carrying`; the answers do not depend on it, so that a replay in the same order gives the same ones.
"""

import hashlib
import re
import secrets
from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from cmp.core.classify import CookieRule, Party, RequestRule, host_suffixes
from cmp.core.cookies import SetCookie
from cmp.core.exchange import Exchange, Kind
from cmp.core.identifying import SHORTEST, looks_like_identifier
from cmp.core.members import Member, members_of_body, members_of_piece, members_of_text, members_of_url
from cmp.core.on_cookies import declared_cookies
from cmp.core.parties import party_of
from cmp.core.policy import Policy
from cmp.core.sensitive import COORDINATES, find_in_body, find_in_piece, find_in_url, find_sensitive

# So many values are remembered, the last used; with more visitors at once the oldest are forgotten.
REMEMBERED = 20_000
_LONGEST = 4_096
# Names, hosts and domains remembered for one value. A client can send a value to any number of hosts.
_KEPT_PER_VALUE = 32
# What an unreadable body may hold: the value of some confined cookie.
_SOME_COOKIE = "cookie:"
# Names in `Exchange.carries` that are no kinds of data begin with one of these.
_NO_DATA = ("cookie:", "body:")
# A value is looked for between characters that do not belong to it, and it is not known which characters its text was
# joined with: each of these sets is tried.
_RUNS = tuple(
    re.compile(f"[{letters}]{{{SHORTEST},}}")
    for letters in ("A-Za-z0-9", "A-Za-z0-9_-", "A-Za-z0-9_.~-", "A-Za-z0-9+/=_-", r"^\s\"'&?#;,<>{}\[\]|\\")
)


def is_data(name: str) -> bool:
    """Whether what a request carries under this name is data the policy limits, and no cookie and no form of a body."""
    return not name.startswith(_NO_DATA)


@dataclass(slots=True)
class _Known:
    """A value: the names it had as a cookie, how long it is, and the hosts that may see it (suffixes, and exact)."""

    length: int
    names: set[str]
    hosts: set[str]
    suffixes: set[str]
    vendors: set[str]


class Carrying:
    """Fed with the exchanges of one policy in time order.

    `of` takes in the cookies a request is sent with and says what the request carries; `learn` takes in what an answer
    sets. With a policy that limits nothing both do nothing.
    """

    def __init__(self, policy: Policy, remembered: int = REMEMBERED) -> None:
        self._policy = policy
        self._kinds = frozenset(kind for part in policy.each for kind in part.sensitive) | (
            {COORDINATES} if any(part.location_category is not None for part in policy.each) else frozenset()
        )
        self._rules = _confining(policy)
        self._forms = _about_bodies(policy)
        self._confines = bool(self._rules)
        self._remembered = remembered
        self._key = secrets.token_bytes(16)
        self._known: OrderedDict[bytes, _Known] = OrderedDict()
        self._lengths: Counter[int] = Counter()

    @property
    def active(self) -> bool:
        """Whether the policy has a rule about what requests carry."""
        return bool(self._kinds) or self._confines or bool(self._forms)

    @property
    def possible(self) -> tuple[frozenset[str], ...]:
        """What a request could carry at worst, each to be asked about before its body is looked at.

        All data and cookies at once, since more of them never lets pass what fewer do not; bodies one form at a time,
        since a rule about one may let pass what another stops.
        """
        data = self._kinds | {_SOME_COOKIE} if self._known else self._kinds
        return ((data,) if data else ()) + tuple(frozenset({rule.in_body}) for rule in self._forms)

    def heir(self, policy: Policy) -> "Carrying":
        """One for the policy that follows: it knows the values this one learnt of cookies that are confined still."""
        heir = Carrying(policy, self._remembered)
        heir._key = self._key
        before, after = _confining(self._policy), _confining(policy)
        for digest, known in self._known.items():
            rules = [rule for rule in after if _is_of(rule, known)]
            names = {name for name in known.names if any(rule.name.matches(name) for rule in rules)}
            if not names:
                continue
            old = {suffix for rule in before if _is_of(rule, known) for suffix in rule.hosts}
            suffixes = (known.suffixes - old).union(*(rule.hosts for rule in rules))
            vendors = {rule.vendor for rule in rules if rule.vendor is not None}
            heir._known[digest] = _Known(known.length, names, set(known.hosts), suffixes, vendors)
            heir._lengths[known.length] += 1
        return heir

    def of(self, exchange: Exchange, body: bytes | None = b"", content_type: str = "") -> frozenset[str]:
        """What a request carries, for `Exchange.carries`.

        `body` is without its Content-Encoding, b"" where there is none (or it comes later), None where it cannot be
        read: to a third party it then counts as carrying every kind of data that the policy limits, and "cookie:" where
        a confined value is known that does not belong there. `content_type` is the header as sent. The Referer is
        looked at where it goes to a third party.
        """
        if not self.active:
            return frozenset()
        self._learn_sent(exchange)
        found: set[str] = set()
        third = party_of(self._policy, exchange) is Party.THIRD
        if self._kinds:
            found |= find_in_url(exchange.url)
            if third and exchange.referrer:
                found |= find_sensitive(exchange.referrer)
            if body:
                found |= find_in_body(body, content_type)
            elif body is None and third:
                found |= self._kinds
            found &= self._kinds
        if self._known:
            found |= self._others_cookies(exchange, self._members(exchange, body or b"", content_type))
            if body is None and third and not self._all_belong(exchange):
                found.add(_SOME_COOKIE)
        if self._forms and body != b"":
            found |= self._forms_of(exchange, None if body is None else members_of_body(body, content_type))
        return frozenset(found)

    def of_piece(self, exchange: Exchange, piece: bytes) -> frozenset[str]:
        """What a part of the request's body carries, where the whole is too long to be kept."""
        text = piece.decode("utf-8", "replace")
        found = find_in_piece(text) & self._kinds if self._kinds else frozenset()
        if self._forms:
            found |= self._forms_of(exchange, members_of_piece(text))
        return found | self._others_cookies(exchange, members_of_piece(text)) if self._known else found

    def _forms_of(self, exchange: Exchange, members: Iterable[Member] | None) -> frozenset[str]:
        """The rules about bodies whose form these members have. One that cannot be read counts as having it."""
        rules = [
            rule
            for rule in self._forms
            if (not rule.host or rule.host in host_suffixes(exchange.url.host))
            and rule.may_match(exchange.url, exchange.page)
        ]
        if not rules or members is None:
            return frozenset(rule.in_body for rule in rules)
        read = [(member.names, member.value) for member in members if member.names]
        return frozenset(rule.in_body for rule in rules if rule.body.fits(read))

    def learn(self, exchange: Exchange) -> None:
        """Remember the confined cookies that an exchange sends and sets."""
        if not self._confines:
            return
        self._learn_sent(exchange)
        for cookie in exchange.set_cookies:
            self._remember(exchange, cookie.name, cookie.value, _domain(exchange, cookie))

    def _learn_sent(self, exchange: Exchange) -> None:
        if self._confines:
            for cookie in exchange.cookies:
                self._remember(exchange, cookie.name, cookie.value, "")

    def _remember(self, exchange: Exchange, name: str, value: str, domain: str) -> None:
        rules = [rule for rule in declared_cookies(self._policy, exchange, name) if rule.confined]
        if not rules:
            return
        for form in {value.strip('"'), unquote(value.strip('"'))}:
            # Anybody can send a cookie with any value: a word would then be stopped in everybody's addresses.
            if len(form) > _LONGEST or not looks_like_identifier(form):
                continue
            known = self._known.get(digest := self._digest(form))
            if known is None:
                known = self._known[digest] = _Known(len(form), set(), set(), set(), set())
                self._lengths[known.length] += 1
            self._known.move_to_end(digest)
            _add(known.names, name)
            _add(known.hosts, exchange.url.host)
            if domain:
                _add(known.suffixes, domain)
            known.suffixes.update(*(rule.hosts for rule in rules))
            known.vendors.update(rule.vendor for rule in rules if rule.vendor is not None)
        while len(self._known) > self._remembered:
            _, oldest = self._known.popitem(last=False)
            self._lengths[oldest.length] -= 1

    def _others_cookies(self, exchange: Exchange, members: Iterable[Member]) -> frozenset[str]:
        found: set[str] = set()
        seen: set[str] = set()
        for member in members:
            for text in _candidates(member.value):
                if self._lengths[len(text)] <= 0 or text in seen:
                    continue
                seen.add(text)
                known = self._known.get(self._digest(text))
                if known is not None and not self._belongs(known, exchange):
                    found.update(f"cookie:{name}" for name in known.names)
        return frozenset(found)

    def _belongs(self, known: _Known, exchange: Exchange) -> bool:
        """Whether the request goes to a host of the cookie: one it was seen on, one its rule names, its vendor's."""
        host = exchange.url.host
        if host in known.hosts or any(suffix in known.suffixes for suffix in host_suffixes(host)):
            return True
        return bool(known.vendors) and not known.vendors.isdisjoint(self._owners(exchange))

    def _all_belong(self, exchange: Exchange) -> bool:
        """Whether the rules of all confined cookies let the host of the request have them."""
        suffixes, owners = set(host_suffixes(exchange.url.host)), self._owners(exchange)
        return all(rule.vendor in owners or not suffixes.isdisjoint(rule.hosts) for rule in self._rules)

    def _owners(self, exchange: Exchange) -> set[str]:
        found = (part.requests.find(exchange.url, exchange.page) for part in self._policy.each)
        return {owner.vendor for owner in found if owner is not None and owner.vendor is not None}

    def _members(self, exchange: Exchange, body: bytes, content_type: str) -> Iterator[Member]:
        # Pages the visitor goes to on the operator's own sites: whatever a stranger makes known, their paths stay open.
        page = exchange.kind is Kind.DOCUMENT and self._on_own_sites(exchange)
        yield from (member for member in members_of_url(exchange.url) if not (page and member.in_path))
        if exchange.referrer:
            # It holds the path of the page before.
            yield from members_of_text(exchange.referrer.partition("?")[2] if page else exchange.referrer)
        yield from members_of_body(body, content_type)

    def _on_own_sites(self, exchange: Exchange) -> bool:
        suffixes = tuple(host_suffixes(exchange.url.host))
        return any(suffix in part.sites for part in self._policy.each for suffix in suffixes)

    def _digest(self, text: str) -> bytes:
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=16).digest()


def _confining(policy: Policy) -> list[CookieRule]:
    """Every rule for a confined cookie."""
    indexes = [part.cookies for part in policy.each]
    lists = [rules for index in indexes for rules in (*index.exact.values(), *index.patterns.values())]
    return [rule for rules in lists for rule in rules if rule.confined]


def _about_bodies(policy: Policy) -> tuple[RequestRule, ...]:
    """Every rule that is about what stands in bodies."""
    indexes = [part.requests for part in policy.each]
    lists = [rules for index in indexes for rules in (*index.by_host.values(), index.endpoints)]
    return tuple(rule for rules in lists for rule in rules if rule.body)


def _is_of(rule: CookieRule, known: _Known) -> bool:
    """Whether a rule is for a value that is known, by the names and the hosts it was seen with."""
    if not any(rule.name.matches(name) for name in known.names):
        return False
    return not rule.hosts or any(suffix in rule.hosts for host in known.hosts for suffix in host_suffixes(host))


def _add(kept: set[str], one: str) -> None:
    if len(kept) < _KEPT_PER_VALUE:
        kept.add(one)


def _domain(exchange: Exchange, cookie: SetCookie) -> str:
    """The Domain attribute where the host may set it (RFC 6265, section 5.3): a parent of the host on its own site."""
    domain = cookie.domain.strip().lower().removeprefix(".")
    above = domain in host_suffixes(exchange.url.host)
    return domain if above and len(domain) >= len(exchange.host_site) and "." in domain else ""


def _candidates(text: str) -> Iterator[str]:
    """The texts in a value that may be a cookie's value: the whole, and what stands between separators."""
    yield text.strip()
    for run in _RUNS:
        yield from run.findall(text)
