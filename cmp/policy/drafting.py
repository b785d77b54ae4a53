"""A first policy for a site, drawn up from what was found on it and what its operator answered.

May go in here: the values, guesses of categories, and the document they make. May not: looking at a site
(`cmp.wire.inventory`) or at its recorded traffic (`cmp.audit.learning`), asking (`cmp.commands.init`).
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cmp import resources
from cmp.core.lifetimes import UNIT_SECONDS
from cmp.core.urls import UrlError, is_ip, parse_host
from cmp.policy.catalogue import catalogue, catalogue_categories
from cmp.policy.compile import CONSENT_COOKIES
from cmp.policy.document import read_document
from cmp.policy.presets import PRESETS
from cmp.sites import is_public_suffix, registrable_domain

# The categories of a draft, in the order visitors see them.
CATEGORIES = ("necessary", "functional", "analytics", "social", "advertising")
# Which of them the catalogue's own are put under.
_OF_CATALOGUE = {"media": "functional", "infrastructure": "necessary"}
SIGNALS = ("gpc", "dnt")
# Seconds; browsers keep no cookie for longer (RFC 6265bis, section 5.5).
_LONGEST = 400 * UNIT_SECONDS["day"]
# Where a draft puts what nobody has decided on: it never passes, and no visitor is asked about it.
UNDECIDED = "undecided"
_UNDECIDED: Mapping[str, Mapping[str, str]] = {
    "title": {"en": "Not decided yet", "de": "Noch nicht entschieden"},
    "reason": {
        "en": "Nobody has said yet what this is for, so it stays off",
        "de": "Noch hat niemand gesagt, wozu das dient, darum bleibt es aus",
    },
}
# Names of cookies that a policy can declare as they are, without those of our own.
_DECLARABLE = re.compile(rf"(?!(?:{'|'.join(CONSENT_COOKIES)})$)[!-)+\-.-:<>-~]{{1,256}}")
_TITLES = {"en": "Privacy at {name}", "de": "Datenschutz bei {name}"}
LANGUAGES = tuple(_TITLES)


@dataclass(frozen=True, slots=True)
class FoundVendor:
    """A third party: the id of a vendor of the catalogue with its category there, else a site and None."""

    key: str
    name: str
    category: str | None


@dataclass(frozen=True, slots=True)
class FoundCookie:
    """A cookie the site sets. `category` is the catalogue's, or None; `vendor` whose it is there, "" for nobody's."""

    name: str
    lifetime: str
    category: str | None
    vendor: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """What the operator said. `cookies` and `vendors` map names to categories of `CATEGORIES`.

    A vendor's name is an id of the catalogue or a host. `contact` may be "", `minimum_age` None.
    """

    name: str
    contact: str
    preset: str
    sites: Sequence[str]
    languages: Sequence[str]
    cookies: Mapping[str, str]
    vendors: Mapping[str, str]
    signals: frozenset[str]
    keep_records: str
    minimum_age: int | None


@dataclass(frozen=True, slots=True)
class UndecidedVendor:
    """A site that nobody knows, and what speaks for one decision or another (schema, "undecided").

    With a `folder` only what is below that path of the host: the host itself is everybody's.
    """

    site: str
    evidence: Mapping[str, Any]
    folder: str = ""


@dataclass(frozen=True, slots=True)
class UndecidedCookie:
    """A cookie that nobody knows. `category` is "" or where it stays meanwhile; `hosts` and `party` as policies have
    them, "" for either party."""

    name: str
    lifetime: str
    party: str
    evidence: Mapping[str, Any]
    category: str = ""
    hosts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class LeftOpen:
    """What a draft marks for a decision. `whole`: where it adopts the whole catalogue, the category of the draft that
    each category there goes into."""

    vendors: Sequence[UndecidedVendor] = ()
    cookies: Sequence[UndecidedCookie] = ()
    whole: Mapping[str, str] = field(default_factory=dict)

    @property
    def categories(self) -> set[str]:
        cookies = {cookie.category or UNDECIDED for cookie in self.cookies}
        return cookies | set(self.whole.values()) | ({UNDECIDED} if self.vendors else set())


def draft(
    answers: Answers, cookies: Sequence[FoundCookie], today: str | None, left_open: LeftOpen | None = None
) -> dict[str, Any]:
    """The document, which passes `find_faults`. `cookies` are those found; `today`, such as "2026-10-01", is None for a
    draft that nobody has looked at."""
    left_open = left_open or LeftOpen()
    vendors = _vendors(answers.vendors, left_open)
    own = _cookies(answers, cookies) + [_undecided_cookie(cookie) for cookie in left_open.cookies]
    used = {"necessary", *answers.cookies.values(), *answers.vendors.values(), *left_open.categories}
    document: dict[str, Any] = {
        "consentry": 1,
        "id": _slug(answers.name) or "site",
        "version": "1",
        "title": {language: _TITLES[language].format(name=answers.name) for language in answers.languages},
        "languages": list(answers.languages),
        "preset": answers.preset,
        "controller": {"name": answers.name, **({"contact": answers.contact} if answers.contact else {})},
        **({"reviewed": today, "reviewEvery": "12 months"} if today else {}),
        "sites": list(answers.sites),
        "mode": "observe",
        "categories": {id_: _category(id_, answers.languages) for id_ in (*CATEGORIES, UNDECIDED) if id_ in used},
        **vendors,
        "cookies": own,
        "unknown": {"host": "deny", "cookie": "deny"},
        "signals": _signals(answers),
        "consent": {
            "keepRecords": answers.keep_records,
            **({"minimumAge": answers.minimum_age} if answers.minimum_age is not None else {}),
        },
    }
    return {key: value for key, value in document.items() if value not in ([], {})}


def proposed(catalogue_category: str | None) -> str | None:
    """The category of a draft for one of the catalogue's."""
    return _OF_CATALOGUE.get(catalogue_category or "", catalogue_category)


