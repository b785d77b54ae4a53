"""Patterns that fit too much or nothing, and names that break a header.

May go in here: lints on the texts that rules are made of. May not: which rule comes before which (`reach.py`).
"""

import re
from collections.abc import Iterator
from typing import Any

from cmp.core.urls import plain_path
from cmp.policy.lints.advice import Found, Level, Lint, Subject, Where

_STARS = 8
# RFC 6265, section 4.1.1 (a cookie's name is a token of RFC 9110, section 5.6.2). A star stands for anything here.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


def _cookies(subject: Subject) -> Iterator[tuple[Where, str, str]]:
    """Every cookie the document itself declares: where, its name, its category."""
    for n, cookie in enumerate(subject.document.get("cookies", [])):
        yield ("cookies", n), cookie["name"], cookie["category"]
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        for m, cookie in enumerate(vendor.get("cookies", [])):
            yield ("vendors", n, "cookies", m), cookie["name"], vendor["category"]


def _paths(subject: Subject) -> Iterator[tuple[Where, str]]:
    """Every pattern for a path the document itself holds."""
    document = subject.document
    for n, rule in enumerate(document.get("exclude", [])):
        yield from _numbered(("exclude", n, "paths"), rule["paths"])
    yield from _numbered(("rollout", "paths"), document.get("rollout", {}).get("paths", []))
    for id_, event in document.get("events", {}).items():
        if "path" in event:
            yield ("events", id_, "path"), event["path"]
    for n, cookie in enumerate(document.get("cookies", [])):
        yield from _numbered(("cookies", n, "paths"), cookie.get("paths", []))
    for n, vendor in enumerate(document.get("vendors", [])):
        for m, signature in enumerate(vendor.get("signatures", [])):
            if "path" in signature:
                yield ("vendors", n, "signatures", m, "path"), signature["path"]
            yield from _numbered(("vendors", n, "signatures", m, "pages"), signature.get("pages", []))
        for m, use in enumerate(vendor.get("uses", [])):
            for key in ("pages", "paths"):
                yield from _numbered(("vendors", n, "uses", m, key), use.get(key, []))
        for m, cookie in enumerate(vendor.get("cookies", [])):
            yield from _numbered(("vendors", n, "cookies", m, "paths"), cookie.get("paths", []))


def _numbered(where: Where, texts: list[str]) -> Iterator[tuple[Where, str]]:
    for n, text in enumerate(texts):
        yield (*where, n), text


def _every_cookie(subject: Subject) -> Iterator[Found]:
    for where, name, category in _cookies(subject):
        if not name.strip("*") and subject.necessary(category):
            what = f'"{name}" fits every cookie and "{category}" is necessary: no cookie is ever refused'
            yield (*where, "name"), what, "name the cookies"


def _excludes_everything(subject: Subject) -> Iterator[Found]:
    for n, rule in enumerate(subject.document.get("exclude", [])):
        for m, path in enumerate(rule["paths"]):
            if not path.strip("*/"):
                where = rule.get("host", "every host of the site")
                what = f'"{path}" leaves all of {where} alone: nothing of it is decided on'
                yield ("exclude", n, "paths", m), what, 'name the paths for machines, such as "/webhooks/*"'


def _unsafe(subject: Subject) -> Iterator[Found]:
    for where, name, category in _cookies(subject):
        if not name.strip("*") and not subject.necessary(category):
            what = f'"{name}" fits every cookie that no closer rule names'
            yield (*where, "name"), what, 'name the cookies; "unknown" says what happens to the others'
        elif name.count("*") > _STARS:
            yield (*where, "name"), f'"{name}" has more than {_STARS} stars', "write several patterns"
    for where, path in _paths(subject):
        if where[0] != "exclude" and not path.strip("*/"):
            yield where, f'"{path}" fits every path', "take it out, or name a path"
        elif path.count("*") > _STARS:
            yield where, f'"{path}" has more than {_STARS} stars', "write several patterns"
    for n, text in enumerate(subject.document.get("identifiers", [])):
        if len(text.replace("*", "")) < 2:
            what = f'"{text}" fits nearly every member of a query or a body, and all of them would be taken out'
            yield ("identifiers", n), what, 'write a name such as "respondent*"'


def _never_fits(subject: Subject) -> Iterator[Found]:
    for where, path in _paths(subject):
        if not path.isascii():
            what = f'"{path}" fits no request: a path travels percent-encoded'
            yield where, what, "write it as it stands in the address, such as %C3%BC for ü, or a star"
        elif plain_path(path) != path:
            what = f'"{path}" fits no request: paths are compared as "{plain_path(path)}"'
            yield where, what, f'write "{plain_path(path)}"'


def _header_bytes(subject: Subject) -> Iterator[Found]:
    for where, name, _ in _cookies(subject):
        if not _TOKEN.fullmatch(name):
            what = f'"{name}" holds a character that no name of a cookie may hold, so a header with it may be refused'
            yield (*where, "name"), what, "write a star for it"


def _no_lifetime(subject: Subject) -> Iterator[Found]:
    written: list[tuple[Where, Any]] = [
        (("cookies", n), cookie) for n, cookie in enumerate(subject.document.get("cookies", []))
    ]
    for n, vendor in enumerate(subject.document.get("vendors", [])):
        written += [(("vendors", n, "cookies", m), cookie) for m, cookie in enumerate(vendor.get("cookies", []))]
    for where, cookie in written:
        if "lifetime" not in cookie:
            what = f'"{cookie["name"]}" may live as long as it likes, and visitors are not told how long'
            yield where, what, 'add "lifetime": "session", or a count and a unit such as "13 months"'


LINTS: tuple[Lint, ...] = (
    Lint("every-cookie-necessary", Level.ERROR, _every_cookie),
    Lint("excludes-everything", Level.ERROR, _excludes_everything),
    Lint("unsafe-pattern", Level.WARNING, _unsafe),
    Lint("path-never-fits", Level.WARNING, _never_fits),
    Lint("header-bytes", Level.WARNING, _header_bytes, "RFC 6265 section 4.1.1"),
    Lint("cookie-without-lifetime", Level.WARNING, _no_lifetime, "CJEU C-673/17; GDPR Art. 13(2)(a)"),
)
