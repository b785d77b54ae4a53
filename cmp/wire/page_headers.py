"""Header fields that keep a page from more than the visitor agreed to: where it is seen from, what its links tell.

May go in here: edits of the header field lists of pages. May not: which pages, and for whom (`cmp.live`).

Sources: Permissions Policy (section 5.1, the header), Structured Field Values (RFC 9651, sections 3.2 and 4.2.2), and
Referrer Policy (section 8.1).
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final

Fields = Sequence[tuple[bytes, bytes]]

# Topics, Attribution Reporting, Protected Audience, Shared Storage and what they report by.
ADVERTISING: Final = (
    *("attribution-reporting", "browsing-topics", "join-ad-interest-group", "private-aggregation"),
    *("run-ad-auction", "shared-storage", "shared-storage-select-url"),
)

# The grammar of a dictionary, every repeat possessive. Dates and display strings are left out: what reads them here but
# not in a browser would cost the visitor the whole field.
_KEY = r"[a-z*][a-z0-9_.*-]*+"
_BARE = (
    r"(?:-?[0-9]{1,15}+(?:\.[0-9]{1,3}+)?+"
    r'|"(?:[ !#-\[\]-~]|\\["\\])*+"'
    r"|[A-Za-z*][!#$%&'*+.^_`|~:/0-9A-Za-z-]*+"
    r"|:[A-Za-z0-9+/=]*+:"
    r"|\?[01])"
)
_PARAMETERS = rf"(?:; *+{_KEY}(?:={_BARE})?+)*+"
_ITEM = rf"{_BARE}{_PARAMETERS}"
_INNER = rf"\( *+(?:{_ITEM}(?: ++|(?=\))))*+\){_PARAMETERS}"
_MEMBER = rf"{_KEY}(?:=(?:{_INNER}|{_ITEM})|{_PARAMETERS})"
_DICTIONARY: Final = re.compile(rf" *+(?:{_MEMBER}(?:[ \t]*+,[ \t]*+{_MEMBER})*+)?+ *+")

# Referrer Policy, section 3; of those, the ones that send other sites no more than the origin, and nothing at all.
_POLICIES: Final = frozenset(
    {
        *("no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin", "unsafe-url"),
        *("origin-when-cross-origin", "strict-origin-when-cross-origin"),
    }
)
_NOTHING: Final = frozenset({"no-referrer", "same-origin"})
# What is wanted keeps the path for the page's own origin: of a part of a page only that tells its page, and with
# "no-referrer" a form of the site would be sent with "Origin: null".
_ENOUGH: Final = {
    "strict-origin-when-cross-origin": _NOTHING | {"strict-origin", "strict-origin-when-cross-origin"},
    "same-origin": _NOTHING,
}


def without_features(fields: Fields, features: Iterable[str]) -> tuple[tuple[bytes, bytes], ...]:
    """The fields of a page whose scripts and frames may not use these features ("geolocation").

    Field lines are joined before they are read, and of two members with the same name the last counts, so ours stands
    last. A line that cannot be read makes a browser pass over the whole field, ours with it: such a line says nothing
    to any browser, so it goes.
    """
    kept = [
        (name, value)
        for name, value in fields
        if name.lower() != b"permissions-policy" or _is_dictionary(value.decode("latin-1"))
    ]
    return (*kept, (b"Permissions-Policy", ", ".join(f"{feature}=()" for feature in features).encode("ascii")))


def _is_dictionary(text: str) -> bool:
    return bool(_DICTIONARY.fullmatch(text))


def with_referrer_policy(fields: Fields, wanted: str) -> tuple[tuple[bytes, bytes], ...]:
    """The fields with a Referrer-Policy of `wanted` ("strict-origin-when-cross-origin" or "same-origin"), unless the
    page's own tells other origins no more. Of several the last that a browser knows counts."""
    stated = ",".join(value.decode("latin-1") for name, value in fields if name.lower() == b"referrer-policy")
    known = [token for part in stated.split(",") if (token := part.strip().lower()) in _POLICIES]
    if known and known[-1] in _ENOUGH[wanted]:
        return tuple(fields)
    return (*fields, (b"Referrer-Policy", wanted.encode("ascii")))


def without_prefetched_names(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """The fields of a page for whose links no browser asks the name servers beforehand: no CSP covers that."""
    kept = [(name, value) for name, value in fields if name.lower() != b"x-dns-prefetch-control"]
    return (*kept, (b"X-DNS-Prefetch-Control", b"off"))


# What leads to a page or code that stands in the address itself: no guard is in it.
_LEADS_TO_TEXT: Final = re.compile(rb"(?:[^=]*=)?[\s;,0-9.'\"]*(?:data|javascript)\s*:", re.IGNORECASE)


def without_refresh_to_text(fields: Fields) -> tuple[tuple[bytes, bytes], ...]:
    """The fields without a `Refresh` that leads to a page in an address."""
    return tuple(
        (name, value) for name, value in fields if name.lower() != b"refresh" or not _LEADS_TO_TEXT.match(value)
    )


def with_tracking_status(fields: Fields, status: str) -> tuple[tuple[bytes, bytes], ...]:
    """The fields with the tracking status that the policy declares, in place of any other.

    Tracking Preference Expression, section 6.3: `Tk`, one field, one character.
    """
    kept = [(name, value) for name, value in fields if name.lower() != b"tk"]
    return (*kept, (b"Tk", status.encode("ascii")))