def whole_catalogue(used: Iterable[str]) -> dict[str, str]:
    """The categories of the catalogue, and which of the draft's each goes into where `used` are those in use.

    Who loads one of a kind loads others of it at the next visit: an auction picks its bidders each time. So a category
    in use takes in all that the catalogue has for it; of any other kind a vendor that turns up later is recognised, and
    stopped until somebody decides. Services that are no tracking go where a visitor decides on them, where there is
    such a category: only that one was seen at work makes it necessary.
    """
    in_use = set(used)
    found = {id_: str(_OF_CATALOGUE.get(id_, id_)) for id_ in sorted(catalogue_categories())}
    found = {id_: "functional" if ours == "necessary" else ours for id_, ours in found.items()}
    return {id_: ours if ours in in_use else UNDECIDED for id_, ours in found.items()}


def declarable(name: str) -> bool:
    """Whether a policy can declare a cookie of this name as it is."""
    return _DECLARABLE.fullmatch(name) is not None


def proposed_signals(preset: str) -> frozenset[str]:
    return frozenset(PRESETS[preset]["signals"])


def proposed_site(host: str) -> str:
    """The site a host belongs to with all its sub-domains, or "" where no policy can name one."""
    try:
        return site_host(registrable_domain(host))
    except ValueError:
        return ""


def vendor_key(text: str) -> str:
    """The key of a vendor an operator named: an id of the catalogue, or a host. Raises ValueError."""
    if text in catalogue():
        return text
    if "." not in text:
        raise ValueError(f'"{text}" is no vendor of the catalogue: write its host, such as "stats.example"')
    return site_host(text)


def site_host(text: str) -> str:
    """A host that a policy may name. Raises ValueError."""
    try:
        host = parse_host(text)
    except UrlError as error:
        raise ValueError(str(error)) from error
    if is_public_suffix(host):
        raise ValueError(f'"{text}" is a public suffix: everybody\'s sites are below it')
    if not re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", host):
        raise ValueError(f'"{text}" is no host: write one such as "www.example.com"')
    return host


def lifetime_text(seconds: float | None) -> str:
    """A lifetime as policies write it, never shorter than browsers keep it: 2592000 is "30 days", None is "session"."""
    if seconds is None:
        return "session"
    if seconds > _LONGEST:
        return "13 months"
    unit = next((unit for unit in ("day", "hour", "minute") if seconds >= UNIT_SECONDS[unit]), "second")
    count = math.ceil(seconds / UNIT_SECONDS[unit])
    return f"{count} {unit}{'s' if count != 1 else ''}"


