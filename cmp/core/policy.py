"""A compiled policy: one immutable value that every decision is made from.

May go in here: what a policy is once it is known to be right. May not: reading, checking or defaulting a policy
document (`cmp.policy`); a `Policy` cannot exist in a half-checked form.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from cmp.core.classify import CookieIndex, RequestIndex
from cmp.core.globs import Glob


class Basis(StrEnum):
    """Why the controller may do it: strictly necessary for the service asked for, or consent (ePrivacy Art. 5(3))."""

    NECESSARY = "necessary"
    CONSENT = "consent"


class Unknown(StrEnum):
    """What happens to what the policy does not know. `REPORT` lets it pass and puts it on the operator's list."""

    DENY = "deny"
    REPORT = "report"
    ALLOW = "allow"


@dataclass(frozen=True, slots=True)
class Category:
    """A group of purposes the visitor decides on together. `default` holds before any choice and signal."""

    id: str
    basis: Basis
    default: bool = False
    never: bool = False
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


@dataclass(frozen=True, slots=True)
class SignalRule:
    """What a signal denies, and whether a grant made while it was shown overrides it (11 CCR 7025(c)(3))."""

    denies: frozenset[str] = frozenset()
    grant_overrides: bool = False


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
class Policy:
    """Everything a decision rests on.

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

    @property
    def own_category(self) -> str:
        """The category of the site's own traffic."""
        return own_category(self.categories)

    @property
    def optional_categories(self) -> tuple[str, ...]:
        """The categories a visitor can switch, in the order the policy declares them."""
        return tuple(c.id for c in self.categories.values() if not c.necessary and not c.never)


def own_category(categories: Mapping[str, Category]) -> str:
    """The category of the site's own traffic: "necessary" if that is declared so, else the first necessary by id.

    By id and not by place: the fingerprint does not tell one order of keys from another, nor may a decision.
    """
    necessary = (category.id for category in categories.values() if category.necessary)
    return min(necessary, key=lambda id_: (id_ != "necessary", id_))
