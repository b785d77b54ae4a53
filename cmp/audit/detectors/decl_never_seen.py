"""decl.never-seen

What it finds
    Cookies and vendors that the policy declares and that a thorough capture never shows: one of at least three pages of
    the site, with everything that is to be seen agreed to. One finding for the capture.
Why it matters
    A list that names what is no longer used hides what is: visitors read it, and cannot tell which half is true. GDPR
    Art. 5(1)(a) and 12(1).
Example
    The policy declares `_hjid` of a heat map that was taken off the site two years ago.
Does not see
    Whether the thing is used on pages the capture does not show, after a sign-in, or in another country; cookies that
    scripts set and that are never sent. Vendors are looked for by their hosts only.
Sources
    Bollinger et al. 2022, whose tools list undetected cookies too.

Level: a note.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from cmp.audit.evidence import Evidence
from cmp.audit.finding import Finding, Level
from cmp.core.exchange import Unseen
from cmp.core.globs import Glob

CODE = "decl.never-seen"
MEANING = "declared, and never seen though everything was agreed to"
NEEDS = frozenset({Unseen.COOKIES, Unseen.SET_COOKIES, Unseen.PAGE})

_PAGES = 3
_NAMED = 20


def find(evidence: Evidence) -> Iterator[Finding]:
    agreed = {name for seen in evidence.pages for name in seen.step.visitor.granted}
    pages = {(seen.exchange.url.host, seen.exchange.url.path) for seen in evidence.pages if seen.step.visitor.granted}
    if evidence.baseline or len(pages) < _PAGES:
        return
    names = {seen.name or "" for seen in evidence.cookies}
    contacted = {seen.ruling.vendor for seen in evidence.requests}
    for part in evidence.policy.each:
        usable = {c.id for c in part.categories.values() if c.necessary or c.id in agreed}
        cookies = sorted(_unseen_cookies(part.document, usable, names))
        vendors = sorted(_unseen_vendors(part.document, usable, contacted))
        if cookies or vendors:
            told = {
                "what": "policy",
                "policy": part.id,
                "pages": len(pages),
                "cookies": cookies[:_NAMED],
                "vendors": vendors[:_NAMED],
                "unseen": len(cookies) + len(vendors),
            }
            yield Finding(CODE, Level.NOTE, evidence.replay.capture.file, rule="cookies", evidence=told)


def _unseen_cookies(document: Mapping[str, Any], usable: set[str], names: set[str]) -> Iterator[str]:
    """Patterns of declared cookies that no name fits: the site's own, and those of vendors."""
    rules = [(rule["name"], rule.get("category", "")) for rule in document.get("cookies", ())]
    for vendor in document.get("vendors", ()):
        rules += [(rule["name"], rule.get("category", vendor["category"])) for rule in vendor.get("cookies", ())]
    for pattern, category in dict.fromkeys(rules):
        if category in usable and not any(Glob(pattern).matches(name) for name in names):
            yield pattern


def _unseen_vendors(document: Mapping[str, Any], usable: set[str], contacted: set[str | None]) -> Iterator[str]:
    return (
        vendor["id"]
        for vendor in document.get("vendors", ())
        if vendor["category"] in usable and vendor.get("hosts") and vendor["id"] not in contacted
    )