def _vendors(named: Mapping[str, str], left_open: LeftOpen) -> dict[str, Any]:
    """The keys "catalogue" and "vendors". One that keeps the category the catalogue leads to is adopted by id alone."""
    whole = left_open.whole

    def default(key: str) -> str | None:
        theirs = str(catalogue()[key]["category"])
        return whole.get(theirs, proposed(theirs))

    adopted = [key for key, category in named.items() if key in catalogue() and category == default(key)]
    found = {str(catalogue()[key]["category"]): default(key) for key in adopted} | dict(whole)
    renamed = {theirs: ours for theirs, ours in sorted(found.items()) if theirs != ours}
    own: list[dict[str, Any]] = []
    for key, category in named.items():
        if key in catalogue():
            if key not in adopted:
                own.append({"id": key, "catalogue": key, "category": category})
        else:
            ids = {*catalogue(), *(vendor["id"] for vendor in own)}
            own.append({"id": _free(_slug(key), ids), "name": key, "category": category, "hosts": [key]})
    for vendor in left_open.vendors:
        taken = {*catalogue(), *(one["id"] for one in own)}
        name = vendor.site + vendor.folder
        where = {"signatures": [{"host": vendor.site, "path": f"{vendor.folder}/*"}]} if vendor.folder else {}
        own.append(
            {
                "id": _free(_slug(name), taken),
                "name": name,
                "category": UNDECIDED,
                **(where or {"hosts": [vendor.site]}),
                "undecided": dict(vendor.evidence),
            }
        )
    adopt = ["*"] if whole else sorted(adopted)
    adoption = {"adopt": adopt, **({"categories": renamed} if renamed else {})}
    return {"catalogue": adoption if adopt else {}, "vendors": own}


def _undecided_cookie(cookie: UndecidedCookie) -> dict[str, Any]:
    entry = {
        "name": cookie.name,
        "category": cookie.category or UNDECIDED,
        "party": cookie.party,
        "hosts": list(cookie.hosts),
        "lifetime": cookie.lifetime,
        "undecided": dict(cookie.evidence),
    }
    return {key: value for key, value in entry.items() if value}


def _cookies(answers: Answers, found: Sequence[FoundCookie]) -> list[dict[str, Any]]:
    by_name = {cookie.name: cookie for cookie in found}
    listed: list[dict[str, Any]] = []
    for name, category in answers.cookies.items():
        cookie = by_name.get(name, FoundCookie(name, "", None))
        if cookie.vendor and answers.vendors.get(cookie.vendor) == category:
            # The vendor brings it along.
            continue
        entry = {"name": name, "category": category, "lifetime": cookie.lifetime, "purpose": cookie.purpose}
        listed.append({key: value for key, value in entry.items() if value})
    return listed


def _category(id_: str, languages: Sequence[str]) -> dict[str, Any]:
    """As the shipped default has it: the same words for the same things."""
    if id_ == UNDECIDED:
        texts = {key: {language: _UNDECIDED[key][language] for language in languages} for key in _UNDECIDED}
        return {"basis": "consent", "never": True, **texts}
    shipped = read_document(resources.policies() / "default.json")["categories"][id_]
    texts = {key: {language: shipped[key][language] for language in languages} for key in ("title", "reason")}
    return {"basis": shipped["basis"], **texts}


def _signals(answers: Answers) -> dict[str, Any]:
    """Only where they differ from what the preset says."""
    usual = proposed_signals(answers.preset)
    more = {name: {"denies": "all", "grantOverrides": True} for name in SIGNALS if name in answers.signals - usual}
    return {**more, **{name: {"denies": []} for name in SIGNALS if name in usual - answers.signals}}


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:60].strip("-")


def _free(id_: str, taken: set[str]) -> str:
    found, n = id_ or "vendor", 1
    while found in taken:
        n += 1
        found = f"{id_ or 'vendor'}-{n}"
    return found


def named_host(host: str) -> str:
    """The name for a site nobody gave one: its host, without "www."."""
    return host if is_ip(host) else host.removeprefix("www.")
