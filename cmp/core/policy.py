"""A compiled policy: one immutable value that every decision is made from.

May go in here: what a policy is once it is known to be right. May not: reading, checking or defaulting a policy
document (`cmp.policy`); a `Policy` cannot exist in a half-checked form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from cmp.core.classify import CookieIndex, EventRule, PathRule, RequestIndex
from cmp.core.decision import Decision, Ruling
from cmp.core.globs import Glob
from cmp.core.kept import RULINGS, Kept
from cmp.core.listed import Source
from cmp.core.regions import NO_REGIONS, Regions
from cmp.core.sieve import Sieve


class Basis(StrEnum):
    """Why the controller may do it.

    Strictly necessary for the service asked for, or consent (ePrivacy Directive, Art. 5(3)); or exempt by a law that
    lets it be done until the visitor objects (audience measurement in France, statistics in the United Kingdom).
    """

    NECESSARY = "necessary"
    CONSENT = "consent"
    EXEMPT = "exempt"


class Treatment(StrEnum):
    """What happens to a request whose category is not permitted: stopped, or passed on without identifiers."""

    BLOCK = "block"
    REDUCE = "reduce"


class OnError(StrEnum):
    """What still passes when deciding fails: what the fallback lists as necessary, or nothing."""

    NECESSARY = "necessary"
    BLOCK = "block"


class Referrer(StrEnum):
    """What other sites learn of the page a request comes from."""

    KEEP = "keep"
    ORIGIN = "origin"
    NONE = "none"


class ForwardedFor(StrEnum):
    """What upstream servers learn of the client's address in `X-Forwarded-For` and its kin."""

    KEEP = "keep"
    SHORTEN = "shorten"
    DROP = "drop"


class Unknown(StrEnum):
    """What happens to what the policy does not know. `REPORT` lets it pass and puts it on the operator's list."""

    DENY = "deny"
    REPORT = "report"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Category:
    """A group of purposes the visitor decides on together. `default` holds before any choice and signal.

    `after` is the id of an event: once it was observed, the visitor has asked for the service and the category is
    permitted unless refused. `treatment` is what becomes of its requests while it is not permitted.
    """

    id: str
    basis: Basis
    default: bool = False
    never: bool = False
    after: str | None = None
    treatment: Treatment = Treatment.BLOCK
    titles: Mapping[str, str] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)
    retention: Mapping[str, str] = field(default_factory=dict)

    @property
    def necessary(self) -> bool:
        return self.basis is Basis.NECESSARY and not self.never


@dataclass(frozen=True, slots=True)
class Vendor:
    """Somebody who receives requests or sets cookies. `country` is ISO 3166-1 alpha-2, "ZZ" where not known."""

    id: str
    name: str
    company: str
    category: str
    country: str = "ZZ"
    techniques: tuple[str, ...] = ()
    transfer_basis: str = ""
    authorised: bool | None = None


@dataclass(frozen=True, slots=True)
class Transfers:
    """Where data may go: `within` are countries (ISO 3166-1 alpha-2), `exempt` vendors that may be elsewhere.

    With `deny` a vendor outside is refused, whatever the visitor chose; else it is only reported.
    """

    within: frozenset[str]
    deny: bool = True
    exempt: frozenset[str] = frozenset()

    def covers(self, vendor: Vendor) -> bool:
        return vendor.country in self.within or vendor.id in self.exempt


