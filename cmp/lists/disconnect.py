"""Disconnect's services.json: domains of companies by what they do; entities.json: what belongs together.

May go in here: their form. May not: anything said in them about other software.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from cmp.core.classify import Party, host_suffixes
from cmp.core.exchange import Kind
from cmp.core.listed import Found, Source
from cmp.core.urls import Url, UrlError, parse_host, plain_path
from cmp.lists.content import Content, Filed, Filing, FormatError, Trouble, json_of, object_at

# Strictest first: a domain in several categories counts as the first. "Content" holds what pages are made of as well as
# what tracks in it, and the last two stop fraud or ask for consent: they are left out unless the policy files them.
_USUAL = {
    "Advertising": "advertising",
    "FingerprintingInvasive": "advertising",
    "Cryptomining": "advertising",
    "EmailAggressive": "advertising",
    "Email": "advertising",
    "Social": "social",
    "Analytics": "analytics",
    "FingerprintingGeneral": "",
    "Content": "",
    "Anti-fraud": "",
    "ConsentManagers": "",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A domain, with `path` only what begins so there. `own` are Disconnect's categories for it, strictest first."""

    host: str
    path: str
    own: tuple[str, ...]
    company: str


class DisconnectContent(Content):
    """Places by domain, those with longer paths first, and who owns which sites."""

    format = "disconnect"
    usual = MappingProxyType(_USUAL)

    def __init__(self, places: Iterable[Place], owners: Mapping[str, str], trouble: Trouble) -> None:
        self.places: dict[str, list[Place]] = {}
        self.owners = owners
        own = dict.fromkeys(_USUAL, 0)
        rules = 0
        for place in sorted(places, key=lambda place: -len(place.path)):
            self.places.setdefault(place.host, []).append(place)
            rules += 1
            for category in place.own:
                own[category] = own.get(category, 0) + 1
        super().__init__(rules=rules, own={one: count for one, count in own.items() if count}, trouble=trouble)

    def source(self, filing: Filing) -> Source:
        return DisconnectSource(self, filing)


def read_disconnect(data: bytes, entities: bytes = b"") -> DisconnectContent:
    """Read services.json, and with it entities.json if that is given. Raises FormatError for what is neither."""
    document = object_at(json_of(data))
    if "categories" not in document:
        raise FormatError('/: has no "categories": this is no services.json of Disconnect')
    trouble = Trouble()
    found: dict[tuple[str, str], tuple[list[str], str]] = {}
    for category, services in object_at(document, "categories").items():
        if not isinstance(services, list):
            trouble.add(f"/categories/{category}", str(services), "is no list")
            continue
        for n, service in enumerate(services):
            for key, company in _service(service, f"/categories/{category}/{n}", trouble):
                categories = found.setdefault(key, ([], company))[0]
                if category not in categories:
                    categories.append(category)
    if not found:
        raise FormatError("/categories: holds no domain that can be read")
    order = {name: n for n, name in enumerate(_USUAL)}
    places = [
        Place(host, path, tuple(sorted(categories, key=lambda one: order.get(one, len(order)))), company)
        for (host, path), (categories, company) in found.items()
    ]
    return DisconnectContent(places, _owners(entities, trouble) if entities else {}, trouble)


def _service(service: Any, place: str, trouble: Trouble) -> Iterator[tuple[tuple[str, str], str]]:
    if not isinstance(service, dict):
        trouble.add(place, str(service), "is no JSON object")
        return
    for company, sites in service.items():
        if not isinstance(sites, dict):
            trouble.add(f"{place}/{company}", str(sites), "is no JSON object")
            continue
        # Besides addresses of the company there are remarks, whose values are texts.
        for hosts in sites.values():
            for text in hosts if isinstance(hosts, list) else ():
                host, slash, path = text.partition("/") if isinstance(text, str) else (text, "", "")
                if name := _host(host, f"{place}/{company}", trouble):
                    yield (name, slash + path), company


def _host(host: Any, place: str, trouble: Trouble) -> str:
    try:
        if isinstance(host, str):
            return parse_host(host)
        trouble.add(place, str(host), "is no text")
    except UrlError as error:
        trouble.add(place, str(host), error.why)
    return ""


def _owners(data: bytes, trouble: Trouble) -> dict[str, str]:
    owners: dict[str, str] = {}
    for name, entity in object_at(json_of(data), "entities").items():
        if not isinstance(entity, dict):
            trouble.add(f"entities: /entities/{name}", str(entity), "is no JSON object")
            continue
        for key in ("properties", "resources"):
            hosts = entity.get(key, [])
            for host in hosts if isinstance(hosts, list) else ():
                if known := _host(host, f"entities: /entities/{name}/{key}", trouble):
                    owners[known] = name
    return owners


class DisconnectSource(Filed):
    """The domains, filed under the categories of a policy. They are about third parties only."""

    def __init__(self, content: DisconnectContent, filing: Filing) -> None:
        super().__init__(filing)
        self._content = content

    def request(self, url: Url, page: Url | None, kind: Kind, *, third_party: bool) -> tuple[Found, ...]:  # noqa: ARG002
        return self._of(url, page) if third_party else ()

    def cookie(self, name: str, url: Url, page: Url | None, party: Party) -> tuple[Found, ...]:  # noqa: ARG002
        return self._of(url, page) if party is Party.THIRD else ()

    def _of(self, url: Url, page: Url | None) -> tuple[Found, ...]:
        for suffix in host_suffixes(url.host):
            for place in self._content.places.get(suffix, ()):
                if plain_path(url.path).startswith(place.path):
                    category = self._filing.under(place.own)
                    if not category or self._same_owner(url.host, place.company, page):
                        return ()
                    return (Found(self._filing.rule(f"{suffix}{place.path}"), category, place.company),)
        return ()

    def _same_owner(self, host: str, company: str, page: Url | None) -> bool:
        owner = self._owner(page.host) if page is not None else None
        return owner is not None and owner in (self._owner(host), company)

    def _owner(self, host: str) -> str | None:
        owners = self._content.owners
        return next((owners[suffix] for suffix in host_suffixes(host) if suffix in owners), None)