@dataclass(frozen=True, slots=True)
class SensitiveRule:
    """Where one kind of data may be sent: the site's own hosts, host suffixes, vendors; with `category` permitted."""

    id: str
    own: bool = False
    hosts: frozenset[str] = frozenset()
    vendors: frozenset[str] = frozenset()
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What requests to others are relieved of. `drop` are patterns for header names, lower case.

    `pings` is the category that hyperlink auditing (`<a ping>`) belongs to, `click_ids` that of click identifiers in
    the addresses of pages, `ad_features` that of the browser's own advertising functions; None where nothing is said.
    `forwarded_for` holds for the site's own upstream too.
    """

    referrer: Referrer = Referrer.KEEP
    drop: tuple[Glob, ...] = ()
    forwarded_for: ForwardedFor = ForwardedFor.KEEP
    pings: str | None = None
    click_ids: str | None = None
    ad_features: str | None = None

    def drops(self, header: str) -> bool:
        return any(glob.matches(header) for glob in self.drop)


@dataclass(frozen=True, slots=True)
class Rollout:
    """Which part of the traffic is enforced on: a share of the visitors (0 to 1), and paths (none: every path)."""

    share: float = 1.0
    paths: tuple[Glob, ...] = ()


class Insert(StrEnum):
    """For whom a signal is said that their browser does not send: nobody, who refused what it denies, everybody."""

    NEVER = "never"
    REFUSED = "refused"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class SignalRule:
    """What a signal denies, whether a grant made while it was shown overrides it (11 CCR 7025(c)(3)), and for whom it
    is inserted."""

    denies: frozenset[str] = frozenset()
    grant_overrides: bool = False
    insert: Insert = Insert.NEVER


@dataclass(frozen=True, slots=True)
class Fallback:
    """What still passes when deciding fails: compiled beforehand, because then nothing else knows what is necessary.

    `hosts` are suffixes of the operator's own and necessary hosts, `cookies` exact names and `cookie_patterns` further
    ones, `csp` a whole Content-Security-Policy field value.
    """

    hosts: frozenset[str]
    cookies: frozenset[str]
    cookie_patterns: tuple[Glob, ...]
    csp: str

    def keeps_cookie(self, name: str) -> bool:
        return name in self.cookies or any(glob.matches(name) for glob in self.cookie_patterns)


@dataclass(frozen=True, slots=True)
class Settled:
    """A decision already made on a request, and which others to the same host it holds for: with `unless_path` those
    whose path that sieve does not hold back, with `unless_listed` those that no list says anything of."""

    decision: Decision
    unless_path: Sieve | None
    unless_listed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Everything a decision rests on. Compared and hashed as itself: one object, one policy.

    `parts` is empty, or holds the policies this one is composed of: each is asked, and the strictest answer counts
    (`decide.py`); the other fields are then their union, for what is shown and listed. `document` is the complete form
    of the document, for what is shown to people only. `terms` has for each category a digest of what a visitor agrees
    to in it. `effective` and `mode` are what the document says, None where it does not. `lists` are asked, in
    this order, about what no rule of the policy itself knows; their digests are part of the fingerprint.
    `edits_requests`: a request that passes may need an edit that neither its cookies nor its ruling ask for.
    `optional_categories` are those a visitor can switch, in the order the policy declares them.
    `settled_requests` and `settled_vendors` keep rulings already made (`cases.py` says by what).

    `fingerprint` is the SHA-256 (hex) of the canonical form of the complete document, catalogue entries included, so
    that two policies with the same fingerprint decide alike. `sites` are host suffixes of the operator's own site;
    empty means that each page's own site is the first party. `signals` is keyed "gpc" and "dnt".
    """

    id: str
    version: str
    fingerprint: str
    categories: Mapping[str, Category]
    vendors: Mapping[str, Vendor]
    requests: RequestIndex
    cookies: CookieIndex
    signals: Mapping[str, SignalRule]
    fallback: Fallback
    sites: frozenset[str] = frozenset()
    unknown_host: Unknown = Unknown.DENY
    unknown_cookie: Unknown = Unknown.DENY
    presume_http_only_session: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    controller: str = ""
    contact: str = ""
    parts: tuple["Policy", ...] = ()
    events: tuple[EventRule, ...] = ()
    excluded: tuple[PathRule, ...] = ()
    authorisation_listed: bool = False
    transfers: Transfers | None = None
    sensitive: Mapping[str, SensitiveRule] = field(default_factory=dict)
    location_category: str | None = None
    outgoing: Outgoing = Outgoing()
    identifiers: tuple[Glob, ...] = ()
    secure_cookies: bool = False
    require_https: bool = False
    regions: Regions = NO_REGIONS
    ask_again: int = 182 * 86_400
    tell_me: bool = False
    terms: Mapping[str, str] = field(default_factory=dict)
    effective: float | None = None
    mode: str | None = None
    rollout: Rollout = Rollout()
    on_error: OnError = OnError.NECESSARY
    successor: "Policy | None" = None
    lists: tuple[Source, ...] = ()
    document: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    edits_requests: bool = field(init=False, repr=False)
    optional_categories: tuple[str, ...] = field(init=False, repr=False)
    settled_requests: Kept[Settled] = field(init=False, repr=False)
    settled_vendors: Kept[Ruling] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        busy = any(part.outgoing != Outgoing(pings=part.outgoing.pings) for part in self.each) or any(
            signal.insert is not Insert.NEVER for part in self.each for signal in part.signals.values()
        )
        object.__setattr__(self, "edits_requests", busy or bool(self.events))
        optional = tuple(c.id for c in self.categories.values() if not c.necessary and not c.never)
        object.__setattr__(self, "optional_categories", optional)
        object.__setattr__(self, "settled_requests", Kept(RULINGS))
        object.__setattr__(self, "settled_vendors", Kept(RULINGS))

    @property
    def own_category(self) -> str:
        """The category of the site's own traffic."""
        return own_category(self.categories)

    @property
    def each(self) -> tuple["Policy", ...]:
        """The policies that are asked: the parts, or this one alone."""
        return self.parts or (self,)


def own_category(categories: Mapping[str, Category]) -> str:
    """The category of the site's own traffic: "necessary" if that is declared so, else the first necessary by id.

    By id and not by place: the fingerprint does not tell one order of keys from another, nor may a decision.
    """
    necessary = (category.id for category in categories.values() if category.necessary)
    return min(necessary, key=lambda id_: (id_ != "necessary", id_))
